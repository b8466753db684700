import { describe, expect, it } from 'vitest';
import { UpresError } from '#src/errors.js';
import { Call, toCallInput, type CallHooks, type TileRecord } from '#src/network/pool/call.js';
import type { PlacedTile } from '#src/network/tiles/repeated-tiles.js';
import type { Progress } from '#src/pixels.js';

const from = { x: 0, y: 0, width: 10, height: 10 };

/** A row of tiles of 10×10 pixels. */
function tile(x: number, ...more: number[]): PlacedTile {
  const core = { x, y: 0, width: 10, height: 10 };
  return {
    core,
    read: core,
    made: core,
    work: 100,
    places: [x, ...more].map((place) => ({ ...from, x: place, from })),
  };
}

const record: TileRecord = { thread: 0, started: 1, ended: 2, pixels: 100 };

function callOf(tiles: PlacedTile[], hooks: Partial<CallHooks> = {}, width = tiles.length * 10): Call {
  const data = new Uint8Array(width * 10 * 3);
  return new Call({
    weights: 'w',
    network: {},
    lane: {},
    priority: 0,
    threads: 1,
    scale: 2,
    pieceMs: 0,
    input: toCallInput({ width, height: 10, channels: 3, data }),
    tiles,
    hooks: { onProgress: undefined, onTile: undefined, ...hooks },
  });
}

/** What has become of a promise so far. */
async function stateOf(promise: Promise<unknown>): Promise<string> {
  let state = 'open';
  promise.then(
    () => (state = 'done'),
    (error: unknown) => (state = error instanceof UpresError ? error.code : String(error)),
  );
  await new Promise((resolve) => setImmediate(resolve));
  return state;
}

describe('the pixels of a call', () => {
  it('are copied to shared memory', () => {
    const data = Uint16Array.of(1, 2, 65535);
    const { pixels, type } = toCallInput({ width: 1, height: 1, channels: 3, data });
    expect(type).toBe('uint16');
    expect(pixels).toBeInstanceOf(SharedArrayBuffer);
    expect([...new Uint16Array(pixels)]).toEqual([1, 2, 65535]);
  });

  it('are not copied when they fill shared memory already', () => {
    const pixels = new SharedArrayBuffer(3);
    expect(toCallInput({ width: 1, height: 1, channels: 3, data: new Uint8Array(pixels) }).pixels).toBe(pixels);
  });

  it('are copied out of the middle of shared memory', () => {
    const data = new Uint8Array(new SharedArrayBuffer(9), 3, 3).fill(7);
    expect([...new Uint8Array(toCallInput({ width: 1, height: 1, channels: 3, data }).pixels)]).toEqual([7, 7, 7]);
  });
});

describe('a call', () => {
  it('is done when its last tile is', async () => {
    const call = callOf([tile(0), tile(10)]);
    const tiles = [call.take(), call.take()];
    expect(call.pendingPieces).toBe(0);
    call.completed(tiles[1]!, record);
    expect(await stateOf(call.result)).toBe('open');
    call.completed(tiles[0]!, record);
    expect(await stateOf(call.result)).toBe('done');
    expect(await stateOf(call.settled)).toBe('done');
  });

  it('has room for the result', () => {
    expect(callOf([tile(0)]).output.byteLength).toBe(20 * 20 * 3);
  });

  it('reports pixels of every place that a tile goes to', () => {
    const seen: Progress[] = [];
    const call = callOf([tile(0, 10), tile(20)], { onProgress: (progress) => seen.push(progress) }, 30);
    call.completed(call.take(), record);
    call.completed(call.take(), record);
    expect(seen).toEqual([
      { donePixels: 200, totalPixels: 300 },
      { donePixels: 300, totalPixels: 300 },
    ]);
  });

  it('is done without any tile when all of the result is found', async () => {
    const seen: Progress[] = [];
    const call = callOf([], { onProgress: (progress) => seen.push(progress) }, 30);
    call.found(100);
    expect(await stateOf(call.result)).toBe('done');
    expect(seen).toEqual([{ donePixels: 100, totalPixels: 300 }]);
  });

  it('fails with the first tile that fails, and starts no more', async () => {
    const call = callOf([tile(0), tile(10), tile(20)]);
    const running = [call.take(), call.take()];
    call.failed(new Error('first'));
    expect(call.pendingPieces).toBe(0);
    expect(await stateOf(call.result)).toBe('Error: first');
    expect(await stateOf(call.settled)).toBe('open');
    call.completed(running[1]!, record);
    expect(await stateOf(call.settled)).toBe('done');
  });

  it('ends at once when cancelled, and settles when no thread uses its memory any more', async () => {
    const call = callOf([tile(0), tile(10), tile(20)]);
    const running = call.take();
    const ahead = call.take();
    const { cancelled } = call.orderFor(ahead, 1);
    const reason = new Error('why');
    call.cancel(reason);
    expect(Atomics.load(cancelled, 0)).toBe(1);
    await expect(call.result).rejects.toBe(reason);
    expect(await stateOf(call.settled)).toBe('open');
    call.completed(running, record);
    call.skipped();
    expect(await stateOf(call.settled)).toBe('done');
  });

  it('tells no one of tiles that come after its end', () => {
    let reports = 0;
    const call = callOf([tile(0)], { onTile: () => reports++, onProgress: () => reports++ });
    const running = call.take();
    call.cancel(new Error('enough'));
    call.completed(running, record);
    expect(reports).toBe(0);
  });

  it('stays done when it is cancelled afterwards', async () => {
    const call = callOf([tile(0)]);
    call.completed(call.take(), record);
    call.cancel(new Error('enough'));
    expect(await stateOf(call.result)).toBe('done');
  });

  it("computes a dead thread's tile next", () => {
    const call = callOf([tile(0), tile(10), tile(20)]);
    const lost = call.take();
    call.putBack(lost);
    expect(call.pendingPieces).toBe(3);
    expect(call.take()).toBe(lost);
  });

  it('does not compute it when the call has ended meanwhile', async () => {
    const call = callOf([tile(0)]);
    const lost = call.take();
    call.cancel(new Error('enough'));
    call.putBack(lost);
    expect(call.pendingPieces).toBe(0);
    expect(await stateOf(call.settled)).toBe('done');
  });

  it.each(['onTile', 'onProgress'] as const)('fails with what %s throws, also after the last tile', async (hook) => {
    const call = callOf([tile(0)], {
      [hook]: () => {
        throw new Error('my own mistake');
      },
    });
    call.completed(call.take(), record);
    expect(await stateOf(call.result)).toBe('Error: my own mistake');
    expect(await stateOf(call.settled)).toBe('done');
  });

  it('orders a tile in coordinates of what is read', () => {
    const call = callOf([tile(0)]);
    const placed: PlacedTile = {
      core: { x: 20, y: 30, width: 5, height: 6 },
      read: { x: 18, y: 27, width: 9, height: 12 },
      made: { x: 19, y: 28, width: 7, height: 10 },
      work: 80,
      places: [{ x: 20, y: 30, width: 5, height: 6, from: { x: 0, y: 0, width: 5, height: 6 } }],
    };
    expect(call.orderFor(placed, 7)).toMatchObject({
      order: 7,
      read: placed.read,
      made: { x: 1, y: 1, width: 7, height: 10 },
      core: { x: 1, y: 2, width: 5, height: 6 },
      places: placed.places,
    });
  });
});
