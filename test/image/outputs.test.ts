import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Enlargement, type Pixels } from '#src/image/enlargement.js';
import { Source, type Output, type UpscaleOptions, type UpscaleResult } from '#src/image/upscale.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { attachProfile } from '#src/image/codec/attach-profile.js';
import type { Progress } from '#src/pixels.js';
import { codeOf } from '../support/errors.js';
import { animation, picture, picture16, plainSettings, scene } from './fixtures.js';
import { adobeRgbProfile } from './profiles.js';
import { useUpscaler } from './upscaler.js';

const { upscaler, folder } = useUpscaler({ threads: 2 });

const network = vi.spyOn(ThreadSafeNetwork.prototype, 'upscaleImage');
/** How often a network ran over a plane: alpha is one of its own. */
const networkCalls = (): number => network.mock.calls.length;
beforeEach(() => {
  network.mockClear();
});

const photo = await picture(48, 32, 3, scene).png().toBuffer();
const jpeg = await picture(48, 32, 3, scene).jpeg().toBuffer();
const cut = await picture(24, 20, 4, (x, y) => [...scene(x, y), x < 12 ? 255 : 40])
  .png()
  .toBuffer();
const moving = await animation(16, 12, 3, (x, y, frame) => [...scene(x + frame, y), 255])
  .gif()
  .toBuffer();
const deep = await picture16(20, 16, 3, (x, y) => scene(x, y).map((value) => value * 257))
  .png()
  .toBuffer();
const wide = await attachProfile(photo, adobeRgbProfile);

/** What does not depend on how busy the machine is. */
function lasting({ data, width, height, frames, format, sourceWidth, upscale, model }: UpscaleResult): unknown {
  const hash = createHash('sha256').update(data).digest('hex');
  return { hash, width, height, frames, format, sourceWidth, upscale, model };
}

describe('several outputs of one call', () => {
  const cases: {
    readonly what: string;
    readonly source: Uint8Array;
    readonly options?: UpscaleOptions;
    readonly outputs: readonly Output[];
    readonly calls: number;
  }[] = [
    {
      what: 'a photograph',
      source: photo,
      outputs: [{ format: 'avif' }, { format: 'webp', quality: 40 }, { format: 'jpeg' }, {}],
      calls: 1,
    },
    { what: 'one that loses its alpha in one format', source: cut, outputs: [{}, { format: 'jpeg' }], calls: 2 },
    { what: 'one of 16 bits', source: deep, outputs: [{ format: 'png' }, { format: 'webp' }], calls: 1 },
    {
      what: 'one that is not enlarged',
      source: jpeg,
      options: { width: 30 },
      outputs: [{}, { format: 'png' }],
      calls: 0,
    },
    {
      what: 'an animation, of which one format takes the first frame',
      source: moving,
      outputs: [{}, { format: 'webp' }, { format: 'avif' }, { format: 'png' }],
      calls: 3 + 1,
    },
    {
      what: 'a profile that one format can not carry',
      source: wide,
      options: { colour: 'keep' },
      outputs: [{ format: 'png' }, { format: 'avif' }, { format: 'gif' }],
      calls: 1 + 1,
    },
    { what: 'the same output twice', source: photo, outputs: [{ format: 'webp' }, { format: 'webp' }], calls: 1 },
    { what: 'none', source: photo, outputs: [], calls: 0 },
  ];
  it.each(cases)('of $what are those of single calls, for $calls calls of the network', async (each) => {
    const { source, options = {}, outputs, calls } = each;
    const together = await upscaler.upscale(source, { ...options, outputs });
    expect(networkCalls()).toBe(calls);
    const alone = await Promise.all(outputs.map((output) => upscaler.upscale(source, { ...options, ...output })));
    expect(together.map(lasting)).toEqual(alone.map(lasting));
  });

  it('are given up all where one fails, which is the error', async () => {
    const outputs: Output[] = [{ format: 'png' }, { format: 'webp' }];
    const call = upscaler.upscale(await picture(20, 1, 3, scene).png().toBuffer(), { width: 20_000, outputs });
    expect(await codeOf(call)).toBe('OUTPUT_TOO_LARGE');
  });

  it('of a file are named by it where they fail', async () => {
    const file = join(folder, 'text.png');
    await writeFile(file, 'no image');
    const call = upscaler.upscale(file, { outputs: [{}, { format: 'webp' }] });
    await expect(call).rejects.toMatchObject({ code: 'UNSUPPORTED_FORMAT', file });
  });

  it('are checked one by one', async () => {
    const outputs: Output[] = [
      { format: 'webp', quality: 80 },
      { format: 'png', quality: 80 },
    ];
    expect(await codeOf(upscaler.upscale(photo, { outputs }))).toBe('BAD_ARGUMENT');
  });
});

describe('calls for one source at the same time', () => {
  it('run a network once for sizes that need the same pixels of it', async () => {
    const sizes = [{ upscale: 1.5 }, { upscale: 2 }, { width: 70 }];
    const source = new Source(photo);
    const made = await Promise.all(sizes.map((size) => upscaler.upscale(source, size)));
    expect(networkCalls()).toBe(1);
    const alone = await Promise.all(sizes.map((size) => upscaler.upscale(photo, size)));
    expect(made.map(({ data }, index) => Buffer.compare(data, alone[index]!.data))).toEqual([0, 0, 0]);
  });

  it('hear of the progress of what they share, whoever makes it', async () => {
    const source = new Source(photo);
    const heard: [number, number] = [0, 0];
    const hear = (who: 0 | 1) => (progress: Progress) => void (heard[who] = progress.donePixels);
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const make = async (tell: (progress: Progress) => void): Promise<object> => {
      await finished;
      tell({ donePixels: 7, totalPixels: 9 });
      return {};
    };
    const makers = [source.share('it', make, hear(0)), source.share('it', make, hear(1))];
    finish();
    const [one, other] = await Promise.all(makers);
    expect(one).toBe(other);
    expect(heard).toEqual([7, 7]);
  });

  it('can be aborted one by one: the others get theirs', async () => {
    const source = new Source(await picture(400, 300, 3, scene).png().toBuffer());
    const leaving = new AbortController();
    const left = upscaler.upscale(source, {
      format: 'avif',
      signal: leaving.signal,
      onProgress: () => {
        leaving.abort();
      },
    });
    const staying = upscaler.upscale(source, { format: 'png' });
    expect(await codeOf(left)).toBe('ABORTED');
    await expect(staying).resolves.toMatchObject({ width: 800, format: 'png' });
    expect(networkCalls()).toBe(1);
  });

  it('stop the network when the last one is aborted', async () => {
    const source = new Source(await picture(700, 700, 3, scene).png().toBuffer());
    const stop = new AbortController();
    let share = 0;
    const calls = (['webp', 'png'] as const).map((format) =>
      upscaler.upscale(source, {
        format,
        upscale: 4,
        signal: stop.signal,
        onProgress: ({ donePixels, totalPixels }) => {
          share = donePixels / totalPixels;
          stop.abort();
        },
      }),
    );
    expect(await Promise.all(calls.map(codeOf))).toEqual(['ABORTED', 'ABORTED']);
    expect(share).toBeLessThan(1);
    expect(networkCalls()).toBe(1);
  });

  it('take a size over that another one gave up', async () => {
    const source = new Source(await picture(400, 300, 3, scene).png().toBuffer());
    const leaving = new AbortController();
    const left = upscaler.upscale(source, {
      upscale: 2,
      signal: leaving.signal,
      onProgress: () => {
        leaving.abort();
      },
    });
    const staying = upscaler.upscale(source, { upscale: 1.5 });
    expect(await codeOf(left)).toBe('ABORTED');
    await expect(staying).resolves.toMatchObject({ width: 600 });
  });
});

describe('pixels that wait for encoders', () => {
  const data = new Uint8Array(10 * 10 * 3);
  const colour = { width: 10, height: 10, channels: 3, data } as const;

  /** An enlargement that was let in with this many bytes, and what it keeps of them from time to time. */
  function enlargement(bytes: number): { readonly subject: Enlargement<Pixels>; readonly kept: number[] } {
    const kept: number[] = [];
    const release = (keep = 0): void => void kept.push(keep);
    const frames = [{ colour, alpha: undefined }];
    const make = (): Promise<Pixels> =>
      Promise.resolve({ picture: frames, settings: plainSettings, bytes, overhead: 50, release });
    return { subject: new Enlargement(make, () => undefined), kept };
  }

  const encode = (subject: Enlargement<Pixels>, count: number): Promise<unknown> =>
    Promise.all(
      Array.from({ length: count }, () =>
        subject.encode(
          { format: 'png', quality: undefined, lossless: false },
          { signal: new AbortController().signal },
        ),
      ),
    );

  it.each([
    { what: 'all that are wanted', bytes: 5000, wanted: 3, copies: 3 },
    { what: 'as many as there is memory for', bytes: 50 + 3 * 300, wanted: 5, copies: 2 },
    { what: 'one at least', bytes: 60, wanted: 2, copies: 1 },
  ])('count with a copy for each encoder: $what', async ({ bytes, wanted, copies }) => {
    const { subject, kept } = enlargement(bytes);
    await encode(subject, wanted);
    const all = 50 + 300 + copies * 300;
    expect(kept[0]).toBe(all);
    expect(Math.max(...kept)).toBe(all);
    // The memory is free when the last one is done, and not before.
    expect(kept.indexOf(0)).toBe(kept.length - 1);
  });

  it('are kept for those who come later, who share the room', async () => {
    const { subject, kept } = enlargement(5000);
    const first = encode(subject, 1);
    // Without a timer: an encoder that has begun can't end meanwhile.
    while (kept.length === 0) await Promise.resolve();
    await Promise.all([first, encode(subject, 2)]);
    expect(Math.max(...kept)).toBe(50 + 2 * 300);
    expect(kept.filter((bytes) => bytes === 0)).toHaveLength(1);
  });
});
