import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { difference, randomFloats, run } from '../../../support.js';
import { conv, convert, deconv, files, input, plain, weights, type NcnnLayer } from './network.js';
import { enlarged, picture, scaleOf, type Picture } from './reference.js';

const tolerance = 1e-5;

function randomPicture(channels: number, height: number, width: number, seed: number): Picture {
  const values = randomFloats(channels * height * width, seed);
  return picture(channels, height, width, (c, y, x) => values[(c * height + y) * width + x]!);
}

/** Largest difference between what the runtime makes of the converted network and what the plain evaluation does. */
async function deviation(layers: readonly NcnnLayer[], size: readonly [number, number] = [12, 16]): Promise<number> {
  const { param, bin } = files(layers);
  const channels = layers[0]!.params?.[2] === 1 ? 1 : 3;
  const from = randomPicture(channels, ...size, 7);
  const scale = scaleOf(layers, channels);
  const result = await run(convert(param, bin), Float32Array.from(from.data), [1, channels, ...size]);
  expect(result.dims).toEqual([1, channels, size[0] * scale, size[1] * scale]);
  const expected = enlarged(layers, from, scale);
  const largest = expected.data.reduce((most, v) => Math.max(most, Math.abs(v)), 1);
  return difference(result.data, expected.data) / largest;
}

/** A network of three channels at both ends around layers that go from the blob "a" (8 channels) to "b" (8 channels). */
function around(...layers: NcnnLayer[]): NcnnLayer[] {
  return [input, conv('data', 'a', [3, 8], { seed: 11 }), ...layers, conv('b', 'out', [8, 3], { seed: 12 })];
}

/** The same, with half the rows and columns from "b" on; a transposed convolution makes up for it. */
function halving(...layers: NcnnLayer[]): NcnnLayer[] {
  const back = deconv('b', 'c', [8, 8], { kernel: 2, params: { 3: 2 } });
  return [input, conv('data', 'a', [3, 8]), ...layers, back, conv('c', 'out', [8, 3])];
}

const both = (params: NcnnLayer['params']): NcnnLayer[] => [
  plain('Split', 'a', ['a1', 'a2']),
  plain('Sigmoid', 'a1', 's'),
  plain('BinaryOp', ['a2', 's'], 'b', params),
];

/** A number for each channel, from the whole picture. */
const vector = (kind: number): NcnnLayer[] => [
  plain('Split', 'a', ['a1', 'a2']),
  plain('Pooling', 'a1', 'mean', { 0: kind, 4: 1 }),
  {
    type: 'InnerProduct',
    inputs: ['mean'],
    outputs: ['few'],
    params: { 0: 4, 1: 1, 2: 32, 9: 1 },
    weights: [{ values: weights(32, 3, 8), storage: 'float16' }, { values: weights(4, 4) }],
  },
  {
    type: 'InnerProduct',
    inputs: ['few'],
    outputs: ['gates'],
    params: { 0: 8, 2: 32, 9: 4 },
    weights: [{ values: weights(32, 5, 4), storage: 'float32' }],
  },
];

const activation = (kind: number, ...parameters: number[]): NcnnLayer[] =>
  around(conv('a', 'b', [8, 8], { params: { 9: kind, 10: parameters } }));

const cases: Record<string, NcnnLayer[]> = {
  'Convolution without pads': around(conv('a', 'b', [8, 8])),
  'Convolution with pads': around(conv('a', 'b', [8, 8], { params: { 4: 1 } })),
  'Convolution with four different pads': around(conv('a', 'b', [8, 8], { params: { 4: 0, 14: 1, 15: 2, 16: 3 } })),
  'Convolution with pads of another value': around(conv('a', 'b', [8, 8], { params: { 4: 2, 18: 0.5 } })),
  'Convolution with pads as needed, more at the end': around(
    conv('a', 'b', [8, 8], { kernel: 4, params: { 4: -233 } }),
  ),
  'Convolution with pads as needed, more at the start': around(
    conv('a', 'b', [8, 8], { kernel: 4, params: { 4: -234 } }),
  ),
  'Convolution with pads as needed and a stride': halving(conv('a', 'b', [8, 8], { params: { 3: 2, 4: -233 } })),
  'Convolution with a stride': halving(conv('a', 'b', [8, 8], { kernel: 2, params: { 3: 2 } })),
  'Convolution with dilation': around(conv('a', 'b', [8, 8], { params: { 2: 2, 12: 3 } })),
  'Convolution with a flat kernel': around(conv('a', 'b', [8, 8], { kernel: [5, 1] })),
  'Convolution without bias': around(conv('a', 'b', [8, 8], { bias: false })),
  'Convolution with float16 weights': around(conv('a', 'b', [8, 8], { storage: 'float16' })),
  'Convolution with an odd number of float16 weights': [
    input,
    conv('data', 'a', [3, 3], { kernel: 3, storage: 'float16', group: 3 }),
    conv('a', 'out', [3, 3], { storage: 'float16' }),
  ],
  'Convolution with weights from a table': around({
    ...conv('a', 'b', [8, 8]),
    weights: [
      { values: weights(8 * 8 * 9, 1, 72).map((v) => Math.round(v * 64) / 64), storage: 'table' },
      { values: weights(8, 2) },
    ],
  }),
  'ConvolutionDepthWise of one channel each': around(conv('a', 'b', [8, 8], { group: 8 })),
  'ConvolutionDepthWise in groups': around(conv('a', 'b', [8, 8], { group: 2, params: { 4: 1 } })),
  ReLU: activation(1),
  'leaky ReLU': activation(2, 0.1),
  clip: activation(3, -0.25, 0.25),
  sigmoid: activation(4),
  Mish: activation(5),
  'hard swish': activation(6, 0.2, 0.5),
  Deconvolution: [input, deconv('data', 'out', [3, 3], { kernel: 4, params: { 3: 2, 4: 1 } })],
  'Deconvolution that cuts nothing off': [input, deconv('data', 'out', [3, 3], { kernel: 4, params: { 3: 2 } })],
  'Deconvolution that cuts much off': [
    input,
    conv('data', 'a', [3, 8]),
    deconv('a', 'out', [8, 3], { kernel: 4, storage: 'float16', params: { 3: 2, 4: 3, 9: 2, 10: [0.2] } }),
  ],
  'Deconvolution with four different cuts and additions': [
    input,
    deconv('data', 'out', [3, 3], { kernel: [4, 5], params: { 3: 2, 4: 1, 14: 0, 15: 2, 16: 1, 18: 1, 19: 0 } }),
  ],
  'Deconvolution with dilation': [input, deconv('data', 'out', [3, 3], { params: { 2: 2, 3: 2, 4: 1 } })],
  'DeconvolutionDepthWise of one channel each': [
    input,
    deconv('data', 'out', [3, 3], { kernel: 4, group: 3, params: { 3: 2, 4: 1 } }),
  ],
  'DeconvolutionDepthWise in groups': [
    input,
    conv('data', 'a', [3, 8]),
    deconv('a', 'b', [8, 4], { kernel: 2, group: 2, params: { 3: 2 } }),
    conv('b', 'out', [4, 3]),
  ],
  PReLU: around({ ...plain('PReLU', 'a', 'b', { 0: 8 }), weights: [{ values: weights(8, 1) }] }),
  'PReLU with one slope': around({ ...plain('PReLU', 'a', 'b', { 0: 1 }), weights: [{ values: weights(1, 1) }] }),
  'ReLU as a layer': around(plain('ReLU', 'a', 'b')),
  'ReLU with a slope': around(plain('ReLU', 'a', 'b', { 0: 0.2 })),
  Clip: around(plain('Clip', 'a', 'b', { 0: -0.5, 1: 0.25 })),
  'Clip on one side': around(plain('Clip', 'a', 'b', { 1: 0.25 })),
  Sigmoid: around(plain('Sigmoid', 'a', 'b')),
  TanH: around(plain('TanH', 'a', 'b')),
  'Mish as a layer': around(plain('Mish', 'a', 'b')),
  Swish: around(plain('Swish', 'a', 'b')),
  HardSigmoid: around(plain('HardSigmoid', 'a', 'b')),
  HardSwish: around(plain('HardSwish', 'a', 'b', { 0: 0.3, 1: 0.4 })),
  ELU: around(plain('ELU', 'a', 'b', { 0: 0.7 })),
  GELU: around(plain('GELU', 'a', 'b')),
  AbsVal: around(plain('AbsVal', 'a', 'b')),
  Power: around(plain('Power', 'a', 'b', { 0: 2, 1: 0.5, 2: 0.25 })),
  'UnaryOp of any number': around(
    plain('UnaryOp', 'a', 'negative', { 0: 1 }),
    plain('UnaryOp', 'negative', 'power', { 0: 7 }),
    plain('UnaryOp', 'power', 'bent', { 0: 16 }),
    plain('UnaryOp', 'bent', 'square', { 0: 4 }),
    plain('UnaryOp', 'square', 'b', { 0: 0 }),
  ),
  'UnaryOp of positive numbers': around(
    plain('Sigmoid', 'a', 'positive'),
    plain('UnaryOp', 'positive', 'root', { 0: 5 }),
    plain('UnaryOp', 'root', 'inverse', { 0: 6 }),
    plain('UnaryOp', 'inverse', 'back', { 0: 15 }),
    plain('UnaryOp', 'back', 'b', { 0: 8 }),
  ),
  Dropout: around(plain('Dropout', 'a', 'b', { 0: 0.5 })),
  Noop: around(plain('Noop', 'a', 'b')),
  Concat: around(
    plain('Split', 'a', ['a1', 'a2']),
    plain('Sigmoid', 'a1', 's'),
    plain('Concat', ['a2', 's'], 'both'),
    conv('both', 'b', [16, 8]),
  ),
  'Slice into given parts': around(
    plain('Slice', 'a', ['a1', 'a2'], { 0: [2, 6] }),
    plain('Concat', ['a2', 'a1'], 'b'),
  ),
  'Slice into equal parts': around(
    plain('Slice', 'a', ['a1', 'a2', 'a3'], { 0: [-233, -233, -233] }),
    plain('Concat', ['a3', 'a1', 'a2'], 'b'),
  ),
  'Eltwise product': around(
    plain('Split', 'a', ['a1', 'a2', 'a3']),
    plain('Eltwise', ['a1', 'a2', 'a3'], 'b', { 0: 0 }),
  ),
  'Eltwise sum': around(plain('Split', 'a', ['a1', 'a2']), plain('Eltwise', ['a1', 'a2'], 'b', { 0: 1 })),
  'Eltwise sum with coefficients': around(
    plain('Split', 'a', ['a1', 'a2']),
    plain('Sigmoid', 'a1', 's'),
    plain('Eltwise', ['s', 'a2'], 'b', { 0: 1, 1: [0.2, -1.5] }),
  ),
  'Eltwise largest': around(
    plain('Split', 'a', ['a1', 'a2']),
    plain('Sigmoid', 'a1', 's'),
    plain('Eltwise', ['s', 'a2'], 'b', { 0: 2 }),
  ),
  ...Object.fromEntries(
    ['sum', 'difference', 'product', 'quotient', 'largest', 'smallest'].map((name, kind) => [
      `BinaryOp ${name}`,
      around(...both({ 0: kind })),
    ]),
  ),
  'BinaryOp difference the other way round': around(...both({ 0: 7 })),
  'BinaryOp power': around(
    plain('Sigmoid', 'a', 's'),
    plain('Split', 's', ['s1', 's2']),
    plain('BinaryOp', ['s1', 's2'], 'b', { 0: 6 }),
  ),
  ...Object.fromEntries(
    [0, 1, 2, 3, 4, 5, 7].map((kind) => [
      `BinaryOp ${kind} with a number`,
      around(plain('BinaryOp', 'a', 'b', { 0: kind, 1: 1, 2: 0.375 })),
    ]),
  ),
  'BinaryOp with a number for each channel': around(...vector(1), plain('BinaryOp', ['a2', 'gates'], 'b', { 0: 2 })),
  'Scale by a blob': around(...vector(0), plain('Scale', ['a2', 'gates'], 'b', { 0: -233 })),
  'Scale by weights': around({ ...plain('Scale', 'a', 'b', { 0: 8 }), weights: [{ values: weights(8, 1) }] }),
  'Scale by weights with bias': around({
    ...plain('Scale', 'a', 'b', { 0: 8, 1: 1 }),
    weights: [{ values: weights(8, 1) }, { values: weights(8, 2) }],
  }),
  BatchNorm: around({
    ...plain('BatchNorm', 'a', 'b', { 0: 8, 1: 0.001 }),
    weights: [1, 2, 3, 4].map((seed) => ({ values: weights(8, seed).map((v) => (seed === 3 ? v * v : v)) })),
  }),
  PixelShuffle: [input, conv('data', 'a', [3, 27]), plain('PixelShuffle', 'a', 'out', { 0: 3 })],
  'PixelShuffle with channels last': [
    input,
    conv('data', 'a', [3, 12]),
    plain('PixelShuffle', 'a', 'out', { 0: 2, 1: 1 }),
  ],
  Reorg: [
    input,
    plain('Reorg', 'data', 'a', { 0: 2 }),
    conv('a', 'b', [12, 48], { params: { 4: 1 } }),
    plain('PixelShuffle', 'b', 'out', { 0: 4 }),
  ],
  'Reorg with channels last': [
    input,
    plain('Reorg', 'data', 'a', { 0: 2, 1: 1 }),
    conv('a', 'b', [12, 12], { params: { 4: 1 } }),
    plain('PixelShuffle', 'b', 'out', { 0: 2 }),
  ],
  ...Object.fromEntries(
    [1, 2, 3].flatMap((kind) => [
      [`Interp ${kind} by 2`, [input, plain('Interp', 'data', 'out', { 0: kind, 1: 2, 2: 2 })]],
      [`Interp ${kind} by 3`, [input, plain('Interp', 'data', 'out', { 0: kind, 1: 3, 2: 3 })]],
      [
        `Interp ${kind} by 4 and by 3/4`,
        [
          input,
          plain('Interp', 'data', 'a', { 0: kind, 1: 4, 2: 4 }),
          plain('Interp', 'a', 'out', { 0: kind, 1: 0.75, 2: 0.75 }),
        ],
      ],
      [
        `Interp ${kind} by 1/2 and back to the size of another blob`,
        [
          input,
          plain('Split', 'data', ['d1', 'd2']),
          plain('Interp', 'd1', 'a', { 0: kind, 1: 0.5, 2: 0.5 }),
          plain('Interp', ['a', 'd2'], 'out', { 0: kind, 5: 1 }),
        ],
      ],
    ]),
  ),
  'Interp from corner to corner': [input, plain('Interp', 'data', 'out', { 0: 2, 1: 2, 2: 2, 6: 1 })],
  'Interp by 1': around(plain('Interp', 'a', 'b', { 0: 2, 1: 1, 2: 1 })),
  'Crop to another blob': around(
    plain('Split', 'a', ['a1', 'a2']),
    conv('a1', 'c', [8, 8], { kernel: 5 }),
    plain('Split', 'c', ['c1', 'c2']),
    plain('Crop', ['a2', 'c1'], 'cut', { 0: 2, 1: 2 }),
    plain('Eltwise', ['cut', 'c2'], 'b', { 0: 1 }),
  ),
  'Crop with starts, ends and axes': around(plain('Crop', 'a', 'b', { 9: [2, 1], 10: [-1, -233], 11: [-2, -1] })),
  'Crop of channels': around(
    plain('Split', 'a', ['a1', 'a2']),
    plain('Crop', 'a1', 'few', { 9: [1], 10: [5], 11: [0] }),
    plain('Crop', 'a2', 'others', { 2: 4, 3: -233, 4: -233, 5: -233 }),
    plain('Concat', ['few', 'others'], 'b'),
  ),
  'Crop with offsets': around(plain('Crop', 'a', 'b', { 0: 1, 1: 2, 3: -233, 4: -233, 5: -233, 6: 3, 7: 1 })),
  'Padding with a value': around(plain('Padding', 'a', 'b', { 0: 1, 1: 2, 2: 3, 3: 4, 5: 0.5 })),
  'Padding with the border': around(plain('Padding', 'a', 'b', { 0: 1, 1: 2, 2: 3, 3: 4, 4: 1 })),
  'Padding with a mirror': around(plain('Padding', 'a', 'b', { 0: 1, 1: 2, 2: 3, 3: 4, 4: 2 })),
  'Pooling, largest': halving(plain('Pooling', 'a', 'b', { 0: 0, 1: 2, 2: 2 })),
  'Pooling, mean': halving(plain('Pooling', 'a', 'b', { 0: 1, 1: 2, 2: 2, 5: 1 })),
  'Pooling, mean of what is inside': halving(plain('Pooling', 'a', 'b', { 0: 1, 1: 3, 2: 2, 3: 1 })),
  'Pooling, mean with pads': halving(plain('Pooling', 'a', 'b', { 0: 1, 1: 3, 2: 2, 3: 1, 5: 1, 6: 1 })),
  'Pooling as large, more at the end': around(plain('Pooling', 'a', 'b', { 0: 0, 1: 4, 5: 2 })),
  'Pooling as large, more at the start': around(plain('Pooling', 'a', 'b', { 0: 1, 1: 4, 5: 3 })),
  'a picture of one channel': [
    { ...input, params: { 2: 1 } },
    conv('data', 'a', [1, 8]),
    conv('a', 'b', [8, 4]),
    plain('PixelShuffle', 'b', 'out', { 0: 2 }),
  ],
  'an input without a size': [{ ...input, params: {} }, conv('data', 'out', [3, 3])],
};

describe('a layer of ncnn computes what its plain evaluation does', () => {
  it.each(Object.entries(cases))('%s', async (_name, layers) => {
    expect(await deviation(layers)).toBeLessThan(tolerance);
  });
});

/** Layers that keep the number of channels, from one blob to another. */
const steps: Record<string, (from: string, to: string, channels: number, seed: number) => NcnnLayer[]> = {
  valid: (from, to, c, seed) => [conv(from, to, [c, c], { seed, params: { 9: 2, 10: [0.1] } })],
  padded: (from, to, c, seed) => [conv(from, to, [c, c], { seed, params: { 4: 1 } })],
  prelu: (from, to, c, seed) => [{ ...plain('PReLU', from, to, { 0: c }), weights: [{ values: weights(c, seed) }] }],
  down: (from, to, c, seed) => [
    conv(from, `${to}1`, [c, c + 1], { seed, kernel: 2, storage: 'float16', params: { 3: 2 } }),
    conv(`${to}1`, `${to}2`, [c + 1, c], { seed: seed + 1 }),
    deconv(`${to}2`, to, [c, c], { seed: seed + 2, kernel: 2, params: { 3: 2 } }),
  ],
  residual: (from, to, c, seed) => [
    plain('Split', from, [`${to}1`, `${to}2`]),
    conv(`${to}1`, `${to}3`, [c, c], { seed, params: { 4: 1 } }),
    plain('Eltwise', [`${to}3`, `${to}2`], to, { 0: 1, 1: [0.2, 1] }),
  ],
  cropped: (from, to, c, seed) => [
    plain('Split', from, [`${to}1`, `${to}2`]),
    conv(`${to}1`, `${to}3`, [c, c], { seed }),
    plain('Split', `${to}3`, [`${to}4`, `${to}5`]),
    plain('Crop', [`${to}2`, `${to}4`], `${to}6`, { 0: 1, 1: 1 }),
    plain('BinaryOp', [`${to}5`, `${to}6`], to),
  ],
  dense: (from, to, c, seed) => [
    plain('Split', from, [`${to}1`, `${to}2`]),
    conv(`${to}1`, `${to}3`, [c, 2], { seed, params: { 4: 1 } }),
    plain('Concat', [`${to}2`, `${to}3`], `${to}4`),
    conv(`${to}4`, to, [c + 2, c], { seed: seed + 1, kernel: 1 }),
  ],
};

/** Layers that enlarge and give three channels. */
const ends: Record<string, (from: string, channels: number) => NcnnLayer[]> = {
  shuffle: (from, c) => [conv(from, 'z', [c, 12], { params: { 4: 1 } }), plain('PixelShuffle', 'z', 'out', { 0: 2 })],
  deconvolution: (from, c) => [deconv(from, 'out', [c, 3], { kernel: 4, params: { 3: 2, 4: 3 } })],
  resampled: (from, c) => [
    plain('Interp', from, 'z', { 0: 1, 1: 2, 2: 2 }),
    conv('z', 'out', [c, 3], { params: { 4: 1 } }),
  ],
};

describe('random networks', () => {
  it('compute what the plain evaluation does', async () => {
    const networks = fc.record({
      body: fc.array(fc.constantFrom(...Object.keys(steps)), { minLength: 1, maxLength: 5 }),
      end: fc.constantFrom(...Object.keys(ends)),
      channels: fc.integer({ min: 3, max: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(networks, async ({ body, end, channels }) => {
        const inner = body.flatMap((step, at) => steps[step]!(`x${at}`, `x${at + 1}`, channels, at * 10));
        const layers = [input, conv('data', 'x0', [3, channels]), ...inner, ...ends[end]!(`x${body.length}`, channels)];
        expect(await deviation(layers, [8, 12])).toBeLessThan(tolerance);
      }),
      { seed: 1, numRuns: 60 },
    );
  });
});
