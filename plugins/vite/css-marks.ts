import valueParser from 'postcss-value-parser';
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

/** An image that a value names, where it can be changed. */
export interface ValueUrl {
  readonly url: string;
  readonly candidate: boolean;
  readonly replaceUrl: (url: string) => void;
  /** Puts another image in place of the whole `url()`. */
  readonly replaceImage: (image: string) => void;
}

/** Calls back for every URL of a value: in `url()`, and as a string in `image-set()`. Returns the value after changes. */
export async function rewriteValue(
  value: string,
  rewrite: (url: ValueUrl) => Promise<void> | undefined,
): Promise<string> {
  const parsed = valueParser(value);
  const work: (Promise<void> | undefined)[] = [];
  const visit = (nodes: valueParser.Node[], candidate: boolean): void => {
    nodes.forEach((node, index) => {
      if (node.type === 'string' && candidate) work.push(rewrite(stringUrl(nodes, index, node)));
      if (node.type !== 'function') return;
      const name = node.value.toLowerCase();
      if (name === 'url') work.push(rewrite(functionUrl(nodes, index, node, candidate)));
      else visit(node.nodes, name === 'image-set' || name === '-webkit-image-set');
    });
  };
  visit(parsed.nodes, false);
  await Promise.all(work.filter((one) => one !== undefined));
  return valueParser.stringify(parsed.nodes);
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

function functionUrl(
  nodes: valueParser.Node[],
  index: number,
  node: valueParser.FunctionNode,
  candidate: boolean,
): ValueUrl {
  return {
    url: unescape(node.nodes[0]?.value ?? ''),
    candidate,
    replaceUrl(url) {
      nodes[index] = word(node, `url("${url}")`);
    },
    replaceImage(image) {
      nodes[index] = word(node, image);
    },
  };
}

function stringUrl(nodes: valueParser.Node[], index: number, node: valueParser.StringNode): ValueUrl {
  const replace = (text: string): void => {
    nodes[index] = word(node, text);
  };
  return {
    url: unescape(node.value),
    candidate: true,
    replaceUrl: (url) => {
      replace(`"${url}"`);
    },
    replaceImage: replace,
  };
}

function word({ sourceIndex, sourceEndIndex }: valueParser.Node, value: string): valueParser.WordNode {
  return { type: 'word', value, sourceIndex, sourceEndIndex };
}

const unescape = (text: string): string => text.replace(/\\(\W)/g, '$1');
