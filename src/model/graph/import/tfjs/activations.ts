import { float } from '../../onnx/node.js';
import { floatTensor } from '../../onnx/tensor.js';
import type { LayerReader } from './layer-reader.js';

/** The largest float32: no limit. */
const HUGE = 3.4028234663852886e38;

/** An activation by its Keras name. */
export function activate(reader: LayerReader, input: string, name: string): string {
  const { writer } = reader;
  switch (name) {
    case 'linear':
      return input;
    case 'relu':
      return writer.op('Relu', [input]);
    case 'relu6':
      return writer.clip(input, 0, 6);
    case 'leaky_relu':
      return writer.op('LeakyRelu', [input], { alpha: float(0.2) });
    case 'elu':
      return writer.op('Elu', [input], { alpha: float(1) });
    case 'selu':
      return writer.op('Selu', [input]);
    case 'sigmoid':
      return writer.op('Sigmoid', [input]);
    case 'tanh':
      return writer.op('Tanh', [input]);
    case 'softplus':
      return writer.op('Softplus', [input]);
    case 'softsign':
      return writer.op('Softsign', [input]);
    case 'swish':
    case 'silu':
      return writer.op('Mul', [input, writer.op('Sigmoid', [input])]);
    case 'hard_sigmoid':
    case 'hardSigmoid':
      return writer.op('HardSigmoid', [input], { alpha: float(0.2), beta: float(0.5) });
    default:
      throw reader.unsupported(`has the activation "${name}", which is not known`);
  }
}

/** ReLU as a layer: with a slope below 0 and a limit above, if it has them. */
export function reluLayer(reader: LayerReader): string {
  const { writer, input } = reader;
  const slope = reader.number('negative_slope', 0);
  const most = reader.number('max_value', HUGE);
  if (reader.number('threshold', 0) !== 0) throw reader.unsupported('has a threshold other than 0');
  if (slope === 0) return most === HUGE ? writer.op('Relu', [input]) : writer.clip(input, 0, most);
  const bent = writer.op('LeakyRelu', [input], { alpha: float(slope) });
  return most === HUGE ? bent : writer.clip(bent, -HUGE, most);
}

/** LeakyReLU; Keras 3 calls its slope otherwise. */
export function leakyReluLayer(reader: LayerReader): string {
  const slope = reader.number('alpha', reader.number('negative_slope', 0.3));
  return reader.writer.op('LeakyRelu', [reader.input], { alpha: float(slope) });
}

/** PReLU with one slope for each channel, or one for all. */
export function preluLayer(reader: LayerReader): string {
  const { writer } = reader;
  const { dims, values } = reader.weight('alpha', 3);
  if (dims[0] !== 1 || dims[1] !== 1) {
    throw reader.unsupported('has slopes that differ from pixel to pixel. Train it with shared_axes=[1, 2]');
  }
  const name = writer.fresh('slopes');
  writer.initializers.push(floatTensor(name, [values.length, 1, 1], values));
  return writer.op('PRelu', [reader.input, name]);
}
