import { readdirSync, readFileSync } from 'node:fs';

/** Processor time of threads: what they got, and for how long they were ready to run and others ran. */
export interface Turns {
  readonly runSeconds: number;
  readonly waitSeconds: number;
}

/** Of all threads of a process. Linux only: /proc tells nobody else. */
export function turnsOf(process: number | 'self'): Turns {
  const folder = `/proc/${process}/task`;
  return addTurns(readdirSync(folder).map((task) => read(`${folder}/${task}`)));
}

/** Of a process's main thread. */
export const mainTurnsOf = (process: number | 'self'): Turns => read(`/proc/${process}`);

export const addTurns = (all: readonly Turns[]): Turns => ({
  runSeconds: all.reduce((sum, { runSeconds }) => sum + runSeconds, 0),
  waitSeconds: all.reduce((sum, { waitSeconds }) => sum + waitSeconds, 0),
});

/** How many times longer than on a quiet machine things took between two moments, since others had the cores. */
export function stretchBetween(before: Turns, after: Turns): number {
  const ran = after.runSeconds - before.runSeconds;
  return (ran + after.waitSeconds - before.waitSeconds) / ran;
}

function read(folder: string): Turns {
  const [run, wait] = readFileSync(`${folder}/schedstat`, 'utf8').split(' ');
  return { runSeconds: Number(run) / 1e9, waitSeconds: Number(wait) / 1e9 };
}
