import { availableParallelism, cpus, totalmem } from 'node:os';
import { instructionSets } from '../network/machine-class.js';

export interface Processor {
  readonly model: string;
  /** Cores of the machine, as the system counts them. */
  readonly cores: number;
  /** Of these, how many this process may use. */
  readonly usable: number;
  /** Instruction sets that decide the speed; undefined where the system doesn't tell. */
  readonly features: readonly string[] | undefined;
  /** Bytes. */
  readonly memory: number;
}

export async function describeProcessor(): Promise<Processor> {
  const list = cpus();
  return {
    model: list[0]?.model.trim() ?? 'unknown',
    cores: list.length,
    usable: availableParallelism(),
    features: await instructionSets(),
    memory: totalmem(),
  };
}
