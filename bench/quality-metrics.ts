/** One value for each pixel, rows from top to bottom. */
export interface LumaPlane {
  readonly width: number;
  readonly height: number;
  /** 16 (black) to 235 (white), not rounded. */
  readonly data: Float64Array;
}

/**
 * The luma of 8-bit R, G, B pixels as in ITU-R BT.601 (2.5.1 with 3.5 digitised to 16..235), as MATLAB's `rgb2ycbcr` computes
 * it and the literature of super-resolution reports it; not rounded.
 */
export function lumaOf(rgb: Uint8Array, width: number, height: number): LumaPlane {
  const data = new Float64Array(width * height);
  for (let pixel = 0, at = 0; pixel < data.length; pixel++, at += 3) {
    data[pixel] = 16 + (65.481 * rgb[at]! + 128.553 * rgb[at + 1]! + 24.966 * rgb[at + 2]!) / 255;
  }
  return { width, height, data };
}

/** The plane without this many pixels on each side. */
export function shave({ width, height, data }: LumaPlane, border: number): LumaPlane {
  const inner = new Float64Array((width - 2 * border) * (height - 2 * border));
  const innerWidth = width - 2 * border;
  for (let y = border, to = 0; y < height - border; y++, to += innerWidth) {
    inner.set(data.subarray(y * width + border, (y + 1) * width - border), to);
  }
  return { width: innerWidth, height: height - 2 * border, data: inner };
}

/** Peak signal-to-noise ratio in dB for a peak of 255; Infinity for equal planes. */
export function psnr(a: LumaPlane, b: LumaPlane): number {
  let sum = 0;
  for (let at = 0; at < a.data.length; at++) sum += (a.data[at]! - b.data[at]!) ** 2;
  return 10 * Math.log10(255 ** 2 / (sum / a.data.length));
}

/** PSNR in dB over all values of two pictures of one size, for a peak of 255; Infinity for equal ones. */
export function psnrOf(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += (a[at]! - b[at]!) ** 2;
  return 10 * Math.log10(255 ** 2 / (sum / a.length));
}

const windowSize = 11;
const sigma = 1.5;
const c1 = (0.01 * 255) ** 2;
const c2 = (0.03 * 255) ** 2;

/**
 * Mean structural similarity, 1 for equal planes: Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error
 * visibility to structural similarity" (2004), with their 11×11 Gaussian window of sigma 1.5, where it lies in the picture
 * entirely.
 */
export function ssim(a: LumaPlane, b: LumaPlane): number {
  const meanA = blur(a, a.data);
  const meanB = blur(a, b.data);
  const squareA = blur(a, product(a.data, a.data));
  const squareB = blur(a, product(b.data, b.data));
  const mixed = blur(a, product(a.data, b.data));
  let sum = 0;
  for (let at = 0; at < meanA.length; at++) {
    const muA = meanA[at]!;
    const muB = meanB[at]!;
    const variances = squareA[at]! - muA ** 2 + squareB[at]! - muB ** 2;
    const covariance = mixed[at]! - muA * muB;
    sum += ((2 * muA * muB + c1) * (2 * covariance + c2)) / ((muA ** 2 + muB ** 2 + c1) * (variances + c2));
  }
  return sum / meanA.length;
}

const product = (a: Float64Array, b: Float64Array): Float64Array => a.map((value, at) => value * b[at]!);

const gaussian = ((): readonly number[] => {
  const middle = (windowSize - 1) / 2;
  const weights = Array.from({ length: windowSize }, (_, at) => Math.exp(-((at - middle) ** 2) / (2 * sigma ** 2)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
})();

/** The window's mean at every place where it fits: rows first, then columns, since a Gaussian is separable. */
function blur({ width, height }: LumaPlane, data: Float64Array): Float64Array {
  const outWidth = width - windowSize + 1;
  const outHeight = height - windowSize + 1;
  const rows = new Float64Array(outWidth * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < outWidth; x++) {
      let sum = 0;
      for (let tap = 0; tap < windowSize; tap++) sum += gaussian[tap]! * data[y * width + x + tap]!;
      rows[y * outWidth + x] = sum;
    }
  }
  const result = new Float64Array(outWidth * outHeight);
  for (let tap = 0; tap < windowSize; tap++) {
    const weight = gaussian[tap]!;
    for (let at = 0; at < result.length; at++) result[at]! += weight * rows[at + tap * outWidth]!;
  }
  return result;
}

/** Their constant for grey values of 0 to 255. */
const gmsdConstant = 170;

/**
 * Gradient magnitude similarity deviation, 0 for equal planes, larger where edges are damaged unevenly: Xue, Zhang, Mou and
 * Bovik, "Gradient magnitude similarity deviation: a highly efficient perceptual image quality index" (2014), with Prewitt's
 * operators and zeros beyond the border, as in their code, but at full size: halving the pictures first, as they do, would hide
 * whatever an enlargement by 2 does (pixels repeated would come out as the best of all).
 */
export function gmsd(a: LumaPlane, b: LumaPlane): number {
  const [magnitudesA, magnitudesB] = [gradientMagnitudes(a), gradientMagnitudes(b)];
  const similarity = magnitudesA.map((m, at) => {
    const n = magnitudesB[at]!;
    return (2 * m * n + gmsdConstant) / (m ** 2 + n ** 2 + gmsdConstant);
  });
  const mean = similarity.reduce((sum, value) => sum + value, 0) / similarity.length;
  const squares = similarity.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (similarity.length - 1));
}

/** Of grey values of 0 to 255, which luma of 16 to 235 stands for. */
function gradientMagnitudes({ width, height, data }: LumaPlane): Float64Array {
  const at = (x: number, y: number): number =>
    x >= 0 && y >= 0 && x < width && y < height ? ((data[y * width + x]! - 16) * 255) / 219 : 0;
  return Float64Array.from({ length: width * height }, (_, index) => {
    const [x, y] = [index % width, Math.floor(index / width)];
    let [horizontal, vertical] = [0, 0];
    for (let step = -1; step <= 1; step++) {
      horizontal += at(x + 1, y + step) - at(x - 1, y + step);
      vertical += at(x + step, y + 1) - at(x + step, y - 1);
    }
    return Math.hypot(horizontal, vertical) / 3;
  });
}
