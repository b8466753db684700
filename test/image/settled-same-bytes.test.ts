import { afterAll, describe, expect, it } from 'vitest';
import { dering, type Settling } from '#src/image/dering/dering.js';
import { drawnColours } from '#src/image/dering/drawn-colours.js';
import { settleCover } from '#src/image/dering/settle-cover.js';
import { enlargeFrames } from '#src/image/enlarge.js';
import { NetworkChain } from '#src/image/network-chain.js';
import { PictureTimer } from '#src/image/picture-timer.js';
import type { CallOptions } from '#src/network/network-options.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { isInterpolation, isRestorer } from '#src/model/catalogue/registry.js';
import type { Frame, PixelImage } from '#src/pixels.js';
import { inThisThread, type DoRows, type RowWork } from '#src/row-work.js';
import { onSharedMemory } from '#src/shared-pixels.js';
import { builtins } from '../support/builtins.js';
import { temporaryFolder } from '../support/folders.js';
import { differences, noise } from '../support/pictures.js';

/** A row work whose thread ends in the middle, once. */
const { dyingRows } = (await import(new URL('../fixtures/dying-rows.js', import.meta.url).href)) as {
  readonly dyingRows: RowWork<unknown, void>;
};

const cacheFolder = temporaryFolder();
const [width, height] = [47, 41];

/** An opaque disc on a translucent bar on nothing, hatched in one corner, noise in another: all that settling looks at. */
function frame(): Frame {
  const { data } = noise(width, height, 3, 3);
  const alpha = new Uint8Array(width * height).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const pixel = y * width + x;
      const inDisc = (x - 20) ** 2 + (y - 18) ** 2 < 150;
      const inBar = y > 14 && y < 26 && x < 40;
      const hatched = x < 12 && y > 30;
      if (x > 30 && y > 26) continue;
      data.set(inDisc ? [200, 40, 40] : hatched && (x + y) % 2 ? [0, 0, 0] : [30, 60, 200], 3 * pixel);
      alpha[pixel] = inDisc || hatched ? 255 : inBar ? 90 : 0;
    }
  }
  return {
    colour: { width, height, channels: 3, data },
    alpha: { width, height, channels: 1, data: alpha },
  };
}

/** A chain whose network computes in tiles of so many pixels. */
class TiledChain extends NetworkChain {
  constructor(
    network: ThreadSafeNetwork,
    settling: Settling | undefined,
    private readonly tilePixels: number,
  ) {
    super('', '', network, 1, settling);
  }

  override enlarge(plane: PixelImage, options: CallOptions): Promise<PixelImage> {
    return super.enlarge(plane, { ...options, tilePixels: this.tilePixels });
  }
}

describe('a picture with seams that are settled is the same, byte for byte, in any tiles', () => {
  const networks: ThreadSafeNetwork[] = [];
  afterAll(() => Promise.all(networks.map((network) => network.dispose())));

  const enlarge = async (
    network: ThreadSafeNetwork,
    settling: Settling | undefined,
    tilePixels: number,
  ): Promise<Frame> => {
    const chain = new TiledChain(network, settling, tilePixels);
    const options = { signal: new AbortController().signal };
    const [enlarged] = await enlargeFrames([frame()], { colour: chain, alpha: chain }, options, new PictureTimer());
    return enlarged!;
  };

  it.each(builtins)('$label ×$scale', async ({ label, scale }) => {
    const network = await ThreadSafeNetwork.fromLabel(label, { scale, threads: 3, cacheFolder });
    networks.push(network);
    const settling = isInterpolation(label) ? undefined : isRestorer(label) ? 'restored' : 'faithful';
    const whole = await enlarge(network, settling, Infinity);
    const tiled = await enlarge(network, settling, 700);
    expect(differences(tiled.colour.data, whole.colour.data)).toBe(0);
    expect(differences(tiled.alpha!.data, whole.alpha!.data)).toBe(0);
  });

  it('and there is something to settle', async () => {
    // `natural`, since `art` leaves little of alpha to settle.
    const network = await ThreadSafeNetwork.fromLabel('natural', { scale: 2, cacheFolder });
    networks.push(network);
    const [bare, settled] = await Promise.all(
      [undefined, 'faithful' as const].map((settling) => enlarge(network, settling, Infinity)),
    );
    expect(differences(settled!.colour.data, bare!.colour.data)).toBeGreaterThan(500);
    expect(differences(settled!.alpha!.data, bare!.alpha!.data)).toBeGreaterThan(100);
  });

  it('and whether threads do it in bands, or this thread', async () => {
    const network = await ThreadSafeNetwork.fromLabel('bicubic', { scale: 2, threads: 3, cacheFolder });
    networks.push(network);
    const source = await tiled(frame(), 11);
    const covered = source.alpha!;
    const options = { signal: new AbortController().signal };
    const chain = new NetworkChain('', '', network, 1, undefined);
    const [plain] = await enlargeFrames([source], { colour: chain, alpha: chain }, options, new PictureTimer());
    const settled = async (doRows: DoRows): Promise<Frame> => {
      const [colour, alpha] = await Promise.all([plain!.colour, plain!.alpha!].map(copied));
      const found = await dering(colour!, source.colour, 'faithful', covered, doRows);
      const forAlpha = await dering(alpha!, covered, 'faithful', undefined, doRows);
      await settleCover({ colour: colour!, alpha }, source, found, forAlpha, doRows);
      return { colour: colour!, alpha };
    };
    const bands: number[] = [];
    const counting: DoRows = async (...rows) => {
      const found = await network.doRows()(...rows);
      bands.push(found.length);
      return found;
    };
    const [here, there] = [await settled(inThisThread), await settled(counting)];
    expect(Math.max(...bands)).toBeGreaterThan(1);
    expect(differences(here.colour.data, plain!.colour.data)).toBeGreaterThan(500);
    expect(differences(there.colour.data, here.colour.data)).toBe(0);
    expect(differences(there.alpha!.data, here.alpha!.data)).toBe(0);
  });

  it('and there is a tile for each thread, although rows are done meanwhile', async () => {
    const network = await ThreadSafeNetwork.fromLabel('natural', { scale: 2, threads: 4, cacheFolder });
    networks.push(network);
    let tiles = 0;
    class Counted extends NetworkChain {
      override enlarge(plane: PixelImage, options: CallOptions): Promise<PixelImage> {
        return super.enlarge(plane, { ...options, onTile: () => tiles++ });
      }
    }
    const chain = new Counted('', '', network, 1, 'faithful');
    const options = { signal: new AbortController().signal };
    const frames = [{ colour: noise(320, 320), alpha: undefined }];
    await enlargeFrames(frames, { colour: chain, alpha: chain }, options, new PictureTimer());
    expect(tiles).toBeGreaterThanOrEqual(4);
  });

  it('rows that a thread died at are not done twice, since that might make others of them', async () => {
    const network = await ThreadSafeNetwork.fromLabel('bicubic', { scale: 2, threads: 1, cacheFolder });
    networks.push(network);
    const [done, deaths] = [100, 1].map((length) => new Int32Array(new SharedArrayBuffer(4 * length)));
    const doing = network.doRows()(dyingRows, { done, deaths }, done!.length, 1e6);
    await expect(doing).rejects.toMatchObject({ code: 'THREAD_DIED' });
    expect(Math.max(...done!)).toBe(1);
    // The pool goes on with another thread.
    await network.doRows()(dyingRows, { done, deaths }, done!.length, 1e6);
    expect(Math.min(...done!)).toBe(1);
  });

  it('rows that nobody wants any more are given up', async () => {
    const network = await ThreadSafeNetwork.fromLabel('bicubic', { scale: 2, threads: 1, cacheFolder });
    const source = await tiled(frame(), 11);
    const stop = new AbortController();
    const doing = drawnColours(source.colour, network.doRows({ signal: stop.signal }));
    stop.abort();
    await expect(doing).rejects.toMatchObject({ code: 'ABORTED' });
    await network.dispose();
    await expect(drawnColours(source.colour, network.doRows())).rejects.toMatchObject({ code: 'DISPOSED' });
  });
});

/** So many times as wide and as high, on shared memory. */
async function tiled({ colour, alpha }: Frame, times: number): Promise<Frame> {
  const of = ({ channels, data }: PixelImage): Promise<PixelImage> => {
    const all = new Uint8Array(width * times * height * times * channels);
    for (let y = 0; y < height * times; y++) {
      const row = data.subarray((y % height) * width * channels, ((y % height) + 1) * width * channels);
      for (let x = 0; x < times; x++) all.set(row, (y * times + x) * width * channels);
    }
    return onSharedMemory({ width: width * times, height: height * times, channels, data: all });
  };
  return { colour: await of(colour), alpha: alpha && (await of(alpha)) };
}

const copied = (plane: PixelImage): Promise<PixelImage> => onSharedMemory({ ...plane, data: plane.data.slice() });
