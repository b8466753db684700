import { rewriteValue, type ValueUrl } from '#upres/asset/css-values.js';
import { isOurs } from './session.js';

/**
 * What stands in CSS between the stage that knows which file a declaration came from and the stage that may emit files. Vite
 * leaves it alone, since it looks like a URL of another site.
 */
export interface CssMark {
  readonly url: string;
  /** Absolute path of the file that has the declaration. */
  readonly importer: string;
  /** Whether it is one of several, in an `image-set()`. */
  readonly candidate: boolean;
  /** Whether `auto` put it there. */
  readonly auto?: boolean;
}

/**
 * What the numbers in marks stand for: the text itself never holds a path of this machine. Equal marks share a number, so that
 * building again and again does not make it grow. Lightning CSS's visitor, which users may join with their own, knows no session.
 */
const marks: CssMark[] = [];
const numbers = new Map<string, number>();

export function printMark(mark: CssMark): string {
  const key = JSON.stringify([mark.url, mark.importer, mark.candidate, mark.auto === true]);
  const number = numbers.get(key) ?? marks.push(mark) - 1;
  numbers.set(key, number);
  return `upres://${number}`;
}

/** Marks in CSS: in `url()`, and bare in `image-set()`. Group 2 or 4 is the mark's text. */
export const marksInCss = /url\(\s*(["']?)upres:\/\/(\d+)\1\s*\)|(["'])upres:\/\/(\d+)\3/g;

/** @throws Error for a number that no mark has */
export function readMark(number: string): CssMark {
  const mark = marks[Number(number)];
  if (!mark) throw new Error(`upres: there is no mark ${number}`);
  return mark;
}

/** The mark that a finished file still has in it, which no browser could load. */
export function leftMark(text: string): CssMark | undefined {
  const number = /upres:\/\/(\d+)/.exec(text)?.[1];
  return number === undefined ? undefined : marks[Number(number)];
}

/** Replaces the URLs with directives by marks. */
export async function markValue(
  value: string,
  importer: string,
  other: (url: ValueUrl) => Promise<void> | undefined = () => undefined,
): Promise<string> {
  return rewriteValue(value, (found) => {
    const { url, candidate } = found;
    if (!isOurs(url)) return other(found);
    found.replaceUrl(printMark({ url, importer, candidate }));
    return undefined;
  });
}
