import { blendOver, clearIt, keepIt, putBack, type PlacedFrame } from './compose-frames.js';
import { extensionBlock, firstBlock, gifBlocks, imageBlock } from './gif-blocks.js';

const controlLabel = 0xf9;

/** A frame of a GIF, and whether some of its pixels are see-through. */
interface GifFrame extends PlacedFrame {
  readonly transparent: boolean;
}

/**
 * The frames of a GIF whose decoder would paint what no frame covers in the background's colour, as the specification has it and
 * no browser does: they leave it transparent.
 * @param most frames that are wanted
 * @returns undefined where the decoder shows what browsers show
 */
export function uncoveredFrames(gif: Uint8Array, most: number): readonly PlacedFrame[] | undefined {
  const view = new DataView(gif.buffer, gif.byteOffset, gif.byteLength);
  const frames = framesOf(gif).slice(0, most);
  const [first] = frames;
  if (!first) return undefined;
  // A first frame that is larger than the canvas enlarges it.
  const width = Math.max(view.getUint16(6, true), first.x + first.width);
  const height = Math.max(view.getUint16(8, true), first.y + first.height);
  if (!frames.every((frame) => frame.x + frame.width <= width && frame.y + frame.height <= height)) return undefined;
  const covers = first.width === width && first.height === height;
  const isPainted = !covers || frames.some(({ dispose, transparent }) => dispose === clearIt && !transparent);
  return isPainted ? frames : undefined;
}

function framesOf(gif: Uint8Array): GifFrame[] {
  const view = new DataView(gif.buffer, gif.byteOffset, gif.byteLength);
  const frames: GifFrame[] = [];
  let last: Uint8Array | undefined;
  for (const { kind, start, end } of gifBlocks(gif)) {
    if (end === undefined) break;
    if (kind === extensionBlock && gif[start + 1] === controlLabel) last = gif.subarray(start, end);
    if (kind !== imageBlock) continue;
    const control = last;
    last = undefined;
    const [x, y, width, height] = [1, 3, 5, 7].map((at) => view.getUint16(start + at, true)) as [
      number,
      number,
      number,
      number,
    ];
    const method = ((control?.[3] ?? 0) >> 2) & 7;
    frames.push({
      ...{ x, y, width, height },
      dispose: method === 2 ? clearIt : method === 3 ? putBack : keepIt,
      blend: blendOver,
      transparent: ((control?.[3] ?? 0) & 1) === 1,
      still: () => stillOf(gif, control, gif.subarray(start, end), { width, height }),
    });
  }
  return frames;
}

/** A frame as a GIF of its own size. */
function stillOf(
  gif: Uint8Array,
  control: Uint8Array | undefined,
  image: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
): Uint8Array {
  const start = Buffer.from(gif.subarray(0, firstBlock(gif)));
  start.write('GIF89a', 0, 'latin1');
  start.writeUInt16LE(width, 6);
  start.writeUInt16LE(height, 8);
  const placed = Buffer.from(image);
  placed.writeUInt32LE(0, 1);
  return Buffer.concat([start, ...(control ? [control] : []), placed, Buffer.of(0x3b)]);
}
