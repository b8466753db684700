import { hasAnimation, readApng } from './apng.js';
import type { PlacedFrame } from './compose-frames.js';
import { uncoveredFrames } from './gif-frames.js';
import type { Header } from './header.js';

/**
 * Frames that the decoder knows nothing of, or shows otherwise than browsers do.
 * @param frames that are wanted
 * @returns undefined where the decoder is right
 */
export function placedFrames(
  bytes: Uint8Array,
  header: Pick<Header, 'format' | 'orientation' | 'width' | 'height'>,
  frames: number,
): readonly PlacedFrame[] | undefined {
  if (header.format === 'gif') return uncoveredFrames(bytes, frames);
  if (header.format !== 'png' || !hasAnimation(bytes)) return undefined;
  // The decoder turns the pixels of each.
  return readApng(bytes)
    ?.frames.slice(0, frames)
    .map((frame) => ({ ...frame, ...turnedPlace(frame, header) }));
}

type Place = Pick<PlacedFrame, 'x' | 'y' | 'width' | 'height'>;

/** Where a rectangle comes to lie when all of it is turned as EXIF says (CIPA DC-008, 4.6.4). */
function turnedPlace(
  { x, y, width, height }: Place,
  turned: { readonly orientation: number; readonly width: number; readonly height: number },
): Place {
  const { orientation } = turned;
  const isQuarter = orientation >= 5;
  const [across, down] = isQuarter ? [y, x] : [x, y];
  const [own, tall] = isQuarter ? [height, width] : [width, height];
  const fromRight = [2, 3, 6, 7].includes(orientation);
  const fromBottom = [3, 4, 7, 8].includes(orientation);
  return {
    x: fromRight ? turned.width - across - own : across,
    y: fromBottom ? turned.height - down - tall : down,
    width: own,
    height: tall,
  };
}
