import { parametersOf, type Parameter, type Size } from './layers.js';
import { PayloadError, readArrays, type StoredArray } from './payload.js';

/** A file that was understood. */
export interface RsrNetwork {
  readonly layout: 'A' | 'B' | 'C';
  readonly size: Size;
  /** Each array of the file under its name. */
  readonly arrays: ReadonlyMap<string, StoredArray>;
  /** Where the header says otherwise than the arrays. */
  readonly notes: readonly string[];
}

interface Header {
  readonly layout: 'A' | 'B' | 'C';
  /** Bytes up to the number of arrays. */
  readonly bytes: number;
  /** Where in it each field lies. */
  readonly fields: {
    readonly factor: number;
    readonly logDepth: number;
    readonly width?: number;
    readonly globals?: number;
  };
}

/** The layouts that were ever written, the latest first. A and B have no width: it was always 16. */
const HEADERS: readonly Header[] = [
  { layout: 'C', bytes: 16, fields: { factor: 0, width: 4, logDepth: 8, globals: 12 } },
  { layout: 'B', bytes: 12, fields: { factor: 0, logDepth: 4, globals: 8 } },
  { layout: 'A', bytes: 12, fields: { factor: 0, logDepth: 8 } },
];

const LIMITS = { factor: [2, 8], logDepth: [0, 8], width: [1, 1024], globals: [0, 16] } as const;

/**
 * Reads the content of a file, whichever layout its header has: only one can fit. Factor and depth are taken from the header, width
 * and global nodes from the arrays' shapes, since programs wrote headers that lie about these.
 * @throws PayloadError, the one of the layout that came furthest
 */
export function readNetwork(bytes: Uint8Array): RsrNetwork {
  let furthest: PayloadError | undefined;
  for (const header of HEADERS) {
    try {
      return readAs(bytes, header);
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error;
      if (!furthest || error.progress > furthest.progress) furthest = error;
    }
  }
  throw furthest!;
}

function readAs(bytes: Uint8Array, { layout, bytes: length, fields }: Header): RsrNetwork {
  if (bytes.length < length + 8) throw new PayloadError(bytes.length, 'it ends within its header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (layout === 'A' && view.getUint32(4, true) !== 0) throw new PayloadError(0, 'the factor is beyond reason');
  const arrays = readArrays(bytes, length);
  const field = (name: keyof Header['fields']): number | undefined => {
    const at = fields[name];
    return at === undefined ? undefined : view.getUint32(at, true);
  };
  const limited = (name: keyof typeof LIMITS, value: number): number => {
    const [least, most] = LIMITS[name];
    if (value >= least && value <= most) return value;
    const what = `the ${WORDS[name]} is ${value}, and ${least} to ${most} can be right`;
    throw new PayloadError(fields[name] ?? 0, what, bytes.length);
  };
  const factor = limited('factor', field('factor')!);
  const logDepth = limited('logDepth', field('logDepth')!);
  const size = sizeFrom(arrays, factor, logDepth, limited);
  const expected = parametersOf(size);
  compare(arrays, expected, bytes.length);

  const notes: string[] = [];
  const declaredWidth = field('width');
  const declaredGlobals = field('globals');
  // With one layer there are no hidden channels.
  if (declaredWidth !== undefined && declaredWidth !== size.width && logDepth > 0) {
    notes.push(`The header says width ${declaredWidth}, the arrays have ${size.width}: these count.`);
  }
  if (declaredGlobals !== undefined && declaredGlobals !== size.globals) {
    notes.push(`The header says global node factor ${declaredGlobals}, the arrays have ${size.globals}: these count.`);
  }
  return { layout, size, arrays: new Map(expected.map(({ name }, index) => [name, arrays[index]!])), notes };
}

const WORDS: Readonly<Record<keyof typeof LIMITS, string>> = {
  factor: 'factor',
  logDepth: 'log depth',
  width: 'width',
  globals: 'global node factor',
};

function sizeFrom(
  arrays: readonly StoredArray[],
  factor: number,
  logDepth: number,
  limited: (name: keyof typeof LIMITS, value: number) => number,
): Size {
  const [first, , third] = arrays;
  // Without global nodes the first array is a kernel, of four dimensions.
  const globals = first?.dims.length === 4 ? 0 : limited('globals', Math.floor((first?.dims[1] ?? 0) / 3));
  const width = limited('width', (globals > 0 ? third?.dims[3] : first?.dims[0]) ?? 0);
  // Behind the first layer's matrix comes its bias, a row, or its spline.
  const globalBias = globals > 0 && logDepth > 0 && arrays[7]?.dims.length === 2;
  return { factor, width, logDepth, globals, globalBias };
}

function compare(arrays: readonly StoredArray[], expected: readonly Parameter[], contentLength: number): void {
  const wrong = expected.findIndex(({ dims }, index) => arrays[index]?.dims.join() !== dims.join());
  const at = wrong === -1 && arrays.length > expected.length ? expected.length : wrong;
  if (at === -1) return;
  const found = arrays[at];
  const end = arrays.at(-1)!;
  const offset = found?.start ?? end.values + end.count * 4;
  const parameter = expected[at];
  const wanted = parameter ? `${parameter.name} (${parameter.dims.join(' x ')})` : 'the end';
  const is = found ? `is ${found.dims.join(' x ')}` : 'is missing';
  throw new PayloadError(offset, `array ${at} should be ${wanted}, and ${is}`, contentLength + 1 + at);
}
