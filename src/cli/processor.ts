import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';

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

/** The instruction sets that the runtime has kernels for, by the names that Linux gives them. */
const relevant = [
  'sse4_1',
  'avx',
  'fma',
  'avx2',
  'avx512f',
  'avx512_vnni',
  'avx_vnni',
  'amx_tile',
  'asimd',
  'asimddp',
  'i8mm',
  'sve',
];

export async function describeProcessor(): Promise<Processor> {
  const list = cpus();
  return {
    model: list[0]?.model.trim() ?? 'unknown',
    cores: list.length,
    usable: availableParallelism(),
    features: await features(),
    memory: totalmem(),
  };
}

async function features(): Promise<string[] | undefined> {
  const info = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(info)?.[1];
  if (line === undefined) return undefined;
  const all = new Set(line.split(' '));
  return relevant.filter((name) => all.has(name));
}
