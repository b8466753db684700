import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import { hasImageExtension } from '#upres/asset/names.js';
import { matches } from '#upres/asset/resolve.js';
import { splitUrl } from '#upres/asset/urls.js';
import { foldersOfStyles, isInlineWorker, textOf, unresolvedDirectives } from '#upres/asset/unresolved-directives.js';
import { keptQueries, mayHaveUrls, type LeftoversOption } from '#upres/asset/written-urls.js';
import type { Plugin, Rollup } from 'vite';
import { copied } from './copied.js';
import { leftMarks } from './css-marks.js';
import { manifestKeys } from './deliver.js';
import type { Sighting } from './net.js';
import { normalizePath } from './normalize-path.js';
import type { Session } from './session.js';
import type { SessionOf } from './sessions.js';
import { suspects } from './suspects.js';

type Output = Rollup.OutputAsset | Rollup.OutputChunk;
type Bundle = Readonly<Record<string, Output>>;

/** A directive that nothing honoured. */
interface Unresolved {
  readonly url: string;
  /** Files that may have it, ids of modules among them. */
  readonly files: readonly string[];
  /** What became of it, in words. */
  readonly fate: string;
}

/**
 * A directive that is not delivered when everything is built would leave the small image in the site, and that is an error, never a
 * surprise, unless the options say otherwise. Either it is still there, or it was seen in a source and went on its way. What names no
 * file of the project is none: code samples, and parameters of other services.
 */
export function unresolvedPlugin(session: SessionOf): Plugin {
  return {
    name: 'upres:unresolved',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        const marks = carriedOff(bundle);
        const own = session(this.environment);
        const { wish, allow } = choiceOf(own);
        const others =
          wish === 'ignore'
            ? []
            : [
                written(this, own, bundle),
                copied(this.environment.config, own.config, (code) => this.parse(code)).map((found) => ({
                  ...found,
                  fate: wasCopied,
                })),
                taken(this.environment.name, own, bundle),
              ].flat();
        const places = new Set<string>();
        const texts = new Map<string, string>();
        const lines = [...marks, ...others].flatMap(({ url, files, fate }) => {
          const { file, line } = placeOf(this, url, files, texts);
          const shown = file === undefined ? '' : `${own.show(file)}${line === undefined ? '' : `:${line}`}: `;
          if (allow.includes(url) || (file !== undefined && allowsFile(allow, file, own))) return [];
          if (places.has(shown + url)) return [];
          places.add(shown + url);
          return [`${shown}"${url}" ${fate}`];
        });
        if (lines.length === 0) return;
        const message = `${lines.join('\n')}\n${advice}`;
        // No browser could load a mark.
        if (wish === 'warn' && marks.length === 0) this.warn(message);
        else this.error(message);
      },
    },
  };
}

const wasCopied = 'is in a file of public/, which is copied as it is: its image was not upscaled';

const advice =
  'Directives work in imports, in new URL("…", import.meta.url), in CSS url() and image-set(), and in the attributes of HTML; ' +
  'in workers with Vite’s option worker: { plugins: () => [upres()] }; a URL that is put together at run time can’t carry one. ' +
  'Where it is none, give upres the option leftovers: { allow: [its file or the URL] }.';

function choiceOf({ options }: Session): { wish: LeftoversOption; allow: readonly string[] } {
  const { leftovers = 'error' } = options;
  if (typeof leftovers === 'string') return { wish: leftovers, allow: [] };
  return { wish: leftovers.otherwise ?? 'error', allow: [leftovers.allow].flat() };
}

function allowsFile(allow: readonly string[], file: string, { config }: Session): boolean {
  const include = allow.filter((each) => !each.includes('?'));
  return include.length > 0 && matches({ include }, file, config.root);
}

/** The text of a file that browsers read URLs in; empty for others. */
function textIn(output: Output): string {
  if (!mayHaveUrls(output.fileName)) return '';
  return output.type === 'chunk' ? output.code : textOf(output.source);
}

/** Those in CSS that another plugin took before its images could be put in place. */
function carriedOff(bundle: Bundle): Unresolved[] {
  return Object.values(bundle).flatMap((output) =>
    leftMarks(textIn(output)).map(({ url, importer }) => ({
      url,
      files: [importer],
      fate: `was taken into ${output.fileName} by another plugin before its image could be put in place`,
    })),
  );
}

/** Those that are still in a file of the bundle. */
function written(context: Rollup.PluginContext, session: Session, bundle: Bundle): Unresolved[] {
  const outputs = Object.values(bundle);
  const images = outputs.filter(({ fileName }) => hasImageExtension(fileName));
  const emitted = new Set(images.map(({ fileName }) => fileName));
  const folders = { ...session.config, styles: foldersOfStyles(context.getModuleIds()) };
  return outputs.flatMap((output): Unresolved[] => {
    const still = `is still in ${output.fileName}: its image was not upscaled`;
    const texts = [textIn(output), ...inlineWorkersOf(output)];
    return [
      ...unresolvedDirectives(output, folders, (code) => context.parse(code))
        .filter(({ url, files }) => !(manifestKeys.has(url) && isManifest(output, files, session)))
        .map((found) => ({ ...found, fate: still })),
      ...texts
        .flatMap((text) => keptQueries(text, emitted))
        .map(({ url, file }) => {
          const image = images.find((each) => each.fileName === file) as Rollup.OutputAsset;
          const [source] = image.originalFileNames;
          const fate = `${still}, but emitted by another plugin, small`;
          return {
            url: source === undefined ? url : `${source.replace(/^.*\//, '')}?${splitUrl(url).query}`,
            files: [],
            fate,
          };
        }),
    ];
  });
}

/** Their own files are no part of the bundle, and what minifiers make of their texts need not be readable. */
function inlineWorkersOf(output: Output): string[] {
  const modules = output.type === 'chunk' ? Object.entries(output.modules) : [];
  return modules.flatMap(([id, { code }]) => (isInlineWorker(id) && code !== null ? [code] : []));
}

/** Whether a file, or one of the modules that it came from, is a manifest of a build, whose keys are the images' sources. */
const isManifest = ({ fileName }: Output, files: readonly string[], session: Session): boolean =>
  fileName.endsWith('.json') || files.some((file) => isMade(file, session));

/** Whether a plugin made a module, or another environment's build did: there the key of a manifest is that of another build's. */
function isMade(file: string, { config }: Session): boolean {
  if (file.startsWith('\0')) return true;
  const folders = Object.values(config.environments).map(({ build }) => resolve(config.root, build.outDir));
  return folders.some((folder) => file.startsWith(`${normalizePath(folder)}/`));
}

/** Those that were seen in sources, and left no trace but the small image. */
function taken(environment: string, { net, config }: Session, bundle: Bundle): Unresolved[] {
  return net
    .left(environment)
    .filter(({ image, certain }) => certain || hasSmall(bundle, image, config.root, config.publicDir))
    .map(({ url, place, by }: Sighting) => {
      const hooks =
        by === 'import'
          ? (['resolveId', 'load', 'transform'] as const)
          : (['transform', 'transformIndexHtml'] as const);
      return { url, files: [place], fate: `was taken by another plugin${suspects(config.plugins, hooks)}` };
    });
}

/** Whether a site has an image as it is: emitted, inlined, or by its own URL. Else a condition has left it out, and all is well. */
function hasSmall(bundle: Bundle, image: string, root: string, publicDir: string): boolean {
  const bytes = readFileSync(image);
  const inlined = `;base64,${bytes.subarray(0, 96).toString('base64')}`;
  const name = normalizePath(relative(root, image));
  const url =
    publicDir !== '' && image.startsWith(`${normalizePath(publicDir)}/`) ? image.slice(publicDir.length) : undefined;
  return Object.values(bundle).some((output) => {
    if (output.type === 'chunk')
      return output.code.includes(inlined) || (url !== undefined && output.code.includes(url));
    if (output.originalFileNames.includes(name)) return true;
    if (hasImageExtension(output.fileName)) return bytes.equals(Buffer.from(output.source));
    const text = textOf(output.source);
    return text.includes(inlined) || (url !== undefined && text.includes(url));
  });
}

/**
 * Where a URL stands: in one of the files that it came from, or, where none of these is known, in any file of the build.
 * @param texts of files that have directives, read so far; empty for the others
 */
function placeOf(
  context: Rollup.PluginContext,
  url: string,
  files: readonly string[],
  texts: Map<string, string>,
): { file: string | undefined; line?: number } {
  const likely = textFilesOf(files);
  // A bundler may have put the base before it.
  const spellings = [url, url.replaceAll('&', '&amp;'), url.replace(/^[^?]*\//, '')];
  const places = likely.length > 0 ? likely : textFilesOf(context.getModuleIds());
  for (const spelling of spellings) {
    for (const file of places) {
      const text = texts.get(file) ?? textOf(readFileSync(file));
      texts.set(file, text.includes('upscale') ? text : '');
      const at = text.indexOf(spelling);
      if (at >= 0) return { file, line: text.slice(0, at).split('\n').length };
    }
  }
  return { file: files.map((id) => splitUrl(id).path).find((file) => isAbsolute(file)) };
}

/** The files of modules, each once, as far as they are such, and no images. */
function textFilesOf(ids: Iterable<string>): string[] {
  const files = new Set([...ids].map((id) => splitUrl(id).path));
  return [...files].filter((file) => isAbsolute(file) && existsSync(file) && !hasImageExtension(file));
}
