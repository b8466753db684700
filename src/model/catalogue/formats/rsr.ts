import type { ModelFormat } from './format.js';

/** `.rsr`: the networks of srgan-rust and rusty_sr. */
export const rsrFormat: ModelFormat = {
  name: 'rsr',
  accepts: (path) => path.toLowerCase().endsWith('.rsr'),
  companions: () => [],
};
