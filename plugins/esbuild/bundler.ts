/**
 * What the plugin needs of esbuild's interface for plugins. Written out, since Bun has the same with types of its own, and no one
 * should have to install both.
 */
export interface BundlerBuild {
  readonly initialOptions?: BundlerOptions;
  onResolve(
    options: { filter: RegExp; namespace?: string },
    callback: (args: ResolveArguments) => Promise<Resolved | undefined>,
  ): unknown;
  onLoad(
    options: { filter: RegExp; namespace?: string },
    callback: (args: LoadArguments) => Promise<Loaded | undefined>,
  ): unknown;
  resolve?(path: string, options: object): Promise<{ path: string; external: boolean; errors: readonly unknown[] }>;
  onEnd?(callback: (result: BuildResult) => Promise<{ errors?: Message[]; warnings?: Message[] }>): unknown;
  onDispose?(callback: () => void): unknown;
}

export interface BundlerOptions {
  absWorkingDir?: string;
  loader?: Readonly<Record<string, string>>;
  logLevel?: string;
  metafile?: boolean;
}

export interface ResolveArguments {
  readonly path: string;
  readonly importer: string;
  readonly namespace: string;
  readonly resolveDir?: string;
  readonly kind: string;
}

export interface LoadArguments {
  readonly path: string;
  readonly namespace: string;
}

export interface Message {
  readonly text: string;
}

export interface Resolved {
  path?: string;
  namespace?: string;
  suffix?: string;
  sideEffects?: boolean;
  errors?: Message[];
  watchFiles?: string[];
}

/** What esbuild can make of an image that is a file: one of its own, or a part of what names it. */
export const imageLoaders = ['file', 'copy', 'dataurl'] as const;
export type ImageLoader = (typeof imageLoaders)[number];

export type StyleLoader = 'css' | 'local-css';

export interface Loaded {
  contents?: string | Uint8Array;
  loader?: 'js' | ImageLoader | StyleLoader;
  resolveDir?: string;
  errors?: Message[];
  warnings?: Message[];
  watchFiles?: string[];
}

export interface BuildResult {
  readonly errors?: readonly unknown[];
  readonly outputFiles?: readonly { readonly path: string; readonly text: string }[] | undefined;
  readonly metafile?:
    { readonly outputs: Readonly<Record<string, { readonly inputs: Readonly<Record<string, unknown>> }>> } | undefined;
}

/** A plugin for esbuild and Bun. */
export interface UpresEsbuildPlugin {
  name: string;
  // A method, so that each tool's own and richer type of a build fits.
  setup(build: BundlerBuild): void;
}
