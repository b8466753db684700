import { UpresError } from '#upres/errors.js';
import type { Compiler, LoaderContext } from 'webpack';

/** The first release with all that loaders are given here: paths as requests (`utils`), the compiler's own classes (`webpack`). */
const oldest = '5.36';

/**
 * Refuses what is too old for the plugin, before it fails somewhere inside.
 * @throws BAD_ARGUMENT
 */
export function checkVersion(compiler: Partial<Compiler>): void {
  if ('rspack' in compiler) return;
  const { webpack } = compiler;
  if (webpack && atLeast(webpack.version)) return;
  const found = webpack ? webpack.version : 'an older one';
  throw new UpresError('BAD_ARGUMENT', `UpresPlugin needs webpack ${oldest} or newer, or Rspack; this is ${found}`);
}

/**
 * The same for the loader, which rules can name without the plugin and which other tools can run.
 * @throws Error
 */
export function checkContext(context: Partial<LoaderContext<unknown>>): void {
  // Without a compiler it is another tool's context, which may have less.
  if (context.getOptions && (context.utils || !context._compiler)) return;
  throw new Error(`the loader of upres needs webpack ${oldest} or newer, or Rspack, and this is none of them`);
}

function atLeast(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = oldest.split('.').map(Number);
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}
