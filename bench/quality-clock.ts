import sharp from 'sharp';
import type { QualityCase } from './quality-case.js';
import { onWhite, type RgbImage } from './quality-data.js';
import type { Method } from './quality-methods.js';

/** How fast a method is at one scale. */
export interface MethodSpeed {
  readonly name: string;
  readonly scale: number;
  /** The scales of its passes: [2, 2] for a network of scale 2 that runs twice. */
  readonly passes: readonly number[];
  /** Millions of pixels of the result, for each second of one core. */
  readonly megapixelsPerSecond: number;
}

/** Pixels along a side of what is run against the clock. */
const clockSide = 256;

/** The middle of the picture that is hardest to pack: none of its tiles is one colour or equals another, which would be spared. */
export async function busiest(cases: readonly QualityCase[]): Promise<RgbImage> {
  let found: { image: RgbImage; bytes: number } | undefined;
  for (const truth of new Set(cases.map((one) => one.truth))) {
    const { width, height, data } = onWhite(truth);
    const region = { width: Math.min(clockSide, width), height: Math.min(clockSide, height) };
    const middle = sharp(data, { raw: { width, height, channels: 3 } }).extract({
      left: (width - region.width) >> 1,
      top: (height - region.height) >> 1,
      ...region,
    });
    const { length: bytes } = await middle.clone().png({ compressionLevel: 1 }).toBuffer();
    if (!found || bytes > found.bytes) {
      found = { image: { ...region, channels: 3, data: await middle.raw().toBuffer() }, bytes };
    }
  }
  return found!.image;
}

/** How often a picture is enlarged to find out how fast that can be. */
const rounds = 3;

/** Every method at every scale that it has, from raw pixels to raw pixels. */
export async function measureSpeeds(
  picture: RgbImage,
  {
    methods,
    scales,
    cacheFolder,
    say,
  }: {
    methods: readonly Method[];
    scales: readonly number[];
    cacheFolder: string;
    say: (text: string) => void;
  },
): Promise<MethodSpeed[]> {
  const speeds: MethodSpeed[] = [];
  for (const scale of scales) {
    say(`speed ×${scale}`);
    for (const method of methods.filter(({ ownScale }) => ownScale(scale))) {
      if (!method.open) continue;
      await using runner = await method.open(scale, cacheFolder);
      const seconds = await leastProcessorTime(() => runner.run(picture));
      const megapixels = (picture.width * picture.height * scale ** 2) / 1e6;
      speeds.push({ name: method.name, scale, passes: runner.passes, megapixelsPerSecond: megapixels / seconds });
    }
  }
  return speeds;
}

/**
 * Seconds that all cores together worked in the best round: what other programs take of the machine is not the method's. The
 * first one warms up.
 */
async function leastProcessorTime(run: () => Promise<unknown>): Promise<number> {
  await run();
  let best = Infinity;
  for (let round = 0; round < rounds; round++) {
    const start = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / 1e6);
  }
  return best;
}
