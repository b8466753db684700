import type { BundleFile } from '#upres/asset/unresolved-directives.js';

/**
 * What the plugin needs of a bundler with Rollup's interface. Written out, since the types of Rollup and Rolldown don't fit each
 * other, and no one should have to install both.
 */
export interface BundlerContext {
  readonly meta: { readonly watchMode?: boolean; readonly rolldownVersion?: string };
  addWatchFile(file: string): void;
  /** @returns what stands for the file until its name is known */
  emitFile(file: { type: 'asset'; name: string; source: Uint8Array }): string;
  error(message: string): never;
  warn(message: string): void;
  info(message: string): void;
  /** @param options of both: Rollup knows `jsx`, and Rolldown `lang` */
  parse(code: string, options?: { jsx?: boolean; lang?: ScriptKind }): unknown;
  getModuleIds(): Iterable<string>;
  resolve(
    source: string,
    importer?: string,
    options?: { skipSelf?: boolean },
  ): Promise<{ readonly id: string; readonly external?: unknown } | null>;
}

/** What Rolldown parses. */
export const scriptKinds = ['js', 'jsx', 'ts', 'tsx'] as const;
type ScriptKind = (typeof scriptKinds)[number];

interface Resolved {
  readonly id: string;
  readonly external?: boolean;
  readonly moduleSideEffects?: boolean;
}

interface Loaded {
  readonly code: string;
  readonly map: null;
  /** Read by Rolldown. */
  readonly moduleType?: 'js';
}

/** A hook that goes before those of other plugins, which may have rules for images, too. */
interface First<Hook> {
  readonly order: 'pre';
  readonly handler: Hook;
}

/** A plugin for Rollup and Rolldown. */
export interface UpresRollupPlugin {
  /** For messages of the bundler. */
  readonly name: 'upres';
  /** @internal */
  readonly resolveId: First<
    (this: BundlerContext, source: string, importer: string | undefined) => Promise<Resolved | null>
  >;
  /** @internal */
  readonly load: First<(this: BundlerContext, id: string) => Promise<Loaded | null>>;
  /** @internal */
  readonly transform: (
    this: BundlerContext,
    code: string,
    id: string,
    /** Rollup's have no type. */
    facts?: { readonly moduleType?: string; readonly attributes?: object },
  ) => Promise<{ code: string; map: string } | null>;
  /** @internal */
  readonly generateBundle: {
    readonly order: 'post';
    readonly handler: (
      this: BundlerContext,
      options: unknown,
      bundle: Readonly<Record<string, BundleFile>>,
    ) => Promise<void>;
  };
  /** @internal */
  readonly closeBundle: (this: BundlerContext) => Promise<void>;
  /** @internal */
  readonly closeWatcher: () => Promise<void>;
}
