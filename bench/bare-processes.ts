import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { BareLoopPlan } from './bare-loop.js';
import { childProgram } from './paths.js';

/**
 * Runs the same bare loop in several processes at once, which share nothing but the machine.
 * @returns milliseconds until the last one was done, counted from when all were ready
 */
export async function timeBareProcesses(plan: BareLoopPlan, count: number): Promise<number> {
  const children = Array.from({ length: count }, () => fork(childProgram('bare-loop'), [JSON.stringify(plan)]));
  try {
    await Promise.all(children.map(answer));
    const start = performance.now();
    const done = Promise.all(children.map(answer));
    for (const child of children) child.send('go');
    await done;
    return performance.now() - start;
  } finally {
    // They end by themselves; their processor time is known only when they have.
    await Promise.all(children.map(ended));
  }
}

async function answer(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit').then(() => {
    throw new Error('a process with a bare loop ended before it was done');
  });
  // Whichever comes second is of no interest.
  gone.catch(() => undefined);
  await Promise.race([once(child, 'message'), gone]);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.connected) child.disconnect();
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
