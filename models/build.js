// `npm run models:build`: makes the networks that others have trained, from the files that sources.json names, and writes them
// with their cards into this folder. `npm run models:build -- --check` writes nothing, and fails unless what lies here is what
// comes out, byte for byte. Both need the npm registry, or its packages in npm's cache.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ncnnImporter } from '../dist/model/graph/import/ncnn.js';
import { opsetOf, writeOnnx } from '../dist/model/graph/onnx/file.js';
import { analyse } from '../dist/model/graph/receptive-field.js';

const ONNX_FLOAT = 1;
const PICTURES = { layout: 'NCHW', type: 'float32', range: [0, 1], channels: 3 };

const { packages, families, models } = JSON.parse(readFileSync(new URL('sources.json', import.meta.url), 'utf8'));
const check = process.argv.includes('--check');
const scratch = mkdtempSync(join(tmpdir(), 'upres-models-'));
let different = 0;
try {
  for (const source of packages) unpack(source);
  for (const model of models) make(model);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
if (different > 0) {
  console.error(`${different} files are not what comes out of their sources.`);
  process.exitCode = 1;
}

/** Fetches a package, compares it with the hash of the version that was looked at, and takes out the files of networks. */
function unpack({ name, version, integrity }) {
  const listed = run('npm', 'pack', `${name}@${version}`, '--json', '--prefer-offline', '--pack-destination', scratch);
  const archive = join(scratch, JSON.parse(listed)[0].filename);
  const hash = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (hash !== integrity) throw new Error(`${name}@${version} is not the package that was looked at: ${hash}.`);
  const wanted = models.flatMap(({ param, bin }) => [param, bin]).filter((file) => file.package === name);
  // Every package's files lie below "package/".
  run('tar', '-xzf', archive, '-C', scratch, ...wanted.map(({ path }) => `package/${path}`));
  for (const { path, sha256 } of wanted) {
    const found = sha256Of(readFileSync(join(scratch, 'package', path)));
    if (found !== sha256)
      throw new Error(`${path} of ${name}@${version} is not the file that was looked at: ${found}.`);
  }
  rmSync(archive);
}

function make({ folder, label, scale, display, for: use, family, param, bin }) {
  const path = join(scratch, 'package', param.path);
  const { model } = ncnnImporter.convert({
    path,
    bytes: readFileSync(path),
    beside: new Map([[basename(bin.path), readFileSync(join(scratch, 'package', bin.path))]]),
  });
  const onnx = writeOnnx(model);
  const input = { layout: 'NCHW', channels: 3, type: ONNX_FLOAT };
  const { geometry } = analyse(model.graph, opsetOf(model), input);
  if (geometry.scale !== scale || !geometry.halo) throw new Error(`${folder}: the graph can't be followed.`);
  const { licence, author, upstream } = families[family];
  const { version } = packages.find(({ name }) => name === param.package);
  const card = {
    label,
    scale,
    display,
    for: use,
    licence,
    author,
    source: `${upstream}; converted from the ncnn files in the npm package ${param.package}@${version}`,
    file: 'model.onnx',
    sha256: sha256Of(onnx),
    input: PICTURES,
    output: PICTURES,
    receptiveRadius: Math.max(...Object.values(geometry.halo)),
    multipleOf: geometry.multipleOf,
    macPerPixel: geometry.macPerPixel,
    parameters: geometry.parameters,
  };
  if (!existsSync(at(`${folder}/LICENSE`))) throw new Error(`${folder} has no LICENSE.`);
  put(`${folder}/model.onnx`, onnx);
  put(`${folder}/model.json`, Buffer.from(`${JSON.stringify(card, null, 2)}\n`));
}

function put(name, bytes) {
  const old = existsSync(at(name)) ? readFileSync(at(name)) : Buffer.alloc(0);
  const same = old.equals(bytes);
  if (!same && check) different++;
  if (!same && !check) writeFileSync(at(name), bytes);
  console.log(`${same ? 'the same ' : check ? 'DIFFERENT' : 'written  '}  ${name}  ${bytes.length} bytes`);
}

function at(name) {
  return fileURLToPath(new URL(name, import.meta.url));
}

function sha256Of(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

function run(command, ...words) {
  const { status, stdout, error } = spawnSync(command, words, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 26,
    // npm is a batch file there.
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`${command} ${words[0]} failed`, { cause: error });
  return stdout;
}
