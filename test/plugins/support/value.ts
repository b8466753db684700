/**
 * Compares what an import gave with a pattern that has `{0}`, `{1}` … in place of URLs.
 * @returns the URLs in the order of their numbers; undefined where the value has another shape
 */
export function urlsIn(value: unknown, pattern: unknown): string[] | undefined {
  const seen = new Set<string>();
  const expression = JSON.stringify(pattern)
    .replace(/[.*+?^$()|[\]\\]|\{(?!\d+\})|(?<!\{\d+)\}/g, '\\$&')
    .replace(/\{(\d+)\}/g, (_, index: string) => {
      if (seen.has(index)) return `\\k<url${index}>`;
      seen.add(index);
      return `(?<url${index}>[^"\\s,]+)`;
    });
  const groups = new RegExp(`^${expression}$`).exec(JSON.stringify(value))?.groups;
  return groups && Array.from({ length: seen.size }, (_, index) => groups[`url${index}`]!);
}
