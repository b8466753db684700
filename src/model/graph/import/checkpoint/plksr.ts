import type { Architecture } from './architecture.js';
import { dysample } from './dysample.js';
import { rootOf, WeightsError, type Layers } from './layers.js';

/**
 * PLKSR and RealPLKSR: large kernels on a part of the channels (https://github.com/dslisleedh/PLKSR, plksr_arch.py;
 * https://github.com/neosr-project/neosr, realplksr_arch.py). The first calls its mixers `channe_mixer`, and has GELU where the second
 * has Mish.
 */
export const plksr: Architecture = {
  name: 'PLKSR, RealPLKSR',
  matches: (has) =>
    has('feats.0.weight') && (has('feats.1.channel_mixer.0.weight') || has('feats.1.channe_mixer.0.weight')),
  build: (layers) => {
    const [, channels] = layers.shape('feats.0.weight', 4) as [number, number];
    const numbersOf = (pattern: RegExp): number[] =>
      layers.names().flatMap((name) => pattern.exec(name)?.slice(1).map(Number) ?? []);
    const last = numbersOf(/^feats\.(\d+)\.weight$/).reduce((most, at) => Math.max(most, at), 0);
    const [outputs] = layers.shape(`feats.${last}.weight`, 4) as [number];
    const scale = rootOf(outputs / channels, `feats.${last}`);
    let value = layers.conv('input', 'feats.0');
    // Not one number after another: a dropout has one, and no weights, and a damaged file may name a layer far away.
    const blocks = numbersOf(/^feats\.(\d+)\.refine\.weight$/).filter((at) => at < last);
    for (const at of blocks.sort((a, b) => a - b)) value = layers.add(block(layers, value, `feats.${at}`), value);
    value = layers.conv(value, `feats.${last}`);
    // Each channel once for each phase of the shuffle.
    const phases = Array.from({ length: outputs }, (_, at) => Math.floor(at / scale ** 2));
    const repeated = layers.writer.op('Gather', ['input', layers.writer.ints(phases)], { axis: 1 });
    value = layers.add(value, repeated);
    const large = layers.has('to_img.init_pos')
      ? dysample(layers, value, 'to_img', scale)
      : layers.shuffle(value, scale);
    return layers.finish(large, channels);
  },
};

function block(layers: Layers, input: string, name: string): string {
  const { writer } = layers;
  const real = layers.has(`${name}.channel_mixer.0.weight`);
  const mixer = `${name}.${real ? 'channel_mixer' : 'channe_mixer'}`;
  let value = layers.has(`${name}.layer_norm.weight`) ? layers.layerNorm(input, `${name}.layer_norm`, 1e-6) : input;
  const wide = layers.conv(value, `${mixer}.0`);
  value = layers.conv(real ? layers.mish(wide) : layers.gelu(wide), `${mixer}.2`);

  const [all] = layers.shape(`${mixer}.2.weight`, 4) as [number];
  const [part, into] = layers.shape(`${name}.lk.conv.weight`, 4) as [number, number];
  if (part !== into || part > all) throw new WeightsError(`${name}.lk.conv is of ${into} and ${part} channels`);
  const between = (from: number, to: number): string =>
    writer.op('Slice', [value, writer.ints([from]), writer.ints([to]), writer.ints([1])]);
  const large = layers.conv(part === all ? value : between(0, part), `${name}.lk.conv`);
  value = part === all ? large : layers.concat([large, between(part, all)]);

  if (layers.has(`${name}.attn.f.0.weight`)) {
    value = layers.mul(value, writer.op('Sigmoid', [layers.conv(value, `${name}.attn.f.0`)]));
  }
  value = layers.conv(value, `${name}.refine`);
  return layers.has(`${name}.norm.weight`) ? layers.groupNorm(value, `${name}.norm`, 4) : value;
}
