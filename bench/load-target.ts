import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { childProgram } from './paths.js';

/** What a server of the bench can be asked. */
export type Question = 'reset' | 'look' | 'cpu' | 'end';

/** What the children answer; each question has its own part. */
export interface Answer {
  readonly url?: string;
  /** Milliseconds of work. */
  readonly ms?: number;
  /** Milliseconds of processor time, in all threads of the process: of the work, or since its start. */
  readonly cpuMs?: number;
  /** Resident memory after a collection of garbage. */
  readonly bytes?: number;
  /** Delay of the event loop, 99th percentile since the last reset, in milliseconds; the clock's 10 ms are in it. */
  readonly delayMs?: number;
  readonly longestDelayMs?: number;
}

/** A program of the bench in a process of its own, and one question after the other. */
export class LoadTarget implements AsyncDisposable {
  private constructor(
    private readonly child: ChildProcess,
    /** Where it listens; empty for the engine. */
    readonly url: string,
  ) {}

  static async start(
    program: 'load-server' | 'load-engine' | 'load-worker',
    args: readonly string[],
    cacheFolder: string,
  ): Promise<LoadTarget> {
    const child = fork(childProgram(program), args, {
      cwd: tmpdir(),
      env: { ...process.env, UPRES_CACHE_FOLDER: cacheFolder },
      execArgv: ['--expose-gc'],
      // Pictures travel as they are.
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const { url = '' } = await answerOf(child);
    return new LoadTarget(child, url);
  }

  async ask(question: Question | readonly Uint8Array[]): Promise<Answer> {
    const answer = answerOf(this.child);
    this.child.send(question);
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.send('end' satisfies Question);
    await exit;
  }
}

async function answerOf(child: ChildProcess): Promise<Answer> {
  const ended = new AbortController();
  try {
    return await Promise.race([
      once(child, 'message', { signal: ended.signal }).then(([answer]) => answer as Answer),
      once(child, 'exit', { signal: ended.signal }).then(([code]) => {
        throw new Error(`a process of the bench ended with ${String(code)}`);
      }),
    ]);
  } finally {
    ended.abort();
  }
}
