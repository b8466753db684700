import type { Architecture } from './architecture.js';
import { rootOf, WeightsError, type Layers } from './layers.js';

/** What is subtracted from the colours, and what they are multiplied by, unless the weights say `no_norm`. */
const MEAN = [0.4488, 0.4371, 0.404] as const;
const WHITE = 255;

/** Published networks have 28 to 96 channels; inside a convolution they are doubled. Fusing takes the third power of it. */
const MOST_CHANNELS = 512;

/**
 * SPAN, a swift parameter-free attention network (https://github.com/hongyuanyu/SPAN, basicsr/archs/span_arch.py). Its
 * convolutions are trained as three with a shortcut, and are one here.
 */
export const span: Architecture = {
  name: 'SPAN',
  matches: (has) =>
    (has('block_1.c1_r.eval_conv.weight') || has('block_1.c1_r.sk.weight')) &&
    has('conv_cat.weight') &&
    has('upsampler.0.weight'),
  build: (layers) => {
    const { writer } = layers;
    const plain = layers.has('no_norm');
    layers.ignore('no_norm');
    const conv = (input: string, module: string): string => fused(layers, input, module);
    let picture = 'input';
    if (!plain) {
      picture = layers.mul(writer.op('Sub', [picture, writer.floats(MEAN, [1, 3, 1, 1])]), layers.constant(WHITE));
    }
    const first = conv(picture, 'conv_1');
    const blocks: string[] = [];
    let inner = first;
    let value = first;
    for (let block = 1; block <= 6; block++) {
      const one = conv(value, `block_${block}.c1_r`);
      const two = conv(layers.silu(one), `block_${block}.c2_r`);
      const three = conv(layers.silu(two), `block_${block}.c3_r`);
      const attention = writer.op('Sub', [writer.op('Sigmoid', [three]), layers.constant(0.5)]);
      value = layers.mul(layers.add(three, value), attention);
      inner = one;
      blocks.push(value);
    }
    const joined = layers.concat([first, conv(value, 'conv_2'), blocks[0]!, inner]);
    const cat = layers.conv(joined, 'conv_cat');
    const [outputs] = layers.shape('upsampler.0.weight', 4) as [number];
    const scale = rootOf(outputs / 3, 'upsampler.0');
    return layers.finish(layers.shuffle(layers.conv(cat, 'upsampler.0'), scale), 3);
  },
};

/** 1×1, 3×3 and 1×1 one after another, and a 1×1 beside them, as one 3×3; or what was made one already. */
function fused(layers: Layers, input: string, module: string): string {
  const single = `${module}.eval_conv`;
  if (!layers.has(`${module}.sk.weight`)) return layers.conv(input, single);
  // Left over from the last time that it was fused while it was trained.
  layers.ignore(`${single}.weight`);
  layers.ignore(`${single}.bias`);
  const [narrow, into] = layers.shape(`${module}.conv.0.weight`, 4) as [number, number];
  const [wide] = layers.shape(`${module}.conv.1.weight`, 4) as [number];
  const [out] = layers.shape(`${module}.conv.2.weight`, 4) as [number];
  if (Math.max(narrow, into, wide, out) > MOST_CHANNELS) throw new WeightsError(`${module} has too many channels`);
  const load = (name: string, count: number): Float32Array => {
    const values = layers.values(`${module}.${name}`);
    if (values.length !== count) throw new WeightsError(`${module}.${name} has ${values.length} values, not ${count}`);
    return values;
  };
  const optional = (name: string, count: number): Float32Array =>
    layers.has(`${module}.${name}`) ? load(name, count) : new Float32Array(count);
  const a = load('conv.0.weight', narrow * into);
  const aBias = optional('conv.0.bias', narrow);
  const b = load('conv.1.weight', wide * narrow * 9);
  const bBias = optional('conv.1.bias', wide);
  const c = load('conv.2.weight', out * wide);
  const cBias = optional('conv.2.bias', out);
  const side = load('sk.weight', out * into);
  const sideBias = optional('sk.bias', out);

  // The first two as one, then the third before them.
  const two = new Float64Array(wide * into * 9);
  const twoBias = Float64Array.from(bBias);
  for (let w = 0; w < wide; w++) {
    for (let n = 0; n < narrow; n++) {
      for (let tap = 0; tap < 9; tap++) {
        const weight = b[(w * narrow + n) * 9 + tap]!;
        twoBias[w]! += weight * aBias[n]!;
        for (let i = 0; i < into; i++) two[(w * into + i) * 9 + tap]! += weight * a[n * into + i]!;
      }
    }
  }
  const kernel = new Float64Array(out * into * 9);
  const bias = Float64Array.from(cBias, (value, o) => value + sideBias[o]!);
  for (let o = 0; o < out; o++) {
    for (let w = 0; w < wide; w++) {
      const weight = c[o * wide + w]!;
      bias[o]! += weight * twoBias[w]!;
      for (let at = 0; at < into * 9; at++) kernel[o * into * 9 + at]! += weight * two[w * into * 9 + at]!;
    }
    for (let i = 0; i < into; i++) kernel[(o * into + i) * 9 + 4]! += side[o * into + i]!;
  }
  const shape = [out, into, 3, 3];
  const { writer } = layers;
  return layers.convolve([input, writer.floats(kernel, shape), writer.floats(bias, [out])], shape);
}
