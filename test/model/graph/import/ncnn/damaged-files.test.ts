import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UpresError } from '#src/errors.js';
import { ncnnFormat } from '#src/model/catalogue/formats/ncnn.js';
import { ncnnImporter } from '#src/model/graph/import/ncnn.js';
import { normaliseNetwork } from '#src/model/graph/normalise.js';
import { readOnnx } from '#src/model/graph/onnx/file.js';
import { cascade } from './known-networks.js';
import { conv, convert, deconv, files, input, plain, weights, type NcnnLayer } from './network.js';

function failure(action: () => unknown): { code: string; message: string } {
  try {
    action();
  } catch (error) {
    if (error instanceof UpresError) return { code: error.code, message: error.message };
    throw error;
  }
  return { code: 'none', message: '' };
}

function failureOf(layers: NcnnLayer[]): { code: string; message: string } {
  const { param, bin } = files(layers);
  return failure(() => convert(param, bin));
}

const sound = [
  input,
  conv('data', 'a', [3, 4], { storage: 'float16' }),
  { ...plain('PReLU', 'a', 'b', { 0: 4 }), weights: [{ values: weights(4, 1) }] },
  conv('b', 'c', [4, 12], { params: { 4: 1 } }),
  plain('PixelShuffle', 'c', 'out', { 0: 2 }),
];
const { param, bin } = files(sound);

describe('the ncnn importer', () => {
  it('knows its files by their first bytes', () => {
    expect(ncnnFormat.accepts('x.param', Buffer.from(param))).toBe(true);
    expect(ncnnFormat.accepts('renamed', Buffer.from('7767517\r\n1 1\r\n'))).toBe(true);
    expect(ncnnFormat.accepts('x.param', Buffer.from('77675170'))).toBe(false);
    expect(ncnnFormat.accepts('x.param', Buffer.alloc(0))).toBe(false);
  });

  it('asks for the .bin file of the same name', () => {
    expect(ncnnFormat.companions('/a/b.c/up2x.param', Buffer.from(param))).toEqual(['up2x.bin']);
    const path = '/a/up2x.param';
    const { code, message } = failure(() =>
      ncnnImporter.convert({ path, bytes: Buffer.from(param), companions: new Map() }),
    );
    expect(code).toBe('MODEL_INVALID');
    expect(message).toMatch(/up2x\.bin/);
  });

  it('reads files with the line ends of Windows, and a length that is left out of lists', () => {
    const leaky = [input, conv('data', 'out', [3, 3], { params: { 9: 2, 10: [0.5] } })];
    const clipped = [input, conv('data', 'out', [3, 3], { params: { 9: 3, 10: [0, 1] } })];
    for (const layers of [leaky, clipped]) {
      const written = files(layers);
      const expected = convert(written.param, written.bin);
      expect(convert(written.param.replaceAll('\n', '\r\n'), written.bin)).toEqual(expected);
      const short = written.param.replace('-23310=1,0.5', '10=0.5').replace('-23310=2,0,1', '10=0,1');
      expect(convert(short, written.bin)).toEqual(expected);
    }
  });

  it('takes the output of that name where several blobs are left unread', () => {
    const layers = [input, plain('Split', 'data', ['d1', 'left']), conv('d1', 'output', [3, 3])];
    expect(failureOf(layers).code).toBe('none');
  });
});

describe('a damaged .param file is refused, with its line', () => {
  const damage: Record<string, [change: (text: string) => string, message: RegExp]> = {
    'nothing in it': [() => '', /line 1: this is no ncnn network/],
    'another magic number': [(text) => text.replace('7767517', '7767518'), /no ncnn network/],
    'no counts': [() => '7767517\n', /line 2: the numbers of layers and of blobs are missing/],
    'huge counts': [(text) => text.replace('5 5', '9999999999 5'), /the numbers of layers and of blobs are missing/],
    'more layers than there are': [
      (text) => text.replace('5 5', '999 5'),
      /line 7: .* 5 layers, .* 999: it was cut short/,
    ],
    'the last line cut off': [(text) => text.split('\n').slice(0, -2).join('\n'), /it was cut short/],
    'a line cut short': [(text) => text.replace('PixelShuffle layer4 1 1 c', 'PixelShuffle layer4'), /line 7/],
    'more inputs than are named': [
      (text) => text.replace('layer4 1 1', 'layer4 9 1'),
      /line 7: .*"layer4" must name 9 inputs/,
    ],
    'no number of inputs': [(text) => text.replace('layer4 1 1', 'layer4 x 1'), /line 7/],
    'a parameter without a number': [(text) => text.replace('0=2', 'two'), /line 7: .*"two" where a parameter/],
    'a parameter with a word for a value': [
      (text) => text.replace('0=2', '0=two'),
      /line 7: .*no number as its parameter 0/,
    ],
    'a parameter beyond what floats hold': [(text) => text.replace('0=2', '0=1e99'), /no number as its parameter 0/],
    'a list longer than it says': [
      (text) => text.replace('0=2', '-23310=1,2,3 0=2'),
      /line 7: .*not as long as it says/,
    ],
    'a blob that nothing makes': [(text) => text.replace('1 1 c out', '1 1 q out'), /line 7: .*reads the blob "q"/],
    'a blob that is made twice': [(text) => text.replace('1 1 c out', '1 1 c b'), /line 7: .*makes the blob "b"/],
    'an output too many': [
      (text) => text.replace('1 1 c out', '1 2 c out more'),
      /line 7: .*must have 1 outputs, not 2/,
    ],
    'an input too many': [(text) => text.replace('1 1 c out', '2 1 c c out'), /line 7: .*has 2 inputs/],
    'a kernel of no pixels': [(text) => text.replace('0=12 1=3', '0=12 1=0'), /line 6: .*parameter 1/],
    'a huge kernel': [(text) => text.replace('0=12 1=3', '0=12 1=99999'), /line 6: .*parameter 1/],
    'a stride of nothing': [(text) => text.replace('4=1 5=1', '3=0 4=1 5=1'), /line 6: .*parameter 3/],
    'a negative pad': [(text) => text.replace('4=1 5=1', '4=-7 5=1'), /line 6: .*-7 as a pad/],
    'blocks that channels do not fill': [
      (text) => text.replace('out 0=2', 'out 0=5'),
      /line 7: .*blocks of 5 from 12 channels/,
    ],
  };

  it.each(Object.entries(damage))('%s', (_name, [change, message]) => {
    const changed = change(param);
    expect(changed).not.toBe(param);
    const found = failure(() => convert(changed, bin));
    expect(found.message).toMatch(message);
    expect(found.message).toMatch(/^\/models\/network\.param/);
    expect(found.code).toBe('MODEL_INVALID');
  });
});

describe('layers that contradict each other are refused', () => {
  const slopes = (count: number): NcnnLayer => ({
    ...plain('PReLU', 'a', 'out', { 0: count }),
    weights: [{ values: weights(count, 1) }],
  });
  const cases: Record<string, [layers: NcnnLayer[], message: RegExp]> = {
    'weights for another number of channels': [
      [input, conv('data', 'a', [3, 4]), conv('a', 'out', [3, 3])],
      /line 5: .*81 weights for 3 outputs .* the 4 channels/,
    ],
    'weights for no whole number of channels': [
      [
        input,
        {
          ...conv('data', 'out', [3, 3]),
          params: { 0: 3, 1: 3, 6: 80 },
          weights: [{ values: weights(80, 1), storage: 'float32' }],
        },
      ],
      /80 weights/,
    ],
    'groups that do not divide the channels': [
      [input, conv('data', 'a', [3, 4]), conv('a', 'out', [4, 3], { group: 2 })],
      /the 4 channels that it gets/,
    ],
    'slopes for another number of channels': [
      [input, conv('data', 'a', [3, 3]), slopes(4)],
      /4 values for the 3 channels/,
    ],
    'blobs of different sizes': [
      [
        input,
        plain('Split', 'data', ['a', 'b']),
        conv('a', 'c', [3, 3]),
        plain('Eltwise', ['b', 'c'], 'out', { 0: 1 }),
      ],
      /Eltwise "layer3" combines blobs of different sizes/,
    ],
    'a part that is not there': [[input, plain('Crop', 'data', 'out', { 9: [5], 10: [9], 11: [0] })], /not there/],
  };

  it.each(Object.entries(cases))('%s', (_name, [layers, message]) => {
    const found = failureOf(layers);
    expect(found.message).toMatch(message);
    expect(found.code).toBe('MODEL_INVALID');
  });
});

describe('a damaged .bin file is refused, with its byte', () => {
  const invalid = (bytes: Uint8Array): string => {
    const { code, message } = failure(() => convert(param, bytes));
    expect(code).toBe('MODEL_INVALID');
    return message;
  };
  // Tag and 108 float16, 4 float32; 4 float32; tag and 432 float32, 12 float32.
  const [prelu, second] = [4 + 216 + 16, 4 + 216 + 32];

  it('cut short anywhere', () => {
    for (let length = 0; length < bin.length; length += 7)
      expect(invalid(bin.subarray(0, length))).toMatch(/cut short/);
    expect(invalid(bin.subarray(0, 100))).toMatch(
      /^network\.bin, byte 4: .*Convolution "layer1" .*line 4\) need 216 bytes, and 96 are left/,
    );
    expect(invalid(bin.subarray(0, prelu + 3))).toMatch(/byte 236: .*PReLU "layer2" .* need 16 bytes, and 3 are left/);
  });

  it('longer than the layers need', () => {
    expect(invalid(Buffer.concat([bin, Buffer.alloc(8)]))).toMatch(new RegExp(`byte ${bin.length}: 8 bytes follow`));
  });

  it('weights that are no numbers', () => {
    const half = bin.slice();
    new DataView(half.buffer).setUint16(4 + 20, 0x7e00, true);
    expect(invalid(half)).toMatch(/byte 24: a weight of the layer Convolution "layer1" is no number/);
    const float = bin.slice();
    new DataView(float.buffer).setFloat32(second + 4 + 40, Infinity, true);
    expect(invalid(float)).toMatch(/byte 296: a weight of the layer Convolution "layer3" is no number/);
  });

  it('int8 weights, which are not read', () => {
    const int8 = bin.slice();
    new DataView(int8.buffer).setUint32(0, 0x000d4b38, true);
    const { code, message } = failure(() => convert(param, int8));
    expect(code).toBe('MODEL_UNSUPPORTED');
    expect(message).toMatch(/byte 0: the layer Convolution "layer1" has int8 weights/);
  });

  it('a layer that claims more weights than any file has', () => {
    for (const count of [432_000, 2_000_000_000, 9e15, 1e30]) {
      const { code, message } = failure(() => convert(param.replace('6=432', `6=${count}`), bin));
      expect(code).toBe('MODEL_INVALID');
      expect(message).toMatch(/layer3/);
    }
  });
});

describe('what can not be converted is refused, with the layer and what to do', () => {
  const around = (...layers: NcnnLayer[]): NcnnLayer[] => [
    input,
    conv('data', 'a', [3, 8]),
    ...layers,
    conv('b', 'out', [8, 3]),
  ];
  const cases: Record<string, [layers: NcnnLayer[], message: RegExp]> = {
    'an unknown layer': [around(plain('LSTM', 'a', 'b')), /LSTM "layer2" is of a kind that upres does not know/],
    'a layer with a name of JavaScript': [around(plain('constructor', 'a', 'b')), /upres does not know/],
    'an unknown activation': [around(conv('a', 'b', [8, 8], { params: { 9: 77 } })), /the activation 77/],
    'int8 computation': [around(conv('a', 'b', [8, 8], { params: { 8: 2 } })), /int8/],
    'weights that are computed': [around(conv('a', 'b', [8, 8], { params: { 19: 1 } })), /its own weights/],
    'an output of a fixed size': [around(plain('Interp', 'a', 'b', { 0: 2, 3: 64, 4: 64 })), /a fixed size/],
    'an odd factor': [around(plain('Interp', 'a', 'b', { 0: 2, 1: 1.2345, 2: 1.2345 })), /1\.2345/],
    'two factors': [around(plain('Interp', 'a', 'b', { 0: 2, 1: 2, 2: 3 })), /different factors/],
    'pictures side by side': [
      around(plain('Split', 'a', ['a1', 'a2']), plain('Concat', ['a1', 'a2'], 'b', { 0: 2 })),
      /side by side/,
    ],
    'a crop that depends on the picture': [
      around(plain('Crop', 'a', 'b', { 3: 10, 4: 10, 5: -233 })),
      /picture to picture/,
    ],
    'a connection of all pixels': [
      [
        input,
        {
          ...plain('InnerProduct', 'data', 'out', { 0: 1, 2: 30_000 }),
          weights: [{ values: weights(30_000, 1), storage: 'float16' }],
        },
      ],
      /for one size of picture/,
    ],
    'no picture at the end': [[input, conv('data', 'a', [3, 3]), plain('Pooling', 'a', 'out', { 4: 1 })], /no picture/],
    'a reduction': [[input, conv('data', 'out', [3, 3], { params: { 3: 2, 4: 1 } })], /0\.5 times as wide/],
    'an enlargement by a fraction': [[input, plain('Interp', 'data', 'out', { 0: 2, 1: 1.5, 2: 1.5 })], /1\.5 times/],
    'another number of channels': [[input, conv('data', 'out', [3, 4])], /takes 3 channels and gives 4/],
    'an input of four channels': [[{ ...input, params: { 2: 4 } }, conv('data', 'out', [4, 3])], /takes 4 channels/],
    'two inputs': [
      [input, { type: 'Input', outputs: ['more'] }, plain('BinaryOp', ['data', 'more'], 'out')],
      /takes 2 inputs/,
    ],
    'no input': [[], /takes 0 inputs/],
    'two outputs': [[input, plain('Split', 'data', ['x', 'y'])], /has 2 outputs/],
    'more channels than any network': [
      [
        input,
        ...Array.from({ length: 20 }, (_, at) => [
          plain('Split', at === 0 ? 'data' : `x${at}`, [`x${at}a`, `x${at}b`]),
          plain('Concat', [`x${at}a`, `x${at}b`], `x${at + 1}`),
        ]).flat(),
        conv('x20', 'out', [3, 3]),
      ],
      /makes 98304 channels/,
    ],
  };

  it.each(Object.entries(cases))('%s', (_name, [layers, message]) => {
    const found = failureOf(layers);
    expect(found.message).toMatch(message);
    expect(found.code).toBe('MODEL_UNSUPPORTED');
  });

  it('a binary .param file', () => {
    const bytes = new Uint8Array(new Int32Array([7767517, 5, 5, 0]).buffer);
    expect(ncnnFormat.accepts('x.param.bin', bytes)).toBe(true);
    const found = failure(() => ncnnFormat.companions('x.param.bin', bytes));
    expect(found.code).toBe('MODEL_UNSUPPORTED');
    expect(found.message).toMatch(/Take the text \.param file/);
  });
});

describe('damage at random', () => {
  const networks = [
    files(sound),
    files(cascade()),
    files([
      input,
      plain('Padding', 'data', 'p', { 0: 1, 1: 1, 2: 1, 3: 1, 4: 1 }),
      plain('Reorg', 'p', 'r', { 0: 2 }),
      conv('r', 'a', [12, 8], { group: 4 }),
      plain('Slice', 'a', ['s1', 's2'], { 0: [-233, -233] }),
      plain('Concat', ['s2', 's1'], 'c'),
      plain('Pooling', 'c', 'm', { 0: 1, 1: 2, 2: 2, 5: 1 }),
      plain('Interp', 'm', 'i', { 0: 3, 1: 1.5, 2: 1.5 }),
      plain('Crop', 'i', 'k', { 0: 1, 1: 1, 3: -233, 4: -233, 5: -233, 6: 1, 7: 1 }),
      deconv('k', 'out', [8, 3], { kernel: 4, params: { 3: 2, 4: 1, 18: 1 } }),
    ]),
  ];
  const attempt = (text: string | Uint8Array, bytes: Uint8Array): void => {
    const before = process.cpuUsage();
    // What can be converted goes the way of any network from there on.
    const { code, message } = failure(() => normaliseNetwork(readOnnx(convert(text, bytes)), {}, 'network'));
    expect(['none', 'MODEL_INVALID', 'MODEL_UNSUPPORTED']).toContain(code);
    if (code !== 'none') expect(message.length).toBeGreaterThan(40);
    // Microseconds that it computed itself, whatever else the machine does.
    expect(process.cpuUsage(before).user).toBeLessThan(5_000_000);
  };
  const nasty = fc.oneof(
    fc.constantFrom(
      '-233',
      '-234',
      '0',
      '-1',
      '1e39',
      '-0',
      '2147483647',
      '4294967296',
      '9999999999999',
      '1e-30',
      'nan',
    ),
    fc.integer({ min: -300, max: 70_000 }).map(String),
    fc.double({ min: -8, max: 20, noNaN: true }).map(String),
  );

  it('of numbers in the text is answered with an error, soon, or changes what is computed', () => {
    const change = fc.tuple(fc.nat(), nasty);
    fc.assert(
      fc.property(
        fc.constantFrom(...networks),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        (network, changes) => {
          let text = network.param;
          for (const [place, replacement] of changes) {
            const numbers = [...text.matchAll(/(?<=[ =,\n])-?\d+(?:\.\d+)?(?=[ ,\n])/g)];
            const { index, 0: old } = numbers[place % numbers.length]!;
            text = text.slice(0, index) + replacement + text.slice(index + old.length);
          }
          attempt(text, network.bin);
        },
      ),
      { seed: 1, numRuns: 1500 },
    );
  });

  it('of bytes in the text, or of its end, is answered with an error', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...networks),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
        fc.nat(),
        (network, changes, end) => {
          const bytes = Buffer.from(network.param);
          for (const [place, byte] of changes) bytes[place % bytes.length] = byte;
          attempt(end % 3 === 0 ? bytes.subarray(0, end % bytes.length) : bytes, network.bin);
        },
      ),
      { seed: 2, numRuns: 1000 },
    );
  });

  it('of the weights is answered with an error, or changes what is computed', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...networks),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
        fc.nat(),
        (network, changes, end) => {
          const bytes = network.bin.slice();
          for (const [place, byte] of changes) bytes[place % bytes.length] = byte;
          attempt(network.param, end % 3 === 0 ? bytes.subarray(0, end % bytes.length) : bytes);
        },
      ),
      { seed: 3, numRuns: 500 },
    );
  });
});
