import { describe, expect, it, vi } from 'vitest';
import { UpresError } from '#src/errors.js';
import { Admission } from '#src/network/pool/admission.js';
import { Call, toCallInput, type CallHooks } from '#src/network/pool/call.js';
import { MainBackend } from '#src/network/pool/main-backend.js';
import type { CallSettings } from '#src/network/pool/network-backend.js';
import type { WeightsInfo } from '#src/network/weights/network-weights.js';
import type { PixelArray, PixelImage } from '#src/pixels.js';

const info: WeightsInfo = {
  label: 'own',
  display: 'Own',
  factor: 2,
  parameters: 1,
  hash: '0',
  shared: false,
  geometry: { scale: 2, parameters: 1 } as WeightsInfo['geometry'],
};
const source: PixelImage<PixelArray> = { width: 10, height: 10, channels: 3, data: new Uint8Array(300) };
const settings: CallSettings = { priority: 0, tilePixels: undefined, acceptApproximation: false, admitted: false };
const hooks: CallHooks = { onProgress: undefined, onTile: undefined };

/** A network whose calls fail before a tile is begun, as where the runtime can't be loaded. */
class Broken extends MainBackend {
  readonly device = 'cpu';
  readonly gpu = undefined;

  constructor(admission: Admission) {
    super({ info, threads: 1, maxQueue: 10, admission });
  }

  protected override planPasses(
    { width, height }: PixelImage<PixelArray>,
    _: CallSettings,
    given: CallHooks,
    lane: object,
  ): Promise<readonly Call[]> {
    const core = { x: 0, y: 0, width, height };
    const call = new Call({
      weights: 'w',
      network: this,
      lane,
      priority: 0,
      threads: 1,
      scale: 2,
      pieceMs: 0,
      input: toCallInput(source),
      tiles: [{ core, read: core, made: core, work: 1, places: [{ ...core, from: core }] }],
      hooks: given,
    });
    return Promise.resolve([call]);
  }

  protected override computeTiles(): Promise<void> {
    return Promise.reject(new UpresError('UNSUPPORTED_PLATFORM', 'no runtime'));
  }

  protected override close(): Promise<void> {
    return Promise.resolve();
  }
}

describe('a network whose calls fail before they begin', () => {
  it('gives their memory back, and can be disposed', { timeout: 5_000 }, async () => {
    const admission = new Admission(source.data.byteLength);
    const network = new Broken(admission);
    // The second has to wait for the memory of the first.
    for (let call = 0; call < 2; call++) {
      await expect(network.computeImage(source, settings, hooks, undefined)).rejects.toMatchObject({
        code: 'UNSUPPORTED_PLATFORM',
      });
    }
    await network.dispose(false);
    expect(await admission.admit(source.data.byteLength, 0)).toBeTypeOf('function');
  });
});

describe('the memory of a call', () => {
  it('is waited for, but not by a caller that has counted it already', { timeout: 5_000 }, async () => {
    const admission = new Admission(source.data.byteLength);
    const network = new Broken(admission);
    const release = await admission.admit(source.data.byteLength, 0);
    const begun = vi.spyOn(network, 'computeTiles' as never);
    const waiting = network.computeImage(source, settings, hooks, undefined);
    waiting.catch(() => undefined);
    await expect(network.computeImage(source, { ...settings, admitted: true }, hooks, undefined)).rejects.toMatchObject(
      {
        code: 'UNSUPPORTED_PLATFORM',
      },
    );
    expect(begun).toHaveBeenCalledTimes(1);
    release();
    await expect(waiting).rejects.toMatchObject({ code: 'UNSUPPORTED_PLATFORM' });
    expect(begun).toHaveBeenCalledTimes(2);
    await network.dispose(false);
  });
});
