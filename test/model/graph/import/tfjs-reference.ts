/**
 * A second, independent evaluation of layers models, as TensorFlow's documentation words the layers: plain loops over
 * [row][column][channel] in double precision. Slow and simple; shares no code with the importer.
 */
export interface Picture {
  height: number;
  width: number;
  channels: number;
  data: Float64Array;
}

export interface TfWeight {
  shape: number[];
  values: ArrayLike<number>;
}

export interface TfLayer {
  class_name: string;
  name?: string;
  config: Record<string, unknown>;
  inbound_nodes?: unknown[];
}

export function makePicture(height: number, width: number, channels: number): Picture {
  return { height, width, channels, data: new Float64Array(height * width * channels) };
}

function at(picture: Picture, y: number, x: number, c: number): number {
  if (y < 0 || x < 0 || y >= picture.height || x >= picture.width) return 0;
  return picture.data[(y * picture.width + x) * picture.channels + c]!;
}

function fill(picture: Picture, value: (y: number, x: number, c: number) => number): Picture {
  for (let y = 0; y < picture.height; y++)
    for (let x = 0; x < picture.width; x++)
      for (let c = 0; c < picture.channels; c++)
        picture.data[(y * picture.width + x) * picture.channels + c] = value(y, x, c);
  return picture;
}

function each(input: Picture, f: (value: number, channel: number) => number): Picture {
  return fill(makePicture(input.height, input.width, input.channels), (y, x, c) => f(at(input, y, x, c), c));
}

function activation(name: string): (x: number) => number {
  const functions: Record<string, (x: number) => number> = {
    linear: (x) => x,
    relu: (x) => Math.max(0, x),
    relu6: (x) => Math.min(6, Math.max(0, x)),
    elu: (x) => (x > 0 ? x : Math.exp(x) - 1),
    selu: (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * (Math.exp(x) - 1)),
    sigmoid: (x) => 1 / (1 + Math.exp(-x)),
    tanh: Math.tanh,
    softplus: (x) => Math.log(1 + Math.exp(x)),
    softsign: (x) => x / (1 + Math.abs(x)),
    swish: (x) => x / (1 + Math.exp(-x)),
    hard_sigmoid: (x) => Math.min(1, Math.max(0, 0.2 * x + 0.5)),
    leaky_relu: (x) => (x > 0 ? x : 0.2 * x),
  };
  return functions[name]!;
}

/** How far a "same" window begins before the picture: TensorFlow puts the odd pixel of padding after it. */
function samePadding(size: number, kernel: number, stride: number, dilation: number): number {
  const output = Math.ceil(size / stride);
  return Math.floor(Math.max(0, (output - 1) * stride + (kernel - 1) * dilation + 1 - size) / 2);
}

interface Window {
  kernel: [number, number];
  stride: [number, number];
  dilation: [number, number];
  same: boolean;
}

function windowOf(config: Record<string, unknown>): Window {
  return {
    kernel: config.kernel_size as [number, number],
    stride: (config.strides as [number, number] | undefined) ?? [1, 1],
    dilation: (config.dilation_rate as [number, number] | undefined) ?? [1, 1],
    same: config.padding === 'same',
  };
}

/** Sum over a window; `term` gives the weighted sum over the input channels at one place. */
function slide(
  input: Picture,
  { kernel, stride, dilation, same }: Window,
  channels: number,
  term: (y: number, x: number, ky: number, kx: number, out: number) => number,
): Picture {
  const size = [input.height, input.width].map((side, d) =>
    same ? Math.ceil(side / stride[d]!) : Math.floor((side - (kernel[d]! - 1) * dilation[d]! - 1) / stride[d]!) + 1,
  );
  const begin = [input.height, input.width].map((side, d) =>
    same ? samePadding(side, kernel[d]!, stride[d]!, dilation[d]!) : 0,
  );
  return fill(makePicture(size[0]!, size[1]!, channels), (y, x, out) => {
    let sum = 0;
    for (let ky = 0; ky < kernel[0]; ky++) {
      for (let kx = 0; kx < kernel[1]; kx++) {
        const row = y * stride[0] - begin[0]! + ky * dilation[0];
        const column = x * stride[1] - begin[1]! + kx * dilation[1];
        if (row >= 0 && column >= 0 && row < input.height && column < input.width)
          sum += term(row, column, ky, kx, out);
      }
    }
    return sum;
  });
}

function conv(input: Picture, window: Window, { shape, values }: TfWeight): Picture {
  const [, columns, read, out] = shape as [number, number, number, number];
  const perGroup = out / (input.channels / read);
  return slide(input, window, out, (y, x, ky, kx, to) => {
    const first = Math.floor(to / perGroup) * read;
    let sum = 0;
    for (let c = 0; c < read; c++)
      sum += at(input, y, x, first + c) * values[((ky * columns + kx) * read + c) * out + to]!;
    return sum;
  });
}

function depthwise(input: Picture, window: Window, { shape, values }: TfWeight): Picture {
  const [, columns, channels, multiplier] = shape as [number, number, number, number];
  return slide(input, window, channels * multiplier, (y, x, ky, kx, to) => {
    const c = Math.floor(to / multiplier);
    return at(input, y, x, c) * values[((ky * columns + kx) * channels + c) * multiplier + (to % multiplier)]!;
  });
}

/** The gradient of the convolution that would make the input out of the output. */
function transposed(input: Picture, { kernel, stride, same }: Window, { shape, values }: TfWeight): Picture {
  const [, columns, out, read] = shape as [number, number, number, number];
  const size = [input.height, input.width].map((side, d) =>
    same ? side * stride[d]! : side * stride[d]! + Math.max(0, kernel[d]! - stride[d]!),
  );
  const begin = size.map((side, d) => (same ? samePadding(side, kernel[d]!, stride[d]!, 1) : 0));
  const result = makePicture(size[0]!, size[1]!, out);
  for (let y = 0; y < input.height; y++)
    for (let x = 0; x < input.width; x++)
      for (let ky = 0; ky < kernel[0]; ky++)
        for (let kx = 0; kx < kernel[1]; kx++) {
          const row = y * stride[0] + ky - begin[0]!;
          const column = x * stride[1] + kx - begin[1]!;
          if (row < 0 || column < 0 || row >= result.height || column >= result.width) continue;
          for (let to = 0; to < out; to++)
            for (let c = 0; c < read; c++)
              result.data[(row * result.width + column) * out + to]! +=
                at(input, y, x, c) * values[((ky * columns + kx) * out + to) * read + c]!;
        }
  return result;
}

function biased(picture: Picture, config: Record<string, unknown>, bias: TfWeight | undefined): Picture {
  const f = activation((config.activation as string | undefined) ?? 'linear');
  return each(picture, (value, c) => f(value + (config.use_bias === false ? 0 : bias!.values[c]!)));
}

function combine(inputs: readonly Picture[], f: (values: number[]) => number): Picture {
  const [{ height, width, channels }] = inputs as [Picture];
  return fill(makePicture(height, width, channels), (y, x, c) => f(inputs.map((input) => at(input, y, x, c))));
}

function enlargeBilinear(input: Picture, [fy, fx]: [number, number], centred: boolean): Picture {
  const place = (position: number, factor: number, size: number) => {
    const from = centred ? (position + 0.5) / factor - 0.5 : position / factor;
    const low = Math.floor(from);
    const limit = (index: number): number => Math.min(size - 1, Math.max(0, index));
    return { low: limit(low), high: limit(low + 1), part: from - low };
  };
  return fill(makePicture(input.height * fy, input.width * fx, input.channels), (y, x, c) => {
    const rows = place(y, fy, input.height);
    const columns = place(x, fx, input.width);
    const row = (r: number): number =>
      at(input, r, columns.low, c) * (1 - columns.part) + at(input, r, columns.high, c) * columns.part;
    return row(rows.low) * (1 - rows.part) + row(rows.high) * rows.part;
  });
}

function compute(
  { class_name, config }: TfLayer,
  inputs: readonly Picture[],
  weight: (name: string) => TfWeight | undefined,
  fromKeras: boolean,
): Picture {
  const input = inputs[0]!;
  const number = (name: string, otherwise: number): number => (config[name] as number | null | undefined) ?? otherwise;
  const shuffle = /^PixelShuffle(\d+)x$/.exec(class_name);
  if (shuffle) {
    const block = Number(shuffle[1]);
    const channels = input.channels / block ** 2;
    return fill(makePicture(input.height * block, input.width * block, channels), (y, x, c) =>
      at(input, Math.floor(y / block), Math.floor(x / block), ((y % block) * block + (x % block)) * channels + c),
    );
  }
  switch (class_name) {
    case 'Conv2D':
      return biased(conv(input, windowOf(config), weight('kernel')!), config, weight('bias'));
    case 'DepthwiseConv2D':
      return biased(depthwise(input, windowOf(config), weight('depthwise_kernel')!), config, weight('bias'));
    case 'SeparableConv2D': {
      const planes = depthwise(input, windowOf(config), weight('depthwise_kernel')!);
      const point: Window = { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], same: true };
      return biased(conv(planes, point, weight('pointwise_kernel')!), config, weight('bias'));
    }
    case 'Conv2DTranspose':
      return biased(transposed(input, windowOf(config), weight('kernel')!), config, weight('bias'));
    case 'Activation':
      return each(input, activation(config.activation as string));
    case 'ReLU': {
      const slope = number('negative_slope', 0);
      return each(input, (x) => Math.min(number('max_value', Infinity), x > 0 ? x : slope * x));
    }
    case 'LeakyReLU':
      return each(input, (x) => (x > 0 ? x : number('alpha', 0.3) * x));
    case 'PReLU':
      return each(input, (x, c) => (x > 0 ? x : weight('alpha')!.values[c]! * x));
    case 'ELU':
      return each(input, (x) => (x > 0 ? x : number('alpha', 1) * (Math.exp(x) - 1)));
    case 'Add':
      return combine(inputs, (values) => values.reduce((a, b) => a + b));
    case 'Subtract':
      return combine(inputs, ([a, b]) => a! - b!);
    case 'Multiply':
      return combine(inputs, (values) => values.reduce((a, b) => a * b));
    case 'Average':
      return combine(inputs, (values) => values.reduce((a, b) => a + b) / values.length);
    case 'Maximum':
      return combine(inputs, (values) => Math.max(...values));
    case 'Minimum':
      return combine(inputs, (values) => Math.min(...values));
    case 'Concatenate': {
      const joined = inputs.flatMap((part) => Array.from({ length: part.channels }, (_, c) => ({ part, c })));
      return fill(makePicture(input.height, input.width, joined.length), (y, x, c) =>
        at(joined[c]!.part, y, x, joined[c]!.c),
      );
    }
    case 'UpSampling2D': {
      const size = config.size as [number, number];
      if (config.interpolation === 'bilinear') return enlargeBilinear(input, size, fromKeras);
      return fill(makePicture(input.height * size[0], input.width * size[1], input.channels), (y, x, c) =>
        at(input, Math.floor(y / size[0]), Math.floor(x / size[1]), c),
      );
    }
    case 'ZeroPadding2D': {
      const [[top, bottom], [left, right]] = config.padding as [[number, number], [number, number]];
      return fill(makePicture(input.height + top + bottom, input.width + left + right, input.channels), (y, x, c) =>
        at(input, y - top, x - left, c),
      );
    }
    case 'Cropping2D': {
      const [[top, bottom], [left, right]] = config.cropping as [[number, number], [number, number]];
      return fill(makePicture(input.height - top - bottom, input.width - left - right, input.channels), (y, x, c) =>
        at(input, y + top, x + left, c),
      );
    }
    case 'BatchNormalization': {
      const mean = weight('moving_mean')!.values;
      const variance = weight('moving_variance')!.values;
      return each(input, (x, c) => {
        const normal = (x - mean[c]!) / Math.sqrt(variance[c]! + number('epsilon', 1e-3));
        return normal * (weight('gamma')?.values[c] ?? 1) + (weight('beta')?.values[c] ?? 0);
      });
    }
    case 'Rescaling':
      return each(input, (x) => x * number('scale', 1) + number('offset', 0));
    case 'MultiplyBeta':
      return each(input, (x) => x * number('beta', 0.2));
    case 'Dropout':
      return input;
    default:
      throw new Error(`the reference has no ${class_name}`);
  }
}

/** Evaluates a list of layers, each after its inputs, on a picture; the result is the last layer's. */
export function evaluate(
  layers: readonly TfLayer[],
  weights: ReadonlyMap<string, TfWeight>,
  picture: Picture,
  fromKeras = true,
): Picture {
  const results = new Map<string, Picture>();
  let last = picture;
  for (const layer of layers) {
    const name = layer.name ?? (layer.config.name as string);
    if (layer.class_name === 'InputLayer') {
      results.set(name, picture);
      continue;
    }
    const nodes = layer.inbound_nodes as [string][][] | undefined;
    const inputs = nodes ? nodes[0]!.map(([from]) => results.get(from)!) : [last];
    last = compute(layer, inputs, (weight) => weights.get(`${name}/${weight}`), fromKeras);
    results.set(name, last);
  }
  return last;
}
