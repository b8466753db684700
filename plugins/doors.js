import { dirname, join, relative, resolve, sep } from 'node:path';
import { rolldown } from 'rolldown';

/*
 * Node takes half a millisecond to load a module of ours, however short it is, and every start of a build tool pays for all that its
 * configuration imports. Where that shows (Rspack builds 5,000 modules in half a second), what a plugin needs at once is joined to one file;
 * what it loads later, and loaders, are files by themselves as before.
 */
const dist = join(import.meta.dirname, '../dist');

/** Each door, and the module that it is. */
const doors = { webpack: 'plugins/webpack/index.js' };

/** Modules of which a process must have one, whoever imports them: they have state, or a class by which errors are known. */
const single = ['errors.js', 'network/native-state.js', 'plugins/webpack/compiler-state.js'];

/** Others that keep something have only what follows from their arguments: a second one does no harm. */
const forgetful = ['asset/directives.js', 'asset/engine-identity.js', 'model/catalogue/registry.js'];

/** What a module keeps from one call to the next. */
const state = /^(?:export )?(?:let |(?:const|var) \w+ = (?:\/\*.*?\*\/ )?new (?:Weak)?(?:Map|Set)\(\))/m;

/** A module's name from `dist` on. */
const nameOf = (file) => relative(dist, file).split(sep).join('/');

for (const [door, input] of Object.entries(doors)) {
  const file = join(dist, 'doors', `${door}.js`);
  const joined = {
    name: 'doors',
    resolveId(specifier, importer, { kind }) {
      if (importer === undefined) return undefined;
      if (!/^(?:\.|#upres\/)/.test(specifier)) return { id: specifier, external: true };
      const module = specifier.startsWith('.')
        ? resolve(dirname(importer), specifier)
        : join(dist, specifier.slice('#upres/'.length));
      const isApart = kind === 'dynamic-import' || single.includes(nameOf(module));
      return isApart ? { id: `../${nameOf(module)}`, external: true } : module;
    },
    // Paths that a module has from its own place on.
    transform: (code, id) =>
      code.replace(/new URL\('(\.[^']*)', import\.meta\.url\)/g, (_, path) => {
        const { pathname } = new URL(path, `file:///dist/${nameOf(id)}`);
        return `new URL('../..${pathname}', import.meta.url)`;
      }),
  };
  const bundle = await rolldown({ input: join(dist, input), platform: 'node', plugins: [joined] });
  const { output } = await bundle.write({ file, format: 'esm' });
  await bundle.close();
  for (const [id, { code }] of Object.entries(output[0].modules)) {
    if (code !== null && state.test(code) && !forgetful.includes(nameOf(id))) {
      throw new Error(`${nameOf(id)} keeps something, and "${door}" would have it twice: see plugins/doors.js`);
    }
  }
}
