/**
 * A page of the documentation with new figures: each block of code that follows `<!-- quality: NAME -->` gets the text of that
 * name; blocks whose names are not among the new ones stay.
 *
 * @throws Error where the page has no place for a text
 */
export function replaceBlocks(page: string, blocks: ReadonlyMap<string, string>): string {
  return [...blocks].reduce((text, [name, block]) => {
    const marker = `<!-- quality: ${name} -->`;
    const start = text.indexOf(marker);
    if (start < 0) throw new Error(`the page has no ${marker}`);
    const from = text.indexOf('```\n', start) + '```\n'.length;
    const to = text.indexOf('\n```', from - 1);
    return `${text.slice(0, from)}${block}\n${text.slice(to + 1)}`;
  }, page);
}
