import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UpresError } from '#src/errors.js';
import { tfjsFormat } from '#src/model/catalogue/formats/tfjs.js';
import { tfjs } from '#src/model/graph/import/tfjs/importer.js';
import { writeOnnx } from '#src/model/graph/onnx/file.js';
import { randomFloats, run } from '../../support.js';
import { filesOf, makeModel, type LayerSpec, type ModelSpec, type TestModel } from './tfjs-model.js';
import { evaluate, makePicture } from './tfjs-reference.js';

const [HEIGHT, WIDTH] = [7, 10];

/** Largest difference between the imported network and the reference, on a random picture. */
async function differenceOf({ files, layers, weights, json }: TestModel, size = { height: HEIGHT, width: WIDTH }) {
  const channels = 3;
  const { height, width } = size;
  const pixels = randomFloats(height * width * channels, 5, -1, 2);
  const picture = makePicture(height, width, channels);
  picture.data.set(pixels);
  const expected = evaluate(layers, weights, picture, String(json.generatedBy).startsWith('keras'));
  const planar = Float32Array.from(
    pixels,
    (_, at) => pixels[(at % (height * width)) * channels + Math.floor(at / (height * width))]!,
  );
  const output = await run(writeOnnx(tfjs.convert(files).model), planar, [1, channels, height, width]);
  expect(output.dims).toEqual([1, expected.channels, expected.height, expected.width]);
  const area = expected.height * expected.width;
  let largest = 0;
  output.data.forEach((value, at) => {
    const other = expected.data[(at % area) * expected.channels + Math.floor(at / area)]!;
    largest = Math.max(largest, Math.abs(value - other));
  });
  return largest;
}

function conv(
  filters: number,
  read: number,
  config: Record<string, unknown> = {},
  more: Partial<LayerSpec> = {},
): LayerSpec {
  const { kernel_size = [3, 3] } = config as { kernel_size?: [number, number] };
  return {
    kind: 'Conv2D',
    config: { filters, kernel_size, strides: [1, 1], padding: 'same', activation: 'linear', use_bias: true, ...config },
    weights: { kernel: [...kernel_size, read, filters], ...(config.use_bias !== false && { bias: [filters] }) },
    ...more,
  };
}

const cases: Record<string, LayerSpec[]> = {
  Conv2D: [conv(5, 3)],
  'Conv2D with an even kernel': [conv(4, 3, { kernel_size: [4, 2] })],
  'Conv2D with dilation': [conv(4, 3, { dilation_rate: [2, 3] })],
  'Conv2D with strides, padded': [conv(4, 3, { strides: [2, 2] })],
  'Conv2D with strides, an even kernel': [conv(4, 3, { strides: [2, 3], kernel_size: [4, 5] })],
  'Conv2D without padding': [conv(4, 3, { padding: 'valid', kernel_size: [3, 5] })],
  'Conv2D in groups, without bias': [conv(4, 3), { ...conv(6, 2, { groups: 2, use_bias: false }) }],
  DepthwiseConv2D: [
    {
      kind: 'DepthwiseConv2D',
      config: { kernel_size: [3, 3], strides: [1, 1], padding: 'same', activation: 'relu', use_bias: true },
      weights: { depthwise_kernel: [3, 3, 3, 2], bias: [6] },
    },
  ],
  SeparableConv2D: [
    {
      kind: 'SeparableConv2D',
      config: { kernel_size: [3, 5], strides: [1, 1], padding: 'same', activation: 'elu', use_bias: true },
      weights: { depthwise_kernel: [3, 5, 3, 2], pointwise_kernel: [1, 1, 6, 4], bias: [4] },
    },
  ],
  ...Object.fromEntries(
    (
      [
        [3, 2, 'same'],
        [4, 2, 'same'],
        [9, 3, 'same'],
        [2, 3, 'same'],
        [2, 2, 'valid'],
        [5, 2, 'valid'],
        [2, 4, 'valid'],
      ] as const
    ).map(([kernel, stride, padding]): [string, LayerSpec[]] => [
      `Conv2DTranspose of ${kernel} pixels by ${stride}, ${padding}`,
      [
        {
          kind: 'Conv2DTranspose',
          config: {
            kernel_size: [kernel, kernel],
            strides: [stride, stride],
            padding,
            activation: 'linear',
            output_padding: null,
          },
          weights: { kernel: [kernel, kernel, 4, 3], bias: [4] },
        },
      ],
    ]),
  ),
  ...Object.fromEntries(
    [
      'linear',
      'relu',
      'relu6',
      'elu',
      'selu',
      'sigmoid',
      'tanh',
      'softplus',
      'softsign',
      'swish',
      'hard_sigmoid',
      'leaky_relu',
    ].map((activation): [string, LayerSpec[]] => [
      `the activation ${activation}`,
      [{ kind: 'Activation', config: { activation } }],
    ]),
  ),
  'ReLU with a limit': [{ kind: 'ReLU', config: { max_value: 0.7, negative_slope: 0, threshold: 0 } }],
  'ReLU with a slope and a limit': [{ kind: 'ReLU', config: { max_value: 0.7, negative_slope: 0.3, threshold: 0 } }],
  'ReLU without either': [{ kind: 'ReLU', config: { max_value: null, negative_slope: 0, threshold: 0 } }],
  LeakyReLU: [{ kind: 'LeakyReLU', config: { alpha: 0.15 } }],
  'LeakyReLU as it is by default': [{ kind: 'LeakyReLU' }],
  PReLU: [{ kind: 'PReLU', config: { shared_axes: [1, 2] }, weights: { alpha: [1, 1, 3] } }],
  ELU: [{ kind: 'ELU', config: { alpha: 0.6 } }],
  'sums, products and the like of branches': [
    conv(3, 3, {}, { name: 'a' }),
    conv(3, 3, {}, { name: 'b', from: ['picture'] }),
    { kind: 'Add', name: 'add', from: ['a', 'b', 'picture'] },
    { kind: 'Multiply', name: 'multiply', from: ['a', 'b'] },
    { kind: 'Subtract', name: 'subtract', from: ['add', 'multiply'] },
    { kind: 'Maximum', name: 'maximum', from: ['a', 'b'] },
    { kind: 'Minimum', name: 'minimum', from: ['a', 'b'] },
    { kind: 'Average', name: 'average', from: ['maximum', 'minimum', 'subtract'] },
    { kind: 'Concatenate', config: { axis: -1 }, from: ['average', 'picture', 'a'] },
    { kind: 'Concatenate', config: { axis: 3 }, from: ['average', 'subtract'] },
  ],
  'UpSampling2D, nearest': [{ kind: 'UpSampling2D', config: { size: [2, 3], interpolation: 'nearest' } }],
  'UpSampling2D, bilinear': [{ kind: 'UpSampling2D', config: { size: [2, 2], interpolation: 'bilinear' } }],
  'ZeroPadding2D': [{ kind: 'ZeroPadding2D', config: { padding: [[1, 2], [3, 0]] } }], // prettier-ignore
  'Cropping2D': [{ kind: 'Cropping2D', config: { cropping: [[1, 0], [2, 3]] } }], // prettier-ignore
  BatchNormalization: [
    {
      kind: 'BatchNormalization',
      config: { axis: [3], epsilon: 0.01, center: true, scale: true },
      weights: { gamma: [3], beta: [3], moving_mean: [3], moving_variance: [3] },
    },
  ],
  'BatchNormalization without shift and scale': [
    {
      kind: 'BatchNormalization',
      config: { axis: 3, epsilon: 0.001, center: false, scale: false },
      weights: { moving_mean: [3], moving_variance: [3] },
    },
  ],
  Rescaling: [{ kind: 'Rescaling', config: { scale: 1 / 127.5, offset: -1 } }],
  MultiplyBeta: [{ kind: 'MultiplyBeta', config: { beta: 0.4 } }],
  'MultiplyBeta as it is by default': [{ kind: 'MultiplyBeta' }],
  PixelShuffle: [conv(27, 3), { kind: 'PixelShuffle3x', config: { scale: 3 } }],
  'Dropout, which does nothing': [{ kind: 'Dropout', config: { rate: 0.5 } }],
};

/** A network in the manner of ESRGAN: blocks of convolutions that are joined, scaled and added. */
function typical(more: Partial<ModelSpec> = {}): TestModel {
  return makeModel({
    layers: [
      conv(8, 3, {}, { name: 'first' }),
      conv(4, 8, { activation: 'relu' }, { name: 'grow' }),
      { kind: 'Concatenate', name: 'joined', config: { axis: 3 }, from: ['first', 'grow'] },
      conv(8, 12, { kernel_size: [1, 1] }, { name: 'fuse' }),
      { kind: 'MultiplyBeta', name: 'beta', config: { beta: 0.2 } },
      { kind: 'Add', name: 'sum', from: ['first', 'beta'] },
      conv(12, 8, {}, { name: 'phases' }),
      { kind: 'PixelShuffle2x', name: 'shuffled', config: { scale: 2 } },
    ],
    ...more,
  });
}

const chain: LayerSpec[] = [
  conv(6, 3, { activation: 'relu' }),
  conv(3, 6),
  { kind: 'UpSampling2D', config: { size: [2, 2] } },
];

describe('a TensorFlow.js layers model', () => {
  test.each(Object.entries(cases))('computes %s as TensorFlow does', async (_name, layers) => {
    expect(await differenceOf(makeModel({ layers }))).toBeLessThan(5e-6);
  });

  test('pads strided windows as TensorFlow does, for even and odd sizes', async () => {
    for (const height of [6, 7, 8, 9]) {
      const model = makeModel({
        layers: [conv(4, 3, { strides: [2, 2] }), conv(4, 4, { strides: [3, 2], kernel_size: [5, 4] })],
      });
      expect(await differenceOf(model, { height, width: height + 3 })).toBeLessThan(5e-6);
    }
  });

  test.each(['float32', 'float16', 'uint8', 'uint16'] as const)('is read with weights of %s', async (storage) => {
    expect(await differenceOf(typical({ storage }))).toBeLessThan(5e-6);
  });

  test('is read from many shards, whose borders fall within numbers', async () => {
    const model = typical({ shardBytes: 1001 });
    expect(model.files.companions.size).toBeGreaterThan(4);
    expect(tfjsFormat.companions(model.files.path, model.files.bytes)).toEqual([...model.files.companions.keys()]);
    expect(await differenceOf(model)).toBeLessThan(5e-6);
  });

  test.each(['functional', 'keras3', 'tfjs'] as const)('is read as a graph of layers (%s)', async (form) => {
    expect(await differenceOf(typical({ form }))).toBeLessThan(5e-6);
  });

  test('is read as a sequence of layers', async () => {
    expect(await differenceOf(makeModel({ layers: chain, form: 'sequential' }))).toBeLessThan(5e-6);
  });

  test('interpolates bilinearly as the program that it comes from', async () => {
    const layers: LayerSpec[] = [
      { kind: 'UpSampling2D', name: 'up', config: { size: [2, 2], interpolation: 'bilinear' } },
    ];
    for (const form of ['functional', 'tfjs'] as const)
      expect(await differenceOf(makeModel({ layers, form }))).toBeLessThan(5e-6);
    const notes = (form: 'functional' | 'tfjs') =>
      tfjs.convert(makeModel({ layers, form }).files).card.notes?.join(' ');
    expect(notes('functional')).toContain('centres of pixels');
    expect(notes('tfjs')).toContain('corners of pixels');
  });

  test('of only what its output needs, whatever else is in it', async () => {
    const model = makeModel({
      layers: [
        conv(3, 3, {}, { name: 'wanted' }),
        { kind: 'Mystery', name: 'aside' },
        conv(3, 3, {}, { from: ['wanted'] }),
      ],
    });
    expect(
      await differenceOf({ ...model, layers: model.layers.filter(({ class_name }) => class_name !== 'Mystery') }),
    ).toBeLessThan(5e-6);
  });
});

describe('the range of values', () => {
  const rangesOf = (layers: LayerSpec[]) => {
    const { input, output, notes } = tfjs.convert(makeModel({ layers }).files).card;
    return { in: input?.range?.[1], out: output?.range?.[1], why: notes?.[0] };
  };

  test('is 0..255 where nothing says otherwise, as in UpscalerJS', () => {
    expect(rangesOf(chain)).toMatchObject({ in: 255, out: 255 });
  });

  test('is 0..1 with the layers that UpscalerJS has in its networks of that range', () => {
    const { card } = tfjs.convert(typical().files);
    expect(card).toMatchObject({ input: { range: [0, 1] }, output: { range: [0, 1] } });
    expect(card.notes?.[0]).toContain('MultiplyBeta');
  });

  test('follows Rescaling layers', () => {
    const shrink: LayerSpec = { kind: 'Rescaling', config: { scale: 1 / 255 } };
    const grow: LayerSpec = { kind: 'Rescaling', config: { scale: 255 } };
    expect(rangesOf([shrink, ...chain])).toMatchObject({ in: 255, out: 1 });
    expect(rangesOf([shrink, ...chain, grow])).toMatchObject({ in: 255, out: 255 });
  });
});

describe("a model that can't be imported", () => {
  const errorOf = (act: () => unknown): UpresError => {
    try {
      act();
    } catch (error) {
      if (error instanceof UpresError) return error;
      throw error;
    }
    throw new Error('nothing was thrown');
  };
  const convertError = (layers: LayerSpec[], change: (model: TestModel) => TestModel['files'] = ({ files }) => files) =>
    errorOf(() => tfjs.convert(change(makeModel({ layers }))));

  test('for a layer that is not known names the layer and its kind', () => {
    const { code, message } = convertError([conv(3, 3), { kind: 'LSTM', name: 'memory' }]);
    expect(code).toBe('MODEL_UNSUPPORTED');
    expect(message).toContain('layer "memory" (LSTM)');
  });

  test('for an activation that is not known names it', () => {
    expect(convertError([conv(3, 3, { activation: 'mystery' }, { name: 'odd' })]).message).toMatch(/"odd".*"mystery"/);
  });

  test('for shards that are cut short names the weight and the bytes', () => {
    const { code, message } = convertError(chain, ({ json, files }) => {
      const [[name, bytes]] = [...files.companions] as [[string, Uint8Array]];
      return filesOf(json, new Map([[name, bytes.subarray(0, 700)]]));
    });
    expect(code).toBe('MODEL_INVALID');
    expect(message).toMatch(
      /"conv2d_2\/kernel" should lie at the bytes 672 to 1320 of group1-shard1.bin, which end at 700/,
    );
  });

  test('for shards with bytes left over says how many there should be', () => {
    const { message } = convertError(chain, ({ json, files }) => {
      const [[name, bytes]] = [...files.companions] as [[string, Uint8Array]];
      return filesOf(json, new Map([[name, Buffer.concat([bytes, bytes])]]));
    });
    expect(message).toMatch(/should hold 1332 bytes of weights and holds 2664/);
  });

  test('for a number that is none names the byte', () => {
    const { message } = convertError(chain, ({ json, files }) => {
      const [[name, bytes]] = [...files.companions] as [[string, Uint8Array]];
      const changed = bytes.slice();
      new DataView(changed.buffer).setFloat32(40, NaN, true);
      return filesOf(json, new Map([[name, changed]]));
    });
    expect(message).toContain('"conv2d_1/kernel" holds NaN at byte 40');
  });

  test('for a weight that is missing or of the wrong shape names the layer', () => {
    expect(convertError([{ ...conv(3, 3), weights: {} }]).message).toMatch(
      /layer "conv2d_1" .* has no weight "kernel"/,
    );
    expect(convertError([{ ...conv(3, 3), weights: { kernel: [3, 3, 9], bias: [3] } }]).message).toContain('3 x 3 x 9');
    expect(convertError([{ ...conv(3, 3), weights: { kernel: [5, 3, 3, 3], bias: [3] } }]).message).toContain(
      '5 x 3 x 3 x 3',
    );
    expect(convertError([{ ...conv(3, 3), weights: { kernel: [3, 3, 3, 3], bias: [2] } }]).message).toContain(
      '2 values of "bias" for 3',
    );
  });

  test('for layers in a circle, or that are missing, says which', () => {
    expect(
      convertError([conv(3, 3, {}, { name: 'a', from: ['b'] }), conv(3, 3, {}, { name: 'b', from: ['a'] })]).message,
    ).toContain('depends on itself');
    expect(convertError([conv(3, 3, {}, { from: ['nobody'] })]).message).toContain('layer "nobody"');
  });

  test('for a graph model says what to do', () => {
    const files = filesOf({ format: 'graph-model', modelTopology: { node: [] } }, new Map());
    expect(errorOf(() => tfjs.convert(files))).toMatchObject({ code: 'MODEL_UNSUPPORTED' });
  });

  test.each(['../secret.bin', '/etc/passwd', 'a/../../b', 'C:\\x', '.hidden', '', 7, 'http://x/y'])(
    'for shards outside of its folder (%j)',
    (name) => {
      const { bytes } = filesOf({ modelTopology: {}, weightsManifest: [{ paths: [name], weights: [] }] }, new Map());
      expect(errorOf(() => tfjsFormat.companions('model.json', bytes)).message).toContain('outside of its folder');
    },
  );

  test('cut short or with any value replaced, is refused or converted, quickly and without what it only claims', () => {
    const model = typical();
    const text = JSON.stringify(model.json);
    const strange = fc.constantFrom<unknown>(null, 0, -1, 1.5, 2 ** 31, 1e300, '', 'x', [], {}, [[[[]]]], true, [
      2 ** 31,
      2 ** 31,
    ]);
    const places: (string | number)[][] = [];
    const collect = (value: unknown, path: (string | number)[]): void => {
      places.push(path);
      if (typeof value !== 'object' || value === null) return;
      for (const [key, part] of Object.entries(value)) collect(part, [...path, key]);
    };
    collect(model.json, []);
    const replaced = fc.tuple(fc.constantFrom(...places.slice(1)), strange).map(([path, value]) => {
      const copy = JSON.parse(text) as Record<string | number, unknown>;
      let at = copy;
      for (const key of path.slice(0, -1)) at = at[key] as typeof at;
      at[path.at(-1)!] = value;
      return new TextEncoder().encode(JSON.stringify(copy));
    });
    const cut = fc.nat(text.length - 1).map((length) => new TextEncoder().encode(text.slice(0, length)));
    fc.assert(
      fc.property(fc.oneof({ weight: 4, arbitrary: replaced }, { weight: 1, arbitrary: cut }), (bytes) => {
        try {
          tfjsFormat.companions('model.json', bytes);
          const { model: converted } = tfjs.convert({ ...model.files, bytes });
          expect(writeOnnx(converted).length).toBeLessThan(100_000);
        } catch (error) {
          if (!(error instanceof UpresError)) throw error;
          expect(['MODEL_INVALID', 'MODEL_UNSUPPORTED']).toContain(error.code);
        }
      }),
      { numRuns: 600 },
    );
  });
});
