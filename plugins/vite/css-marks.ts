import { createHash } from 'node:crypto';
import { rewriteValue, type ValueUrl } from '#upres/asset/css-values.js';
import { isOurs } from '#upres/asset/urls.js';

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
 * building again and again does not make it grow. One table serves the process, however many copies of this module it has: Lightning
 * CSS's visitor, which users may join with their own, knows no session.
 */
const marks = tableOfProcess();

function tableOfProcess(): Map<string, CssMark> {
  const process = globalThis as Record<symbol, Map<string, CssMark> | undefined>;
  return (process[Symbol.for('upres/vite/marks-1')] ??= new Map<string, CssMark>());
}

export function printMark(mark: CssMark): string {
  const text = JSON.stringify([mark.url, mark.importer, mark.candidate, mark.auto === true]);
  const number = createHash('sha256').update(text).digest('hex').slice(0, 16);
  marks.set(number, mark);
  return `upres://${number}`;
}

/** Marks in CSS: in `url()`, and bare in `image-set()`. Group 2 or 4 is the mark's text. */
export const marksInCss = /url\(\s*(["']?)upres:\/\/([\da-f]{16})\1\s*\)|(["'])upres:\/\/([\da-f]{16})\3/g;

/** @throws Error for a number that no mark has */
export function readMark(number: string): CssMark {
  const mark = marks.get(number);
  if (!mark) throw new Error(`upres: there is no mark ${number}`);
  return mark;
}

/** The marks that a finished file still has in it, which no browser could load. */
export function leftMarks(text: string): CssMark[] {
  const numbers = new Set([...text.matchAll(/upres:\/\/([\da-f]{16})/g)].map(([, number]) => number!));
  return [...numbers].map((number) => marks.get(number)).filter((mark) => mark !== undefined);
}

/** Replaces the URLs with directives by marks. */
export async function markValue(
  value: string,
  importer: string,
  other: (url: ValueUrl) => Promise<void> | undefined = () => undefined,
): Promise<string> {
  return rewriteValue(value, (found) => {
    const { url, candidate } = found;
    // Older versions of Vite have taken other images by now, and keep a query in what stands for them.
    if (url.startsWith('__VITE_ASSET__')) return undefined;
    if (!isOurs(url)) return other(found);
    found.replaceUrl(printMark({ url, importer, candidate }));
    return undefined;
  });
}
