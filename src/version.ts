import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
  dependencies: Record<'sharp' | 'onnxruntime-node', string>;
};

/** The version of this package. */
export const version: string = manifest.version;

/** The release of sharp that package.json pins: with it libvips and every encoder. Known without loading it. */
export const encoderVersion: string = manifest.dependencies.sharp;
