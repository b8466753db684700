import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { rolldown } from 'rolldown';
import { binaryPackages, outputOptions, writeJoined } from './joining.js';

/*
 * The body of the pool's threads as it is shipped, `dist/network/pool/thread.cjs`: one file, which Node reads without starting the loader
 * of ES modules, and another with the work on rows. Each thread of a process loads them anew, and as modules they are fifty. What is needed
 * but now and then (how networks are prepared, the runtime in WebAssembly) is loaded from its modules as they are.
 */
const dist = join(import.meta.dirname, '..', 'dist');
const folder = join(dist, 'network', 'pool');
const entry = join(folder, 'thread.js');

const inPosix = (path) => path.split(sep).join('/');

/** The modules that threads are given the URL of (`src/row-work.ts`), by their path in `dist`. */
const rowModules = readdirSync(dist, { recursive: true })
  .filter((file) => file.endsWith('.js') && /^\s*module: new URL\(/m.test(readFileSync(join(dist, file), 'utf8')))
  .map(inPosix)
  .sort();
if (rowModules.length === 0) throw new Error('no module has work on rows: see plugins/thread.js');

const joinedRows = '\0joined-rows';
const importRows = 'await import(module)';

const joined = {
  name: 'thread',
  resolveId(specifier, importer, { kind }) {
    if (specifier === joinedRows) return specifier;
    if (importer === undefined || importer.startsWith('\0') || importer.includes('node_modules')) return undefined;
    if (!specifier.startsWith('.')) return { id: specifier, external: true };
    const file = resolve(dirname(importer), specifier);
    if (kind !== 'dynamic-import') return file;
    const there = inPosix(relative(folder, file));
    return { id: there.startsWith('.') ? there : `./${there}`, external: true };
  },
  load(id) {
    if (id !== joinedRows) return undefined;
    const parts = rowModules.map((name) => `'${name}': () => import(${JSON.stringify(join(dist, name))})`);
    return `export const joinedRows = {\n${parts.join(',\n')}\n};`;
  },
  transform(code, id) {
    if (id !== entry) return undefined;
    if (!code.includes(importRows)) throw new Error(`thread.js has no more ${importRows}: see plugins/thread.js`);
    const own = "joinedRows[module.slice(new URL('../../', import.meta.url).href.length)]";
    return `import { joinedRows } from '${joinedRows}';\n${code.replace(importRows, `await (${own}?.() ?? import(module))`)}`;
  },
};

const bundle = await rolldown({ input: { thread: entry }, platform: 'node', plugins: [binaryPackages, joined] });
const rows = new Set(rowModules.map((name) => join(dist, name)));
const { output } = await bundle.generate({
  ...outputOptions,
  codeSplitting: { groups: [{ name: 'thread-rows', test: (id) => rows.has(id) }] },
});
await bundle.close();
await writeJoined(output, folder, 'thread-licences.txt');
