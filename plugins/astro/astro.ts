/** A picture of the project, as an import gives it; remote ones are URLs. */
export interface LocalPicture {
  readonly src: string;
  readonly width: number;
  readonly height: number;
  readonly format: string;
}

/** What Astro wants of a picture: the fields that matter here, of those that its components and `getImage` pass on. */
export interface Transform {
  src: LocalPicture | string;
  width?: number | undefined;
  height?: number | undefined;
  format?: string | undefined;
  fit?: string | undefined;
  widths?: number[] | undefined;
  densities?: (number | `${number}x`)[] | undefined;
  /** The layout, which Astro leaves here. */
  'data-astro-image'?: string | undefined;
  /** Ours: the identity of what enlarges, where something is to be enlarged. */
  upres?: string | undefined;
  [attribute: string]: unknown;
}

/** A candidate of a `srcset`. */
export interface Candidate {
  readonly transform: Transform;
  readonly descriptor?: string;
  readonly attributes?: Record<string, unknown>;
}

export interface ImageConfig {
  readonly service: { readonly config: unknown };
  readonly [name: string]: unknown;
}

/** The part of Astro's local image services (5, 6 and 7) that is composed here; the rest is passed on as it is. */
export interface LocalService {
  readonly propertiesToHash?: readonly string[];
  validateOptions?(options: Transform, config: ImageConfig): Transform | Promise<Transform>;
  getSrcSet?(options: Transform, config: ImageConfig): Candidate[] | Promise<Candidate[]>;
  getHTMLAttributes?(
    options: Transform,
    config: ImageConfig,
  ): Record<string, unknown> | Promise<Record<string, unknown>>;
  transform(
    input: Uint8Array,
    transform: Transform & { src: string },
    config: ImageConfig,
  ): Promise<{ data: Uint8Array; format: string }>;
}
