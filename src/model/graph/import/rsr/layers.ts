/** How large a network of this family is. */
export interface Size {
  readonly factor: number;
  /** Channels of the narrowest hidden layers. */
  readonly width: number;
  /** Logarithm to base 2 of the number of layers. */
  readonly logDepth: number;
  /** Nodes that average over the picture, for each channel; 0 for none. */
  readonly globals: number;
  /** Whether these nodes have a bias of their own. */
  readonly globalBias: boolean;
}

/** One parameter array: its name as messages call it, and its shape. */
export interface Parameter {
  readonly name: string;
  readonly dims: readonly number[];
}

/** Which activations a layer (counted from 0) reads, 0 being the picture: one back for every power of two that divides its place. */
export function sourcesOf(layer: number): number[] {
  const sources: number[] = [];
  for (let jump = 1; (layer + 1) % jump === 0 && jump <= layer + 1; jump *= 2) sources.push(layer + 1 - jump);
  return sources;
}

/** Channels of an activation, 0 being the picture: the more layers read it, the wider it is. */
export function channelsOf(activation: number, width: number): number {
  return activation === 0 ? 3 : width * sourcesOf(activation - 1).length;
}

/** Every array of such a network in the file's order. */
export function parametersOf({ factor, width, logDepth, globals, globalBias }: Size): Parameter[] {
  const layers = 2 ** logDepth;
  const list: Parameter[] = [];
  const add = (name: string, ...dims: number[]): void => void list.push({ name, dims });
  if (globals > 0) {
    add('gin.W', 3, 3 * globals);
    add('gin.S', 3, 1, 3 * globals);
  }
  for (let layer = 0; layer < layers; layer++) {
    const last = layer === layers - 1;
    const channels = last ? 3 * factor ** 2 : channelsOf(layer + 1, width);
    if (globals > 0) add(`b${layer}`, 1, 1, 1, channels);
    for (const source of sourcesOf(layer)) {
      const read = channelsOf(source, width);
      add(`K${layer}<-${source}`, channels, 3, 3, read);
      if (globals > 0) add(`V${layer}<-${source}`, globals * read, channels);
    }
    if (globals === 0) add(`b${layer}`, 1, 1, 1, channels);
    if (last) break;
    add(`S${layer}`, 3, 1, 1, 1, channels);
    if (globals === 0) continue;
    add(`G${layer}`, channels, globals * channels);
    if (globalBias) add(`h${layer}`, 1, globals * channels);
    add(`T${layer}`, 3, 1, globals * channels);
  }
  return list;
}
