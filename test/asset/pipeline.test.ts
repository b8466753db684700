import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { checkDirectives, type LooseDirectives } from '#src/asset/directives.js';
import type { AssetOptions } from '#src/asset/options.js';
import { AssetPipeline, type RenderedVariant } from '#src/asset/pipeline.js';
import { Upscaler } from '#src/image/upscale.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { runChild } from '../support/child.js';
import { codeOf } from '../support/errors.js';
import { classifier, plainNetwork, smoothing } from '../support/networks.js';
import { makeSite, type Site } from './support/site.js';

const build = fileURLToPath(new URL('fixtures/build.js', import.meta.url));
const upscaler = new Upscaler();
const pipelines: AssetPipeline[] = [];
afterAll(async () => {
  await Promise.all([upscaler.dispose(), ...pipelines.map((each) => each.close())]);
});

function pipelineFor(site: Site, options: AssetOptions = {}): { pipeline: AssetPipeline; warnings: string[] } {
  const warnings: string[] = [];
  const warn = (message: string): void => {
    warnings.push(message);
  };
  const pipeline = new AssetPipeline({ cache: 'cache', ...options }, { root: site.root, warn });
  pipelines.push(pipeline);
  return { pipeline, warnings };
}

async function make(pipeline: AssetPipeline, file: string, own: LooseDirectives = {}): Promise<RenderedVariant[]> {
  const asset = await pipeline.plan(file, checkDirectives(own));
  return Promise.all(asset.variants.map((variant) => pipeline.render(asset, variant)));
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

describe('what is made', () => {
  it('is what the core makes, byte for byte, cold and warm and without a cache', async () => {
    const site = makeSite();
    const photo = await site.picture('photo.png', 24, 16);
    const expected = await upscaler.upscale(photo, { upscale: 3, model: 'art', format: 'webp', quality: 70 });
    const own = { upscale: 3, model: 'art', format: 'webp', quality: 70 };
    const statuses: string[] = [];
    for (const options of [{}, {}, { cache: false }] as const) {
      const { pipeline } = pipelineFor(site, options);
      const [result] = await make(pipeline, photo, own);
      expect(same(result!.data, expected.data)).toBe(true);
      expect(result).toMatchObject({ width: 72, height: 48, format: 'webp' });
      statuses.push(result!.status);
    }
    expect(statuses).toEqual(['computed', 'cached', 'computed']);
  });

  it('is what a network makes that does not enlarge, where the size stays and nothing else is asked for', async () => {
    const site = makeSite();
    const photo = await site.picture('photo.png', 24, 16);
    writeFileSync(join(site.root, 'smooth.onnx'), smoothing());
    writeFileSync(join(site.root, 'double.onnx'), plainNetwork());
    const { pipeline } = pipelineFor(site, { models: { smooth: 'smooth.onnx', double: 'double.onnx' } });
    const [smoothed] = await make(pipeline, photo, { upscale: 1, model: 'smooth' });
    expect(smoothed).toMatchObject({ width: 24, height: 16, status: 'computed' });
    expect(same(smoothed!.data, readFileSync(photo))).toBe(false);
    const { pipeline: later } = pipelineFor(site, { models: { smooth: 'smooth.onnx' } });
    const lookedAt = vi.spyOn(Upscaler.prototype, 'restores');
    const again = await later.plan(photo, checkDirectives({ upscale: 1, model: 'smooth' }));
    expect(await later.findCached(again, again.variants[0]!)).toMatchObject({ status: 'cached', data: smoothed!.data });
    // It would be prepared for that.
    expect(lookedAt).not.toHaveBeenCalled();
    lookedAt.mockRestore();
    for (const own of [
      { upscale: 1, model: 'double' },
      { upscale: 1, model: 'art' },
    ]) {
      const [asItWas] = await make(pipeline, photo, own);
      expect(asItWas!.status).toBe('verbatim');
      expect(same(asItWas!.data, readFileSync(photo))).toBe(true);
    }
    const two = await pipeline.plan(photo, checkDirectives({ upscale: 2, model: 'smooth' }));
    expect(await codeOf(pipeline.render(two, two.variants[0]!))).toBe('MODEL_UNSUPPORTED');
  });

  it('takes one run of the network for all formats, whether they are asked for together or by several build tools', async () => {
    const site = makeSite();
    const photo = await site.picture('photo.png', 90, 60);
    const own = { upscale: [1.5, 2], format: ['avif', 'webp', 'png'], as: 'picture' } as const;
    const network = vi.spyOn(ThreadSafeNetwork.prototype, 'upscaleImage');
    const made = await make(pipelineFor(site, { cache: false }).pipeline, photo, own);
    expect(network).toHaveBeenCalledTimes(1);
    const apart = (['avif', 'webp', 'png'] as const).map((format) =>
      make(pipelineFor(site, { cache: false }).pipeline, photo, { upscale: 2, format }),
    );
    const results = (await Promise.all(apart)).flat();
    expect(network).toHaveBeenCalledTimes(2);
    network.mockRestore();
    const doubled = made.filter(({ width }) => width === 180);
    expect(doubled.map(({ data }, index) => same(data, results[index]!.data))).toEqual([true, true, true]);
    expect(made.map(({ status }) => status)).toEqual(new Array(6).fill('computed'));
  });

  it('is the source itself where nothing is to be done, and an override where there is one', async () => {
    const site = makeSite();
    const logo = await site.picture('logo.png', 6, 6);
    const byHand = await site.picture('logo@2x.png', 12, 12, 2);
    const { pipeline } = pipelineFor(site);
    const [one, two] = await make(pipeline, logo, { upscale: [1, 2], as: 'srcset' });
    expect([one!.status, two!.status]).toEqual(['verbatim', 'override']);
    expect(same(one!.data, readFileSync(logo))).toBe(true);
    expect(same(two!.data, readFileSync(byHand))).toBe(true);
    const [converted] = await make(pipeline, logo, { upscale: 2, format: 'webp' });
    expect(converted).toMatchObject({ status: 'override', format: 'webp', width: 12, height: 12 });
  });

  it('comes from the bytes that a build tool has, not from the file', async () => {
    const site = makeSite();
    const logo = await site.picture('logo.png', 6, 6);
    const bytes = readFileSync(await site.picture('other.png', 7, 5));
    const { pipeline } = pipelineFor(site);
    const asset = await pipeline.plan(logo, { upscale: [1, 2], as: 'srcset' }, bytes);
    const made = await Promise.all(asset.variants.map((variant) => pipeline.render(asset, variant)));
    expect(same(made[0]!.data, bytes)).toBe(true);
    expect(made[1]).toMatchObject({ width: 14, height: 10 });
  });

  it('by networks of the user’s own, registered by label, relative to the root', async () => {
    const site = makeSite();
    const logo = await site.picture('logo.png', 6, 6);
    const network = site.file('networks/mine.onnx', plainNetwork());
    const { pipeline } = pipelineFor(site, { models: { mine: 'networks/mine.onnx' } });
    const [result] = await make(pipeline, logo, { model: 'mine' });
    expect(same(result!.data, (await upscaler.upscale(logo, { model: network })).data)).toBe(true);
    expect(await codeOf(make(pipeline, logo, { model: 'networks/mine.onnx' }))).toBe('BAD_ARGUMENT');
  });

  it('by the network that lies there now, also in a build that watches', async () => {
    const site = makeSite();
    const logo = await site.picture('logo.png', 6, 6);
    site.file('mine.onnx', plainNetwork({ seed: 1 }));
    const { pipeline } = pipelineFor(site, { models: { mine: 'mine.onnx' } });
    const [first] = await make(pipeline, logo, { model: 'mine' });
    const changed = plainNetwork({ seed: 5 });
    site.file('mine.onnx', changed);
    const elsewhere = site.file('elsewhere.onnx', changed);
    const [second] = await make(pipeline, logo, { model: 'mine' });
    expect(second!.status).toBe('computed');
    expect(same(first!.data, second!.data)).toBe(false);
    expect(same(second!.data, (await upscaler.upscale(logo, { model: elsewhere })).data)).toBe(true);
  });

  it('a preview is the same size, without a network, and not in the report', async () => {
    const site = makeSite();
    const logo = await site.picture('logo.png', 6, 6);
    const { pipeline } = pipelineFor(site);
    const asset = await pipeline.plan(logo, { upscale: [1, 2], as: 'srcset' });
    const [one, two] = await Promise.all(asset.variants.map((variant) => pipeline.preview(asset, variant)));
    expect(one!.status).toBe('verbatim');
    expect(two).toMatchObject({ status: 'resized', width: 12 });
    expect(same(two!.data, (await upscaler.resize(logo, { upscale: 2 })).data)).toBe(true);
    expect(pipeline.report.entries()).toEqual([]);
  });
});

describe('what goes wrong', () => {
  const broken = async (): Promise<{ site: Site; logo: string }> => {
    const site = makeSite();
    site.file('none.onnx', classifier());
    return { site, logo: await site.picture('logo.png', 6, 6) };
  };
  const models = { none: 'none.onnx' };

  it('fails the build, naming the file', async () => {
    const { site, logo } = await broken();
    const { pipeline, warnings } = pipelineFor(site, { models });
    await expect(make(pipeline, logo, { model: 'none' })).rejects.toMatchObject({ file: site.path('none.onnx') });
    const cut = site.file('cut.png', readFileSync(logo).subarray(0, 60));
    await expect(make(pipeline, cut)).rejects.toMatchObject({ code: 'INPUT_CORRUPT', file: cut });
    expect(warnings).toEqual([]);
    expect(pipeline.report.entries()).toEqual([]);
  });

  it('leaves the source as it is, says so, and goes on', async () => {
    const { site, logo } = await broken();
    const { pipeline, warnings } = pipelineFor(site, { maxOutputPixels: 100, onError: 'original' });
    const [result] = await make(pipeline, logo, { format: 'webp' });
    expect(result).toMatchObject({ status: 'original', format: 'png', width: 6, height: 6 });
    expect(same(result!.data, readFileSync(logo))).toBe(true);
    expect(warnings).toEqual([expect.stringContaining(`${logo}: `)]);
    expect(pipeline.report.table()[0]).toContain('left as it was: ');
  });

  it('fails, whatever the option, where every picture would: a network that is none', async () => {
    const { site, logo } = await broken();
    for (const onError of ['original', 'resize'] as const) {
      const { pipeline, warnings } = pipelineFor(site, { models, onError });
      expect(await codeOf(make(pipeline, logo, { model: 'none' }))).toBe('MODEL_UNSUPPORTED');
      expect(warnings).toEqual([]);
    }
  });

  it('fails where a picture can not even be resized', async () => {
    const site = makeSite();
    const photo = await site.picture('photo.png', 20, 20);
    const cut = site.file('cut.png', readFileSync(photo).subarray(0, 600));
    const { pipeline } = pipelineFor(site, { onError: 'resize' });
    await expect(make(pipeline, cut)).rejects.toMatchObject({ code: 'INPUT_CORRUPT', file: cut });
  });

  it('giving up is no failure that anything could take the place of', async () => {
    const { site, logo } = await broken();
    const { pipeline, warnings } = pipelineFor(site, { onError: 'original' });
    const asset = await pipeline.plan(logo, {});
    expect(await codeOf(pipeline.render(asset, asset.variants[0]!, { signal: AbortSignal.abort() }))).toBe('ABORTED');
    expect(warnings).toEqual([]);
  });

  it('more pixels than are allowed are refused, cold and warm', async () => {
    const site = makeSite();
    const photo = await site.picture('photo.png', 20, 10);
    const limited = pipelineFor(site, { maxOutputPixels: 799 }).pipeline;
    expect(await codeOf(make(limited, photo))).toBe('OUTPUT_TOO_LARGE');
    const [result] = await make(pipelineFor(site, { maxOutputPixels: 800 }).pipeline, photo);
    expect(result!.width).toBe(40);
    expect(await codeOf(make(limited, photo))).toBe('OUTPUT_TOO_LARGE');
  });

  it('a source that is missing or no image is an error that names it', async () => {
    const site = makeSite();
    const { pipeline } = pipelineFor(site, { onError: 'original' });
    await expect(pipeline.plan(site.path('none.png'), {})).rejects.toMatchObject({
      code: 'INPUT_NOT_FOUND',
      file: site.path('none.png'),
    });
    const text = site.file('text.png', 'no picture');
    await expect(pipeline.plan(text, {})).rejects.toMatchObject({ code: 'UNSUPPORTED_FORMAT', file: text });
  });

  it('a cache that can not be written costs one warning, and the results are right', async () => {
    const site = makeSite();
    const logo = await site.picture('logo.png', 6, 6);
    site.file('a-file', '');
    const { pipeline, warnings } = pipelineFor(site, { cache: 'a-file/cache' });
    const results = await make(pipeline, logo, { upscale: [2, 3], as: 'srcset' });
    expect(results.map(({ status, width }) => `${status} ${width}`)).toEqual(['computed 12', 'computed 18']);
    expect(warnings).toEqual([expect.stringContaining('results are not cached')]);
  });
});

describe('when a build is complete', () => {
  it('a table goes into the log, and no page is written unasked', async () => {
    const site = makeSite();
    const { pipeline } = pipelineFor(site);
    await make(pipeline, await site.picture('logo.png', 6, 6), { upscale: [1, 2], as: 'srcset' });
    const lines: string[] = [];
    await pipeline.finish((line) => lines.push(line));
    expect(lines).toEqual([
      expect.stringMatching(/^logo\.png +6×6 → 6×6 /),
      expect.stringMatching(/^logo@2x\.png +6×6 → 12×12 .*nearest \(.*\), \d+\.\d s$/),
      expect.stringMatching(/^2 pictures \(1 computed, 1 as they were\), /),
    ]);
    expect(readdirSync(site.root).sort()).toEqual(['cache', 'logo.png']);
  });

  it.each([
    [true, 'upres-report.html'],
    ['reports/new/page.html', 'reports/new/page.html'],
  ])('a page is written where the options ask for it: %s', async (report, name) => {
    const site = makeSite();
    const { pipeline } = pipelineFor(site, { report });
    const logo = await site.picture('logo.png', 6, 6);
    const [result] = await make(pipeline, logo);
    const lines: string[] = [];
    await pipeline.finish((line) => lines.push(line));
    expect(lines.at(-1)).toBe(`before and after of each: ${join(name)}`);
    const page = readFileSync(site.path(name), 'utf8');
    expect(page).toContain(readFileSync(logo).toString('base64'));
    expect(page).toContain(Buffer.from(result!.data).toString('base64'));
  });

  it('says nothing and writes nothing where nothing was done', async () => {
    const site = makeSite();
    const lines: string[] = [];
    await pipelineFor(site, { report: true }).pipeline.finish((line) => lines.push(line));
    expect(lines).toEqual([]);
    expect(existsSync(site.path('upres-report.html'))).toBe(false);
  });

  it('a page that can not be written is an error', async () => {
    const site = makeSite();
    mkdirSync(site.path('page.html'));
    const { pipeline } = pipelineFor(site, { report: 'page.html' });
    await make(pipeline, await site.picture('logo.png', 6, 6));
    await expect(pipeline.writeReport()).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
      file: site.path('page.html'),
    });
  });
});

describe('a whole build in a process of its own', () => {
  it('computes once; then neither the runtime for networks nor a decoder is even loaded, and what changed is computed alone', async () => {
    const site = makeSite();
    await site.picture('a.png', 8, 8);
    await site.picture('b.png', 9, 9);
    const run = async (): Promise<string[]> => {
      const { code, stdout, stderr } = await runChild(build, [site.root, 'a.png', 'b.png']);
      expect([code, stderr]).toEqual([0, '']);
      return stdout.trim().split('\n');
    };
    expect(await run()).toEqual([
      'a.png verbatim computed computed',
      'b.png verbatim computed computed',
      'loaded onnxruntime sharp',
    ]);
    expect(await run()).toEqual(['a.png verbatim cached cached', 'b.png verbatim cached cached', 'loaded']);
    await site.picture('b.png', 9, 9, 7);
    expect(await run()).toEqual([
      'a.png verbatim cached cached',
      'b.png verbatim computed computed',
      'loaded onnxruntime sharp',
    ]);
  });

  it('two at once make the same, and a killed one leaves nothing wrong', async () => {
    const site = makeSite();
    const files: string[] = [];
    for (let i = 0; i < 6; i++) files.push(await site.picture(`${i}.png`, 16 + i, 16, i));
    const arguments_ = [site.root, ...files];
    const killed = await runChild(build, arguments_, {
      onLine: (_, child) => {
        child.kill('SIGKILL');
      },
    });
    expect(killed.signal).toBe('SIGKILL');
    const both = await Promise.all([runChild(build, arguments_), runChild(build, arguments_)]);
    expect(both.map(({ code, stderr }) => [code, stderr])).toEqual([
      [0, ''],
      [0, ''],
    ]);
    const { pipeline } = pipelineFor(site, { model: 'art' });
    for (const file of files) {
      const [result] = await make(pipeline, file);
      expect(result!.status).toBe('cached');
      expect(same(result!.data, (await upscaler.upscale(file, { model: 'art' })).data)).toBe(true);
    }
  });

  it('mends a cache in which every file was damaged', async () => {
    const site = makeSite();
    await site.picture('a.png', 8, 8);
    const first = await runChild(build, [site.root, 'a.png']);
    expect(first.code).toBe(0);
    const content = readdirSync(site.path('cache/content-v2'), {
      recursive: true,
      encoding: 'utf8',
      withFileTypes: true,
    });
    for (const file of content.filter((each) => each.isFile()))
      writeFileSync(join(file.parentPath, file.name), 'damaged');
    const second = await runChild(build, [site.root, 'a.png']);
    expect(second.stdout).toContain('a.png verbatim computed computed');
    const third = await runChild(build, [site.root, 'a.png']);
    expect(third.stdout).toContain('a.png verbatim cached cached');
  });
});
