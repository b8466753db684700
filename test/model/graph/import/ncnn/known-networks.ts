// The structures of networks that people have as ncnn files.
import { conv, deconv, input, plain, weights, type LayerWeights, type NcnnLayer } from './network.js';

/** Where the weights of a layer come from, one call for each layer that has any, in their order. */
export type WeightsOf = (layer: NcnnLayer) => LayerWeights[];

function withWeights(layers: NcnnLayer[], weightsOf: WeightsOf | undefined): NcnnLayer[] {
  return weightsOf ? layers.map((layer) => (layer.weights ? { ...layer, weights: weightsOf(layer) } : layer)) : layers;
}

/** waifu2x, upconv_7: no pads; 7 pixels of border are lost. */
export function upconv7(weightsOf?: WeightsOf): NcnnLayer[] {
  const widths = [3, 16, 32, 64, 128, 128, 256];
  const convolutions = widths.slice(1).map((width, at) =>
    conv(at === 0 ? 'data' : `c${at}`, `c${at + 1}`, [widths[at]!, width], {
      storage: 'float16',
      params: { 9: 2, 10: [0.1] },
    }),
  );
  const last = deconv('c6', 'out', [256, 3], { kernel: 4, storage: 'float16', params: { 3: 2, 4: 3 } });
  return withWeights([input, ...convolutions, last], weightsOf);
}

/** Real-ESRGAN's compact networks: 4x, and for less the result is reduced. */
export function compact(depth: number, scale: 2 | 3 | 4, weightsOf?: WeightsOf): NcnnLayer[] {
  const body = Array.from({ length: depth }, (_, at) => [
    conv(at === 0 ? 'd2' : `p${at}`, `c${at + 1}`, [at === 0 ? 3 : 64, 64], { storage: 'float16', params: { 4: 1 } }),
    {
      ...plain('PReLU', `c${at + 1}`, `p${at + 1}`, { 0: 64 }),
      weights: [{ values: weights(64, at) }],
    },
  ]).flat();
  return withWeights(
    [
      input,
      plain('Split', 'data', ['d1', 'd2']),
      ...body,
      conv(`p${depth}`, 'last', [64, 48], { storage: 'float16', params: { 4: 1 } }),
      plain('PixelShuffle', 'last', 'large', { 0: 4 }),
      plain('Interp', 'd1', 'repeated', { 0: 1, 1: 4, 2: 4 }),
      plain('BinaryOp', ['large', 'repeated'], 'sum'),
      ...(scale === 4 ? [] : [plain('Interp', 'sum', 'out', { 0: 3, 1: scale / 4, 2: scale / 4 })]),
    ],
    weightsOf,
  );
}

/** Squeeze and excitation: a factor for each channel, from the mean over the picture. */
function gated(from: string, to: string, channels: number, seed: number): NcnnLayer[] {
  const full = (a: string, b: string, outputs: number, activation: number): NcnnLayer => ({
    ...plain('InnerProduct', a, b, { 0: outputs, 1: 1, 2: channels * 2, 9: activation }),
    weights: [
      { values: weights(channels * 2, seed, channels), storage: 'float16' },
      { values: weights(outputs, seed + 1) },
    ],
  });
  return [
    plain('Split', from, [`${to}1`, `${to}2`]),
    plain('Pooling', `${to}2`, `${to}3`, { 0: 1, 4: 1 }),
    full(`${to}3`, `${to}4`, 2, 1),
    full(`${to}4`, `${to}5`, channels, 4),
    plain('BinaryOp', [`${to}1`, `${to}5`], to, { 0: 2 }),
  ];
}

/** Real-CUGAN for 2x and the like cunet of waifu2x, narrow: two U-nets with gates, of which the second refines. */
export function cascade(width = 2): NcnnLayer[] {
  const leaky = { 9: 2, 10: [0.1] };
  const c = (from: string, to: string, channels: readonly [number, number], kernel = 3, stride = 1): NcnnLayer =>
    conv(from, to, channels, { kernel, storage: 'float16', params: { 3: stride, ...leaky } });
  const up = (from: string, to: string): NcnnLayer =>
    deconv(from, to, [width, width], { kernel: 2, params: { 3: 2, ...leaky } });
  const cropped = (from: string, to: string, by: number): NcnnLayer =>
    plain('Crop', from, to, { 9: [by, by], 10: [-by, -by], 11: [-2, -1] });
  const one = [width, width] as const;
  return [
    input,
    c('data', 'a1', [3, width]),
    c('a1', 'a2', one),
    plain('Split', 'a2', ['a3', 'a4']),
    c('a4', 'a5', one, 2, 2),
    c('a5', 'a6', one),
    c('a6', 'a7', one),
    ...gated('a7', 'a8', width, 21),
    cropped('a3', 'a9', 4),
    up('a8', 'a10'),
    plain('BinaryOp', ['a9', 'a10'], 'a11'),
    c('a11', 'a12', one),
    deconv('a12', 'b0', [width, 3], { kernel: 4, params: { 3: 2, 4: 3 } }),
    plain('Split', 'b0', ['b1', 'b2']),
    c('b2', 'b3', [3, width]),
    c('b3', 'b4', one),
    plain('Split', 'b4', ['b5', 'b6']),
    c('b6', 'b7', one, 2, 2),
    c('b7', 'b8', one),
    c('b8', 'b9', one),
    ...gated('b9', 'b10', width, 31),
    plain('Split', 'b10', ['b11', 'b12']),
    c('b12', 'b13', one, 2, 2),
    c('b13', 'b14', one),
    c('b14', 'b15', one),
    ...gated('b15', 'b16', width, 41),
    cropped('b11', 'b17', 4),
    up('b16', 'b18'),
    plain('BinaryOp', ['b17', 'b18'], 'b19'),
    c('b19', 'b20', one),
    c('b20', 'b21', one),
    ...gated('b21', 'b22', width, 51),
    cropped('b5', 'b23', 16),
    up('b22', 'b24'),
    plain('BinaryOp', ['b23', 'b24'], 'b25'),
    cropped('b1', 'b26', 20),
    c('b25', 'b27', one),
    conv('b27', 'b28', [width, 3]),
    plain('BinaryOp', ['b28', 'b26'], 'out'),
  ];
}

/**
 * Real-CUGAN for 4x as its authors name its blobs, by which it is known: it computes what is to be added to the picture with
 * every pixel repeated. Narrower than the real one.
 */
export function cugan4(width = 2): NcnnLayer[] {
  const wide = [width, width] as const;
  const leaky = { 9: 2, 10: [0.1] };
  const c = (from: number | string, to: number, channels: readonly [number, number] = wide, kernel = 3): NcnnLayer =>
    conv(String(from), String(to), channels, { kernel, params: { ...(kernel === 2 && { 3: 2 }), ...leaky } });
  const up = (from: number, to: number): NcnnLayer =>
    deconv(String(from), String(to), wide, { kernel: 2, params: { 3: 2, ...leaky } });
  const split = (from: number): NcnnLayer => plain('Split', String(from), [String(from + 1), String(from + 2)]);
  const cropped = (from: number, to: number, by: number): NcnnLayer =>
    plain('Crop', String(from), String(to), { 9: [by, by], 10: [-by, -by], 11: [-2, -1] });
  const full = (from: string, to: number, outputs: number, activation: number): NcnnLayer => ({
    ...plain('InnerProduct', from, String(to), { 0: outputs, 2: width * outputs, 9: activation }),
    weights: [{ values: weights(width * outputs, to, width), storage: 'float16' }],
  });
  const gate = (pooled: number, mean: string, few: number, to: number): NcnnLayer[] => [
    plain('Pooling', String(pooled), mean, { 0: 1, 4: 1 }),
    full(mean, few, width, 1),
    full(String(few), few + 1, width, 4),
    plain('BinaryOp', [String(pooled - 1), String(few + 1)], String(to), { 0: 2 }),
  ];
  const add = (a: number, b: number, to: number): NcnnLayer => plain('BinaryOp', [String(a), String(b)], String(to));
  return [
    { ...input, outputs: ['in0'] },
    c('in0', 4, [3, width]),
    c(4, 5),
    split(5),
    c(7, 8, wide, 2),
    c(8, 9),
    c(9, 10),
    split(10),
    ...gate(12, 'gap0', 14, 16),
    cropped(6, 17, 4),
    up(16, 18),
    add(17, 18, 19),
    c(19, 20),
    deconv('20', '21', wide, { kernel: 4, params: { 3: 2, 4: 3 } }),
    split(21),
    c(23, 24),
    c(24, 25),
    split(25),
    c(27, 28, wide, 2),
    c(28, 29),
    c(29, 30),
    split(30),
    ...gate(32, 'gap1', 34, 36),
    split(36),
    c(38, 39, wide, 2),
    c(39, 40),
    c(40, 41),
    split(41),
    ...gate(43, 'gap2', 45, 47),
    cropped(37, 48, 4),
    up(47, 49),
    add(48, 49, 50),
    c(50, 51),
    c(51, 52),
    split(52),
    ...gate(54, 'gap3', 56, 58),
    cropped(26, 59, 16),
    up(58, 60),
    add(59, 60, 61),
    cropped(22, 62, 20),
    c(61, 63),
    conv('63', '64', wide),
    add(64, 62, 65),
    conv('65', '66', [width, 12]),
    cropped(66, 67, 1),
    plain('PixelShuffle', '67', 'out0', { 0: 2 }),
  ];
}
