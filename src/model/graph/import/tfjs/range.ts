import type { CardSide } from '../../../catalogue/card.js';
import { PIXEL_SHUFFLE } from './layers.js';
import type { Layer } from './topology.js';

interface Ranges {
  readonly input: CardSide['range'];
  readonly output: CardSide['range'];
  /** For the card. */
  readonly reason: string;
}

const OVERRIDE =
  'If pictures come out black, white or garish, say otherwise in a card next to it (input.range, output.range).';

/**
 * The values that stand for white. The files don't say; UpscalerJS keeps it in the code of its packages, which goes by the
 * architecture: "rrdn" (with MultiplyBeta and PixelShuffle) works on 0..1, everything else on 0..255, also by default.
 */
export function decideRange(layers: readonly Layer[]): Ranges {
  const custom = layers.find(({ className }) => className === 'MultiplyBeta' || PIXEL_SHUFFLE.test(className));
  if (custom) {
    const reason = `Values are taken as 0..1: it has the layer ${custom.className}, as UpscalerJS's networks of that range.`;
    return { input: [0, 1], output: [0, 1], reason };
  }
  const rescaling = layers
    .filter(({ className }) => className === 'Rescaling')
    .map(({ config }) => Number(config.scale ?? 1));
  if (rescaling.length > 0) {
    const whole = layers.at(-1)!.className === 'Rescaling' && rescaling.at(-1)! > 2;
    const input: CardSide['range'] = rescaling[0]! < 0.1 ? [0, 255] : [0, 1];
    const output: CardSide['range'] = whole ? [0, 255] : [0, 1];
    return {
      input,
      output,
      reason: `Values are taken as 0..${input[1]} in and 0..${output[1]} out, by its Rescaling layers. ${OVERRIDE}`,
    };
  }
  const reason = `Values are taken as 0..255, as UpscalerJS does where nothing says otherwise. ${OVERRIDE}`;
  return { input: [0, 255], output: [0, 255], reason };
}
