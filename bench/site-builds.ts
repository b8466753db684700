import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Built } from './children/build.js';
import type { Setting } from './measurement.js';
import { childProgram } from './paths.js';
import { runNode } from './run-child.js';
import { factor, pictureFolder, writePages, writePictures } from './site-files.js';

export const tools = ['vite', 'webpack', 'gulp'] as const;
export type Tool = (typeof tools)[number];

/** With the plugin and an empty cache, with the plugin and a cache that holds all, and without the plugin. */
const ways = ['cold', 'warm', 'plain'] as const;
export type Way = (typeof ways)[number];

/** What is compared: the engine alone, which builds nothing, and a tool's builds. */
export type Piece = 'engine' | `${Tool} ${Way}`;

/** A site with small pictures, and the same with pictures that were upscaled beforehand. */
export class Site {
  private count = 0;

  private constructor(
    private readonly setting: Setting,
    private readonly folder: string,
    private readonly small: string,
    private readonly upscaled: string,
    /** What is in the upscaled pictures' files. */
    private readonly expected: readonly string[],
    /** Bytes of all upscaled pictures. */
    readonly resultBytes: number,
  ) {}

  static async make(setting: Setting, pictures: number): Promise<Site> {
    const folder = join(setting.folder, `site-${pictures}`);
    const [small, upscaled] = [join(folder, 'small'), join(folder, 'upscaled')];
    await writePictures(small, pictures);
    // Prepares the weights, too.
    await runNode([childProgram('upscale-site'), small, upscaled], setting);
    await writePages(small, `?upscale=${factor}`);
    await writePages(upscaled, '');
    const { hashes, bytes } = await look(join(upscaled, pictureFolder));
    const site = new Site(setting, folder, small, upscaled, hashes, bytes);
    // Tools share what was computed, so after one of them all are warm.
    await site.build('gulp', 'warm');
    return site;
  }

  /** Everything that is compared. */
  get pieces(): Record<Piece, () => Promise<Built>> {
    const builds = tools.flatMap((tool) => ways.map((way) => [`${tool} ${way}`, () => this.build(tool, way)] as const));
    return { engine: () => this.engine(), ...Object.fromEntries(builds) } as Record<Piece, () => Promise<Built>>;
  }

  /** Peak memory in bytes of one run of each. */
  async peaks(): Promise<Record<Piece, number>> {
    const peaks: Partial<Record<Piece, number>> = {};
    for (const [piece, run] of Object.entries(this.pieces)) peaks[piece as Piece] = (await run()).peakBytes;
    return peaks as Record<Piece, number>;
  }

  /** With the plugin and its cache, where nothing asks for it. */
  idle(tool: Tool): Promise<Built> {
    return this.build(tool, 'idle');
  }

  private async engine(): Promise<Built> {
    return figuresOf(await runNode([childProgram('upscale-site'), this.small], this.setting));
  }

  private async build(tool: Tool, way: Way | 'idle'): Promise<Built> {
    const out = join(this.folder, `out-${this.count++}`);
    const cache = way === 'plain' ? [] : [way === 'cold' ? `${out}-cache` : join(this.folder, 'kept')];
    const site = way === 'plain' || way === 'idle' ? this.upscaled : this.small;
    const built = figuresOf(await runNode([childProgram(`build-${tool}`), site, out, ...cache], this.setting));
    await this.check(out, `${tool} ${way}`);
    if (way === 'cold') await rm(cache[0]!, { recursive: true });
    await rm(out, { recursive: true });
    return built;
  }

  /** All ways must make the same pictures, or the comparison means nothing. Vite puts the smallest into the code. */
  private async check(out: string, what: string): Promise<void> {
    const { hashes } = await look(out);
    const unexpected = hashes.filter((hash) => !this.expected.includes(hash));
    if (unexpected.length > 0 || hashes.length < this.expected.length / 2) {
      throw new Error(`${what} gave other pictures than the engine: ${unexpected.length} of ${hashes.length} differ`);
    }
  }
}

function figuresOf({ stdout }: { stdout: string }): Built {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Built;
}

async function look(folder: string): Promise<{ hashes: string[]; bytes: number }> {
  const names = await readdir(folder, { recursive: true });
  const pictures = names.filter((name) => /\.(?:png|jpg|webp)$/.test(name));
  const contents = await Promise.all(pictures.map((name) => readFile(join(folder, name))));
  const hashes = contents.map((content) => createHash('sha256').update(content).digest('hex'));
  return { hashes, bytes: contents.reduce((sum, { byteLength }) => sum + byteLength, 0) };
}
