import type { Importer } from './importer.js';
import { ncnnImporter } from './ncnn.js';
import { rsr } from './rsr/importer.js';
import { tfjs } from './tfjs/importer.js';

/** All foreign formats, in the order in which they are tried; what none of them accepts is read as ONNX. */
export const importers: readonly Importer[] = [tfjs, rsr, ncnnImporter];
