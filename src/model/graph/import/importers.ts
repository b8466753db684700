import type { FormatName } from '../../catalogue/formats/format.js';
import { checkpoint } from './checkpoint/importer.js';
import type { Importer } from './importer.js';
import { ncnnImporter } from './ncnn.js';
import { rsr } from './rsr/importer.js';
import { tfjs } from './tfjs/importer.js';

/** What reads the graphs of each foreign format. */
export const importers: Readonly<Record<FormatName, Importer>> = {
  'TensorFlow.js layers model': tfjs,
  rsr,
  ncnn: ncnnImporter,
  checkpoint,
};
