import type { Architecture } from './architecture.js';
import { rootOf, WeightsError, type Layers } from './layers.js';

/** Quarters of the channels are looked at in this many times smaller pictures. */
const REDUCED = [1, 2, 4, 8] as const;

/**
 * SAFMN, spatially-adaptive feature modulation (https://github.com/sunny2109/SAFMN, basicsr/archs/safmn_arch.py). Its adaptive pooling is
 * pooling by blocks where sides are multiples of 8, which upres sees to.
 */
export const safmn: Architecture = {
  name: 'SAFMN',
  matches: (has) => has('to_feat.weight') && has('feats.0.safm.mfr.0.weight') && has('feats.0.norm1.weight'),
  build: (layers) => {
    const [width, channels] = layers.shape('to_feat.weight', 4) as [number, number];
    if (width % REDUCED.length !== 0) throw new WeightsError(`to_feat has ${width} channels`);
    const [outputs] = layers.shape('to_img.0.weight', 4) as [number];
    const scale = rootOf(outputs / channels, 'to_img.0');
    const first = layers.conv('input', 'to_feat');
    let value = first;
    for (let at = 0; layers.has(`feats.${at}.norm1.weight`); at++) {
      const name = `feats.${at}`;
      value = layers.add(
        modulated(layers, layers.layerNorm(value, `${name}.norm1`, 1e-6), `${name}.safm`, width),
        value,
      );
      const mixed = layers.conv(layers.layerNorm(value, `${name}.norm2`, 1e-6), `${name}.ccm.ccm.0`);
      value = layers.add(layers.conv(layers.gelu(mixed), `${name}.ccm.ccm.2`), value);
    }
    return layers.finish(layers.shuffle(layers.conv(layers.add(value, first), 'to_img.0'), scale), channels);
  },
};

function modulated(layers: Layers, input: string, name: string, width: number): string {
  const { writer } = layers;
  const part = width / REDUCED.length;
  const parts = REDUCED.map((factor, at) => {
    const bounds = [at * part, (at + 1) * part].map((bound) => writer.ints([bound]));
    let value = writer.op('Slice', [input, ...bounds, writer.ints([1])]);
    if (factor > 1) {
      value = writer.op('MaxPool', [value], { kernel_shape: [factor, factor], strides: [factor, factor] });
    }
    return layers.nearest(layers.conv(value, `${name}.mfr.${at}`, { groups: part }), factor);
  });
  return layers.mul(layers.gelu(layers.conv(layers.concat(parts), `${name}.aggr`)), input);
}
