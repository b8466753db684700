import { spawn, type ChildProcess } from 'node:child_process';

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Node's own flags. */
  readonly execArgv?: readonly string[];
  /** Called with each line of standard output as it comes. */
  readonly onLine?: (line: string, child: ChildProcess) => void;
  /** The program to start, with arguments that come before Node's: `['unshare', '-rn']`. */
  readonly under?: readonly string[];
}

export interface ChildResult {
  /** Exit code; null when a signal ended the process. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** It did not end by itself and was killed. */
  readonly hung: boolean;
}

/** A child that takes longer hangs: far above what any of them needs, also on a busy machine. */
const timeoutMs = 60_000;

/** Runs a JavaScript file in a Node process of its own and tells how it ended. */
export async function runChild(
  file: string,
  args: readonly string[],
  options: ChildOptions = {},
): Promise<ChildResult> {
  const [program, ...before] = [...(options.under ?? []), process.execPath];
  const child = spawn(program, [...before, ...(options.execArgv ?? []), file, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // The test runner's own settings are none of the child's business.
    env: { ...process.env, NODE_OPTIONS: undefined, VITEST: undefined, ...options.env },
  });
  let stdout = '';
  let stderr = '';
  let line = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    const lines = (line + text).split('\n');
    line = lines.pop() ?? '';
    for (const complete of lines) options.onLine?.(complete, child);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  let hung = false;
  const timer = setTimeout(() => {
    hung = true;
    child.kill('SIGKILL');
  }, timeoutMs);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (...ending) => {
      resolve(ending);
    });
  });
  clearTimeout(timer);
  return { code, signal, stdout, stderr, hung };
}
