import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { UpresError } from '#src/errors.js';
import type { Device } from '#src/network/device.js';
import { BatchPixels } from '#src/cli/batch-pixels.js';
import type { Made } from '#src/cli/outcome.js';
import { barProgress, canDraw, lineProgress, quietProgress } from '#src/cli/progress.js';
import { errorLine, errorText, outputLine } from '#src/cli/report.js';
import { summary } from '#src/cli/summary.js';

const made: Made = {
  kind: 'made',
  job: { input: { path: 'a.png', relative: 'a.png', named: true }, output: 'a@2x.png', makeFolder: false },
  output: 'a@2x.png',
  width: 20,
  height: 10,
  sourcePixels: 500_000,
  outputPixels: 2_000_000,
  upscale: 2,
  model: 'natural',
  ms: 1234.5,
  bytes: 4321,
  unchanged: false,
  cached: false,
};
const corrupt = new UpresError('INPUT_CORRUPT', 'the PNG is cut short', { file: 'b.png' });

/** Collects what is written; with a terminal's properties if asked. */
class Sink extends Writable {
  text = '';
  readonly columns = 120;
  constructor(readonly isTTY: boolean) {
    super();
  }
  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
  /** For cli-progress, through readline. */
  cursorTo(): boolean {
    return true;
  }
}

describe('the batch', () => {
  test('adds up images, however far each is, by their pixels', () => {
    let now = 0;
    const pixels = new BatchPixels(() => now);
    pixels.add('a', 1000);
    pixels.add('b', 3000);
    expect(pixels.secondsLeft).toBeUndefined();
    now = 2000;
    pixels.advance('a', 0.5);
    pixels.advance('b', 0.5);
    expect(pixels.donePixels).toBe(2000);
    expect(pixels.rate).toBe(1000);
    expect(pixels.secondsLeft).toBe(2);
    pixels.advance('a', 1);
    pixels.advance('b', 5);
    expect(pixels.donePixels).toBe(4000);
    expect(pixels.secondsLeft).toBe(0);
  });

  test('never goes back, and ignores what it does not know', () => {
    const pixels = new BatchPixels();
    pixels.add('a', 1000);
    pixels.advance('a', 0.5);
    pixels.advance('a', 0.25);
    pixels.advance('a', NaN);
    pixels.advance('b', 1);
    expect(pixels.donePixels).toBe(500);
  });
});

describe('where there is no terminal', () => {
  test('each image is a line', () => {
    const sink = new Sink(false);
    const progress = lineProgress(sink, 3);
    progress.update();
    progress.made(made);
    progress.failed();
    progress.made({ ...made, unchanged: true, fallback: { kind: 'resize', error: corrupt } });
    progress.end();
    expect(sink.text).toBe(
      '[1/3] a.png → a@2x.png (20×10, 4.32 kB, 1.2 s)\n' +
        '[3/3] a.png → a@2x.png (20×10, 4.32 kB, 1.2 s, unchanged, resized instead)\n',
    );
  });

  test('quiet keeps errors only', () => {
    const sink = new Sink(false);
    const progress = quietProgress(sink);
    progress.made(made);
    progress.say('error: x');
    progress.end();
    expect(sink.text).toBe('error: x\n');
  });

  test.each([
    [true, {}, true],
    [false, {}, false],
    [true, { CI: 'true' }, false],
    [true, { CI: '' }, true],
    [true, { TERM: 'dumb' }, false],
  ])('a terminal (%s) with %o is drawn on: %s', (isTTY, env, expected) => {
    expect(canDraw({ isTTY }, env)).toBe(expected);
  });
});

test('a bar shows pixels, rate and time left, and what was written and messages above it', async () => {
  let now = 0;
  const pixels = new BatchPixels(() => now);
  pixels.add('a.png', 1_000_000);
  pixels.add('b.png', 3_000_000);
  const sink = new Sink(true);
  const progress = await barProgress(sink, 2, pixels);
  now = 500;
  pixels.advance('a.png', 1);
  progress.made(made);
  progress.say('error: b.png');
  progress.end();
  expect(sink.text).toContain('25% | 1/2 images | 1 of 4 MP | 2 MP/s | 1.5 s left');
  expect(sink.text).toContain('error: b.png\n');
  expect(sink.text).toContain('a.png → a@2x.png (20×10, 4.32 kB, 1.2 s)\n');
});

test.each([
  [0, 'starting'],
  [0.005, 'starting'],
  [0.5, '1.0 s left'],
  [1, 'finishing'],
])('with %d of the pixels done, the time left is: %s', async (fraction, words) => {
  let now = 0;
  const pixels = new BatchPixels(() => now);
  pixels.add('a.png', 1_000_000);
  now = 1000;
  pixels.advance('a.png', fraction);
  const sink = new Sink(true);
  const progress = await barProgress(sink, 1, pixels);
  progress.end();
  expect(sink.text).toContain(`| ${words}`);
});

describe('--json', () => {
  test('has one shape for outputs', () => {
    expect(outputLine(made)).toEqual({
      input: 'a.png',
      output: 'a@2x.png',
      width: 20,
      height: 10,
      upscale: 2,
      model: 'natural',
      ms: 1235,
      bytes: 4321,
      cached: false,
    });
  });

  test('says what computed, unless it was the CPU', () => {
    expect(outputLine({ ...made, device: 'webgpu' })).toMatchObject({ model: 'natural', device: 'webgpu' });
    expect(outputLine({ ...made, device: 'cpu' })).not.toHaveProperty('device');
  });

  test('says what stands in for an image, and why', () => {
    const original: Made = {
      ...made,
      width: undefined,
      height: undefined,
      model: undefined,
      upscale: 1,
      fallback: { kind: 'original', error: corrupt },
    };
    expect(outputLine(original)).toMatchObject({
      width: null,
      height: null,
      model: null,
      fallback: 'original',
      reason: { code: 'INPUT_CORRUPT', message: 'the PNG is cut short' },
    });
  });

  test('has one shape for errors', () => {
    expect(errorLine({ input: 'b.png', error: corrupt })).toEqual({
      input: 'b.png',
      error: { code: 'INPUT_CORRUPT', message: 'the PNG is cut short' },
    });
  });
});

test('an error names its file once', () => {
  expect(errorText('b.png', corrupt)).toBe('b.png: the PNG is cut short [INPUT_CORRUPT]');
  expect(errorText('b.png', new UpresError('OUTPUT_EXISTS', 'b.png exists'))).toBe('b.png exists [OUTPUT_EXISTS]');
});

describe('the summary', () => {
  const nothing = { made: [], failed: 0, stopped: 0, seconds: 2, skipped: { variants: 0, others: new Map() } };

  test('counts images, pixels and time', () => {
    expect(summary({ ...nothing, made: [made, { ...made, unchanged: true }] })).toEqual([
      '2 images upscaled, 1 MP to 4 MP, in 2.0 s (1 unchanged).',
    ]);
  });

  test('tells what computed, unless it was the CPU', () => {
    const on = (...devices: readonly Device[]): string[] =>
      summary({ ...nothing, made: devices.map((device) => ({ ...made, device })) }).slice(1);
    expect(on('cpu', 'cpu')).toEqual([]);
    expect(on('webgpu', 'cpu', 'webgpu')).toEqual(['Computed on webgpu for 2, cpu for 1.']);
  });

  test('tells what did not go well and what was skipped', () => {
    const others = new Map([
      ['.txt', 2],
      ['.svg', 1],
      ['', 1],
    ]);
    const fallbacks = [
      { ...made, fallback: { kind: 'original' as const, error: corrupt } },
      { ...made, fallback: { kind: 'resize' as const, error: corrupt } },
    ];
    expect(summary({ ...nothing, made: fallbacks, failed: 2, stopped: 3, skipped: { variants: 1, others } })).toEqual([
      'No image was upscaled.',
      '1 original copied unchanged, because of errors.',
      '1 image resized without a network, because of errors.',
      '2 failed.',
      'Stopped: 3 images not finished.',
      'Skipped: 1 larger variant, 1 file without extension, 1 .svg, 2 .txt.',
    ]);
  });
});
