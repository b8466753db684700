/** Fields of ONNX's messages, by number: where a tensor's weights may lie in another file. */
const GRAPH = 7;
const INITIALIZER = 5;
const EXTERNAL_DATA = 13;
const [KEY, VALUE] = [1, 2];

/** A field of a protocol buffer that has bytes. */
interface Field {
  readonly number: number;
  readonly bytes: Uint8Array;
}

/**
 * The names of the files in which an ONNX file keeps weights, as it writes them. Only looks: what is no ONNX has none, whoever reads
 * it will say so. (The whole file is read by `model/graph`, which costs more to load than all else of a model.)
 */
export function externalLocations(onnx: Uint8Array): string[] {
  const found = new Set<string>();
  const text = new TextDecoder();
  for (const graph of fieldsOf(onnx, GRAPH)) {
    for (const tensor of fieldsOf(graph, INITIALIZER)) {
      for (const entry of fieldsOf(tensor, EXTERNAL_DATA)) {
        const [key] = fieldsOf(entry, KEY);
        const [value] = fieldsOf(entry, VALUE);
        if (key && value && text.decode(key) === 'location') found.add(text.decode(value));
      }
    }
  }
  return [...found];
}

function* fieldsOf(message: Uint8Array, wanted: number): Generator<Uint8Array> {
  for (const { number, bytes } of fields(message)) if (number === wanted) yield bytes;
}

/** A message's fields of the kind that has bytes, until its end or the first byte that makes no sense. */
function* fields(message: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let [value, factor] = [0, 1];
    while (at < message.length) {
      const byte = message[at++]!;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
    return Infinity;
  };
  while (at < message.length) {
    const tag = varint();
    const kind = tag % 8;
    if (kind === 0) varint();
    else if (kind === 1) at += 8;
    else if (kind === 5) at += 4;
    else if (kind === 2) {
      const length = varint();
      if (!(at + length <= message.length)) return;
      yield { number: Math.floor(tag / 8), bytes: message.subarray(at, at + length) };
      at += length;
    } else return;
  }
}
