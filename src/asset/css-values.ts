import valueParser from 'postcss-value-parser';

/** An image that a value names, where it can be changed. */
export interface ValueUrl {
  readonly url: string;
  readonly candidate: boolean;
  /** Whether it is a string, as `image-set()` allows. */
  readonly bare: boolean;
  readonly replaceUrl: (url: string) => void;
  /** Puts another image in place of the whole `url()`. */
  readonly replaceImage: (image: string) => void;
}

/** Calls back for every URL of a value: in `url()`, and as a string in `image-set()`. Returns the value after changes. */
export async function rewriteValue(
  value: string,
  rewrite: (url: ValueUrl) => Promise<void> | undefined,
): Promise<string> {
  const parsed = valueParser(value);
  const work: (Promise<void> | undefined)[] = [];
  const visit = (nodes: valueParser.Node[], candidate: boolean): void => {
    nodes.forEach((node, index) => {
      if (node.type === 'string' && candidate) work.push(rewrite(stringUrl(nodes, index, node)));
      if (node.type !== 'function') return;
      const name = node.value.toLowerCase();
      if (name === 'url') work.push(rewrite(functionUrl(nodes, index, node, candidate)));
      else visit(node.nodes, name === 'image-set' || name === '-webkit-image-set');
    });
  };
  visit(parsed.nodes, false);
  await Promise.all(work.filter((one) => one !== undefined));
  return valueParser.stringify(parsed.nodes);
}

function functionUrl(
  nodes: valueParser.Node[],
  index: number,
  node: valueParser.FunctionNode,
  candidate: boolean,
): ValueUrl {
  return {
    url: unescape(node.nodes[0]?.value ?? ''),
    candidate,
    bare: false,
    replaceUrl(url) {
      nodes[index] = word(node, `url("${url}")`);
    },
    replaceImage(image) {
      nodes[index] = word(node, image);
    },
  };
}

function stringUrl(nodes: valueParser.Node[], index: number, node: valueParser.StringNode): ValueUrl {
  const replace = (text: string): void => {
    nodes[index] = word(node, text);
  };
  return {
    url: unescape(node.value),
    candidate: true,
    bare: true,
    replaceUrl: (url) => {
      replace(`"${url}"`);
    },
    replaceImage: replace,
  };
}

function word({ sourceIndex, sourceEndIndex }: valueParser.Node, value: string): valueParser.WordNode {
  return { type: 'word', value, sourceIndex, sourceEndIndex };
}

const unescape = (text: string): string => text.replace(/\\(\W)/g, '$1');
