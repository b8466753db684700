import type { OnnxModel } from '../../onnx/file.js';
import type { Layers } from './layers.js';

/** One kind of network, known by the names of its weights. */
export interface Architecture {
  readonly name: string;
  /** Whether these are its weights' names. */
  matches(has: (name: string) => boolean): boolean;
  /** Builds its graph. @throws WeightsError */
  build(layers: Layers): OnnxModel;
}
