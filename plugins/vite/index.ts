/**
 * The plugin for Vite 6 and newer, and for what stands on it.
 * @module upres/vite
 */
import type { Plugin, ResolvedConfig } from 'vite';
import { finishStyles, markDirectives } from './css.js';
import { hotPlugin } from './hot.js';
import { htmlPlugin, servedHtmlPlugin } from './html-plugin.js';
import { importPlugin } from './imports.js';
import { unresolvedPlugin } from './unresolved.js';
import { lifecyclePlugin } from './lifecycle.js';
import { markingVisitor, visits } from './lightningcss.js';
import { templatesPlugin } from './templates.js';
import { newUrlPlugin } from './new-url.js';
import { checkOptions, type UpresViteOptions } from './options.js';
import { Sessions, type SessionOf } from './sessions.js';
import { sightingsPlugin } from './sightings.js';

export { markingVisitor };
export type { AutoOptions, DevMode, UpresViteOptions } from './options.js';
export type { AssetOptions } from '#upres/asset/options.js';

/**
 * Upscales images whose URL says so, as in `photo.jpg?upscale=2`: in imports, in CSS, in HTML, in the build and in development.
 * @throws UpresError BAD_ARGUMENT for options that don't exist or can't be
 */
export function upres(options: UpresViteOptions = {}): Plugin[] {
  checkOptions(options);
  const sessions = new Sessions(options);
  const session: SessionOf = (environment) => sessions.of(environment);
  // Before all other plugins.
  const sightings = new Reader(sightingsPlugin(session), () => 0);
  const newUrl = new Reader(newUrlPlugin(session), beforeVites);
  return [
    // Vite's own configuration: styles are marked and read within its pipeline, images of the development server answered.
    basePlugin(sessions, [sightings, newUrl]),
    // Writes down what sources ask for, before any other plugin reads them.
    sightings.plugin,
    // Attributes of components that ask for more than one URL.
    templatesPlugin(session),
    // Imports and globs: images as modules.
    importPlugin(session),
    // URLs in scripts, when components are compiled.
    newUrl.plugin,
    // Pages of builds; pages as the development server sends them.
    htmlPlugin(session),
    servedHtmlPlugin(session),
    // What is not delivered at the end is an error.
    unresolvedPlugin(session),
    // The summary, the report, and the end of all threads.
    lifecyclePlugin(session),
    // What a changed image is loaded again in.
    hotPlugin(session),
  ];
}

export default upres;

/**
 * What `require()` gives: the function itself, and what `import` finds by name.
 * @hidden
 */
const required = Object.assign(upres, { upres, default: upres, markingVisitor });
export { required as 'module.exports' };

const occupied =
  'css.lightningcss has a visitor already; join it with markingVisitor() of upres/vite by composeVisitors()';

/** Everything here stands on Vite's environments, which came with its version 6. */
function checkVersion(config: ResolvedConfig): void {
  if ('environments' in config) return;
  const error = new Error('upres needs Vite 6 or newer, and this is an older one (VitePress 1 brings Vite 5)');
  throw Object.assign(error, { name: 'UpresError' });
}

/** Rollup and Rolldown run plugins for Vite, too, and leave out the half of them. */
function refuseTool(meta: { rolldownVersion?: string }): never {
  const tool = meta.rolldownVersion === undefined ? 'Rollup' : 'Rolldown';
  const error = new Error(`upres/vite is for Vite, and this is ${tool}: take upres/rollup`);
  throw Object.assign(error, { name: 'UpresError' });
}

/** Vite's configuration, and its server. */
function basePlugin(sessions: Sessions, readers: readonly Reader[]): Plugin {
  let unreadable: string | undefined;
  return {
    name: 'upres',
    enforce: 'pre',
    options() {
      // Vite has resolved its configuration by now.
      if (!sessions.latest) refuseTool(this.meta);
    },
    async config(config) {
      if (config.css?.transformer === 'lightningcss') {
        unreadable = visits(config.css.lightningcss) ? occupied : undefined;
        return unreadable === undefined
          ? { css: { lightningcss: { visitor: markingVisitor(config.root) } } }
          : undefined;
      }
      const { withPostcssPlugin } = await import('./postcss-config.js');
      return { css: { postcss: await withPostcssPlugin(config, markDirectives(sessions)) } };
    },
    configResolved(config) {
      checkVersion(config);
      sessions.open(config);
      const plugins = config.plugins as Plugin[];
      if (config.command === 'build') for (const reader of readers) reader.place(plugins);
      if (plugins.some(({ name }) => name.startsWith('vite-plugin-sveltekit'))) leaveOutPages(plugins);
      finishStyles(config.plugins, sessions);
      if (unreadable !== undefined) config.logger.warn(`upres: directives in CSS are not read: ${unreadable}`);
    },
    async configureServer(server) {
      const session = sessions.of(server.environments.client);
      session.dependents.watch(server);
      const { install } = await import('./dev.js');
      return () => {
        install(server, session);
      };
    },
    async closeBundle() {
      // The server's end: builds have theirs in `lifecyclePlugin`.
      if (this.environment.mode === 'dev') await sessions.of(this.environment).forget();
    },
  };
}

/** A plugin that stands elsewhere in builds, and what is left in its place. */
class Reader {
  /** Vite matches plugins that environments share by their names, in their order: one that was only moved would upset that. */
  private readonly leftBehind: Plugin;

  /** @param placeOf where it has to stand, by index: no `enforce` puts it there */
  constructor(
    readonly plugin: Plugin,
    private readonly placeOf: (plugins: readonly Plugin[]) => number,
  ) {
    this.leftBehind = { name: plugin.name };
  }

  /** Workers of Vite 6 have plugins that can't be moved; there it stays in the place that the list gives it. */
  place(plugins: Plugin[]): void {
    const at = plugins.findIndex((each) => each === this.plugin || each === this.leftBehind);
    if (at < 0) return;
    plugins[at] = this.leftBehind;
    plugins.splice(this.placeOf(plugins), 0, this.plugin);
  }
}

/** Right before Vite's own of the same work. */
function beforeVites(plugins: readonly Plugin[]): number {
  const vites = plugins.findIndex(({ name }) => name === 'vite:asset-import-meta-url');
  return vites < 0 ? plugins.length : vites;
}

/** SvelteKit makes its pages itself, and warns of plugins that wait for Vite's. */
function leaveOutPages(plugins: Plugin[]): void {
  const others = plugins.filter(({ name }) => !name.startsWith('upres:html'));
  plugins.splice(0, plugins.length, ...others);
}
