import type { Architecture } from './architecture.js';
import { rootOf, WeightsError, type Layers } from './layers.js';

/** How the layers are called: the first ESRGAN, BSRGAN and Real-ESRGAN each have names of their own. */
interface Names {
  readonly first: string;
  readonly dense: (block: number, part: number, conv: number) => string;
  readonly body: string;
  readonly ups: readonly string[];
  readonly high: string;
  readonly last: string;
}

/**
 * RRDBNet: ESRGAN, Real-ESRGAN, BSRGAN, and most of what people train
 * (https://github.com/xinntao/ESRGAN, RRDBNet_arch.py). A first layer of 4 or 16 times as many channels takes a picture whose
 * pixels were made channels.
 */
export const rrdb: Architecture = {
  name: 'RRDB (ESRGAN)',
  matches: (has) =>
    has('model.1.sub.0.RDB1.conv1.0.weight') ||
    has('RRDB_trunk.0.RDB1.conv1.weight') ||
    has('body.0.rdb1.conv1.weight'),
  build: (layers) => {
    const names = namesOf(layers);
    const [, taken] = layers.shape(`${names.first}.weight`, 4) as [number, number];
    const [channels] = layers.shape(`${names.last}.weight`, 4) as [number];
    const reduced = rootOf(taken / channels, names.first);
    const { add, mul } = bound(layers);

    const first = layers.conv(layers.unshuffle('input', reduced, channels), names.first);
    let value = first;
    for (let block = 0; layers.has(`${names.dense(block, 1, 1)}.weight`); block++) {
      const outer = value;
      for (const part of [1, 2, 3]) {
        const inner = value;
        const seen = [value];
        for (const conv of [1, 2, 3, 4]) {
          seen.push(layers.leaky(layers.conv(layers.concat(seen), names.dense(block, part, conv)), 0.2));
        }
        const added = layers.conv(layers.concat(seen), names.dense(block, part, 5));
        value = add(mul(added, layers.constant(0.2)), inner);
      }
      value = add(mul(value, layers.constant(0.2)), outer);
    }
    value = add(layers.conv(value, names.body), first);
    for (const up of names.ups) value = layers.leaky(layers.conv(layers.nearest(value, 2), up), 0.2);
    value = layers.leaky(layers.conv(value, names.high), 0.2);
    return layers.finish(layers.conv(value, names.last), channels);
  },
};

const bound = (layers: Layers): Pick<Layers, 'add' | 'mul'> => ({
  add: (a, b) => layers.add(a, b),
  mul: (a, b) => layers.mul(a, b),
});

function namesOf(layers: Layers): Names {
  if (layers.has('conv_first.weight')) {
    const bsrgan = layers.has('RRDB_trunk.0.RDB1.conv1.weight');
    const up = bsrgan ? 'upconv' : 'conv_up';
    return {
      first: 'conv_first',
      dense: (block, part, conv) =>
        bsrgan ? `RRDB_trunk.${block}.RDB${part}.conv${conv}` : `body.${block}.rdb${part}.conv${conv}`,
      body: bsrgan ? 'trunk_conv' : 'conv_body',
      ups: [1, 2, 3].map((at) => `${up}${at}`).filter((name) => layers.has(`${name}.weight`)),
      high: bsrgan ? 'HRconv' : 'conv_hr',
      last: 'conv_last',
    };
  }
  // The first ESRGAN: a stack of numbered layers, in which only the body's length varies.
  const bodies = layers.names().flatMap((name) => /^model\.1\.sub\.(\d+)\.weight$/.exec(name)?.[1] ?? []);
  const tail = layers
    .names()
    .flatMap((name) => /^model\.(\d+)\.weight$/.exec(name)?.[1] ?? [])
    .map(Number)
    .filter((at) => at > 1)
    .sort((a, b) => a - b);
  const [high, last] = tail.slice(-2);
  if (bodies.length !== 1 || high === undefined || last === undefined) {
    throw new WeightsError('the layers after the body are not those of ESRGAN');
  }
  return {
    first: 'model.0',
    dense: (block, part, conv) => `model.1.sub.${block}.RDB${part}.conv${conv}.0`,
    body: `model.1.sub.${bodies[0]}`,
    ups: tail.slice(0, -2).map((at) => `model.${at}`),
    high: `model.${high}`,
    last: `model.${last}`,
  };
}
