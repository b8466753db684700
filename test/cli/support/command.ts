import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ErrorLine, OutputLine } from '#src/cli/report.js';

export const main = fileURLToPath(new URL('../../../dist/command/upres.cjs', import.meta.url));

/** Networks are prepared once for each test file; the record of written files lies here too, and tests about it have their own. */
export const sharedCache = path.join(tmpdir(), `upres-cli-cache-${process.pid}`);

export interface RunOptions {
  readonly cwd: string;
  /** The child's `XDG_CACHE_HOME`. */
  readonly cache?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly spawn?: SpawnOptions;
  /** Called whenever the child has printed something on standard error, with all of it so far. */
  readonly onStderr?: (text: string, child: ChildProcess) => void;
  readonly onStart?: (child: ChildProcess) => void;
}

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Environment of a child: without a terminal, and with a cache folder of the test's own. */
export function childEnvironment(cache = sharedCache, more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const inherited = { ...process.env };
  delete inherited.UPRES_CACHE_FOLDER;
  return { ...inherited, XDG_CACHE_HOME: cache, ...more };
}

/** Runs the command as users do, in a process of its own. */
export function upres(args: readonly string[], options: RunOptions): Promise<Finished> {
  return execute(process.execPath, [main, ...args], options);
}

export async function execute(program: string, args: readonly string[], options: RunOptions): Promise<Finished> {
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: childEnvironment(options.cache, options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options.spawn,
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    options.onStderr?.(stderr, child);
  });
  options.onStart?.(child);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout, stderr };
}

/** The lines of `--json`, by input. */
export function jsonLines(stdout: string): Map<string, OutputLine | ErrorLine> {
  const lines = stdout.split('\n').filter((line) => line !== '');
  return new Map(
    lines.map((line) => {
      const value = JSON.parse(line) as OutputLine | ErrorLine;
      return [value.input, value];
    }),
  );
}

/** Codes of the failed inputs. */
export function errorCodes(stdout: string): Record<string, string> {
  return Object.fromEntries(
    [...jsonLines(stdout)].flatMap(([input, line]) => ('error' in line ? [[input, line.error.code]] : [])),
  );
}
