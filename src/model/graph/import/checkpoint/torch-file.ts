import { legacyStart } from '../../../catalogue/formats/checkpoint.js';
import { isSpecial, PickleError, readPickle, type Pickled, type PickleHost, type Special } from './pickle.js';
import { bytesOf, countOf, fits, type ElementType, type StoredTensor } from './tensor.js';
import { readZip, ZipError } from './torch-zip.js';

/** Tensors by name. */
export type StateDict = ReadonlyMap<string, StoredTensor>;

/** The classes of storages that weights lie in. */
const STORAGES: Readonly<Record<string, ElementType>> = {
  'torch.FloatStorage': 'F32',
  'torch.HalfStorage': 'F16',
  'torch.BFloat16Storage': 'BF16',
  'torch.DoubleStorage': 'F64',
  'torch.LongStorage': 'I64',
  'torch.IntStorage': 'I32',
  'torch.ShortStorage': 'I16',
  'torch.CharStorage': 'I8',
  'torch.ByteStorage': 'U8',
  'torch.BoolStorage': 'BOOL',
};
const REBUILD = 'torch._utils._rebuild_tensor_v2';
const PARAMETER = 'torch._utils._rebuild_parameter';
const ORDERED = 'collections.OrderedDict';
const ALLOWED = new Set([REBUILD, PARAMETER, ORDERED, ...Object.keys(STORAGES)]);

/** Lists and dictionaries in a legacy file, which may lie in each other: fewer than the stack has room for. */
const MOST_PARTS = 500;

/** How many times all that is stored may be used: layers may share their weights. */
const MOST_SHARED = 4;

/** Under which names training scripts keep the weights, the averaged ones first. */
const WRAPPERS = [
  'model_state_dict',
  'state_dict',
  'params_ema',
  'params-ema',
  'g_ema',
  'params',
  'model',
  'net',
  'generator',
] as const;
const PREFIXES = ['module.', 'netG.', 'net_g.', '_orig_mod.', 'model.module.'] as const;

/** Dictionaries around others, and the longest name of one, that are looked into. */
const DEEPEST = 4;
const LONGEST_NAME = 200;

/** Wrappers around wrappers, each of which adds to all names. */
const MOST_PREFIXES = 8;

interface StorageRef extends Special {
  readonly type: ElementType;
  readonly key: string;
  /** Elements. */
  readonly count: number;
}
interface TensorRef extends Special {
  readonly storage: StorageRef;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/**
 * Reads what `torch.save` wrote, without running anything of it: of Python's objects only tensors and dictionaries are made.
 * @throws PickleError, ZipError
 */
export function readTorch(bytes: Uint8Array): StateDict {
  const start = legacyStart(bytes);
  return start === undefined ? readArchive(bytes) : readLegacy(bytes, start);
}

function readArchive(bytes: Uint8Array): StateDict {
  const entries = new Map(readZip(bytes).map((entry) => [entry.name, entry]));
  const main = [...entries.keys()].find((name) => /^(?:[^/]+\/)?data\.pkl$/.test(name));
  if (main === undefined) throw new ZipError('it is an archive, but none of torch: it has no data.pkl');
  const root = main.slice(0, -'data.pkl'.length);
  if ([...entries.keys()].some((name) => name.startsWith(`${root}code/`))) {
    throw new PickleError(
      'it is TorchScript, which is a program. Take the checkpoint that it was made from, or export it with torch.onnx.export',
      0,
      true,
    );
  }
  const order = entries.get(`${root}byteorder`)?.read();
  if (order && new TextDecoder().decode(order).trim() !== 'little') throw new ZipError('its numbers are big-endian');
  const { value } = readPickle(entries.get(main)!.read(), 0, host());
  const storages = new Map<string, Uint8Array>();
  return stateDict(value, ({ key }) => {
    const known = storages.get(key) ?? entries.get(`${root}data/${key}`)?.read();
    if (!known) throw new ZipError(`its weights "${key.slice(0, 50)}" are missing`);
    storages.set(key, known);
    return known;
  });
}

/** Pickles one after another: a number, a version, what machine wrote it, the object, the names of its storages; then these. */
function readLegacy(bytes: Uint8Array, start: number): StateDict {
  let at = start;
  const next = (): Pickled => {
    const { value, end } = readPickle(bytes, at, host());
    at = end;
    return value;
  };
  next();
  next();
  const object = next();
  const keys = next();
  if (!Array.isArray(keys)) throw new PickleError('its list of storages is damaged', at);
  const types = new Map<string, ElementType>();
  for (const { storage } of tensorsIn(object)) types.set(storage.key, storage.type);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const storages = new Map<string, Uint8Array>();
  for (const key of keys) {
    const type = types.get(keyOf(key));
    if (at + 8 > bytes.length) throw new PickleError('it is cut short', at);
    const length = Number(view.getBigInt64(at, true)) * (type ? bytesOf(type) : 0);
    at += 8;
    if (!type || !(length >= 0 && at + length <= bytes.length)) throw new PickleError('its weights are cut short', at);
    storages.set(keyOf(key), bytes.subarray(at, at + length));
    at += length;
  }
  return stateDict(object, ({ key }) => {
    const known = storages.get(key);
    if (!known) throw new PickleError(`its weights "${key.slice(0, 50)}" are missing`, at);
    return known;
  });
}

/** The machine's outside: only names are looked at, and only tensors come of calls. */
function host(): PickleHost {
  return {
    global: (name) => {
      if (ALLOWED.has(name)) return { special: name };
      throw new PickleError(
        `it wants ${name.slice(0, 100)}, which is code, and code is never run here. Save its state_dict() alone, or as .safetensors`,
        0,
        true,
      );
    },
    call: ({ special }, args) => {
      if (special === ORDERED) {
        const [pairs] = args;
        if (Array.isArray(pairs) && !pairs.every((pair) => Array.isArray(pair) && pair.length === 2)) {
          throw new PickleError('it makes a dictionary of what is none', 0);
        }
        return new Map(Array.isArray(pairs) ? (pairs as [Pickled, Pickled][]) : []);
      }
      if (special === PARAMETER) return args[0] ?? null;
      const [storage, offset, shape, strides] = args;
      if (
        special !== REBUILD ||
        !isStorage(storage) ||
        typeof offset !== 'number' ||
        !areNumbers(shape) ||
        !areNumbers(strides)
      )
        throw new PickleError('it makes a tensor of what is none', 0);
      return { special: 'tensor', storage, offset, shape, strides } satisfies TensorRef;
    },
    persistent: (id) => {
      const [kind, type, key, , count] = Array.isArray(id) ? id : [];
      const element = isSpecial(type) ? STORAGES[type.special] : undefined;
      if (kind !== 'storage' || !element || key === undefined || typeof count !== 'number')
        throw new PickleError('it names a storage that is none', 0);
      return { special: 'storage', type: element, key: keyOf(key), count } satisfies StorageRef;
    },
  };
}

/** What a storage is called: a text, or a number in some files. */
const keyOf = (key: Pickled): string => (typeof key === 'number' ? String(key) : typeof key === 'string' ? key : '');

const isStorage = (value: Pickled | undefined): value is StorageRef => isSpecial(value) && value.special === 'storage';
const isTensor = (value: Pickled | undefined): value is TensorRef => isSpecial(value) && value.special === 'tensor';
const areNumbers = (value: Pickled | undefined): value is number[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'number');

/** Each list and dictionary is looked into once, however often it is a part of others. */
function* tensorsIn(value: Pickled, seen = new Set<Pickled>()): Generator<TensorRef> {
  if (isTensor(value)) yield value;
  if (!(value instanceof Map || Array.isArray(value)) || seen.has(value) || seen.size > MOST_PARTS) return;
  seen.add(value);
  for (const inner of value.values()) if (typeof inner === 'object') yield* tensorsIn(inner, seen);
}

function stateDict(object: Pickled, storageOf: (storage: StorageRef) => Uint8Array): StateDict {
  const result = new Map<string, StoredTensor>();
  const storages = new Set<Uint8Array>();
  let [used, stored] = [0, 0];
  for (const [name, value] of unwrapped(object)) {
    if (typeof name !== 'string' || !isTensor(value)) continue;
    const { storage, offset, shape, strides } = value;
    const tensor = { type: storage.type, shape, strides, offset, bytes: storageOf(storage) };
    if (!fits(tensor)) throw new PickleError(`the tensor ${name.slice(0, 100)} is larger than its weights`, 0);
    if (!storages.has(tensor.bytes)) stored += tensor.bytes.length;
    storages.add(tensor.bytes);
    used += countOf(shape) * bytesOf(storage.type);
    result.set(name, tensor);
  }
  // Tensors may share what is stored, but a small file must not become many large ones.
  if (used > MOST_SHARED * stored) throw new PickleError('its tensors share their weights too often', 0);
  return withoutPrefix(result);
}

function unwrapped(object: Pickled): Map<Pickled, Pickled> {
  let current = object;
  for (let depth = 0; depth < 4 && current instanceof Map; depth++) {
    const map: Map<Pickled, Pickled> = current;
    const inner = WRAPPERS.find((name) => map.get(name) instanceof Map);
    if (inner === undefined) return [...map.values()].some(isTensor) ? map : flattened(map);
    current = map.get(inner)!;
  }
  throw new PickleError('it holds no dictionary of weights', 0, true);
}

/** Dictionaries in dictionaries as one, `{ G: { conv: … } }` as `{ 'G.conv': … }`: each is looked into once, wherever else it is. */
function flattened(map: Map<Pickled, Pickled>, prefix = '', seen = new Set<Pickled>([map])): Map<Pickled, Pickled> {
  const result = new Map<Pickled, Pickled>();
  for (const [name, value] of map) {
    if (typeof name !== 'string' || name.length > LONGEST_NAME) continue;
    if (isTensor(value)) result.set(prefix + name, value);
    if (!(value instanceof Map) || seen.has(value) || prefix.split('.').length > DEEPEST) continue;
    seen.add(value);
    for (const [inner, tensor] of flattened(value, `${prefix}${name}.`, seen)) result.set(inner, tensor);
  }
  return result;
}

/** What all names begin with tells only how it was trained. */
export function withoutPrefix(tensors: StateDict): StateDict {
  let current = tensors;
  for (let depth = 0; depth < MOST_PREFIXES && current.size > 0; depth++) {
    const prefix = PREFIXES.find((one) => [...current.keys()].every((name) => name.startsWith(one)));
    if (prefix === undefined) break;
    current = new Map([...current].map(([name, tensor]) => [name.slice(prefix.length), tensor]));
  }
  return current;
}
