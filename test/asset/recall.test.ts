import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { checkDirectives, type LooseDirectives } from '#src/asset/directives.js';
import { LineRecord } from '#src/asset/cache/line-record.js';
import type { AssetOptions } from '#src/asset/options.js';
import { AssetPipeline } from '#src/asset/pipeline.js';
import { assetsFile, Recall } from '#src/asset/recall.js';
import type { AssetFile, RenderedVariant } from '#src/asset/rendered.js';
import { resolveDirectives } from '#src/asset/resolve.js';
import { plainNetwork } from '../support/networks.js';
import { makeSite, type Site } from './support/site.js';

const pipelines: AssetPipeline[] = [];
afterAll(() => Promise.all(pipelines.map((each) => each.close())));

/** The records of this process, which another one would not have. */
const records = (LineRecord as unknown as { byFile: Map<string, LineRecord> }).byFile;

/** What a new process would find: its files, how they came to be, and whether anything was planned for it. */
async function make(
  site: Site,
  file: string,
  own: LooseDirectives = { upscale: 2 },
  options: AssetOptions = {},
): Promise<{ files: readonly AssetFile[]; statuses: string[]; planned: boolean; said: string }> {
  records.clear();
  const given = { cache: 'cache', model: 'nearest', ...options };
  const pipeline = new AssetPipeline(given, { root: site.root, warn: () => undefined });
  pipelines.push(pipeline);
  const plan = vi.spyOn(pipeline, 'plan');
  const files = await pipeline.renderAll(file, checkDirectives(own), readFileSync(file));
  const statuses = files.map(({ rendered }) => rendered.status);
  return { files, statuses, planned: plan.mock.calls.length > 0, said: pipeline.report.summary() };
}

let site: Site;
let file: string;
beforeEach(async () => {
  site = makeSite();
  file = await site.picture('img/a.png', 6, 4);
});

describe('what was made before', () => {
  it.each<[string, LooseDirectives, string[]]>([
    ['one size', { upscale: 2 }, ['cached']],
    [
      'several sizes, one of them the source’s',
      { upscale: [1, 2, 3], as: 'picture' },
      ['verbatim', 'cached', 'cached'],
    ],
    ['several formats', { upscale: 2, format: ['png', 'webp'], as: 'picture' }, ['cached', 'cached']],
    ['a width', { width: 9 }, ['cached']],
    ['a least width', { minWidth: 20 }, ['cached']],
    ['a quality', { upscale: 2, format: 'jpeg', quality: 30 }, ['cached']],
  ])('is the same, and is not planned: %s', async (_, own, statuses) => {
    const first = await make(site, file, own);
    const second = await make(site, file, own);
    expect([first.planned, second.planned]).toEqual([true, false]);
    expect(second.statuses).toEqual(statuses);
    expect(second.said).toBe(first.said.replace(/\d computed/, (text) => text.replace('computed', 'from the cache')));
    const comparable = (files: readonly AssetFile[]): unknown =>
      files.map(({ rendered: { data, format, width, height }, ...facts }) => ({
        ...facts,
        data: Buffer.from(data).toString('base64'),
        format,
        width,
        height,
      }));
    expect(comparable(second.files)).toEqual(comparable(first.files));
  });

  it.each<[string, () => unknown, LooseDirectives?, AssetOptions?]>([
    [
      'other bytes',
      async () => {
        writeFileSync(file, readFileSync(await site.picture('b.png', 6, 4, 2)));
      },
    ],
    ['another size', () => undefined, { upscale: 3 }],
    ['another network', () => undefined, { upscale: 2 }, { model: 'bicubic' }],
    ['another format', () => undefined, { upscale: 2 }, { defaults: { include: 'img/*', format: 'webp' } }],
    ['another quality', () => undefined, { upscale: 2, format: 'webp' }, { quality: 20 }],
    ['another limit', () => undefined, { upscale: 2 }, { maxOutputPixels: 1000 }],
    ['a preset that says something else', () => undefined, { preset: 'p' }, { presets: { p: 'upscale=4' } }],
    ['a picture that someone made by hand since', () => site.picture('img/a@2x.png', 12, 8, 3)],
    [
      'a result that is no more there',
      () => {
        rmSync(site.path('cache/content-v2'), { recursive: true });
      },
    ],
    [
      'a result that is damaged',
      () => {
        overAll(site.path('cache/content-v2'), (bytes) => bytes.subarray(-9).fill(1));
      },
    ],
    [
      'a record that is damaged',
      () => {
        overAll(site.path('cache'), (bytes) => bytes.fill(65, 60, 70), assetsFile);
      },
    ],
    [
      'a secret by which results are believed',
      () => undefined,
      { upscale: 2 },
      { cache: { folder: 'cache', key: 'k' } },
    ],
  ])('is no answer for %s', async (_, change, own, options) => {
    await make(site, file);
    await change();
    expect((await make(site, file, own, options)).planned).toBe(true);
  });

  it('has the names of a file’s own, though another one has its bytes', async () => {
    await make(site, file);
    const other = site.file('img/b.png', readFileSync(file));
    const { files, planned } = await make(site, other);
    expect([files.map(({ name }) => name), planned]).toEqual([['b@2x.png'], true]);
  });

  it('is mended where it was damaged, and known again', async () => {
    const first = await make(site, file);
    overAll(site.path('cache/content-v2'), (bytes) => bytes.subarray(-9).fill(1));
    const second = await make(site, file);
    expect(second.statuses).toEqual(['computed']);
    expect(Buffer.compare(second.files[0]!.rendered.data, first.files[0]!.rendered.data)).toBe(0);
    expect((await make(site, file)).planned).toBe(false);
  });

  it('is not kept of what is not simple: networks of one’s own, failures, no cache', async () => {
    const own = site.file('own.onnx', plainNetwork());
    const bad = site.file('img/bad.png', readFileSync(file).subarray(0, -30));
    await make(site, file, { upscale: 2 }, { models: { own }, model: 'own' });
    await make(site, bad, { upscale: 2 }, { onError: 'original' });
    await make(site, file, { upscale: 2 }, { cache: false });
    expect(readdirSync(site.path('cache'))).not.toContain(assetsFile);
  });

  it.each(['cpu', 'wasm', 'webgpu'] as const)('is kept of processors alone: %s', async (device) => {
    const { files } = await make(site, file);
    const source = readFileSync(file);
    const resolved = resolveDirectives(file, checkDirectives({ upscale: 2 }), { model: 'nearest' }, site.root);
    const info = { format: 'png', width: 6, height: 4, frames: 1, alpha: false, grey: false, depth: 8 } as const;
    const recall = new Recall(site.path('cache'), device);
    const asset = await recall.of(file, resolved, createHash('sha256').update(source).digest('hex'));
    await asset?.add({ info, missing: [], ownInPlace: [], variants: files }, 0, { ...files[0]!, device });
    expect((await recall.find(file, resolved, source)) !== undefined).toBe(device !== 'webgpu');
  });
});

describe('what was made before, file by file', () => {
  const own: LooseDirectives = { upscale: [1, 2, 3], as: 'picture' };

  /** What a new process would get one after the other, in another order than they are planned. */
  async function render(): Promise<{ statuses: string[]; hashes: string[] }> {
    records.clear();
    const pipeline = new AssetPipeline(
      { cache: 'cache', model: 'nearest' },
      { root: site.root, warn: () => undefined },
    );
    pipelines.push(pipeline);
    const plan = await pipeline.plan(file, checkDirectives(own));
    const made: RenderedVariant[] = [];
    for (const variant of plan.variants.toReversed()) made.unshift(await pipeline.render(plan, variant));
    for (const [index, variant] of plan.variants.entries()) {
      expect((await pipeline.findCached(plan, variant))?.data).toEqual(made[index]!.data);
    }
    const hashes = made.map(({ data }) => createHash('sha256').update(data).digest('hex'));
    return { statuses: made.map(({ status }) => status), hashes };
  }

  // The index is how results are found that are not recalled.
  it.each<[string, () => unknown, string[]]>([
    ['nothing has changed', () => undefined, ['verbatim', 'cached', 'cached']],
    ['the index is gone', removeIndex, ['verbatim', 'cached', 'cached']],
    [
      'a picture made by hand takes one’s place',
      async () => {
        removeIndex();
        await site.picture('img/a@2x.png', 12, 8, 3);
      },
      ['verbatim', 'override', 'cached'],
    ],
    [
      'results are damaged',
      () => {
        overAll(site.path('cache/content-v2'), (bytes) => bytes.subarray(-9).fill(1));
      },
      ['verbatim', 'computed', 'computed'],
    ],
    [
      'the source has other bytes',
      async () => {
        writeFileSync(file, readFileSync(await site.picture('b.png', 6, 4, 2)));
      },
      ['verbatim', 'computed', 'computed'],
    ],
  ])('is what it would be without the record: %s', async (_, change, statuses) => {
    await render();
    await change();
    const second = await render();
    expect(second.statuses).toEqual(statuses);
    rmSync(site.path('cache'), { recursive: true });
    expect((await render()).hashes).toEqual(second.hashes);
  });

  it('is not remembered before all files of the asset are there', async () => {
    const pipeline = new AssetPipeline(
      { cache: 'cache', model: 'nearest' },
      { root: site.root, warn: () => undefined },
    );
    pipelines.push(pipeline);
    const plan = await pipeline.plan(file, checkDirectives(own));
    await pipeline.render(plan, plan.variants[2]!);
    expect(readdirSync(site.path('cache'))).not.toContain(assetsFile);
  });

  function removeIndex(): void {
    rmSync(site.path('cache/index-v5'), { recursive: true });
  }
});

/** Changes the bytes of all files in a folder, or of those that are called so. */
function overAll(folder: string, change: (bytes: Buffer) => void, called = ''): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(called)) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = readFileSync(path);
    change(bytes);
    writeFileSync(path, bytes);
  }
}
