import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runChild } from '../support/child.js';
import { temporaryFolder } from '../support/folders.js';

const require = createRequire(import.meta.url);
const packageRoot = dirname(require.resolve('upres/package.json'));
const compiler = require.resolve('typescript/bin/tsc');

/** What the compiler says of a module in a project that has the types, each line without its position in the line. */
async function check(
  lines: readonly string[],
  moduleResolution: 'bundler' | 'nodenext' = 'bundler',
): Promise<string[]> {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(packageRoot, join(folder, 'node_modules/upres'), 'dir');
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: 'es2022',
    lib: ['es2022'],
    module: moduleResolution === 'bundler' ? 'esnext' : 'nodenext',
    moduleResolution,
    types: ['upres/vite/client'],
    skipLibCheck: false,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['site.ts'] }));
  writeFileSync(join(folder, 'site.ts'), lines.join('\n'));
  const { stdout } = await runChild(compiler, ['-p', folder, '--pretty', 'false']);
  return stdout
    .split('\n')
    .filter((line) => line.includes('error'))
    .map((line) => line.replace(/^.*site\.ts\((\d+),\d+\): /, '$1 '));
}

const rightModule = [
  "import half from './a.png?upscale=1.5';",
  "import two from './a.png?upscale=2';",
  "import three from './a.jpg?upscale=3';",
  "import four from '../pictures/a.webp?upscale=4';",
  "import url from './a.png?upscale&minWidth=1200&as=url';",
  "import srcset from './a.png?upscale=1;2;3&as=srcset';",
  "import img from './a.png?upscale=1;2&model=art&as=img';",
  "import picture from './a.png?upscale=1;2&format=png;webp;avif&quality=80&as=picture';",
  "import metadata from './a.png?upscale=2&as=metadata';",
  'const strings: string[] = [half, two, three, four, url, srcset, img.src, img.srcset, picture.img.src, metadata.src];',
  'const numbers: number[] = [img.width, img.height, picture.img.width, metadata.width, metadata.displayHeight];',
  'const types: string[] = picture.sources.map(({ srcset, type }) => srcset + type);',
  "const isPng: boolean = metadata.format === 'png';",
  'export { strings, numbers, types, isPng };',
];

describe('upres/vite/client', () => {
  it.each(['bundler', 'nodenext'] as const)('gives documented imports their types (%s)', async (resolution) => {
    expect(await check(rightModule, resolution)).toEqual([]);
  });

  it('refuses what an import does not have', async () => {
    const errors = await check([
      "import url from './a.png?upscale=2';",
      "import img from './a.png?upscale=2&as=img';",
      "import picture from './a.png?upscale=2&as=picture';",
      "import metadata from './a.png?upscale=2&as=metadata';",
      'url.src;',
      'img.displayWidth;',
      'picture.src;',
      "if (metadata.format === 'bmp') throw 0;",
      "img.src = 'b.png';",
    ]);
    expect(errors.map((line) => line.split(':')[0])).toEqual([
      '5 error TS2339',
      '6 error TS2339',
      '7 error TS2339',
      '8 error TS2367',
      '9 error TS2540',
    ]);
  });

  it('refuses queries that are none: a shape that does not exist, and as in the middle', async () => {
    const errors = await check([
      "import shape from './a.png?upscale=2&as=imge';",
      "import middle from './a.png?upscale=2&as=img&model=art';",
      "import factor from './a.png?upscale=20';",
      'export { shape, middle, factor };',
    ]);
    expect(errors.map((line) => line.split(':')[0])).toEqual(['1 error TS2307', '2 error TS2307', '3 error TS2307']);
  });
});
