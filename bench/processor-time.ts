import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';

/** Units of processor time in /proc: USER_HZ, 100 a second on every Linux that Node runs on. */
const tickMs = 10;

/** Other programs that use more cores than this, on average, disturb. */
export const mostForeignCores = 0.05;

/**
 * Milliseconds of processor time that this process and its ended children have used, to 10 ms; undefined where the system
 * does not tell of children (Linux does).
 */
export function familyMs(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  // The program's name, in brackets, may hold blanks. After it, from the 12th field on: the user and system time of this
  // process, then those of its children.
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)!.split(' ').slice(11, 15);
  return fields.reduce((sum, field) => sum + Number(field), 0) * tickMs;
}

/** Milliseconds that the machine's cores were busy since it started, whoever kept them so. */
function machineMs(): number {
  return cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq, 0);
}

/** Tells how much of the machine other programs used between two moments: figures taken alongside are worth less. */
export class ForeignLoad {
  private readonly start = performance.now();
  private readonly family = familyMs();
  private readonly machine = machineMs();

  /**
   * Cores that others kept busy since then, on average; undefined where that is unknown: outside Linux, and where this
   * process has only some of the cores that the system counts.
   */
  cores(): number | undefined {
    const family = familyMs();
    if (family === undefined || this.family === undefined || cpus().length !== availableParallelism()) return undefined;
    const foreign = machineMs() - this.machine - (family - this.family);
    return Math.max(0, foreign / (performance.now() - this.start));
  }
}
