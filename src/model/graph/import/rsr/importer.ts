import { damaged } from '../damaged.js';
import type { Importer, ModelFiles } from '../importer.js';
import { rsrGraph } from './graph.js';
import { readNetwork } from './header.js';
import { PayloadError, unshuffle, valuesOf } from './payload.js';
import { unpackXz } from './xz.js';

/** What users of such networks should know before they trust one with anything but photographs. */
const GLOBAL_WARNING =
  'Its global nodes average over the whole picture and have no bounds: on pictures unlike photographs (text, noise, flat ' +
  'colours, a few pixels) such networks can overshoot wildly. Look at the results.';

/** `.rsr`: the networks of srgan-rust and rusty_sr. */
export const rsr: Importer = {
  unpack: async (files: ModelFiles) => ({ ...files, bytes: unshuffle(await unpackXz(files.bytes, files.path)) }),
  convert({ path, bytes }) {
    try {
      const { layout, size, arrays, notes } = readNetwork(bytes);
      const model = rsrGraph(size, (name) => valuesOf(bytes, arrays.get(name)!, name));
      return {
        model,
        card: {
          scale: size.factor,
          ...(size.logDepth > 0 && { width: size.width }),
          logDepth: size.logDepth,
          globalNodeFactor: size.globals,
          parameters: [...arrays.values()].reduce((sum, { count }) => sum + count, 0),
          source: `an .rsr file (header layout ${layout})`,
          notes: [...notes, ...(size.globals > 0 ? [GLOBAL_WARNING] : [])],
        },
      };
    } catch (error) {
      if (error instanceof PayloadError)
        throw damaged(path, error.offset, `of its unpacked content, ${error.message}`, error);
      throw error;
    }
  },
};
