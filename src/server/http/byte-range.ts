import type { BytePart } from '../../storage/storage.js';

/**
 * What a request wants of `size` bytes (RFC 9110, 14.2).
 * @param header `Range`. What is not one range of bytes, several included, asks for everything, as servers may take it.
 * @param condition `If-Range`: a strong tag that must be the present one, else everything is wanted; dates match nothing, since none are told
 * @param tag of what there is, with its quotes
 * @returns undefined for everything; `unsatisfiable` where it begins behind the end
 */
export function rangeOf(
  header: string | undefined,
  condition: string | undefined,
  tag: string,
  size: number,
): BytePart | 'unsatisfiable' | undefined {
  const [, first, last] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (condition !== undefined && condition.trim() !== tag) return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? Infinity : Number(last);
  // Such a range is none, and is ignored.
  if (end < start) return undefined;
  return start >= size ? 'unsatisfiable' : { start, end: Math.min(end, size - 1) };
}
