import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { encode } from '#src/image/codec/encode.js';
import { dering } from '#src/image/dering/dering.js';
import { enlargeFrames } from '#src/image/enlarge.js';
import type { NetworkChain } from '#src/image/network-chain.js';
import { Networks } from '#src/image/networks.js';
import type { UpscaleOptions } from '#src/image/options.js';
import { PictureTimer } from '#src/image/picture-timer.js';
import { pictureCost, planPicture, type Plan } from '#src/image/plan.js';
import { encodeStrips } from '#src/image/strips/encode-strips.js';
import { enlargeInStrips } from '#src/image/strips/enlarge-strips.js';
import { cutFor, stripCost, type Cut } from '#src/image/strips/in-strips.js';
import { StripFile } from '#src/image/strips/strip-file.js';
import { workingProcessor } from '#src/network/processor.js';
import type { PixelImage, Progress } from '#src/pixels.js';
import type { DoRows } from '#src/row-work.js';
import { onSharedMemory } from '#src/shared-pixels.js';
import { takeShared } from '#src/spare-memory.js';
import { drawing, noise } from '../support/pictures.js';
import { largestDifference, picture, plainSettings, scene, type Value } from './fixtures.js';

let folder: string;
const networks = new Networks({ threads: 2 });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'upres-strips-test-'));
  // What is left behind is seen.
  vi.stubEnv('TMPDIR', folder);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await networks.dispose();
  await rm(folder, { recursive: true, force: true });
});

const [width, height] = [41, 90];

/** An edge of two colours, its pixels the means of areas. */
const slanted: Value = (x, y) => {
  const inside = Math.min(1, Math.max(0, x + y / 3 - 34.3));
  return [240, 230, 20].map((level, at) => Math.round(level + inside * ([20, 60, 140][at]! - level)));
};

async function plane(value: Value): Promise<PixelImage> {
  const data = await picture(width, height, 3, value).raw().toBuffer();
  return { width, height, channels: 3, data };
}

/** The same edge as Lanczos leaves it: brighter and darker next to it than either colour. */
async function ringing(): Promise<PixelImage> {
  const twice = picture(2 * width, 2 * height, 3, (x, y) => slanted(Math.floor(x / 2), Math.floor(y / 2)));
  const data = await twice.resize(width, height, { kernel: 'lanczos3' }).raw().toBuffer();
  return { width, height, channels: 3, data };
}

const sources: readonly (readonly [what: string, source: () => PixelImage | Promise<PixelImage>])[] = [
  ['an edge, areas averaged', () => plane(slanted)],
  ['an edge that rings', () => ringing()],
  ['a drawing', () => drawing(width, height, 3, 4)],
  ['a grey drawing', () => drawing(width, height, 1, 5)],
  ['noise', () => noise(width, height)],
  ['grey noise', () => noise(width, height, 1)],
  ['a scene', () => plane(scene)],
  ['one colour', () => plane(() => [90, 180, 200])],
];

const call = { signal: new AbortController().signal };
const chainOf = async (model: string, factor: number): Promise<NetworkChain> =>
  networks.chainAtLeast(model, factor, await workingProcessor());

async function whole(source: PixelImage, chain: NetworkChain): Promise<PixelImage> {
  const frames = [{ colour: source, alpha: undefined }];
  const [frame] = await enlargeFrames(frames, { colour: chain, alpha: chain }, call, new PictureTimer());
  return frame!.colour;
}

const stripsOf = (source: PixelImage, chain: NetworkChain, cut: Partial<Cut> = {}): Promise<{ file: StripFile }> =>
  enlargeInStrips(source, chain, { rows: 16, around: chain.exactReach!, ...cut }, call, new PictureTimer());

/** A plan for a picture too large to be made here. */
const planOf = (options: UpscaleOptions, header: Partial<Plan['header']> = {}): Plan => {
  const all = { ...large, format: 'jpeg', ...header } as Plan['header'];
  return planPicture(all, { maxInputPixels: Infinity, maxOutputPixels: Infinity, ...options }, undefined);
};
const large = { width: 12_000, height: 8000, frames: 1, lostFrames: 0, depth: 8, grey: false, alpha: false };

describe.each([
  ['natural', 2],
  ['art', 2],
  ['natural-jpeg', 2],
  ['art-jpeg', 2],
  ['natural', 3],
  ['natural', 8],
  ['real', 4],
  ['bicubic', 2],
  ['nearest', 2],
])('strips by %s ×%i', (model, factor) => {
  it.each(model === 'natural' && factor === 2 ? sources : sources.slice(1, model === 'real' ? 2 : 4))(
    'equal the whole: %s',
    async (_, make) => {
      const source = await make();
      const chain = await chainOf(model, factor);
      const expected = await whole(source, chain);
      const { file } = await stripsOf(source, chain);
      try {
        expect(file).toMatchObject({ width: expected.width, height: expected.height, channels: expected.channels });
        expect(largestDifference(await file.readRows(0, file.height), expected.data)).toBe(0);
      } finally {
        await file.remove();
      }
      expect(await readdir(folder)).toEqual([]);
    },
  );
});

it('the source of a single strip is not used again while it is needed', async () => {
  const source = await onSharedMemory(drawing(width, height, 3, 4));
  const chain = await chainOf('natural', 2);
  const expected = await whole({ ...source, data: source.data.slice() }, chain);
  // Another picture of the same size comes along before each piece of work.
  const others = new Set<SharedArrayBuffer>();
  const doRows = chain.doRows(call);
  const crowded = Object.create(chain, {
    doRows: {
      value: (): DoRows => (work, given, rows, steps) => {
        const memory = takeShared(source.data.byteLength);
        new Uint8Array(memory).fill(7);
        others.add(memory);
        return doRows(work, given, rows, steps);
      },
    },
  }) as NetworkChain;
  const { file } = await stripsOf(source, crowded, { rows: height });
  const pixels = await file.readRows(0, file.height);
  await file.remove();
  expect(others.size).toBeGreaterThan(0);
  expect(largestDifference(pixels, expected.data)).toBe(0);
});

it('means of areas hold in one of the edges and not in the other', async () => {
  const chain = await chainOf('natural', 2);
  const treated = await Promise.all(
    sources.slice(0, 2).map(async ([, make]) => {
      const source = await make();
      const enlarged = await chain.enlarge(source, call);
      return (await dering(enlarged, source, 'faithful'))?.means;
    }),
  );
  expect(treated).toEqual([true, false]);
});

it('too little context shows', async () => {
  const source = noise(width, height);
  const chain = await chainOf('natural', 2);
  const { file } = await stripsOf(source, chain, { around: 2 });
  const pixels = await file.readRows(0, file.height);
  await file.remove();
  expect(largestDifference(pixels, (await whole(source, chain)).data)).toBeGreaterThan(0);
});

it('progress adds up to the whole, without the context', async () => {
  const source = noise(width, height);
  const chain = await chainOf('natural', 2);
  const told: Progress[] = [];
  const cut = { rows: 32, around: chain.exactReach! };
  const onProgress = (step: Progress): void => void told.push(step);
  const { file } = await enlargeInStrips(source, chain, cut, { ...call, onProgress }, new PictureTimer());
  await file.remove();
  const done = told.map(({ donePixels }) => donePixels);
  expect(done).toEqual([...done].sort((one, other) => one - other));
  expect(told.at(-1)).toEqual({ donePixels: width * height, totalPixels: width * height });
});

it('nothing is left when it is given up', async () => {
  const chain = await chainOf('natural', 2);
  const controller = new AbortController();
  const cut = { rows: 16, around: chain.exactReach! };
  const onProgress = (): void => {
    controller.abort();
  };
  const making = enlargeInStrips(
    noise(width, height),
    chain,
    cut,
    { signal: controller.signal, onProgress },
    new PictureTimer(),
  );
  await expect(making).rejects.toMatchObject({ code: 'ABORTED' });
  expect(await readdir(folder)).toEqual([]);
});

it.each(['process.exit(1)', 'throw new Error("a tool fails")'])(
  'nothing is left by a process that ends: %s',
  async (end) => {
    const program = `
    const { StripFile } = await import(${JSON.stringify(import.meta.resolve('#src/image/strips/strip-file.js'))});
    await StripFile.create({ width: 4, height: 4, channels: 3 });
    console.log(require('node:fs').readdirSync(process.env.TMPDIR).length);
    ${end};`;
    const args = ['-e', `(async () => {${program}})()`];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '1\n' });
    expect(await readdir(folder)).toEqual([]);
  },
);

it('what a process that was killed left is removed a week later, by the next one', async () => {
  const week = 7 * 24 * 3600;
  for (const [name, seconds] of [
    ['upres-strips-old', week + 60],
    ['upres-strips-new', week - 600],
    ['others', 2 * week],
  ] as const) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'pixels.tif'), '');
    const then = Date.now() / 1000 - seconds;
    await utimes(join(folder, name), then, then);
  }
  const file = await StripFile.create({ width: 4, height: 4, channels: 3 });
  await file.remove();
  await file.remove();
  expect((await readdir(folder)).sort()).toEqual(['others', 'upres-strips-new']);
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true });
});

it('names the folder that can’t be used', async () => {
  vi.stubEnv('TMPDIR', join(folder, 'nowhere'));
  try {
    await expect(StripFile.create({ width: 4, height: 4, channels: 3 })).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
      message: expect.stringContaining('TMPDIR') as string,
    });
  } finally {
    vi.stubEnv('TMPDIR', folder);
  }
});

describe('a file of strips', () => {
  const settings = { ...plainSettings, quality: undefined, lossless: false };
  const pictures = [
    ['noise', noise(300, 130)],
    ['grey noise', noise(300, 130, 1)],
    ['a drawing', drawing(300, 130)],
    [
      'few colours',
      { width: 300, height: 130, channels: 3, data: noise(300, 390, 1).data.map((value) => value & 128) },
    ],
    [
      'few levels of grey',
      { width: 300, height: 130, channels: 1, data: noise(300, 130, 1).data.map((value) => (value >> 6) * 85) },
    ],
  ] as const satisfies readonly (readonly [string, PixelImage])[];

  it.each(
    pictures.flatMap(([what, pixels]) =>
      (['jpeg', 'png', 'tiff'] as const).map((format) => [what, format, pixels] as const),
    ),
  )('is encoded as pixels in memory are: %s, %s', async (_, format, pixels) => {
    const file = await StripFile.create(pixels);
    try {
      const row = pixels.width * pixels.channels;
      // The last rows first.
      for (const first of [64, 0])
        await file.writeRows(first, pixels.data.subarray(first * row, (first + 64 + (first && 2)) * row) as Uint8Array);
      const options = { ...settings, format };
      const encoded = await encodeStrips(file, options, new PictureTimer());
      const expected = await encode([{ colour: pixels, alpha: undefined }], options, new PictureTimer());
      expect(Buffer.compare(encoded, expected)).toBe(0);
      expect(await sharp(encoded).metadata()).toMatchObject({ width: 300, height: 130, format });
    } finally {
      await file.remove();
    }
  });
});

describe('which pictures go in strips', () => {
  it.each<[what: string, plan: () => Plan, expected: boolean]>([
    ['a large JPEG', () => planOf({}), true],
    ['as PNG', () => planOf({ format: 'png' }), true],
    ['as TIFF', () => planOf({ format: 'tiff' }), true],
    ['grey', () => planOf({}, { grey: true }), true],
    ['64 megapixels', () => planOf({}, { width: 4000, height: 4000 }), false],
    ['a row more', () => planOf({}, { width: 4000, height: 4001 }), true],
    ['another size', () => planOf({ width: 23_000 }), false],
    ['with alpha', () => planOf({ format: 'png' }, { alpha: true }), false],
    ['16 bits', () => planOf({ format: 'png' }, { depth: 16 }), false],
    ['with a palette, as PNG', () => planOf({ format: 'png' }, { palette: true }), false],
    ['with a palette, as JPEG', () => planOf({ format: 'jpeg' }, { palette: true }), true],
  ])('%s: %s', async (_, plan, expected) => {
    const cut = cutFor(plan(), await chainOf('natural', 2));
    expect(cut !== undefined).toBe(expected);
  });

  it('costs less than half of the memory', () => {
    const plan = planOf({});
    const costs = [pictureCost(plan, 2), stripCost(plan, 2)].map((cost) => cost.pixelBytes + cost.codecBytes);
    expect(costs[1]! / costs[0]!).toBeLessThan(0.45);
  });
});
