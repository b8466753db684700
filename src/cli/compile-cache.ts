import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import Module from 'node:module';
import { dirname, join } from 'node:path';
import { constants, Script } from 'node:vm';

/** What compiled code is not read for so many milliseconds is of a release that no one uses any more. */
const keptForMs = 30 * 24 * 60 * 60_000;

/** Node's way to compile a CommonJS module, which packages replace that do what this file does. */
interface Compiling {
  _compile: (this: NodeJS.Module, content: string, filename: string) => unknown;
}

/**
 * Has the code of CommonJS modules compiled once, and not at every start of the process: Node does that from 22.1 on, by
 * `module.enableCompileCache`, which `NODE_DISABLE_COMPILE_CACHE` forbids. Older ones are taught it, for the modules below a folder.
 * Where compiled code can't be read or written, it is compiled as ever.
 * @param folder for what was compiled, the user's own
 * @param own folder of the modules
 */
export function cacheCompiled(folder: string, own: string): void {
  const { enableCompileCache } = Module as { enableCompileCache?: (folder: string) => unknown };
  if (process.env.NODE_DISABLE_COMPILE_CACHE !== undefined) return;
  if (enableCompileCache) {
    enableCompileCache(folder);
    return;
  }
  const { prototype } = Module as unknown as { prototype: Compiling };
  const compile = prototype._compile;
  prototype._compile = function (content, filename) {
    return filename.startsWith(own) ? run(this, content, filename, folder) : compile.call(this, content, filename);
  };
}

function run(module: NodeJS.Module, content: string, filename: string, folder: string): unknown {
  const file = join(folder, hashOf(content));
  const cachedData = readIfThere(file);
  const script = new Script(Module.wrap(content), {
    filename,
    cachedData,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  // With the functions that were compiled meanwhile because they were called.
  if (!cachedData || script.cachedDataRejected)
    process.once('exit', () => {
      keep(file, script.createCachedData());
    });
  const execute = script.runInThisContext() as (...given: unknown[]) => unknown;
  const require = (name: string): unknown => module.require(name);
  return execute.call(module.exports, module.exports, require, module, filename, dirname(filename));
}

/** Node's version and architecture are in it, too: V8 refuses what another one compiled, and would do so for ever. */
function hashOf(content: string): string {
  return createHash('sha256').update(`${process.version} ${process.arch} `).update(content).digest('hex');
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

function keep(file: string, compiled: Buffer): void {
  const folder = dirname(file);
  const temporary = `${file}.${randomUUID()}`;
  try {
    mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(folder)) {
      const old = join(folder, name);
      if (statSync(old).mtimeMs < Date.now() - keptForMs) rmSync(old, { force: true });
    }
    writeFileSync(temporary, compiled);
    renameSync(temporary, file);
  } catch {
    rmSync(temporary, { force: true });
  }
}
