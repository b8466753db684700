import type { Architecture } from './architecture.js';
import { rootOf, WeightsError } from './layers.js';

/**
 * SRVGGNetCompact of Real-ESRGAN: convolutions with PReLU, a pixel shuffle, and the picture with larger pixels added
 * (https://github.com/xinntao/Real-ESRGAN, realesrgan/archs/srvgg_arch.py).
 */
export const compact: Architecture = {
  name: 'Compact (SRVGG)',
  matches: (has) => has('body.0.weight') && has('body.1.weight') && !has('body.1.bias') && has('body.2.weight'),
  build: (layers) => {
    const [, channels] = layers.shape('body.0.weight', 4) as [number, number];
    const at = (name: string): number => Number(/^body\.(\d+)\.weight$/.exec(name)?.[1] ?? -1);
    const last = layers.names().reduce((most, name) => Math.max(most, at(name)), 0);
    const [outputs] = layers.shape(`body.${last}.weight`, 4) as [number];
    const scale = rootOf(outputs / channels, `body.${last}`);
    if (last % 2) throw new WeightsError(`body.${last} is the last, and no convolution`);
    let value = layers.conv('input', 'body.0');
    for (let at = 1; at < last; at += 2) {
      const slopes = layers.values(`body.${at}.weight`);
      value = layers.writer.op('PRelu', [value, layers.writer.floats(slopes, [slopes.length, 1, 1])]);
      value = layers.conv(value, `body.${at + 1}`);
    }
    return layers.finish(layers.add(layers.shuffle(value, scale), layers.nearest('input', scale)), channels);
  },
};
