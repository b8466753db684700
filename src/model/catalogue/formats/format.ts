/** The foreign formats, as people call them. */
export type FormatName = 'TensorFlow.js layers model' | 'rsr' | 'ncnn' | 'checkpoint';

/** How one foreign format is told from others, and which files a network of it consists of: all without reading its layers. */
export interface ModelFormat {
  readonly name: FormatName;
  /** Whether a file is of this format, by its name and first bytes. */
  accepts(path: string, bytes: Uint8Array): boolean;
  /**
   * Names of the files next to the main file, relative to its folder, that belong to it.
   * @throws MODEL_INVALID
   */
  companions(path: string, bytes: Uint8Array): string[];
}
