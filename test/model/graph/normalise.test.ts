import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { normaliseNetwork } from '#src/model/graph/normalise.js';
import { modelFromBytes } from '#src/model/catalogue/model.js';
import { makeModel, readOnnx, writeOnnx, type OnnxModel } from '#src/model/graph/onnx/file.js';
import { GraphWriter } from '#src/model/graph/onnx/graph-writer.js';
import { node, tensorInfo } from '#src/model/graph/onnx/node.js';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  TensorProto_DataType as DataType,
  type NodeProto,
} from '#src/model/graph/onnx/onnx_pb.js';
import { int64Tensor } from '#src/model/graph/onnx/tensor.js';
import { bytesOf, conv, difference, network, plainNetwork, randomFloats, run, shuffle } from '../support.js';

const [H, W] = [12, 17];
const image = randomFloats(3 * H * W, 21);

async function built(model: OnnxModel) {
  return (await modelFromBytes(bytesOf(model), 'mine.onnx')).build();
}

function interleaved(planes: ArrayLike<number>, channels: number, pixels: number): Float32Array {
  return Float32Array.from(
    { length: channels * pixels },
    (_, at) => planes[(at % channels) * pixels + Math.floor(at / channels)]!,
  );
}

/** The plain network, with the picture's channels last outside. */
function nhwc(): OnnxModel {
  return network(
    (writer, input) => {
      const planes = writer.op('Transpose', [input], { perm: [0, 3, 1, 2] });
      const features = writer.op('Relu', [conv(writer, planes, [3, 8], 3, { seed: 1 })]);
      const result = shuffle(writer, conv(writer, features, [8, 12], 3, { seed: 2 }), 2);
      return writer.op('Transpose', [result], { perm: [0, 2, 3, 1] });
    },
    { input: ['n', 'h', 'w', 3], output: ['n', 'oh', 'ow', 3] },
  );
}

/** The plain network, whose result goes through a loop: in a loop of one turn where it is nested. */
function looping(turns: number | undefined, nested: boolean): OnnxModel {
  const model = plainNetwork();
  const { graph } = model;
  const result = graph.output[0]!.name;
  const last = graph.node.find(({ output }) => output[0] === result)!;
  last.output = ['enlarged'];
  const count = 'turns';
  if (turns === undefined) {
    graph.node.push(node('Shape', ['enlarged'], ['shape']), node('ReduceMax', ['shape'], [count], { keepdims: 0 }));
  } else graph.initializer.push(int64Tensor(count, [], [turns]));
  const loop = (depth: string, from: string, to: string, most: string, body?: NodeProto): NodeProto => {
    const inner = node('Add', [`${depth}value`, `${depth}value`], [`${depth}sum`]);
    const made = node('Loop', [most, '', from], [to]);
    const info = (name: string, type: DataType, dims: (string | number)[]) => tensorInfo(`${depth}${name}`, type, dims);
    const picture = ['n', 'c', 'oh', 'ow'];
    const of = create(GraphProtoSchema, {
      name: `${depth}body`,
      node: [body ?? inner, node('Identity', [`${depth}on`], [`${depth}go`])],
      input: [info('turn', DataType.INT64, []), info('on', DataType.BOOL, []), info('value', DataType.FLOAT, picture)],
      output: [info('go', DataType.BOOL, []), info('sum', DataType.FLOAT, picture)],
    });
    made.attribute.push(
      create(AttributeProtoSchema, { name: 'body', type: AttributeProto_AttributeType.GRAPH, g: of }),
    );
    return made;
  };
  if (nested) graph.initializer.push(int64Tensor('once', [], [1]));
  graph.node.push(
    nested
      ? loop('a_', 'enlarged', result, 'once', loop('b_', 'a_value', 'a_sum', count))
      : loop('a_', 'enlarged', result, count),
  );
  return model;
}

describe('a network of the user', () => {
  it.each([9, 10, 11, 13, 15, 18, 21, 23])('of operator set %i becomes a core', async (opset) => {
    const model = plainNetwork({ opset });
    const raw = await run(bytesOf(model), image, [1, 3, H, W]);
    const { core, reference, geometry } = await built(model);
    expect(geometry).toMatchObject({ scale: 2, halo: { left: 2, top: 2, right: 2, bottom: 2 }, globalOperators: [] });
    for (const bytes of [core, reference]) {
      const { graph } = readOnnx(bytes);
      expect(graph.input.map(({ name }) => name)).toEqual(['input']);
      expect(graph.output.map(({ name }) => name)).toEqual(['output']);
      expect((await run(bytes, image, [1, 3, H, W])).data).toEqual(raw.data);
    }
  });

  it.each([
    ['a hundred', 100, undefined],
    ['without end', 2 ** 53, /nothing in it says that it ends soon/],
    ['as often as is computed', undefined, /nothing in it says that it ends soon/],
  ])('with a loop that runs %s is taken only if it ends soon, at any depth', async (_, turns, refused) => {
    for (const nested of [false, true]) {
      const model = looping(turns, nested);
      if (refused) await expect(built(model)).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' });
      if (refused) await expect(built(model)).rejects.toThrow(refused);
      else expect((await run((await built(model)).core, image, [1, 3, H, W])).dims).toEqual([1, 3, 2 * H, 2 * W]);
    }
  });

  it('with a loop in a function of its own is refused', async () => {
    // ModelProto.functions (25), a node (7), its operator (4).
    const functions = Buffer.from('\xca\x01\x08\x3a\x06\x22\x04Loop', 'latin1');
    const model = await modelFromBytes(Buffer.concat([bytesOf(plainNetwork()), functions]), 'mine.onnx');
    await expect(model.build()).rejects.toThrow(/nothing in it says that it ends soon/);
  });

  it('may list its weights as inputs and be of an old format version', async () => {
    const model = plainNetwork({ opset: 9 });
    const raw = await run(bytesOf(model), image, [1, 3, H, W]);
    model.irVersion = 3n;
    for (const { name, dims } of model.graph.initializer) {
      model.graph.input.unshift(tensorInfo(name, DataType.FLOAT, dims.map(Number)));
    }
    expect((await run((await built(model)).core, image, [1, 3, H, W])).data).toEqual(raw.data);
  });

  it('may have its channels last', async () => {
    const raw = await run(bytesOf(nhwc()), interleaved(image, 3, H * W), [1, H, W, 3]);
    const { core, geometry } = await built(nhwc());
    expect(geometry).toMatchObject({ scale: 2, halo: { left: 2, top: 2, right: 2, bottom: 2 } });
    const { data } = await run(core, image, [1, 3, H, W]);
    expect(difference(interleaved(data, 3, 4 * H * W), raw.data)).toBe(0);
  });

  it('may declare no sizes at all', async () => {
    const model = plainNetwork({ input: ['a', 'b', 'c', 'd'], output: ['a', 'b', 'e', 'f'] });
    expect((await built(model)).geometry.scale).toBe(2);
    const last = nhwc();
    last.graph.input = [tensorInfo('image', DataType.FLOAT, ['a', 'b', 'c', 'd'])];
    expect((await built(last)).geometry.scale).toBe(2);
  });

  it('may declare a fixed size that its graph does not need', async () => {
    const model = plainNetwork({ input: [1, 3, 64, 64], output: [1, 3, 128, 128] });
    const { core } = await built(model);
    expect((await run(core, image, [1, 3, H, W])).dims).toEqual([1, 3, 2 * H, 2 * W]);
  });

  it('may take and give uint8', async () => {
    const model = network(
      (writer, input) => {
        const value = writer.op('Div', [writer.op('Cast', [input], { to: DataType.FLOAT }), writer.floats([255])]);
        const result = shuffle(writer, conv(writer, value, [3, 12], 3), 2);
        const limited = writer.op('Mul', [writer.clip(result, 0, 1), writer.floats([255])]);
        return writer.op('Cast', [limited], { to: DataType.UINT8 });
      },
      { inputType: DataType.UINT8 },
    );
    const bytes = Uint8Array.from(image, (value) => Math.round(value * 255));
    const raw = await run(bytesOf(model), bytes, [1, 3, H, W]);
    const { core } = await built(model);
    const { data } = await run(
      core,
      Float32Array.from(bytes, (value) => value / 255),
      [1, 3, H, W],
    );
    expect(
      difference(
        data.map((value) => Math.round(value * 255)),
        raw.data,
      ),
    ).toBe(0);
  });

  it('may work in 0..255, if its card says so', async () => {
    const model = plainNetwork();
    const raw = await run(
      bytesOf(model),
      image.map((value) => value * 255),
      [1, 3, H, W],
    );
    const core = normaliseNetwork(model, { input: { range: [0, 255] } }, 'mine');
    const { data } = await run(writeOnnx(core), image, [1, 3, H, W]);
    expect(
      difference(
        data,
        raw.data.map((value) => value / 255),
      ),
    ).toBeLessThan(1e-5);
  });

  it('of float16 is computed in float32', async () => {
    // 0.5 and -0.25 are exact in float16, so both give the same.
    const half = (opset: number, type: DataType): OnnxModel => {
      const values = Array.from({ length: 12 * 27 }, (_, at) => (at % 3 === 0 ? 0x3800 : 0xb400));
      const writer = new GraphWriter(opset, 't_');
      const weights = writer.floats(
        values.map((bits) => (bits === 0x3800 ? 0.5 : -0.25)),
        [12, 3, 3, 3],
      );
      if (type === DataType.FLOAT16) {
        const [tensor] = writer.initializers;
        tensor!.dataType = type;
        tensor!.rawData = new Uint8Array(Uint16Array.from(values).buffer);
      }
      const attributes = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
      writer.op('DepthToSpace', [writer.op('Conv', ['image', weights], attributes)], { blocksize: 2 }, 'result');
      const shape = [1, 3, 'h', 'w'] as const;
      return makeModel({
        opset,
        nodes: writer.nodes,
        initializers: writer.initializers,
        inputs: [tensorInfo('image', type, shape)],
        outputs: [tensorInfo('result', type, shape)],
      });
    };
    const { core } = await built(half(13, DataType.FLOAT16));
    const whole = await run(bytesOf(half(13, DataType.FLOAT)), image, [1, 3, H, W]);
    expect((await run(core, image, [1, 3, H, W])).data).toEqual(whole.data);
  });

  describe.each([9, 11, 13])('of one channel, operator set %i', (opset) => {
    // Bicubic-like enlargement is left to the core's own kernel; here each luma pixel is repeated.
    const luma = (): OnnxModel =>
      network(
        (writer, input) => {
          const weights = writer.floats([1, 1, 1, 1], [4, 1, 1, 1]);
          return shuffle(writer, writer.op('Conv', [input, weights], { kernel_shape: [1, 1] }), 2);
        },
        { opset, input: ['n', 1, 'h', 'w'], output: ['n', 1, 'oh', 'ow'] },
      );

    it('keeps flat colours', async () => {
      const { core, geometry } = await built(luma());
      // The chroma's kernel looks two pixels far.
      expect(geometry).toMatchObject({ scale: 2, halo: { left: 2, top: 2, right: 2, bottom: 2 } });
      const colour = [0.9, 0.2, 0.4];
      const flat = Float32Array.from({ length: 3 * H * W }, (_, at) => colour[Math.floor(at / (H * W))]!);
      const { data } = await run(core, flat, [1, 3, H, W]);
      const wanted = Float32Array.from({ length: 12 * H * W }, (_, at) => colour[Math.floor(at / (4 * H * W))]!);
      expect(difference(data, wanted)).toBeLessThan(1e-6);
    });

    it('passes luma through the network and leaves grey grey', async () => {
      const { core } = await built(luma());
      const grey = randomFloats(H * W, 4);
      const { data } = await run(core, Float32Array.from([...grey, ...grey, ...grey]), [1, 3, H, W]);
      const repeated = Float32Array.from({ length: 4 * H * W }, (_, at) => {
        const [y, x] = [Math.floor(at / (2 * W)), at % (2 * W)];
        return grey[Math.floor(y / 2) * W + Math.floor(x / 2)]!;
      });
      for (let c = 0; c < 3; c++) {
        expect(difference(data.subarray(c * 4 * H * W, (c + 1) * 4 * H * W), repeated)).toBeLessThan(1e-6);
      }
    });
  });

  it('that looks at the whole picture is taken, and said to', async () => {
    const model = network((writer, input) => {
      const value = conv(writer, input, [3, 12], 3);
      return shuffle(writer, writer.op('Mul', [value, writer.op('GlobalAveragePool', [value])]), 2);
    });
    const { geometry } = await built(model);
    expect(geometry).toMatchObject({ scale: 2, halo: undefined, globalOperators: ['GlobalAveragePool'] });
  });
});

describe('refused, with what was found and what is needed', () => {
  const cases: [string, () => OnnxModel, RegExp][] = [
    ['an old operator set', () => plainNetwork({ opset: 8 }), /operator set 8, and 9 to 26/],
    ['a future operator set', () => plainNetwork({ opset: 99 }), /operator set 99, and 9 to 26/],
    [
      'an operator that is not of ONNX',
      () => {
        const model = plainNetwork();
        model.graph.node[0]!.domain = 'my.lab';
        return model;
      },
      /operator Conv of "my\.lab"/,
    ],
    [
      'two inputs',
      () => {
        const model = plainNetwork();
        model.graph.input.push(tensorInfo('noise', DataType.FLOAT, [1]));
        return model;
      },
      /2 inputs \(image, noise\); exactly one image must go in/,
    ],
    [
      'two outputs',
      () => {
        const model = plainNetwork();
        model.graph.node.push(node('Identity', ['result'], ['more']));
        model.graph.output.push(tensorInfo('more', DataType.FLOAT, [1, 3, 'a', 'b']));
        return model;
      },
      /2 outputs \(result, more\); exactly one image must come out/,
    ],
    [
      'numbers that are no pixels',
      () => plainNetwork({ inputType: DataType.INT64 }),
      /elements of type int64.*float32, float16 or uint8/,
    ],
    ['four channels', () => plainNetwork({ input: [1, 4, 'h', 'w'] }), /shape \[1, 4, h, w\].*3 channels \(RGB\) or 1/],
    ['a batch', () => plainNetwork({ input: [8, 3, 'h', 'w'] }), /shape \[8, 3, h, w\]/],
    ['three dimensions', () => plainNetwork({ input: [3, 'h', 'w'] }), /shape \[3, h, w\]/],
    [
      'valid convolutions',
      () => network((writer, input) => shuffle(writer, conv(writer, input, [3, 12], 3, { pads: [0, 0] }), 2)),
      /whole multiple.*without padding/,
    ],
    [
      'a reduction',
      () => network((writer, input) => conv(writer, input, [3, 3], 3, { stride: 2, pads: [1, 1] })),
      /whole multiple/,
    ],
    [
      'different factors for width and height',
      () =>
        network((writer, input) =>
          writer.op('Resize', [input, '', writer.floats([1, 1, 2, 3], [4])], {
            mode: 'nearest',
            nearest_mode: 'floor',
          }),
        ),
      /whole multiple/,
    ],
    [
      'a classifier',
      () =>
        network((writer, input) =>
          writer.op('Flatten', [writer.op('GlobalAveragePool', [conv(writer, input, [3, 10], 3)])]),
        ),
      /output has the shape \[1, 10\]/,
    ],
    [
      'more channels out than in',
      () => network((writer, input) => conv(writer, input, [3, 4], 3)),
      /takes 3 and gives 4 channels/,
    ],
    [
      'a fixed size that its graph does not fit',
      () =>
        network(
          (writer, input) => {
            const value = conv(writer, input, [3, 12], 3);
            const six = writer.op('Reshape', [value, writer.ints([1, 3, 2, 2, 64, 64])]);
            const moved = writer.op('Transpose', [six], { perm: [0, 1, 4, 2, 5, 3] });
            return writer.op('Reshape', [moved, writer.ints([1, 3, 100, 100])]);
          },
          { input: [1, 3, 64, 64] },
        ),
      /fixed size, \[1, 3, 64, 64\]. Export it with dynamic/,
    ],
    [
      'a network that does not fit together',
      () => network((writer, input) => conv(writer, conv(writer, input, [3, 8], 3), [9, 3], 3)),
      /can't pass through its graph/,
    ],
  ];

  it.each(cases)('%s', async (_, make, words) => {
    const outcome = await built(make()).then(
      () => 'accepted',
      (error: unknown) => error,
    );
    expect(outcome).toMatchObject({ code: 'MODEL_UNSUPPORTED', file: 'mine.onnx' });
    expect((outcome as Error).message).toMatch(words);
  });

  it('a card that contradicts the file', () => {
    expect(() => normaliseNetwork(plainNetwork(), { scale: 4 }, 'mine')).toThrow(
      /says scale 4, but its graph enlarges by 2/,
    );
    expect(() => normaliseNetwork(plainNetwork(), { input: { type: 'uint8' } }, 'mine')).toThrow(
      /says input type uint8/,
    );
  });
});
