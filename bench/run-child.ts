import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { familyMs } from './processor-time.js';

/** A process that has ended well. */
export interface Finished {
  readonly stdout: string;
  readonly stderr: string;
  /** Milliseconds from its start to its end. */
  readonly wallMs: number;
  /** Milliseconds of processor time, this process's own meanwhile included; undefined where the system does not tell. */
  readonly cpuMs: number | undefined;
  /** The most memory that it held at once, in bytes; undefined unless watched, or where the system does not tell. */
  readonly peakBytes: number | undefined;
}

export interface ChildOptions {
  readonly cacheFolder: string;
  /** Looks at its memory now and then, which costs the machine a little. Default: false. */
  readonly watch?: boolean;
  /** Variables besides this process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** How often a watched process is looked at: the peak never goes down, so only what comes after the last look is missed. */
const watchEveryMs = 50;

/**
 * Runs Node with these arguments.
 * @throws with its words when it ends otherwise than with 0
 */
export async function runNode(
  args: readonly string[],
  { cacheFolder, watch = false, env = {} }: ChildOptions,
): Promise<Finished> {
  const cpu = familyMs();
  const start = performance.now();
  const child = spawn(process.execPath, args, {
    // Not where a project of the user's is, whose cache would be taken.
    cwd: tmpdir(),
    env: { ...process.env, UPRES_CACHE_FOLDER: cacheFolder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  let peakBytes: number | undefined;
  const look = (): void => {
    peakBytes = peakOf(String(child.pid)) ?? peakBytes;
  };
  const watching = watch ? setInterval(look, watchEveryMs) : undefined;
  let wallMs = 0;
  child.once('exit', () => (wallMs = performance.now() - start));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearInterval(watching);
  if (code !== 0) throw new Error(`node ${args.join(' ')} ended with ${String(code ?? signal)}:\n${stderr}`);
  const cpuNow = familyMs();
  const cpuMs = cpu === undefined || cpuNow === undefined ? undefined : cpuNow - cpu;
  return { stdout, stderr, wallMs, cpuMs, peakBytes };
}

/** The most memory that a process held at once, in bytes. */
function peakOf(pid: string): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const kibibytes = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
  } catch {
    // It has just ended.
    return undefined;
  }
}

/**
 * The most memory that this process held at once, in bytes. Where there is /proc, that is asked: Linux's rusage counts the
 * parent's memory too, from before the child's program was loaded.
 */
export function ownPeakBytes(): number {
  return peakOf('self') ?? process.resourceUsage().maxRSS * 1024;
}
