/** An attribute as it stands in a page. */
export interface HtmlAttribute {
  /** In lower case. */
  readonly name: string;
  /** Without quotes, entities decoded. */
  readonly value: string;
  /** Offsets of the value with its quotes; both the end of the name where there is no value. */
  readonly start: number;
  readonly end: number;
}

export interface HtmlTag {
  /** In lower case. */
  readonly name: string;
  readonly attributes: readonly HtmlAttribute[];
  /** Offsets of the tag, from its `<` to behind its `>`. */
  readonly start: number;
  readonly end: number;
  /** Offset behind the tag's name, where an attribute can be put in. */
  readonly nameEnd: number;
  /** What is between a script's or style's tags, and the like; empty for other elements. */
  readonly text: string;
  /** Offset of that. */
  readonly textStart: number;
}

/** Elements whose contents are text, whatever they look like. */
const rawText = new Set(['script', 'style', 'textarea', 'title', 'xmp', 'iframe', 'noembed', 'noframes']);

/** The same in documents of XML, where `<title>` is an element as any other. */
const rawTextInXml = new Set(['script', 'style']);

const attribute = /[\s/]*([^\s"'<>/=][^\s/>=]*)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'>][^\s>]*)?)?/y;

/**
 * The start tags of a page with their attributes, after the tokenizer of the HTML standard (13.2.5) as far as it decides where tags
 * and attributes are: comments, doctypes and the text of scripts and the like are skipped.
 * @param xml whether it is a document of XML, as SVG and feeds are: `<style/>` is empty there, and CDATA is text
 */
export function* startTags(html: string, xml = false): Generator<HtmlTag> {
  let at = 0;
  for (;;) {
    at = html.indexOf('<', at);
    if (at < 0) return;
    if (html.startsWith('<!--', at)) {
      at = endOf(html, '-->', at + 2);
      continue;
    }
    if (xml && html.startsWith('<![CDATA[', at)) {
      at = endOf(html, ']]>', at);
      continue;
    }
    const start = at;
    const name = /^[a-z][^\s/>]*/i.exec(html.slice(at + 1, at + 65))?.[0].toLowerCase();
    if (name === undefined) {
      // An end tag, a doctype, a processing instruction, or a lone `<`.
      at = /^[/!?]/.test(html.slice(at + 1, at + 2)) ? endOf(html, '>', at) : at + 1;
      continue;
    }
    const nameEnd = at + 1 + name.length;
    const { attributes, end } = readAttributes(html, nameEnd);
    const isEmpty = xml && html[end - 2] === '/';
    at = (xml ? rawTextInXml : rawText).has(name) && !isEmpty ? closing(html, name, end) : end;
    yield { name, attributes, start, end, nameEnd, text: html.slice(end, at), textStart: end };
  }
}

function readAttributes(html: string, from: number): { attributes: HtmlAttribute[]; end: number } {
  const attributes: HtmlAttribute[] = [];
  const known = new Set<string>();
  let at = from;
  for (;;) {
    attribute.lastIndex = at;
    const match = attribute.exec(html);
    if (!match) break;
    at = attribute.lastIndex;
    const [, written = '', raw = ''] = match;
    const name = written.toLowerCase();
    // Of two attributes of one name the first counts.
    if (known.has(name)) continue;
    known.add(name);
    const quoted = /^["']/.test(raw);
    const value = decodeEntities(quoted ? raw.slice(1, -1) : raw);
    attributes.push({ name, value, start: at - raw.length, end: at });
  }
  return { attributes, end: endOf(html, '>', at) };
}

function closing(html: string, name: string, from: number): number {
  const end = new RegExp(`</${name}(?=[\\s/>])`, 'gi');
  end.lastIndex = from;
  return end.exec(html)?.index ?? html.length;
}

function endOf(html: string, mark: string, from: number): number {
  const at = html.indexOf(mark, from);
  return at < 0 ? html.length : at + mark.length;
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' };

/** What stands for other characters, as far as URLs and markup have it. */
export function decodeEntities(text: string): string {
  return text.replace(/&(?:#x([\da-f]+)|#(\d+)|([a-z]+));/gi, (whole, hex: string, decimal: string, name: string) => {
    if (name) return entities[name.toLowerCase()] ?? whole;
    const code = hex ? parseInt(hex, 16) : Number(decimal);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

/** For an attribute's value in double quotes. */
export function encodeAttribute(text: string): string {
  return encodeText(text).replace(/"/g, '&quot;');
}

/** For the text of an element. */
export function encodeText(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
}
