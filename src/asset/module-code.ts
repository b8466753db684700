import type { AssetPlan, VariantPlan } from './asset-plan.js';
import { assetValue } from './markup.js';

/**
 * The source of an ES module that exports, as its default, what the plan's shape asks for.
 * @param urlExpression a JavaScript expression that gives a variant's URL when the module runs
 */
export function moduleCode(plan: AssetPlan, urlExpression: (variant: VariantPlan) => string): string {
  const mark = (variant: VariantPlan): string => `__upres_url_${plan.variants.indexOf(variant)}__`;
  const value = JSON.stringify(assetValue(plan, mark), undefined, 2);
  const code = value.replace(/__upres_url_(\d+)__/g, (_, index) => {
    return `" + ${urlExpression(plan.variants[Number(index)]!)} + "`;
  });
  return `export default ${code.replace(/(?<![\\"])"" \+ | \+ ""(?!")/g, '')};\n`;
}
