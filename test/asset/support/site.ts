import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { temporaryFolder } from '../../support/folders.js';
import { noise } from '../../support/pictures.js';

/** A folder with pictures in it. */
export interface Site {
  readonly root: string;
  readonly path: (name: string) => string;
  /** Writes a picture of noise in the format that the name says. */
  readonly picture: (name: string, width: number, height: number, seed?: number) => Promise<string>;
  readonly file: (name: string, contents: string | Uint8Array) => string;
}

export function makeSite(): Site {
  const root = temporaryFolder();
  const file = (name: string, contents: string | Uint8Array): string => {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, contents);
    return path;
  };
  return {
    root,
    path: (name) => join(root, name),
    file,
    picture: async (name, width, height, seed = 1) => {
      const { data } = noise(width, height, 3, seed);
      const format = name.split('.').at(-1) as 'png';
      return file(
        name,
        await sharp(data, { raw: { width, height, channels: 3 } })
          .toFormat(format)
          .toBuffer(),
      );
    },
  };
}
