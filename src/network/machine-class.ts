import { readFile } from 'node:fs/promises';
import { arch, cpus } from 'node:os';

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

let known: Promise<readonly string[] | undefined> | undefined;

/** Instruction sets of this processor that the runtime makes use of; undefined where the system doesn't tell. */
export function instructionSets(): Promise<readonly string[] | undefined> {
  return (known ??= readFile('/proc/cpuinfo', 'utf8').then(
    (info) => {
      const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(info)?.[1];
      if (line === undefined) return undefined;
      const all = new Set(line.split(' '));
      return relevant.filter((name) => all.has(name));
    },
    () => undefined,
  ));
}

/**
 * What decides about the last bit of a result, besides the device: two machines of one class compute the same bytes.
 * @returns such as `x64 sse4_1 avx fma avx2 avx512f`; the processor's name where the system tells no instruction sets
 */
export async function machineClass(): Promise<string> {
  const sets = (await instructionSets()) ?? [cpus()[0]?.model.trim() ?? 'unknown'];
  return [arch(), ...sets].join(' ');
}
