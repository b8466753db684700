/**
 * Whether a client has something already, by weak comparison (RFC 9110, 13.1.2).
 * @param header `If-None-Match`: tags with commas between them; `*` alone stands for whatever there is
 * @param tag of what there is, with its quotes
 */
export function matchesTag(header: string | undefined, tag: string): boolean {
  return header?.trim() === '*' || namesTag(header, tag);
}

/** The same for what may yet have to be computed: there is nothing yet that `*` could stand for. */
export function namesTag(header: string | undefined, tag: string): boolean {
  return [...(header ?? '').matchAll(/"[^"]*"/g)].some(([known]) => known === tag);
}

/**
 * Whether a client that asks for what it knows only may have it, by strong comparison (RFC 9110, 13.1.1).
 * @param header `If-Match`: tags with commas between them, or `*`; what is not there forbids nothing
 * @param tag of what there is, with its quotes
 */
export function allowsTag(header: string | undefined, tag: string): boolean {
  if (header === undefined || header.trim() === '*') return true;
  return [...header.matchAll(/(W\/)?("[^"]*")/g)].some(([, weak, known]) => weak === undefined && known === tag);
}
