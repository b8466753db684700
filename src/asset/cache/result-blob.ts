import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { digest } from '../../digest.js';
import { outputFormats } from '../../image/codec/formats.js';
import { sniff, sniffLength } from '../../image/codec/sniff.js';
import { devices } from '../../network/device.js';
import { choice, list, literal, live, mistakeIn, number, object, whole } from '../../schema.js';
import type { ResultFacts } from './result-cache.js';

const side = whole({ from: 1 });
const milliseconds = number({ from: 0 });
/** Of one line, and without what steers a terminal: it is said to people. */
const words = live<string>(
  'a text of one line',
  (value) => typeof value === 'string' && value !== '' && !/[^\P{Cc}\t]|[\u2028\u2029]/u.test(value),
);

/** What a result's facts must be to be believed: they come from a machine that is not this one. */
const resultFacts = object(
  {
    format: choice(outputFormats),
    width: side,
    height: side,
    frames: side,
    sourceWidth: side,
    sourceHeight: side,
    upscale: number({ above: 0 }),
    model: words,
    device: choice(devices),
    inferenceMs: milliseconds,
    codecMs: milliseconds,
  },
  {
    machine: words,
    modelReason: words,
    warnings: list(words),
    approximate: literal(1),
    approximateBy: number({ from: 0 }),
  },
);

const magic = 'upres-result-1';
/** No head is longer: whoever reads it has not looked at anything yet. */
export const mostHeadBytes = 64 * 1024;

/** A result as it was read from a blob, or why it is not to be used, in words for people. */
export type Unpacked = { readonly data: Uint8Array; readonly facts: ResultFacts } | { readonly refused: string };

/**
 * A result as one blob: a line with a seal and a signature, a line with the facts as JSON, and the file's bytes. The seal is a
 * SHA-256 over its name in the cache, the facts and the bytes, so that neither a bit that changed nor a result that stands under
 * another's name is taken for it.
 * @param key its name in the cache
 * @param secret of those who share the cache: signs the seal (HMAC with SHA-256)
 */
export async function packResult(
  key: string,
  { data, facts }: { readonly data: Uint8Array; readonly facts: ResultFacts },
  secret: string | undefined,
): Promise<Uint8Array> {
  const told = JSON.stringify(facts);
  const seal = await sealOf(key, told, data);
  const head = `${magic} ${seal} ${secret === undefined ? '-' : signatureOf(seal, secret)}\n${told}\n`;
  return Buffer.concat([Buffer.from(head), data]);
}

/** Reads a blob. Where there is a secret, only what was signed with it is taken. */
export async function unpackResult(key: string, blob: Uint8Array, secret: string | undefined): Promise<Unpacked> {
  const bytes = Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength);
  const [first = '', told] = lines(bytes);
  const [, seal, signature] = new RegExp(`^${magic} ([0-9a-f]{64}) ([0-9a-f]{64}|-)$`).exec(first) ?? [];
  if (seal === undefined || signature === undefined || told === undefined)
    return { refused: 'it is no result of upres' };
  const data = bytes.subarray(Buffer.byteLength(first) + Buffer.byteLength(told) + 2);
  if ((await sealOf(key, told, data)) !== seal) return { refused: 'its bytes are damaged, or another’s' };
  if (secret !== undefined && !isSigned(seal, signature, secret)) return { refused: 'it is not signed with the key' };
  const facts = parse(told);
  if (mistakeIn(resultFacts, facts) !== undefined) return { refused: 'what it says of itself can’t be' };
  if (sniff(data.subarray(0, sniffLength)).format !== (facts as ResultFacts).format) {
    return { refused: 'it is of another format than it says' };
  }
  return { data, facts: facts as ResultFacts };
}

/**
 * How long a result took to make, as it says itself: nothing of it is checked yet.
 * @param begin of a blob
 * @returns milliseconds; undefined where its head is not there as a whole, or is none
 */
export function saidToTake(begin: Buffer): number | undefined {
  const [, told] = lines(begin);
  const facts = told === undefined ? undefined : parse(told);
  if (mistakeIn(resultFacts, facts) !== undefined) return undefined;
  const { inferenceMs, codecMs } = facts as ResultFacts;
  return inferenceMs + codecMs;
}

/** The head of a blob: both lines, as far as they are there. */
function lines(bytes: Buffer): string[] {
  const end = bytes.indexOf(10, bytes.indexOf(10) + 1);
  if (end < 0 || end > mostHeadBytes) return [];
  return bytes.toString('utf8', 0, end).split('\n');
}

async function sealOf(key: string, told: string, data: Uint8Array): Promise<string> {
  const own = await digest(data, 'sha256', 'hex');
  return createHash('sha256').update([magic, key, told, own].join('\n')).digest('hex');
}

const signatureOf = (seal: string, secret: string): string => createHmac('sha256', secret).update(seal).digest('hex');

function isSigned(seal: string, signature: string, secret: string): boolean {
  const right = Buffer.from(signatureOf(seal, secret));
  const given = Buffer.from(signature);
  return given.length === right.length && timingSafeEqual(given, right);
}

function parse(told: string): unknown {
  try {
    return JSON.parse(told);
  } catch {
    return undefined;
  }
}
