import type { HtmlTag } from '../html-tags.js';

/** A piece of text in XML. */
export interface XmlText {
  /** Offsets. */
  readonly start: number;
  readonly end: number;
  /** As in CDATA, where nothing is escaped. */
  readonly isPlain: boolean;
}

/** What is between tags. Feeds have pages in it, quoted in one of two ways, and URLs. Each character is looked at once. */
export function* textsOfXml(xml: string, tags: readonly HtmlTag[]): Generator<XmlText> {
  const endsOfTags = new Map(tags.map(({ start, end, text }) => [start, end + text.length]));
  const find = (mark: string, from: number): number => {
    const found = xml.indexOf(mark, from);
    return found < 0 ? xml.length : found;
  };
  let at = 0;
  while (at < xml.length) {
    const next = find('<', at);
    yield { start: at, end: next, isPlain: false };
    if (xml.startsWith('<!--', next)) at = find('-->', next) + 3;
    else if (xml.startsWith('<![CDATA[', next)) {
      const end = find(']]>', next);
      yield { start: next + 9, end, isPlain: true };
      at = end + 3;
    } else at = endsOfTags.get(next) ?? find('>', next) + 1;
  }
}
