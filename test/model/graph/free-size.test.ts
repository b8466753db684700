import { describe, expect, it } from 'vitest';
import { modelFromBytes } from '#src/model/catalogue/model.js';
import type { OnnxModel } from '#src/model/graph/onnx/file.js';
import type { GraphWriter } from '#src/model/graph/onnx/graph-writer.js';
import { bytesOf, conv, difference, network, randomFloats, run } from '../support.js';

/** What the files were exported for. */
const [H, W] = [16, 24];
const C = 8;

type Step = (writer: GraphWriter, value: string) => string;

/** Reshape, Transpose, Reshape, with the sizes as numbers: how exporters write what rearranges. */
function rearrange(
  writer: GraphWriter,
  value: string,
  parts: readonly number[],
  perm: readonly number[],
  joined: readonly number[],
): string {
  const split = writer.op('Reshape', [value, writer.ints(parts)]);
  const turned = writer.op('Transpose', [split], { perm });
  return writer.op('Reshape', [turned, writer.ints(joined)]);
}

const pixelShuffle: Step = (writer, value) =>
  rearrange(writer, value, [1, 3, 2, 2, H, W], [0, 1, 4, 2, 5, 3], [1, 3, 2 * H, 2 * W]);

const channelShuffle: Step = (writer, value) =>
  rearrange(writer, value, [1, 2, C / 2, H, W], [0, 2, 1, 3, 4], [1, C, H, W]);

/** Each window of 8×8 gets the mean of its rows added. */
const windows: Step = (writer, value) => {
  const last = writer.op('Transpose', [value], { perm: [0, 2, 3, 1] });
  const order = [0, 1, 3, 2, 4, 5];
  const cut = rearrange(writer, last, [1, H / 8, 8, W / 8, 8, C], order, [(H * W) / 64, 64, C]);
  const seen = writer.op('Add', [cut, writer.mean(cut, [1], true)]);
  const whole = rearrange(writer, seen, [1, H / 8, W / 8, 8, 8, C], order, [1, H, W, C]);
  return writer.op('Transpose', [whole], { perm: [0, 3, 1, 2] });
};

const pooledAndBack: Step = (writer, value) => {
  const small = writer.op('MaxPool', [value], { kernel_shape: [2, 2], strides: [2, 2] });
  const back = writer.op('Resize', [small, '', '', writer.ints([1, C, H, W])], { mode: 'nearest' });
  return writer.op('Add', [value, back]);
};

/** Enlarged by a factor that is no whole number: to the picture's own size. */
const strided: Step = (writer, value) => {
  const small = conv(writer, value, [C, C], 3, { stride: 2, pads: [0, 0], seed: 5 });
  const back = writer.op('Resize', [small, '', '', writer.ints([1, C, H, W])], { mode: 'linear' });
  return writer.op('Add', [value, back]);
};

const paddedAndCut: Step = (writer, value) => {
  const wide = writer.op('Pad', [value, writer.ints([0, 0, 0, 0, 0, 0, 4, 8])], { mode: 'reflect' });
  const seen = conv(writer, wide, [C, C], 3, { seed: 6 });
  return writer.op('Slice', [seen, writer.ints([0, 0]), writer.ints([H, W]), writer.ints([2, 3])]);
};

const wholeWindow: Step = (writer, value) => {
  const mean = writer.op('AveragePool', [value], { kernel_shape: [H, W], strides: [H, W] });
  return writer.op('Mul', [value, writer.op('Sigmoid', [conv(writer, mean, [C, C], 1, { seed: 7 })])]);
};

const expanded: Step = (writer, value) => {
  const first = writer.op('Slice', [value, writer.ints([0]), writer.ints([1]), writer.ints([1])]);
  return writer.op('Add', [value, writer.op('Expand', [first, writer.ints([1, C, H, W])])]);
};

/** All pixels in a row, and as many channels of the first. */
const expandedInRow: Step = (writer, value) => {
  const row = writer.op('Transpose', [writer.op('Reshape', [value, writer.ints([1, C, H * W])])], { perm: [0, 2, 1] });
  const first = writer.op('Slice', [row, writer.ints([0]), writer.ints([1]), writer.ints([2])]);
  const all = writer.op('Expand', [first, writer.ints([1, H * W, C])]);
  const turned = writer.op('Transpose', [all], { perm: [0, 2, 1] });
  return writer.op('Add', [value, writer.op('Reshape', [turned, writer.ints([1, C, H, W])])]);
};

const nothing: Step = (_, value) => value;

/** A ×2 network with something in the middle. */
function fixed(middle: Step, opset = 13): OnnxModel {
  return network(
    (writer, input) => {
      const seen = middle(writer, conv(writer, input, [3, C], 3, { seed: 1 }));
      return pixelShuffle(writer, conv(writer, seen, [C, 12], 3, { seed: 2 }));
    },
    { opset, input: [1, 3, H, W], output: [1, 3, 2 * H, 2 * W] },
  );
}

const places: Step = (writer, value) =>
  writer.op('Add', [value, writer.floats(randomFloats(C * H * W, 8), [1, C, H, W])]);

describe('a network that was exported for one size', () => {
  it.each<[string, Step]>([
    ['pixel shuffle', nothing],
    ['channel shuffle', channelShuffle],
    ['windows', windows],
    ['Resize to a size, a whole number of times as large', pooledAndBack],
    ['Resize to the size of the picture', strided],
    ['Pad and Slice', paddedAndCut],
    ['a pool as large as the picture', wholeWindow],
    ['Expand', expanded],
    ['Expand of pixels in a row', expandedInRow],
  ])('is freed of its %s', async (_, middle) => {
    const original = fixed(middle);
    const { core, geometry } = await (await modelFromBytes(bytesOf(original), 'fixed.onnx')).build();
    expect(geometry).toMatchObject({ scale: 2 });
    expect(geometry).not.toHaveProperty('fixedSize');
    const picture = randomFloats(3 * H * W, 3);
    const dims = [1, 3, H, W];
    const [before, after] = [await run(bytesOf(fixed(middle)), picture, dims), await run(core, picture, dims)];
    expect(after.dims).toEqual(before.dims);
    expect(difference(after.data, before.data)).toBeLessThan(1e-5);
    const unit = 16;
    const other = await run(core, randomFloats(3 * 3 * unit * 2 * unit, 4), [1, 3, 3 * unit, 2 * unit]);
    expect(other.dims).toEqual([1, 3, 6 * unit, 4 * unit]);
  });

  it('is freed with its channels last, too', async () => {
    const model = network(
      (writer, input) => {
        const planes = writer.op('Transpose', [input], { perm: [0, 3, 1, 2] });
        const seen = channelShuffle(writer, conv(writer, planes, [3, C], 3, { seed: 1 }));
        const large = pixelShuffle(writer, conv(writer, seen, [C, 12], 3, { seed: 2 }));
        return writer.op('Transpose', [large], { perm: [0, 2, 3, 1] });
      },
      { input: [1, H, W, 3], output: [1, 2 * H, 2 * W, 3] },
    );
    const { core, geometry } = await (await modelFromBytes(bytesOf(model), 'fixed.onnx')).build();
    expect(geometry.halo).toBeDefined();
    expect((await run(core, randomFloats(3 * 20 * 30, 4), [1, 3, 20, 30])).dims).toEqual([1, 3, 40, 60]);
  });

  it('is refused where that is more than can be computed at once', async () => {
    const large = network(
      (writer, input) =>
        writer.op('Add', [input, writer.op('Expand', [writer.floats([0.1]), writer.ints([1, 3, 4096, 4096])])]),
      { input: [1, 3, 4096, 4096], output: [1, 3, 4096, 4096] },
    );
    const building = modelFromBytes(bytesOf(large), 'fixed.onnx').then((model) => model.build());
    await expect(building).rejects.toThrow(/pictures of 4096×4096 pixels alone/);
  });

  it('keeps its size where it has something for each place', async () => {
    const { geometry } = await (await modelFromBytes(bytesOf(fixed(places)), 'fixed.onnx')).build();
    expect(geometry).toMatchObject({ scale: 2, fixedSize: { width: W, height: H } });
  });
});
