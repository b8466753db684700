import { UpresError } from '../../../../errors.js';

/** The value of a parameter: a number, a list of numbers, or a word that is no number. */
export type ParamValue = number | readonly number[] | string;

/** One line of a `.param` file: a layer, the blobs that it reads and makes, and its numbered parameters. */
export class Layer {
  constructor(
    /** Path of the `.param` file, for messages. */
    readonly file: string,
    /** Counted from 1. */
    readonly line: number,
    readonly type: string,
    readonly name: string,
    readonly inputs: readonly string[],
    readonly outputs: readonly string[],
    private readonly params: ReadonlyMap<number, ParamValue>,
  ) {}

  has(id: number): boolean {
    return this.params.has(id);
  }

  /** A parameter that is one number, or what ncnn takes for its absence. Throws MODEL_INVALID. */
  number(id: number, otherwise: number): number {
    const value = this.params.get(id);
    if (value === undefined) return otherwise;
    if (typeof value !== 'number') throw this.invalid(`has no number as its parameter ${id}`);
    return value;
  }

  /** A parameter that is a whole number from `low` to `high`. Throws MODEL_INVALID. */
  integer(id: number, otherwise: number, low: number, high: number): number {
    const value = this.number(id, otherwise);
    if (Number.isInteger(value) && value >= low && value <= high) return value;
    throw this.invalid(`has ${value} as its parameter ${id}, where a whole number from ${low} to ${high} must stand`);
  }

  /** A parameter that is a list; [] when it is absent. Throws MODEL_INVALID. */
  list(id: number): readonly number[] {
    const value = this.params.get(id) ?? [];
    if (typeof value === 'string') throw this.invalid(`has no list of numbers as its parameter ${id}`);
    return typeof value === 'number' ? [value] : value;
  }

  /** An error about a layer that contradicts itself or its neighbours: the file is damaged. */
  invalid(what: string): UpresError {
    return new UpresError(
      'MODEL_INVALID',
      `${this.where} ${what}. The file is damaged, or was edited by hand: copy or convert it again.`,
      { file: this.file },
    );
  }

  /** An error about something in a sound file that upres can't do. */
  unsupported(what: string): UpresError {
    return new UpresError(
      'MODEL_UNSUPPORTED',
      `${this.where} ${what}. Export the network to ONNX from where it was trained, and use that file.`,
      { file: this.file },
    );
  }

  private get where(): string {
    return `${this.file}, line ${this.line}: the layer ${this.type} "${this.name}"`;
  }
}
