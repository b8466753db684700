import { hash } from 'node:crypto';
import { PICTURE_VERSION } from '../../image/picture-version.js';
import { encoderVersion, version } from '../../version.js';
import { LineRecord } from './line-record.js';

/** Whatever reads headers and makes pictures: of what another one found, nothing is known. */
const reader = [version, PICTURE_VERSION, encoderVersion].join(' ');
/** Digits of a name, and of what proves that a line is whole. */
const length = 43;
const checkLength = 16;

/**
 * What was found out, by the words that it follows from, kept in a file next to the results. It is merely a shortcut: a record that was lost,
 * or a line that is damaged or from another version, costs finding it out again.
 */
export class FactsRecord<Facts extends object> {
  private readonly record: LineRecord;

  /** @param most how many are remembered at least, the newest */
  constructor(file: string, most: number) {
    this.record = LineRecord.of(file, { length, most });
  }

  /** Undefined where nothing is known. */
  async get(words: string): Promise<Facts | undefined> {
    await this.record.ready();
    return this.getAtOnce(words);
  }

  /** Reads the file, once. */
  ready(): Promise<void> {
    return this.record.ready();
  }

  /** What `get` gives, at once; undefined, too, before `ready` is over. */
  getAtOnce(words: string): Facts | undefined {
    const name = digest(words, length);
    const line = this.record.getAtOnce(name);
    if (line === undefined) return undefined;
    const json = line.slice(checkLength);
    return digest(name + json, checkLength) === line.slice(0, checkLength) ? (JSON.parse(json) as Facts) : undefined;
  }

  /** Remembers facts, which JSON must be able to say; when this is over they are in the file, or can't be. */
  async add(words: string, facts: Facts): Promise<void> {
    const name = digest(words, length);
    const json = JSON.stringify(facts);
    await this.record.add(name, digest(name + json, checkLength) + json);
  }
}

function digest(text: string, digits: number): string {
  return hash('sha256', `${reader}\n${text}`, 'base64').slice(0, digits);
}
