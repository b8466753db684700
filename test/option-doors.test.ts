import { UpresError } from '#src/errors.js';
import { probe, ThreadSafeNetwork, Upscaler } from '#src/index.js';
import { parseOptions } from '#src/cli/options.js';
import { resolveSettings } from '#src/server/service/settings.js';
import { parseVariant, parseVariants } from '#src/server/service/variant.js';
import upresAstro from 'upres/astro';
import upresEsbuild from 'upres/esbuild';
import upresGulp from 'upres/gulp';
import { upscaling } from 'upres/imagetools';
import upresNext from 'upres/next';
import upresRollup from 'upres/rollup';
import upresVite from 'upres/vite';
import { UpresPlugin } from 'upres/webpack';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';

const png = await sharp({ create: { width: 2, height: 2, channels: 3, background: '#a53' } })
  .png()
  .toBuffer();
const upscaler = new Upscaler();
const network = await ThreadSafeNetwork.fromLabel('bicubic', { threads: 1 });
afterAll(async () => {
  await network.dispose();
  await upscaler.dispose();
});

/** Every way in which a user hands options to upres. */
const doors: Readonly<Record<string, (given: never) => unknown>> = {
  'Upscaler.upscale': (given) => upscaler.upscale(png, given),
  'Upscaler.resize': (given) => upscaler.resize(png, given),
  Upscaler: (given) => new Upscaler(given),
  probe: (given) => probe(png, given),
  'ThreadSafeNetwork.fromLabel': (given) => ThreadSafeNetwork.fromLabel('bicubic', given),
  'ThreadSafeNetwork.upscaleImage': (given) =>
    network.upscaleImage({ width: 1, height: 1, channels: 3, data: new Uint8Array(3) }, given),
  vite: (given) => upresVite(given),
  webpack: (given) => new UpresPlugin(given),
  rollup: (given) => upresRollup(given),
  esbuild: (given) => upresEsbuild(given),
  next: (given) => upresNext(given),
  astro: (given) => upresAstro(given),
  imagetools: (given) => upscaling([{ name: 'imagetools', load: () => null }], given),
  gulp: (given) => upresGulp(given),
  command: (given) => parseOptions(given),
  server: (given) => resolveSettings(given),
  request: (given) => parseVariant(given, { models: {}, model: 'auto' }),
  job: (given) => parseVariants(given, { models: {}, model: 'auto' }),
};

/** What each door is given: an unknown name, a value of another type, one that is out of range, and null. */
const wrong: Readonly<Record<keyof typeof doors, readonly (readonly [option: string, value: unknown])[]>> = {
  'Upscaler.upscale': [
    ['qualty', 5],
    ['quality', '80'],
    ['quality', 0],
    ['lossless', 'yes'],
    ['animation', 'stop'],
    ['outputs[0].lossless', [{ lossless: 1 }]],
    ['width', 1.5],
    ['minWidth', -3],
    ['upscale', 8.1],
    ['upscale', NaN],
    ['format', 'svg'],
    ['colour', 'cmyk'],
    ['alpha', true],
    ['model', ''],
    ['device', 'gpu'],
    ['signal', {}],
    ['onProgress', 'yes'],
    ['client', 'me'],
    ['priority', Infinity],
    ['maxFrames', 0],
    ['outputs', { format: 'png' }],
    ['outputs[1].qualty', [{}, { qualty: 1 }]],
    ['outputs[0].quality', [{ quality: 101 }]],
    ['upscale', null],
    ['signal', null],
  ],
  'Upscaler.resize': [
    ['model', 'natural'],
    ['widht', 5],
    ['height', '5'],
    ['height', 0],
    ['colour', null],
  ],
  Upscaler: [
    ['cores', 1],
    ['threads', '2'],
    ['threads', 257],
    ['memoryBudget', 0],
    ['device', 5],
    ['cacheFolder', ''],
    ['threads', null],
  ],
  probe: [
    ['maxPixels', 1],
    ['maxInputPixels', '5'],
    ['maxInputPixels', 0],
    ['maxFrames', null],
  ],
  'ThreadSafeNetwork.fromLabel': [
    ['scales', 4],
    ['scale', '2'],
    ['scale', 0],
    ['maxQueue', 0.5],
    ['gpuMemoryBudget', Infinity],
    ['memoryBudget', NaN],
    ['device', null],
  ],
  'ThreadSafeNetwork.upscaleImage': [
    ['priorty', 1],
    ['acceptApproximation', 'yes'],
    ['tilePixels', 0],
    ['lane', null],
  ],
  vite: [
    ['modle', 'art'],
    ['threads', '2'],
    ['quality', 101],
    ['lossless', 'yes'],
    ['animation', true],
    ['defaults.lossless', { lossless: 'x' }],
    ['quality.webp', { webp: '80' }],
    ['quality.png', { png: 80 }],
    ['defaults.includes', { includes: '*' }],
    ['defaults[1].upscale', [{}, { upscale: 9 }]],
    ['defaults[0].minWidth', [{ minWidth: null }]],
    ['presets.hero', { hero: 5 }],
    ['models.mine', { mine: '' }],
    ['cache', true],
    ['report', 5],
    ['dev', 'fast'],
    ['leftovers', 'fatal'],
    ['auto.inclde', { include: '*', inclde: '*' }],
    ['auto.include', {}],
    ['auto', true],
    ['onError', null],
  ],
  webpack: [
    ['qualty', 80],
    ['lossless', 1],
    ['animation', 'all'],
    ['device', 'gpu'],
    ['maxOutputPixels', 0],
    ['leftovers', 'fatal'],
    ['dev', 'off'],
    ['threads', null],
  ],
  rollup: [
    ['leftover', 'warn'],
    ['leftovers', 'never'],
    ['quality', 0],
    ['models', ['mine']],
    ['cache', null],
  ],
  esbuild: [
    ['leftover', 'warn'],
    ['leftovers', true],
    ['threads', 0],
    ['presets', 'hero'],
    ['defaults', null],
  ],
  next: [
    ['leftover', 'warn'],
    ['leftovers', 'never'],
    ['onError', 'skip'],
    ['report', 1],
    ['model', null],
  ],
  astro: [
    ['density', [2]],
    ['densities', [9]],
    ['densities', '2'],
    ['densities', true],
    ['maxWidth', 0],
    ['onDemand', 'yes'],
    ['format', 'webp'],
    ['device', 'gpu'],
    ['threads', null],
  ],
  imagetools: [
    ['key', ['blur']],
    ['keys', 'blur'],
    ['keys', [1]],
    ['format', 'webp'],
    ['lossless', true],
    ['onError', 'skip'],
    ['cache', null],
  ],
  gulp: [
    ['scale', 4],
    ['upscale', '2'],
    ['upscale', 99],
    ['width', 0],
    ['format', 'svg'],
    ['lossless', 'no'],
    ['animation', 'all'],
    ['presets', {}],
    ['model', null],
  ],
  command: [
    ['upscale', '9'],
    ['quality', '0'],
    ['animation', 'all'],
    ['minWidth', 'many'],
    ['format', 'svg'],
    ['threads', '257'],
    ['maxFrames', '0'],
    ['width', '0'],
    ['height', '1e3'],
    ['device', 'gpu'],
    ['colour', 'cmyk'],
    ['alpha', 'cubic'],
    ['onError', 'ignore'],
    ['maxInputPixels', '10T'],
    ['maxOutputPixels', '0'],
    ['model', ''],
    ['out', ''],
    ['cache', ''],
  ],
  server: [
    ['prot', 80],
    ['port', '80'],
    ['port', 70_000],
    ['host', ''],
    ['tokens', ['too-short']],
    ['tokens', 'a-text-in-place-of-a-list'],
    ['allowedHosts', ['https://example.com']],
    ['cache', true],
    ['limits.bodyByts', { bodyByts: 5 }],
    ['limits.bodyBytes', { bodyBytes: Infinity }],
    ['limits.requestSeconds', { requestSeconds: 2_147_484 }],
    ['log', 'yes'],
    ['threads', null],
  ],
  request: [
    ['upscal', '2'],
    ['upscale', '9'],
    ['upscale', ['2', '3']],
    ['quality', '70.5'],
    ['lossless', 'maybe'],
    ['animation', 'all'],
    ['width', '0'],
    ['device', 'gpu'],
    ['minWidth', '1.5'],
    ['format', 'svg'],
    ['format', 'avif;webp'],
    ['as', 'srcset'],
    ['preset', 'hero'],
    ['model', './natural'],
    ['model', null],
  ],
  job: [
    ['formats', 'avif;webp'],
    ['format', 'avif;svg'],
    ['upscale', '2;9'],
    ['upscale', '1;2;x'],
    ['width', '1;2'],
    ['quality', '80;90'],
    ['lossless', 'maybe'],
    ['as', 'srcset'],
    ['model', 'natural;art'],
    ['model', null],
  ],
};

/** The option as the command calls it. */
const flagOf = (option: string): string => `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

async function errorOf(door: string, given: object): Promise<unknown> {
  try {
    await doors[door]!(given as never);
  } catch (error) {
    return error;
  }
  return undefined;
}

describe.for(Object.entries(wrong))('%s', ([door, cases]) => {
  it.for(cases)('refuses %s = %j by its name', async ([option, value]) => {
    const [name] = /^\w+/.exec(option)!;
    const error = await errorOf(door, { [name]: value });
    // Gulp's own error carries ours.
    expect((error as { code?: string } | undefined)?.code).toBe('BAD_ARGUMENT');
    const { message } = error as Error;
    expect(message).toContain(door === 'command' ? flagOf(option) : option);
  });
});

// A command's options are parsed already, and a request's fields are texts.
it.for(Object.keys(doors).filter((door) => !['command', 'request', 'job'].includes(door)))(
  '%s refuses what is no object',
  async (door) => {
    for (const given of ['upscale=2', null, 5, [], () => 1]) {
      const error = await errorOf(door, given as object);
      expect(error, String(given)).toMatchObject({ code: 'BAD_ARGUMENT' });
      expect((error as Error).message).toContain('options must be an object, not ');
    }
  },
);

describe('what is left out', () => {
  // A request's fields are texts, or not there.
  it.for(Object.keys(doors).filter((door) => !['request', 'job'].includes(door)))(
    'may be undefined: %s',
    async (door) => {
      const names = (wrong[door] ?? [])
        .map(([option]) => option)
        .filter((option) => /^(?:upscale|threads|limits|quality)$/.test(option));
      const error = await errorOf(door, Object.fromEntries(names.map((name) => [name, undefined])));
      expect(error).toBeUndefined();
    },
  );
});

it('suggests the name that was probably meant, and never says a secret', async () => {
  expect(await errorOf('Upscaler.upscale', { scale: 4, qualty: 5 })).toMatchObject({
    name: 'UpresError',
    message: 'there is no option "scale". Did you mean "upscale"?',
  });
  for (const tokens of ['hunter2-hunter2-hunter2', ['hunter2'], [{ hunter2: 1 }]]) {
    const error = await errorOf('server', { tokens });
    expect(error).toBeInstanceOf(UpresError);
    expect((error as Error).message).not.toContain('hunter2');
  }
});
