/**
 * Whether a client has a result already.
 * @param header `If-None-Match`: tags with commas between them. `*` stands for whatever there is, and for a result that may yet
 *   have to be computed there is no telling, so it matches nothing.
 * @param tag with its quotes
 */
export function matchesTag(header: string | undefined, tag: string): boolean {
  return [...(header ?? '').matchAll(/"[^"]*"/g)].some(([known]) => known === tag);
}
