import { relative } from 'node:path';
import { AssetPipeline, type PreparedAsset } from '#upres/asset/pipeline.js';
import { foreignKeys, parseQuery, type Directives } from '#upres/asset/directives.js';
import { splitUrl } from '#upres/asset/urls.js';
import { messageOf, UpresError } from '#upres/errors.js';
import type { ResolvedConfig } from 'vite';
import { normalizePath } from './normalize-path.js';
import { MissingFiles } from '#upres/asset/missing-files.js';
import { Dependents } from './dependents.js';
import { Net } from './net.js';
import type { UpresViteOptions } from './options.js';

/** Keys that Vite itself puts into queries, or reads there. */
const viteKeys: readonly string[] = ['import', 't', 'url', 'inline', 'no-inline'];

/** An asset, planned. */
export interface PlannedAsset {
  readonly plan: PreparedAsset;
  readonly query: string;
}

/** What `upscaling()` puts on a plugin. */
export interface UpscalingApi {
  readonly upscaled: ((environment: string, image: string, query: string) => void)[];
}

/** What the hooks of one plugin share: Vite's configuration and the pipeline. */
export class Session {
  readonly pipeline: AssetPipeline;
  /** Bytes that `auto` added to the site. */
  readonly auto = { files: new Map<string, number>() };
  readonly missingFiles = new MissingFiles();
  readonly dependents = new Dependents();
  /** Lists of whom `upscaling()` of `upres/imagetools` tells what it delivered. */
  private readonly upscaled: UpscalingApi['upscaled'][];
  readonly net = new Net((query) => parseQuery(query, viteKeys));
  readonly started = Date.now();
  /** How many environments are being built, and whether the last of them wrote what it had. */
  readonly builds = { underWay: 0, complete: false };

  constructor(
    readonly config: ResolvedConfig,
    readonly options: UpresViteOptions,
  ) {
    const warn = (message: string): void => {
      config.logger.warn(`upres: ${message}`);
    };
    this.pipeline = new AssetPipeline(options, { root: config.root, warn });
    const apis = config.plugins.map(({ api }) => api as Partial<UpscalingApi> | undefined);
    this.upscaled = apis.flatMap((api) => (api?.upscaled ? [api.upscaled] : []));
    for (const listeners of this.upscaled) {
      listeners.push((...delivered) => {
        this.net.deliver(...delivered);
      });
    }
  }

  /**
   * @param file absolute path
   * @param query with the key `upscale`, or directives
   */
  async plan(file: string, query: string | Directives): Promise<PlannedAsset> {
    const directives = typeof query === 'string' ? (parseQuery(query, viteKeys) ?? {}) : query;
    const plan = await this.pipeline.plan(file, directives);
    return { plan, query: typeof query === 'string' ? query : '' };
  }

  /** Whether `upscaling()` of `upres/imagetools` makes a picture: where the query asks for what only vite-imagetools does. */
  isForImagetools(query: string): boolean {
    return this.upscaled.length > 0 && foreignKeys(query).some((key) => !viteKeys.includes(key));
  }

  /** Starts a new report, and releases the threads. Whatever is asked for after that gets threads again. */
  async forget({ threads = true }: { threads?: boolean } = {}): Promise<void> {
    this.pipeline.report.clear();
    this.auto.files.clear();
    if (threads) await this.pipeline.close();
  }

  /** A path as people know it. */
  show(file: string): string {
    const path = normalizePath(relative(this.config.root, file));
    return path.startsWith('..') ? normalizePath(file) : path;
  }

  /**
   * An error as a build's log should have it.
   * @param where the file that asked, when it is another than the image
   */
  readable(error: unknown, url: string, where?: string): Error {
    const message = messageOf(error);
    const file = error instanceof UpresError && error.file !== undefined ? this.show(error.file) : undefined;
    const about = file !== undefined && !url.includes(file) ? `${file}: ` : '';
    const by = where === undefined ? '' : ` (in ${this.show(splitUrl(where).path)})`;
    return Object.assign(new Error(`${url}: ${about}${message}${by}`, { cause: error }), { name: 'UpresError' });
  }
}
