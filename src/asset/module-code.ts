import type { AssetPlan, VariantPlan } from './asset-plan.js';
import { assetValue, escapeForSrcset } from './markup.js';

/**
 * The source of an ES module that exports, as its default, what the plan's shape asks for.
 * @param urlExpression a JavaScript expression that gives a variant's URL when the module runs
 */
export function moduleCode(plan: AssetPlan, urlExpression: (variant: VariantPlan) => string): string {
  const mark = (variant: VariantPlan): string => `__upres_url_${plan.variants.indexOf(variant)}__`;
  const value = JSON.stringify(assetValue(plan, mark), undefined, 2);
  const helpers = new Set<string>();
  // Every string that has marks in it becomes a sum; an object's keys have none.
  const code = value.replace(/"(?:[^"\\]|\\.)*__upres_url_\d+__(?:[^"\\]|\\.)*"/g, (text) => {
    const [first = '', ...rest] = text.slice(1, -1).split(/__upres_url_(\d+)__/);
    // `rest` is a variant's number, what follows it, the next one's number …
    const parts = first === '' ? [] : [`"${first}"`];
    for (let i = 0; i < rest.length; i += 2) {
      const expression = urlExpression(plan.variants[Number(rest[i])]!);
      const alone = rest.length === 2 && first === '' && rest[1] === '';
      const known = alone ? undefined : literal(expression);
      if (!alone && known === undefined) helpers.add(helper);
      parts.push(alone ? expression : known === undefined ? `srcsetUrl(${expression})` : JSON.stringify(known));
      if (rest[i + 1] !== '') parts.push(`"${rest[i + 1]}"`);
    }
    return parts.join(' + ');
  });
  return `${[...helpers].join('')}export default ${code};\n`;
}

/** What `escapeForSrcset` does, where URLs are not known before the module runs. */
const helper = 'const srcsetUrl = (url) => /^data:/.test(url) ? url : url.replace(/ /g, "%20").replace(/,/g, "%2C");\n';

/** The URL behind an expression that is nothing but a string, ready for a srcset. */
function literal(expression: string): string | undefined {
  try {
    const value: unknown = JSON.parse(expression);
    return typeof value === 'string' ? escapeForSrcset(value) : undefined;
  } catch {
    return undefined;
  }
}
