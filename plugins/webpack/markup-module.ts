import type { VariantPlan } from '#upres/asset/asset-plan.js';
import { printQuery } from '#upres/asset/directives.js';
import { moduleCode } from '#upres/asset/module-code.js';
import type { PreparedAsset } from '#upres/asset/pipeline.js';
import type { LoaderContext } from 'webpack';

/**
 * A module for `srcset`, `img`, `picture` and `metadata`. It imports its files rather than emit them: their names, public path,
 * caching and whether they are written at all stay webpack's business, and each exists once however many modules name it.
 */
export function markupModule(context: LoaderContext<unknown>, asset: PreparedAsset): string {
  const imports: string[] = [];
  const names = new Map<string, string>();
  const urlExpression = ({ source, directives }: VariantPlan): string => {
    const file = context.utils.contextify(context.context, source);
    // Said even where it is usual: Next's own imports of images give more than a URL.
    const request = JSON.stringify(`${file}?${printQuery({ ...directives, as: 'url' })}`);
    const name = names.get(request) ?? `url${names.size}`;
    if (!names.has(request)) imports.push(`import ${name} from ${request};\n`);
    names.set(request, name);
    return name;
  };
  const code = moduleCode(asset, urlExpression);
  return imports.join('') + code;
}
