import { mkdir, rm } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { rolldown } from 'rolldown';
import { binaryPackages, isBinaryPackage, isInBinaryPackage, outputOptions, writeJoined } from './joining.js';

/*
 * The command as it is shipped, `dist/command/upres.cjs`: what it needs to find a result that was made before is one file, and what
 * computes one is another. Node takes half a millisecond for each module, however short it is, and there are hundreds. It is CommonJS,
 * which Node reads without starting the loader of ES modules, and of which it can keep the compiled code (`src/cli/compile-cache.ts`).
 * It has a copy of its own of everything: a process that runs the command loads no other door, but for what `apart` names.
 */
const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const folder = join(dist, 'command');

/** What the first file has, besides what it imports. */
const entry = 'cli/main.js';

/** What is loaded in any case, with all that it imports, but only run where it is asked for. */
const atStart = ['cli/program.js', 'cli/run.js', 'asset/cache/line-record.js'];

/** What is loaded besides where a picture is computed on this machine's processor. */
const computing = [
  'image/make-enlargement.js',
  'image/auto/choose-for-picture.js',
  'image/codec/read-header.js',
  'image/codec/encode.js',
  'image/codec/encode-png.js',
  'network/thread-safe-network.js',
  'network/pool/load-backend.js',
];

/** Small packages that are joined as well; their licences lie next to the files. */
const packages = [
  'commander',
  'env-paths',
  'find-cache-directory',
  ...['common-path-prefix', 'find-up-simple', 'is-safe-filename', 'pkg-dir'],
];

/**
 * The module that imports for all others: in Node 20 code that was compiled before can't, so this one is loaded before such code is
 * looked for.
 */
const importing = '\0importing';

/** In place of the module that imports packages which only some install. */
const importingPeer = '\0importing-peer';

/** What is loaded from the modules as they are: see `src/cli/main.ts`. */
const apart = /^(?:server\/|asset\/(?:site\/|pipeline|options)|cli\/(?:farm-batch|import-model)\.)/;

/** Packages in CommonJS: by `require` they come without the loader of ES modules. */
const required = ['cacache', 'write-file-atomic'];

const nameOf = (file) => relative(dist, file).split(sep).join('/');

/** Each module that is loaded at once with these ones. */
function closure(names, infoOf) {
  const found = new Set();
  const follow = (id) => {
    const info = infoOf(id);
    if (!info || found.has(id)) return;
    found.add(id);
    for (const imported of info.importedIds) follow(imported);
  };
  for (const name of names) follow(join(dist, name));
  return found;
}

/** A piece of a module's code is another; that it is there is made sure of. */
function replaceIn(code, file, was, is) {
  if (!code.includes(was)) throw new Error(`${file} has no more ${was}: see plugins/command.js`);
  return code.replace(was, is);
}

let first;
let start;
let compute;
const joined = {
  name: 'command',
  resolveId(specifier, importer) {
    if (specifier === importing) return specifier;
    if (specifier.endsWith('/import-peer.cjs')) return importingPeer;
    if (importer === undefined || importer.includes('node_modules') || packages.includes(specifier)) return undefined;
    if (importer.startsWith('\0')) return specifier.startsWith('node:') ? { id: specifier, external: true } : specifier;
    return specifier.startsWith('.') ? resolve(dirname(importer), specifier) : { id: specifier, external: true };
  },
  load(id) {
    if (id === importingPeer) return `export { importThere as default } from '${importing}';`;
    return id === importing ? 'export const importThere = (specifier) => import(specifier);' : undefined;
  },
  transform(code, id) {
    if (isInBinaryPackage(id)) return undefined;
    // Its commands are no programs of their own, and what starts programs takes longer to load than commander.
    const own = id.endsWith(join('commander', 'lib', 'command.js'))
      ? replaceIn(code, id, "const childProcess = require('node:child_process');", 'const childProcess = undefined;')
      : code;
    return (
      own
        // Paths that a module has from its own place on.
        .replace(/new URL\('(\.[^']*)', import\.meta\.url\)/g, (_, path) => {
          const { pathname } = new URL(path, `file:///dist/${nameOf(id)}`);
          return `new URL('../..${pathname}', import.meta.url)`;
        })
        .replace(/\bimport\('([^'#][^']*)'\)/g, (imported, specifier) => {
          if (specifier.startsWith('.')) {
            const name = nameOf(resolve(dirname(id), specifier));
            return apart.test(name) ? `importThere('../${name}')` : imported;
          }
          if (isBinaryPackage(specifier)) return imported;
          return required.includes(specifier)
            ? `Promise.resolve().then(() => ({ default: require('${specifier}') }))`
            : `importThere('${specifier}')`;
        })
        .replace(/^(?=[^]*\bimportThere\()/, `import { importThere } from '${importing}';\n`)
        // Without the copy of all properties that a module would have, which takes longer than what it is for.
        .replace(/^import (\w+)(?:, \{\})? from '(node:[\w/]+)';$/gm, "const $1 = require('$2');")
    );
  },
  buildEnd(error) {
    if (error) return;
    const infoOf = (id) => this.getModuleInfo(id);
    for (const name of [...atStart, ...computing]) {
      if (!infoOf(join(dist, name))) throw new Error(`the command does not import ${name}: see plugins/command.js`);
    }
    first = closure([entry], infoOf);
    start = closure(atStart, infoOf);
    compute = closure(computing, infoOf);
  },
};

await rm(folder, { recursive: true, force: true });
const bundle = await rolldown({
  input: { upres: join(dist, entry) },
  platform: 'node',
  plugins: [binaryPackages, joined],
  // Most modules that are loaded later are part of a file that is there already.
  checks: { ineffectiveDynamicImport: false },
});
const { output } = await bundle.generate({
  ...outputOptions,
  codeSplitting: {
    groups: [
      { name: 'first', test: (id) => id === importing || (first.has(id) && nameOf(id) !== entry) },
      { name: 'start', test: (id) => start.has(id) },
      { name: 'compute', test: (id) => compute.has(id) },
    ],
  },
});
await bundle.close();
await mkdir(folder);
await writeJoined(output, folder, 'LICENSES');
