import { maxValue, samplesLike, type Plane, type Samples } from './planes.js';

/** Colour and alpha as one picture with 2 or 4 channels; opaque where there is no alpha. */
export function interleave({ data, channels }: Plane, alpha: Plane | undefined): Samples {
  const pixels = data.length / channels;
  const full = maxValue(data);
  const all = samplesLike(data, pixels * (channels + 1));
  for (let pixel = 0, from = 0, to = 0; pixel < pixels; pixel++) {
    all[to++] = data[from++]!;
    // Spelt out: a loop over channels takes twice the time, on the thread that everything else waits for.
    if (channels === 3) {
      all[to++] = data[from++]!;
      all[to++] = data[from++]!;
    }
    all[to++] = alpha ? alpha.data[pixel]! : full;
  }
  return all;
}

/** The picture as it looks on white paper, for formats without alpha. */
export function layOnWhite({ data, channels }: Plane, alpha: Plane): Samples {
  const full = maxValue(data);
  const laid = samplesLike(data, data.length);
  for (let pixel = 0, at = 0; pixel < alpha.data.length; pixel++) {
    const cover = alpha.data[pixel]! / full;
    for (let channel = 0; channel < channels; channel++, at++) laid[at] = full + (data[at]! - full) * cover + 0.5;
  }
  return laid;
}
