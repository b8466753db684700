import { hasImageExtension } from './names.js';
import { splitUrl } from './urls.js';

/**
 * What of ours an attribute may hold: one URL, several that are no srcset, URLs as strings of JSON or of a script, a srcset, a style, a
 * page, or a text, which is no reference. `maybe` is a URL with blanks in it where it names a file, and else a text.
 */
export type Holding = 'url' | 'urls' | 'strings' | 'srcset' | 'styles' | 'page' | 'maybe' | 'text';

/** Attributes that hold one URL and nothing else. */
const urlAttributes: ReadonlySet<string> = new Set(['src', 'href', 'poster', 'data', 'xlink:href']);

/** Attributes for people, and names: Tailwind has classes such as `bg-[url('a.png')]`. */
const textAttribute = /^(?:class|id|alt|title|placeholder|aria-.*)$/;

/**
 * @param name in lower case
 * @param value with entities decoded
 */
export function holdingOf(name: string, value: string): Holding {
  if (!value.includes('upscale') || textAttribute.test(name)) return 'text';
  if (name === 'srcdoc') return 'page';
  if (name.endsWith('srcset')) return 'srcset';
  // Scripts that load images late know styles, too: `data-bg="url(a.png)"`.
  if (name === 'style' || /(?:^|[\s:,(])(?:url|image-set)\(/i.test(value)) return 'styles';
  if (urlAttributes.has(name)) return 'url';
  if (/(["'`])[^"'`\s]{1,2000}[?&]upscale[^"'`\s]{0,2000}\1/.test(value)) return 'strings';
  const parts = partsOf(value);
  if (parts.length > 1 && parts.every(isPartOfList)) return 'urls';
  return /\s/.test(value.trim()) ? 'maybe' : 'url';
}

/** What is between the separators of a list, or between quotes; a comma between factors or formats separates no URLs. */
const part = /(?:[^\s,|"'`]|,(?=(?:[\d.]{1,9}|[a-z]{3,4})(?:[,;&\s|"'`]|$)))+/g;

const partsOf = (value: string): string[] => value.match(part) ?? [];

const isPartOfList = (text: string): boolean =>
  /^\d+(?:\.\d+)?[wx]$/.test(text) || hasImageExtension(splitUrl(text).path);

/** The URLs of a list that is no srcset, as galleries have it, and of strings. */
export const urlsOfList = (value: string): string[] =>
  partsOf(value).filter((text) => hasImageExtension(splitUrl(text).path));

/** Puts others in the places of URLs in a list or in strings. */
export const replaceInList = (value: string, urls: ReadonlyMap<string, string>): string =>
  value.replace(part, (text) => urls.get(text) ?? text);
