import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A small site of one framework: the files next to its `fixture.json`, which has these fields. */
export interface Fixture {
  /** The fixture whose files it takes; default its own. */
  readonly files?: string;
  /** The folder for the project, in that of the fixture; default the latter itself. */
  readonly place?: string;
  /** Folders of this repository, by where they belong, from the project's folder on. */
  readonly beside?: Readonly<Record<string, string>>;
  /** The first is the framework. */
  readonly packages: readonly string[];
  /** Where copies of the picture of 120 by 80 pixels belong. */
  readonly pictures: readonly string[];
  /** Commands of the project; `{port}` is filled in. */
  readonly build: string;
  /** What the build has to say, where it has to fail. */
  readonly fails?: string;
  /** The folder of what is delivered: no mark of ours may be in its files. It is served where `start` is missing. */
  readonly out: string;
  /** What serves the built site, where files are not all of it. */
  readonly start?: string;
  readonly dev?: string;
  /** Whether the development server is also to show pictures that are changed while it runs. */
  readonly edits?: boolean;
  readonly pages?: readonly string[];
  /**
   * For pages that are no test's: the places by their selectors, and how many pixels the pictures there have to have. Elsewhere elements
   * say so themselves, by `data-wants`.
   */
  readonly wants?: Readonly<Record<string, string>>;
  /** What is delivered for files of a picture, byte for byte: part of the delivered file's name, and what was asked for. */
  readonly delivers?: readonly Delivered[];
  /** Pictures, from the project's folder on, whose blurred likeness has to be in the page. */
  readonly blurred?: readonly string[];
  /** How many places say what they want, on all pages together. */
  readonly places?: number;
  /** The path under which the files are served; default `/`. */
  readonly base?: string;
  /** Where a server is that shows no page: the manifest, its keys and the pixels of the files that they stand for. */
  readonly manifest?: { readonly file: string; readonly keys: Readonly<Record<string, string>> };
}

/** A file that has to be what upres makes. */
export interface Delivered {
  /** From the project's folder on. */
  readonly source: string;
  readonly upscale: number;
}

export function readFixture(folder: string): Fixture {
  return JSON.parse(readFileSync(join(folder, 'fixture.json'), 'utf8')) as Fixture;
}
