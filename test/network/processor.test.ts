import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { runtimeVersion } from '#src/network/pool/runtime.js';
import { runChild } from '../support/child.js';
import { temporaryFolder } from '../support/folders.js';
import { noise } from '../support/pictures.js';

const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

const { data, width, height } = noise(13, 11);
const picture = await sharp(data as Uint8Array, { raw: { width, height, channels: 3 } })
  .png()
  .toBuffer();
const folder = temporaryFolder();

type Made =
  | { readonly computed: string; readonly cached: boolean | undefined; readonly data: string; readonly width: number }
  | { readonly code: string; readonly message: string };

interface Outcome {
  readonly made: readonly Made[];
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

/**
 * @param wanted devices, one after another; `default` names none, and `resize` is the plain resize
 * @param way in which the native runtime can't be loaded; '' where it can
 */
async function upscale(
  wanted: readonly string[],
  way: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const { code, stdout, stderr } = await runChild(fixture('upscale-by-default.js'), wanted, {
    execArgv: ['--import', pathToFileURL(fixture('without-native.js')).href],
    env: {
      PICTURE: picture.toString('base64'),
      WITHOUT_NATIVE: way,
      UPRES_CACHE_FOLDER: folder,
      UPRES_DEVICE: undefined,
      ...env,
    },
  });
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Outcome;
}

const native = await upscale(['default', 'wasm'], '');

/** The largest difference of two PNG files, in levels. */
async function difference(a: Made, b: Made): Promise<number> {
  const [one, other] = await Promise.all(
    [a, b].map((made) =>
      sharp(Buffer.from((made as { data: string }).data, 'base64'))
        .raw()
        .toBuffer(),
    ),
  );
  return one!.reduce((most, value, index) => Math.max(most, Math.abs(value - other![index]!)), 0);
}

describe('the processor, where no device is named', () => {
  it('is the native runtime where that can be loaded, and wasm says the same within a level', async () => {
    const [byDefault, inWasm] = native.made;
    expect(byDefault).toMatchObject({ width: 26, computed: 'cpu' });
    expect(inWasm).toMatchObject({ width: 26, computed: 'wasm' });
    expect(await difference(byDefault!, inWasm!)).toBeLessThanOrEqual(1);
    expect(native.warnings).toEqual([]);
  });

  it.for([
    ['container', 'containers in a browser load no native code'],
    ['musl', 'onnxruntime-node has no binary for musl, the C library of this system'],
    ['glibc', 'onnxruntime-node needs glibc 2.28 or newer, and this system has 2.17'],
    ['binary', `onnxruntime-node has no binary for ${process.platform}/${process.arch}`],
    ['library', 'libstdc++.so.6: cannot open shared object file'],
    ['package', 'onnxruntime-node is not installed'],
  ] as const)('is wasm where native code can’t be loaded: %s', { timeout: 120_000 }, async ([way, reason]) => {
    const results = temporaryFolder();
    const first = await upscale(['default', 'cpu', 'auto', 'resize'], way, { RESULTS: results });
    const [byDefault, named, automatic, resized] = first.made;
    expect(byDefault).toMatchObject({ computed: 'wasm', cached: false });
    expect(byDefault).toHaveProperty('data', (native.made[1] as { data: string }).data);
    expect(named).toMatchObject({ code: 'UNSUPPORTED_PLATFORM' });
    expect(automatic).toMatchObject({ computed: 'wasm', cached: true });
    expect(resized).toMatchObject({ computed: 'wasm', width: 26 });
    const codes = first.warnings.map(({ code }) => code);
    expect(codes.filter((code) => code === 'UPRES_WASM')).toHaveLength(1);
    expect(first.warnings.find(({ code }) => code === 'UPRES_WASM')!.message).toContain(reason);
    // Another process finds what was made, under the device that made it, however late it finds that out.
    if (way !== 'library') return;
    const second = await upscale(['default', 'wasm'], way, { RESULTS: results });
    expect(second.made).toMatchObject([
      { computed: 'wasm', cached: true },
      { computed: 'wasm', cached: true },
    ]);
  });

  it('needs onnxruntime-web then, and an error says how to get it', async () => {
    const { made } = await upscale(['default', 'resize', 'wasm'], 'musl', { WITHOUT_WEB: 'yes' });
    for (const each of made) {
      expect(each).toMatchObject({ code: 'UNSUPPORTED_PLATFORM' });
      expect(each).toHaveProperty('message', expect.stringContaining(`npm install onnxruntime-web@${runtimeVersion}`));
    }
    expect(made).toHaveLength(3);
  });

  it('says what is wrong with another release of it, which another package brought', async () => {
    const project = temporaryFolder();
    const web = join(project, 'node_modules', 'onnxruntime-web');
    await mkdir(join(web, 'dist'), { recursive: true });
    // As it was before 1.19: it exports no binaries.
    const exports = { '.': { node: './dist/ort-web.node.js' } };
    await writeFile(join(web, 'package.json'), JSON.stringify({ name: 'onnxruntime-web', version: '1.17.3', exports }));
    await writeFile(join(web, 'dist', 'ort-web.node.js'), '');
    const { made } = await upscale(['wasm'], '', { WEB_FROM: project });
    expect(made).toMatchObject([
      {
        code: 'UNSUPPORTED_PLATFORM',
        message: expect.stringContaining('is installed as 1.17.3: run "npm install') as string,
      },
    ]);
  });

  it('is not to blame where sharp can’t be loaded, which says what to install', async () => {
    const { made } = await upscale(['default'], '', { WITHOUT_SHARP: 'yes' });
    expect(made).toMatchObject([
      { code: 'UNSUPPORTED_PLATFORM', message: expect.stringContaining('npm install') as string },
    ]);
  });

  it('is what UPRES_DEVICE names', async () => {
    const { made, warnings } = await upscale(['default', 'resize', 'cpu'], '', { UPRES_DEVICE: 'wasm' });
    expect(made).toMatchObject([{ computed: 'wasm' }, { computed: 'wasm' }, { computed: 'cpu' }]);
    expect(warnings).toEqual([]);
    const wrong = await upscale(['default'], '', { UPRES_DEVICE: 'wsam' });
    expect(wrong.made).toMatchObject([
      { code: 'BAD_ARGUMENT', message: expect.stringMatching(/^UPRES_DEVICE: .*"wasm"/) as string },
    ]);
  });
});
