import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import sharp from 'sharp';
import { version } from '#src/version.js';

/** What the figures depend on besides upres itself. */
export interface Machine {
  readonly processor: string;
  /** Cores that this process may use. */
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly upres: string;
  readonly node: string;
  readonly onnxruntime: string;
  readonly sharp: string;
  readonly libvips: string;
}

export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: `${type()} ${release()} ${process.arch}`,
    upres: version,
    node: process.versions.node,
    onnxruntime: versionOf('onnxruntime-node'),
    sharp: sharp.versions.sharp,
    libvips: sharp.versions.vips,
  };
}

function versionOf(dependency: string): string {
  const file = createRequire(import.meta.url).resolve(`${dependency}/package.json`);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
