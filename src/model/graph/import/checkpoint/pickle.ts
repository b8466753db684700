/** What a pickle may hold here: plain values, lists, dictionaries, and what `resolve` makes of a global's name. */
export type Pickled = null | boolean | number | string | Uint8Array | Pickled[] | Map<Pickled, Pickled> | Special;

/** Something that a global stands for, or that was made by calling one. */
export interface Special {
  readonly special: string;
}

/** What the machine may do besides making plain values: nothing of Python is ever run. */
export interface PickleHost {
  /** @throws PickleError for names that are not allowed */
  global(name: string): Special;
  /** Calls a global. */
  call(callee: Special, args: readonly Pickled[]): Pickled;
  /** What a persistent id stands for. */
  persistent(id: Pickled): Pickled;
}

/** What is wrong with a pickle, and where. */
export class PickleError extends Error {
  constructor(
    message: string,
    readonly offset: number,
    /** Whether it is sound, but does what is not allowed here. */
    readonly refused = false,
  ) {
    super(message);
  }
}

/** Steps, and values on the stack, of checkpoints with ten thousand tensors; damaged files must not run for ever. */
const MOST_STEPS = 5_000_000;

const MARK = Symbol('mark');
type Slot = Pickled | typeof MARK;

/**
 * Runs one pickle of protocol 2 (and the newer opcodes that stand for the same) on a machine that only makes values.
 * @returns the value, and where the next pickle begins
 * @throws PickleError
 */
export function readPickle(bytes: Uint8Array, start: number, host: PickleHost): { value: Pickled; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stack: Slot[] = [];
  const memo = new Map<number, Pickled>();
  let at = start;
  const fail = (message: string): PickleError => new PickleError(message, at);
  const take = (count: number): number => {
    const from = at;
    if (!(count >= 0 && at + count <= bytes.length)) throw fail('it ends too early');
    at += count;
    return from;
  };
  const text = (count: number): string => {
    const from = take(count);
    return new TextDecoder().decode(bytes.subarray(from, from + count));
  };
  const line = (): string => {
    const end = bytes.indexOf(0x0a, at);
    if (end < 0 || end - at > 1000) throw fail('it has a name without an end');
    const name = text(end - at);
    at++;
    return name;
  };
  const u8 = (): number => bytes[take(1)]!;
  const u32 = (): number => view.getUint32(take(4), true);
  const u64 = (): number => Number(view.getBigUint64(take(8), true));
  const pop = (): Pickled => {
    const value = stack.pop();
    if (value === undefined || value === MARK) throw fail('its stack is empty');
    return value;
  };
  const top = (): Pickled => {
    const value = stack.at(-1);
    if (value === undefined || value === MARK) throw fail('its stack is empty');
    return value;
  };
  const popMark = (): Pickled[] => {
    const from = stack.lastIndexOf(MARK);
    if (from < 0) throw fail('a mark is missing');
    return (stack.splice(from) as Pickled[]).slice(1);
  };
  const remember = (index: number): void => void memo.set(index, top());
  const recall = (index: number): void => {
    const value = memo.get(index);
    if (value === undefined) throw fail(`nothing is remembered as ${index}`);
    stack.push(value);
  };
  const items = (target: Pickled, values: readonly Pickled[]): void => {
    if (!(target instanceof Map)) throw fail('something is put into what is no dictionary');
    if (values.length % 2) throw fail('a key is without a value');
    for (let index = 0; index < values.length; index += 2) target.set(values[index]!, values[index + 1]!);
  };
  const append = (values: readonly Pickled[]): void => {
    const list = top();
    if (!Array.isArray(list)) throw fail('something is put into what is no list');
    for (const value of values) list.push(value);
  };
  const special = (value: Pickled): Special => {
    if (!isSpecial(value)) throw fail('something is called that is no function');
    return value;
  };

  for (let step = 0; step < MOST_STEPS; step++) {
    const opcode = u8();
    switch (opcode) {
      case 0x80: // PROTO
        if (u8() > 5) throw fail('it is of a newer protocol');
        break;
      case 0x95: // FRAME
        take(8);
        break;
      case 0x2e: // STOP
        return { value: pop(), end: at };
      case 0x28: // MARK
        stack.push(MARK);
        break;
      case 0x30: // POP
        stack.pop();
        break;
      case 0x63: // GLOBAL
        stack.push(globalOf(host, `${line()}.${line()}`, at));
        break;
      case 0x93: {
        // STACK_GLOBAL
        const [name, module] = [pop(), pop()];
        if (typeof name !== 'string' || typeof module !== 'string') throw fail('a name is no text');
        stack.push(globalOf(host, `${module}.${name}`, at));
        break;
      }
      case 0x52: // REDUCE
      case 0x81: {
        // NEWOBJ
        const args = pop();
        if (!Array.isArray(args)) throw fail('arguments are no tuple');
        // A list may be remembered, and given to a million calls that each look at all of it.
        for (const arg of args) if (Array.isArray(arg)) step += arg.length;
        stack.push(host.call(special(pop()), args));
        break;
      }
      case 0x62: // BUILD: attributes such as _metadata, which say nothing of the weights
        pop();
        top();
        break;
      case 0x51: // BINPERSID
        stack.push(host.persistent(pop()));
        break;
      case 0x7d: // EMPTY_DICT
        stack.push(new Map());
        break;
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
        stack.push([]);
        break;
      case 0x74: // TUPLE
        stack.push(popMark());
        break;
      case 0x85: // TUPLE1
        stack.push([pop()]);
        break;
      case 0x86: // TUPLE2
        stack.push([pop(), pop()].reverse());
        break;
      case 0x87: // TUPLE3
        stack.push([pop(), pop(), pop()].reverse());
        break;
      case 0x73: // SETITEM
        {
          const [value, key] = [pop(), pop()];
          items(top(), [key, value]);
        }
        break;
      case 0x75: {
        // SETITEMS
        const values = popMark();
        items(top(), values);
        break;
      }
      case 0x61: {
        // APPEND
        const value = pop();
        append([value]);
        break;
      }
      case 0x65: {
        // APPENDS
        const values = popMark();
        append(values);
        break;
      }
      case 0x58: // BINUNICODE
        stack.push(text(u32()));
        break;
      case 0x8c: // SHORT_BINUNICODE
        stack.push(text(u8()));
        break;
      case 0x55: // SHORT_BINSTRING
        stack.push(text(u8()));
        break;
      case 0x54: // BINSTRING
        stack.push(text(u32()));
        break;
      case 0x4a: // BININT
        stack.push(view.getInt32(take(4), true));
        break;
      case 0x4b: // BININT1
        stack.push(u8());
        break;
      case 0x4d: // BININT2
        stack.push(view.getUint16(take(2), true));
        break;
      case 0x8a: {
        // LONG1
        const count = u8();
        stack.push(longOf(bytes.subarray(take(count), at)));
        break;
      }
      case 0x47: // BINFLOAT
        stack.push(view.getFloat64(take(8)));
        break;
      case 0x4e: // NONE
        stack.push(null);
        break;
      case 0x88: // NEWTRUE
        stack.push(true);
        break;
      case 0x89: // NEWFALSE
        stack.push(false);
        break;
      case 0x71: // BINPUT
        remember(u8());
        break;
      case 0x72: // LONG_BINPUT
        remember(u32());
        break;
      case 0x94: // MEMOIZE
        remember(memo.size);
        break;
      case 0x68: // BINGET
        recall(u8());
        break;
      case 0x6a: // LONG_BINGET
        recall(u32());
        break;
      case 0x42: // BINBYTES
      case 0x43: // SHORT_BINBYTES
      case 0x8e: {
        // BINBYTES8
        const count = opcode === 0x42 ? u32() : opcode === 0x43 ? u8() : u64();
        stack.push(bytes.subarray(take(count), at));
        break;
      }
      default:
        at--;
        throw new PickleError(`it has an instruction that weights don't need (0x${opcode.toString(16)})`, at, true);
    }
  }
  throw fail('it has too many steps');
}

export const isSpecial = (value: Pickled | undefined): value is Special =>
  typeof value === 'object' && value !== null && 'special' in value;

function globalOf(host: PickleHost, name: string, at: number): Special {
  try {
    return host.global(name);
  } catch (error) {
    throw error instanceof PickleError ? new PickleError(error.message, at, error.refused) : error;
  }
}

/** A whole number of any length, in two's complement, the least byte first. */
function longOf(bytes: Uint8Array): number {
  let value = 0;
  bytes.forEach((byte, at) => (value += byte * 2 ** (8 * at)));
  return bytes.length > 0 && bytes.at(-1)! & 0x80 ? value - 2 ** (8 * bytes.length) : value;
}
