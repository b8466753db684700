import { isOurs } from './urls.js';

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}
/** A string in a module's code, with its offsets. */
export interface UrlLiteral extends Node {
  readonly value: string;
}

/**
 * The first arguments of `new URL(…, import.meta.url)` that carry directives; nothing in code that is no JavaScript.
 * @param parse gives the tree of a module (ESTree)
 */
export function newUrlsIn(code: string, parse: (code: string) => unknown): UrlLiteral[] {
  if (!code.includes('import.meta.url') || !code.includes('upscale')) return [];
  const found: UrlLiteral[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit);
    if (!isNode(value)) return;
    if (value.type === 'NewExpression') {
      const { callee, arguments: given } = value as unknown as { callee: Node; arguments: Node[] };
      const [first, second] = given;
      if (code.slice(callee.start, callee.end) === 'URL' && first && second && isMetaUrl(code, second)) {
        const literal = first as Partial<UrlLiteral> & Node;
        if (literal.type === 'Literal' && typeof literal.value === 'string' && isOurs(literal.value)) {
          found.push(literal as UrlLiteral);
        }
      }
    }
    Object.values(value).forEach(visit);
  };
  try {
    visit(parse(code));
  } catch {
    // Whatever it is, the bundler says so itself, or the directive is found in the output.
  }
  return found;
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';

const isMetaUrl = (code: string, { start, end }: Node): boolean =>
  code.slice(start, end).replace(/\s/g, '') === 'import.meta.url';
