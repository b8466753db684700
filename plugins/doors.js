import { dirname, join, relative, resolve, sep } from 'node:path';
import { rolldown } from 'rolldown';

/*
 * Node takes half a millisecond to load a module of ours, however short it is, and every start of a build tool pays for all that its
 * configuration imports. Where that shows (Rspack builds 5,000 modules in half a second), what a plugin needs at once is joined to one file;
 * what it loads later, and loaders, are files by themselves as before.
 */
const dist = join(import.meta.dirname, '../dist');

/**
 * Each door: the module that it is, and what is joined though it is loaded later: what a build needs whose pictures were all made before.
 * Such a module is still run only when it is asked for.
 */
const doors = {
  vite: {
    input: 'plugins/vite/index.js',
    later: [
      'asset/recall.js',
      'asset/source-facts.js',
      'asset/asset-plan.js',
      'asset/cache/line-record.js',
      // They share state with the plugin.
      'plugins/vite/dev.js',
      'plugins/vite/postcss-config.js',
    ],
  },
  webpack: { input: 'plugins/webpack/index.js', later: [] },
  gulp: { input: 'plugins/gulp/index.js', later: ['asset/cache/line-record.js', 'asset/recall.js'] },
};

/** Modules of which a process must have one, whoever imports them: they have state, or a class by which errors and sources are known. */
const single = [
  'abort.js',
  'asset/cache/cache-key.js',
  'asset/shared-upscaler.js',
  'errors.js',
  'image/image-source.js',
  'model/catalogue/model-files.js',
  'network/native-state.js',
  'plugins/webpack/compiler-state.js',
  'quick-files.js',
];

/**
 * Others that keep something have only what follows from their arguments, what no other door asks them for, or what several processes
 * may keep at once, too: a second one does no harm.
 */
const forgetful = [
  'asset/cache/line-record.js',
  'asset/directives.js',
  'asset/resolve.js',
  'plugins/vite/deliver.js',
  'asset/engine-identity.js',
  'model/catalogue/registry.js',
];

/** What a module keeps from one call to the next. */
const state =
  /^(?:(?:export )?let |(?:(?:export )?(?:const|var)|\s+static) \w+ = (?:\/\*.*?\*\/ )?new (?:Weak)?(?:Map|Set)\(\))/m;

/** A module's name from `dist` on. */
const nameOf = (file) => relative(dist, file).split(sep).join('/');

for (const [door, { input, later }] of Object.entries(doors)) {
  const file = join(dist, 'doors', `${door}.js`);
  const joined = {
    name: 'doors',
    resolveId(specifier, importer, { kind }) {
      if (importer === undefined) return undefined;
      if (!/^(?:\.|#upres\/)/.test(specifier)) return { id: specifier, external: true };
      const module = specifier.startsWith('.')
        ? resolve(dirname(importer), specifier)
        : join(dist, specifier.slice('#upres/'.length));
      const isApart = (kind === 'dynamic-import' && !later.includes(nameOf(module))) || single.includes(nameOf(module));
      // What is used of it is imported, and nothing else of ours does anything by being loaded.
      return isApart ? { id: `../${nameOf(module)}`, external: true, moduleSideEffects: false } : module;
    },
    // Paths that a module has from its own place on.
    transform: (code, id) =>
      code.replace(/new URL\('(\.[^']*)', import\.meta\.url\)/g, (_, path) => {
        const { pathname } = new URL(path, `file:///dist/${nameOf(id)}`);
        return `new URL('../..${pathname}', import.meta.url)`;
      }),
  };
  const bundle = await rolldown({ input: join(dist, input), platform: 'node', plugins: [joined] });
  const { output } = await bundle.write({ file, format: 'esm', codeSplitting: false });
  await bundle.close();
  for (const [id, { code }] of Object.entries(output[0].modules)) {
    if (code !== null && state.test(code) && !forgetful.includes(nameOf(id))) {
      throw new Error(`${nameOf(id)} keeps something, and "${door}" would have it twice: see plugins/doors.js`);
    }
  }
}
