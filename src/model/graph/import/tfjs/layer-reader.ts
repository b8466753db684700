import type { UpresError } from '../../../../errors.js';
import type { GraphWriter } from '../../onnx/graph-writer.js';
import { wrong } from '../../../catalogue/formats/tfjs-json.js';
import { unsupported, type Layer } from './topology.js';
import type { Weight, Weights } from './weights.js';

/** What a layer's form as a graph is written with. */
export class LayerReader {
  constructor(
    readonly writer: GraphWriter,
    readonly layer: Layer,
    /** Tensors that go in, NCHW. */
    readonly inputs: readonly string[],
    private readonly weights: Weights,
    private readonly path: string,
    /** Whether the file comes from the Keras of Python, which reads a few words otherwise than TensorFlow.js. */
    readonly fromKeras: boolean,
    private readonly note: (text: string) => void,
  ) {}

  /** The only tensor that goes in. */
  get input(): string {
    if (this.inputs.length !== 1) throw this.wrong(`has ${this.inputs.length} inputs where one is needed`);
    return this.inputs[0]!;
  }

  wrong(what: string): UpresError {
    return wrong(this.path, `layer "${this.layer.name}" (${this.layer.className}) ${what}`);
  }

  unsupported(what: string): UpresError {
    return unsupported(this.path, `layer "${this.layer.name}" (${this.layer.className}) ${what}.`);
  }

  /** Says in the card how something was decided. */
  decided(text: string): void {
    this.note(text);
  }

  number(name: string, otherwise: number): number {
    const value = this.layer.config[name] ?? otherwise;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw this.wrong(`has ${name} = ${JSON.stringify(value)} where a number is needed`);
  }

  text(name: string, otherwise: string): string {
    const value = this.layer.config[name] ?? otherwise;
    if (typeof value === 'string') return value;
    throw this.unsupported(`has ${name} = ${JSON.stringify(value).slice(0, 100)}, which is not known`);
  }

  flag(name: string, otherwise: boolean): boolean {
    return (this.layer.config[name] ?? otherwise) === true;
  }

  /** Two whole numbers, rows first; one number stands for both. */
  pair(name: string, otherwise: number): [number, number] {
    const value = this.layer.config[name] ?? otherwise;
    const list: unknown[] = Array.isArray(value) ? value : [value, value];
    const [rows, columns] = list.length === 1 ? [list[0], list[0]] : list;
    if (list.length <= 2 && isSmall(rows, 1) && isSmall(columns, 1)) return [rows, columns];
    throw this.wrong(`has ${name} = ${JSON.stringify(value).slice(0, 100)} where two whole numbers are needed`);
  }

  /** Rows above and below, columns left and right: one number, one for each direction, or one for each side. */
  sides(name: string): [[number, number], [number, number]] {
    const value = this.layer.config[name] ?? 1;
    const both: unknown[] = Array.isArray(value) ? value : [value, value];
    const [rows, columns] = both.map((side): unknown[] => (Array.isArray(side) ? side : [side, side]));
    if (both.length === 2 && rows?.length === 2 && columns?.length === 2) {
      const [top, bottom] = rows;
      const [left, right] = columns;
      if (isSmall(top, 0) && isSmall(bottom, 0) && isSmall(left, 0) && isSmall(right, 0)) {
        return [
          [top, bottom],
          [left, right],
        ];
      }
    }
    throw this.wrong(`has ${name} = ${JSON.stringify(value).slice(0, 100)}, which is no size of a border`);
  }

  /** Refuses layers that were written for channels first: TensorFlow.js has none. */
  requireChannelsLast(): void {
    if (this.text('data_format', 'channels_last') !== 'channels_last') {
      throw this.unsupported('has its channels first, which TensorFlow.js does not know');
    }
  }

  /** A weight, which must have that many dimensions. */
  weight(name: string, rank: number): Weight {
    const found = this.weights.find(this.layer.name, name);
    if (!found) throw this.wrong(`has no weight "${name}"`);
    if (found.dims.length !== rank) {
      throw this.wrong(
        `has a weight "${name}" of the shape ${found.dims.join(' x ')} where ${rank} dimensions are needed`,
      );
    }
    return found;
  }

  /** A list of one value for each channel. */
  perChannel(name: string, channels: number): Float32Array {
    const { values } = this.weight(name, 1);
    if (values.length === channels) return values;
    throw this.wrong(`has ${values.length} values of "${name}" for ${channels} channels`);
  }

  /** Refuses a kernel whose shape is not what the configuration says. */
  requireKernel(weight: Weight, kernel: readonly [number, number]): void {
    if (weight.dims[0] === kernel[0] && weight.dims[1] === kernel[1]) return;
    throw this.wrong(
      `has a kernel of the shape ${weight.dims.join(' x ')}, and its configuration says ${kernel.join(' x ')}`,
    );
  }
}

function isSmall(value: unknown, least: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= 1024;
}
