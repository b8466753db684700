import { takeShared } from './spare-memory.js';
import { copyInBands } from './event-loop.js';
import { pixelTypeOf, viewPixels, type PixelArray, type PixelImage } from './pixels.js';

/** The same source on shared memory, copied there without keeping the event loop waiting; itself where it lies there already. */
export async function onSharedMemory<Data extends PixelArray>(source: PixelImage<Data>): Promise<PixelImage<Data>> {
  const { data } = source;
  if (liesOnSharedMemory(data)) return source;
  const pixels = viewPixels(pixelTypeOf(data), takeShared(data.byteLength)) as Data;
  await copyInBands(data, pixels);
  return { ...source, data: pixels };
}

/** Whether it is the whole of a shared buffer. */
export function liesOnSharedMemory(data: PixelArray): data is PixelArray & { readonly buffer: SharedArrayBuffer } {
  return data.buffer instanceof SharedArrayBuffer && data.byteLength === data.buffer.byteLength;
}
