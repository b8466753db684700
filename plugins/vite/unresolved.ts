import { unresolvedDirectives, textOf } from '#upres/asset/unresolved-directives.js';
import type { Plugin, Rollup } from 'vite';
import { leftMarks, type CssMark } from './css-marks.js';
import { manifestKeys } from './deliver.js';
import type { Session } from './session.js';

/**
 * A directive that is still there when everything is built was seen by no hook, and the page would show the small image: that is
 * an error, never a surprise, unless the options say otherwise. What names no file of the project is none: code samples, and
 * parameters of other services.
 */
export function unresolvedPlugin(session: () => Session): Plugin {
  return {
    name: 'upres:unresolved',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        const { config, options } = session();
        for (const output of Object.values(bundle)) {
          for (const mark of marksIn(output)) {
            const about = 'another plugin took this CSS before its image could be put in place';
            this.error(session().readable(new Error(`${about}, into ${output.fileName}`), mark.url, mark.importer));
          }
          if (options.leftovers === 'ignore') continue;
          const found = unresolvedDirectives(output, config, (code) => this.parse(code)).filter(
            // In a module that a plugin made, it is the manifest.
            ({ url, from }) => !(from.includes('\0') && manifestKeys.has(url)),
          );
          if (found.length === 0) continue;
          const message =
            found
              .map(({ url, from }) => `"${url}" is still in ${output.fileName}${from}: its image was not upscaled. `)
              .join('\n') +
            'Directives work in imports, in new URL("…", import.meta.url), in CSS url() and image-set(), and in the attributes of HTML; ' +
            'a URL that is put together at run time can’t carry one. Where it is none, say leftovers: "warn" or "ignore" in the options of upres.';
          if (options.leftovers === 'warn') this.warn(message);
          else this.error(message);
        }
      },
    },
  };
}

type Output = Rollup.OutputAsset | Rollup.OutputChunk;

function marksIn(output: Output): CssMark[] {
  if (!/\.(?:[cm]?js|css|html?|svg|webmanifest)$/i.test(output.fileName)) return [];
  return leftMarks(output.type === 'chunk' ? output.code : textOf(output.source));
}
