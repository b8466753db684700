import { stat } from 'node:fs/promises';
import { printQuery } from '#upres/asset/directives.js';
import type { VariantPlan } from '#upres/asset/asset-plan.js';
import { nameOfResult } from '#upres/asset/names.js';
import { mimeType } from '#upres/asset/markup.js';
import type { PreparedAsset, RenderedVariant } from '#upres/asset/pipeline.js';
import type { Environment, Rollup } from 'vite';
import { normalizePath } from './normalize-path.js';
import { devUrl } from './dev-url.js';
import type { PlannedAsset, Session } from './session.js';

/** The part of a plugin's context that delivering needs; in the development server there is no emitting. */
export interface DeliveryContext {
  readonly environment: Environment;
  emitFile(file: Rollup.EmittedAsset): string;
  addWatchFile(file: string): void;
  /** Whether a build will be repeated when files change. */
  readonly rebuilds: boolean;
}

/**
 * For a module. In development Vite takes a watched file for a module that this one imports, finds no one who accepts it, and reloads the page;
 * so there dependencies are our own matter.
 */
export function deliveryTo(context: Rollup.PluginContext, session: Session, id: string): DeliveryContext {
  return {
    environment: context.environment,
    emitFile: (file) => context.emitFile(file),
    rebuilds: context.meta.watchMode && context.environment.mode === 'build',
    addWatchFile(file) {
      if (context.environment.mode === 'dev') session.dependents.add(file, id);
      // Each is a call into the bundler, for nothing where no one watches.
      else if (context.meta.watchMode) context.addWatchFile(file);
    },
  };
}

/** Where a variant is: a URL that is known, or a file of the build whose name Vite fills in. */
export type Delivered = { readonly url: string } | { readonly reference: string };

export interface DeliveryOptions {
  /** The file that has the directive, where that is not an import. */
  readonly place?: string;
  /** Whether the author wrote a candidate of a list: such are files unless asked for otherwise, since a browser loads one of them. */
  readonly candidate?: boolean;
  /** Whether it is a page's icon, which Vite never makes a `data:` URI of. */
  readonly icon?: boolean;
  /** Whether no directive asked for it. */
  readonly auto?: boolean;
}

/** Makes all variants of an asset, and says where they are. Files that the result depends on are watched. */
export async function deliver(
  context: DeliveryContext,
  session: Session,
  asset: PlannedAsset,
  options: DeliveryOptions = {},
): Promise<ReadonlyMap<VariantPlan, Delivered>> {
  const { plan, query } = asset;
  session.net.deliver(context.environment.name, plan.file, query, options.place);
  for (const file of new Set([
    plan.file,
    ...plan.variants.map(({ source }) => source),
    ...plan.missing,
    ...plan.ownInPlace,
  ])) {
    context.addWatchFile(normalizePath(file));
  }
  if (context.rebuilds && plan.missing.length > 0) context.addWatchFile(session.missingFiles.stampFor(plan.missing));
  const places = plan.variants.map(async (variant) => {
    if (context.environment.mode === 'dev') return { url: await devUrlOf(session, variant) };
    const rendered = await session.pipeline.render(plan, variant);
    return emit(context, session, asset, variant, rendered, options);
  });
  const delivered = await Promise.all(places);
  return new Map(plan.variants.map((variant, index) => [variant, delivered[index]!]));
}

/** Of this process: frameworks put the manifest of the browser's build into their server's, whose configuration is another. */
export const manifestKeys = new Set<string>();

function emit(
  context: DeliveryContext,
  session: Session,
  { plan, query }: PlannedAsset,
  variant: VariantPlan,
  rendered: RenderedVariant,
  options: DeliveryOptions,
): Delivered {
  const data = Buffer.from(rendered.data.buffer, rendered.data.byteOffset, rendered.data.byteLength);
  if (shouldInline(context.environment, plan, query, data, options)) {
    return { url: `data:${mimeType(rendered.format)};base64,${data.toString('base64')}` };
  }
  const name = nameOfResult(variant, rendered);
  if (options.auto && !variant.verbatim) session.auto.files.set(`${plan.file} ${name}`, data.byteLength);
  const originalFileName = `${session.show(variant.source)}?${manifestQuery(plan, variant, query)}`;
  manifestKeys.add(originalFileName);
  return { reference: context.emitFile({ type: 'asset', name, originalFileName, source: data }) };
}

/**
 * The key of a file in the manifest, whose source's own belongs to the source: as the author wrote it where that is one file, else
 * with what parts this one from the others.
 */
function manifestQuery(plan: PreparedAsset, variant: VariantPlan, query: string): string {
  if (query === '') return printQuery(variant.directives);
  if (plan.variants.length === 1) return query;
  const own = new URLSearchParams(printQuery(variant.directives));
  const formats = new Set(plan.variants.map(({ format }) => format));
  const apart = ['upscale', ...(formats.size > 1 ? ['format'] : [])].map((key) => `${key}=${own.get(key) ?? ''}`);
  const rest = query.split('&').filter((part) => !/^(?:upscale|format|as)(?:=|$)/.test(part));
  return [...apart, ...rest].join('&');
}

/**
 * Vite's own rules, except that several candidates are inlined only where the user's function says so: the page would carry all, to
 * show one.
 */
function shouldInline(
  environment: Environment,
  { file, variants }: PreparedAsset,
  query: string,
  data: Buffer,
  { candidate = false, icon = false }: DeliveryOptions,
): boolean {
  if (/(?:^|&)no-inline(?:[=&]|$)/.test(query)) return false;
  const { lib, assetsInlineLimit } = environment.config.build;
  if (lib || /(?:^|&)inline(?:[=&]|$)/.test(query)) return true;
  if (icon) return false;
  const asked = typeof assetsInlineLimit === 'function' ? assetsInlineLimit(file, data) : undefined;
  if (asked !== undefined) return asked;
  const alone = variants.length === 1 && !candidate;
  return alone && data.byteLength < (typeof assetsInlineLimit === 'function' ? 4096 : assetsInlineLimit);
}

async function devUrlOf({ config, started }: Session, variant: VariantPlan): Promise<string> {
  const { mtimeMs } = await stat(variant.source);
  // A source that changed gets another URL, so that pages that stay open load it again; in all environments the same.
  const changed = mtimeMs > started ? `&t=${Math.trunc(mtimeMs)}` : '';
  return `${devUrl(config, variant.source)}?${printQuery(variant.directives)}${changed}`;
}

/** For CSS and HTML: Vite puts the file's URL in the token's place. */
export function asText(delivered: Delivered): string {
  return 'url' in delivered ? delivered.url : `__VITE_ASSET__${delivered.reference}__`;
}

/** For JavaScript: an expression that gives the URL. */
export function asExpression(delivered: Delivered, session: Session): string {
  if ('url' in delivered) return JSON.stringify(delivered.url);
  // Rollup makes an absolute URL of its own expression, which differs between browser and server; where Vite does not step
  // in, its token stands for the plain URL. It has to be in double quotes.
  const viteAnswers = session.config.plugins.some((plugin) => plugin.name === 'vite:asset' && plugin.resolveFileUrl);
  const { reference } = delivered;
  return viteAnswers ? `import.meta.ROLLUP_FILE_URL_${reference}` : `"__VITE_ASSET__${reference}__"`;
}
