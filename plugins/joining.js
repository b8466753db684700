import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/* What scripts share that join modules to files in CommonJS, packages of others among them. */
const root = join(import.meta.dirname, '..');

/**
 * Packages of many modules around a binary, which is loaded from where they are installed: the module that each is. Where another
 * version is installed than the one that `package.json` names, that one is loaded.
 */
const binaries = { sharp: 'dist/index.cjs', 'onnxruntime-node': 'dist/index.js' };

/** What a package with a binary loads from where it is installed: its binary, and what comes with that. */
const fromPlace = /\brequire\((?=["'`](?:@img\/sharp|\.\.\/(?:src|bin)\/))/g;

/** A module that is a package, joined, if that is the version which is installed. */
function joinedPackage(name) {
  const place = join(root, 'node_modules', name);
  const { version } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'));
  const main = join(place, binaries[name]);
  return `const { createRequire } = require('node:module');
const installed = createRequire(__filename).resolve('${name}');
const load = createRequire(installed);
module.exports = load('../package.json').version === '${version}' ? require(${JSON.stringify(main)}) : load(installed);`;
}

export const isBinaryPackage = (specifier) => Object.hasOwn(binaries, specifier);

const moduleOfPackage = /node_modules[/\\](sharp|onnxruntime-node)[/\\].*\.c?js$/;

export const isInBinaryPackage = (id) => moduleOfPackage.test(id);

/** Joins packages around a binary. It goes before all that make other packages external. */
export const binaryPackages = {
  name: 'binary-packages',
  resolveId(specifier) {
    return isBinaryPackage(specifier) ? `\0${specifier}.cjs` : undefined;
  },
  load(id) {
    const [, name] = /^\0(.*)\.cjs$/.exec(id) ?? [];
    return isBinaryPackage(name ?? '') ? { code: joinedPackage(name), moduleType: 'js' } : undefined;
  },
  transform(code, id) {
    const [, name] = moduleOfPackage.exec(id) ?? [];
    if (name === undefined) return undefined;
    return `const { createRequire: createRequireOf } = require('node:module');
const requireThere = createRequireOf(createRequireOf(__filename).resolve('${name}'));
${code.replace(fromPlace, 'requireThere(')}`;
  },
};

/** How joined files are written. Names remain, for those who report an error. */
export const outputOptions = {
  format: 'cjs',
  entryFileNames: '[name].cjs',
  chunkFileNames: '[name].cjs',
  minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
};

/** The same code: V8 reads text of which each letter is one byte twice as fast. */
const inAscii = (code) =>
  code.replace(/[^\0-\x7f]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Writes joined files, and next to them the licences of the packages that are in them. */
export async function writeJoined(output, folder, licencesName) {
  for (const { fileName, code } of output) await writeFile(join(folder, fileName), inAscii(code));
  const copied = new Set(
    output.flatMap(({ moduleIds }) =>
      moduleIds.flatMap((id) => /node_modules[/\\]((?:@[^/\\]+[/\\])?[^/\\]+)/.exec(id)?.[1] ?? []),
    ),
  );
  const licences = [...copied].sort().map((name) => {
    const place = join(root, 'node_modules', name);
    const file = readdirSync(place).find((each) => /^licen[cs]e(?:\.md)?$/i.test(each));
    const { author, license } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'));
    return `${name}\n\n${file ? readFileSync(join(place, file), 'utf8').trim() : `${license}, ${author.name ?? author}`}\n`;
  });
  await writeFile(join(folder, licencesName), licences.join('\n---\n\n'));
}
