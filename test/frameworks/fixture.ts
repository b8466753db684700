import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A small site of one framework: the files next to its `fixture.json`, which has these fields. */
export interface Fixture {
  /** The first is the framework. */
  readonly packages: readonly string[];
  /** Where copies of the picture of 120 by 80 pixels belong. */
  readonly pictures: readonly string[];
  /** Commands of the project; `{port}` is filled in. */
  readonly build: string;
  /** The built site, where files are all of it. */
  readonly out?: string;
  /** What serves the built site otherwise. */
  readonly start?: string;
  readonly dev?: string;
  readonly pages: readonly string[];
  /** The path under which the files are served; default `/`. */
  readonly base?: string;
  /** How many places say what they want, on all pages together. */
  readonly places: number;
}

export function readFixture(folder: string): Fixture {
  return JSON.parse(readFileSync(join(folder, 'fixture.json'), 'utf8')) as Fixture;
}
