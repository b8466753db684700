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

type Parse = (code: string) => unknown;

/**
 * The first arguments of `new URL(…, import.meta.url)` that carry directives; nothing in code that is no JavaScript.
 * @param parse gives the tree of a module (ESTree)
 */
export function newUrlsIn(code: string, parse: Parse): UrlLiteral[] {
  if (!code.includes('import.meta.url') || !code.includes('upscale')) return [];
  return nodesOf(code, parse).flatMap((node) => newUrl(code, node) ?? []);
}

/**
 * The URLs with directives, as they are written, that `new URL(…, import.meta.url)` or `import()` is given and that are only known when
 * the script runs: of a template with parts, or of a sum.
 */
export function assembledUrlsIn(code: string, parse: Parse): string[] {
  if (!/import\b\s*[.(]/.test(code) || !code.includes('upscale')) return [];
  return nodesOf(code, parse).flatMap((node) => {
    const place =
      node.type === 'ImportExpression' ? (node as Node & { source: Node }).source : placeOfNewUrl(code, node);
    if (!place || textOf(place) !== undefined || !nodesUnder(place).some(endsOurs)) return [];
    return [code.slice(place.start, place.end)];
  });
}

/** The directives of a module: of its imports, and of `new URL(…, import.meta.url)`. Imports of types are none. */
export function scriptReferences(code: string, parse: Parse): { url: string; by: 'import' | 'place' }[] {
  if (!code.includes('upscale')) return [];
  return nodesOf(code, parse).flatMap((node) => {
    const url = newUrl(code, node);
    if (url) return { url: url.value, by: 'place' as const };
    const { type, source, importKind } = node as Node & { source?: unknown; importKind?: unknown };
    if (!/^(?:Import(?:Declaration|Expression)|Export(?:Named|All)Declaration)$/.test(type)) return [];
    const literal = importKind !== 'type' && isNode(source) ? ourLiteral(source) : undefined;
    return literal ? { url: literal.value, by: 'import' as const } : [];
  });
}

/** The patterns of `import.meta.glob()` that carry directives, which belong into its options: no file is called so. */
export function globsWithDirectives(code: string, parse: Parse): string[] {
  if (!code.includes('import.meta.glob') || !code.includes('upscale')) return [];
  return nodesOf(code, parse).flatMap((node) => {
    const { callee, arguments: given = [] } = node as Node & { callee?: Node; arguments?: Node[] };
    if (node.type !== 'CallExpression' || !callee || !given[0]) return [];
    if (code.slice(callee.start, callee.end).replace(/\s/g, '') !== 'import.meta.glob') return [];
    return nodesUnder(given[0]).flatMap((part) => ourLiteral(part)?.value ?? []);
  });
}

function nodesOf(code: string, parse: Parse): Node[] {
  let tree: unknown;
  try {
    tree = parse(code);
  } catch {
    // Whatever it is, the bundler says so itself, or the directive is found in the output.
    return [];
  }
  return nodesUnder(tree);
}

/** All nodes of a tree, in the order of the code. */
function nodesUnder(value: unknown, found: Node[] = []): Node[] {
  if (Array.isArray(value)) for (const one of value) nodesUnder(one, found);
  if (!isNode(value)) return found;
  found.push(value);
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) nodesUnder(part, found);
  return found;
}

function newUrl(code: string, node: Node): UrlLiteral | undefined {
  const place = placeOfNewUrl(code, node);
  return place && ourLiteral(place);
}

/** What stands for the URL in a `new URL(…, import.meta.url)`. */
function placeOfNewUrl(code: string, node: Node): Node | undefined {
  if (node.type !== 'NewExpression') return undefined;
  const { callee, arguments: given } = node as unknown as { callee: Node; arguments: Node[] };
  const [first, second] = given;
  if (code.slice(callee.start, callee.end) !== 'URL' || !first || !second || !isMetaUrl(code, second)) return undefined;
  return first;
}

/** Whether a string, or a part of a template, is the end of a URL with directives. */
function endsOurs(node: Node): boolean {
  const { cooked } = (node as { value?: { cooked?: unknown } | null }).value ?? {};
  const text = textOf(node) ?? cooked;
  return typeof text === 'string' && isOurs(text);
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';

function ourLiteral(node: Node): UrlLiteral | undefined {
  const value = textOf(node);
  return value !== undefined && isOurs(value) ? { ...node, value } : undefined;
}

/** Of a string, or of a template without anything to put in. */
function textOf(node: Node): string | undefined {
  const { value, quasis } = node as { value?: unknown; quasis?: { value: { cooked?: string | null } }[] };
  if (node.type === 'Literal' && typeof value === 'string') return value;
  return node.type === 'TemplateLiteral' && quasis?.length === 1 ? (quasis[0]!.value.cooked ?? undefined) : undefined;
}

const isMetaUrl = (code: string, { start, end }: Node): boolean =>
  code.slice(start, end).replace(/\s/g, '') === 'import.meta.url';
