import { createServer, defaultLimits, type UpresServer } from '#src/server/index.js';
import { serverCodes } from '#src/server/http/problem.js';
import { execFile } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runChild } from '../support/child.js';
import { temporaryFolder } from '../support/folders.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const text = readFileSync(join(root, 'docs', 'server.md'), 'utf8');

/** What stands under a heading, up to the next one of its level. */
function section(heading: string): string {
  const [, level] = /^(#+) /.exec(heading)!;
  const after = text.split(`\n${heading}\n`)[1]!;
  return after.split(new RegExp(`^#{2,${level!.length}} `, 'm'))[0]!;
}

/** Cells of the first table in a text. */
function table(part: string): string[][] {
  const lines = part.split('\n');
  const first = lines.findIndex((line) => line.startsWith('|'));
  const end = lines.findIndex((line, index) => index > first && !line.startsWith('|'));
  return lines.slice(first + 2, end).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const names = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);

describe('docs/server.md', () => {
  let server: UpresServer;
  let url: string;

  beforeAll(async () => {
    server = await createServer({ port: 0, folder: temporaryFolder(), cache: temporaryFolder() });
    url = await server.listen();
  });
  afterAll(() => server.close({ cancel: true }));

  it('tells every flag and every option', async () => {
    const { code, stdout } = await runChild(join(root, 'dist', 'cli', 'main.js'), ['serve', '--help']);
    expect(code).toBe(0);
    const flags = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag]) => flag!);
    const rows = table(section('## Options'));
    const told = rows.flatMap(([flag]) => names(flag!));
    // `--no-cache` stands next to `--cache`; everything has `--help`.
    expect(told.toSorted()).toEqual(flags.filter((flag) => flag !== '--help' && flag !== '--no-cache').toSorted());

    const options = rows.flatMap(([, option]) => names(option!));
    await expect(createServer({ port: 0, nonsense: 1 } as object)).rejects.toThrow('nonsense');
    for (const option of options) {
      // An option that does not exist is reported by its name before anything else is looked at.
      await expect(createServer({ [option]: undefined, nonsense: 1 } as object), option).rejects.toThrow('nonsense');
    }
    expect(options).toEqual(expect.arrayContaining(Object.keys(server.settings).filter((name) => name !== 'loopback')));
  });

  it('tells every limit with its default', () => {
    const units = { '': 1, k: 1e3, M: 1e6, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 };
    const told = table(section('## Limits')).map(([name, value]) => {
      const [, number, unit] = /^(\d+)(k|M|Ki|Mi|Gi|)$/.exec(value!)!;
      return [names(name!)[0]!, Number(number) * units[unit as keyof typeof units]] as const;
    });
    expect(Object.fromEntries(told)).toEqual(defaultLimits);
  });

  it('tells every route', async () => {
    const { paths } = (await (await fetch(new URL('/openapi.json', url))).json()) as { paths: Record<string, object> };
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const told = table(section('## Requests')).map(([request]) => names(request!)[0]!);
    expect(told.toSorted()).toEqual(routes.filter((route) => !route.startsWith('HEAD ')).toSorted());
  });

  it('tells every code that only a server has', () => {
    const told = table(section('### Errors')).flatMap(([, codes]) => names(codes!));
    expect(told).toEqual(expect.arrayContaining([...serverCodes]));
  });

  it('tells every metric of ours', async () => {
    const metrics = await (await fetch(new URL('/metrics', url))).text();
    const found = [...metrics.matchAll(/^# TYPE (upres_\w+) /gm)].map(([, name]) => name!);
    const told = table(section('## Metrics')).map(([name]) => names(name!)[0]!);
    expect(told.toSorted()).toEqual(found.toSorted());
  });

  it.skipIf(process.platform === 'win32')('has examples that run', async () => {
    const folder = temporaryFolder();
    cpSync(join(root, 'examples', 'images', 'rocket.jpg'), join(folder, 'photo.jpg'));
    cpSync(join(root, 'examples', 'images', 'clipart-icon.png'), join(folder, 'logo.png'));
    const examples = [...text.matchAll(/<!-- run -->\n+```sh\n(.*?)```/gs)].map(([, code]) => code!);
    expect(examples).toHaveLength(4);
    const said: string[] = [];
    for (const example of examples) {
      const script = `set -eu\n${example.replaceAll('http://127.0.0.1:3270', url)}`;
      said.push((await promisify(execFile)('bash', ['-c', script], { cwd: folder })).stdout);
    }
    expect(said[1]).toBe('412\n');
    expect(said[2]).toContain('event: done');
    const sizes = {
      'photo@2x.jpg': { width: 640, height: 428, format: 'jpeg' },
      'logo@3x.webp': { width: 480, height: 480, format: 'webp' },
      'photo-800w.jpg': { width: 800, height: 535, format: 'jpeg' },
      'photo@2x.avif': { width: 640, height: 428, format: 'heif' },
      'photo@2x.webp': { width: 640, height: 428, format: 'webp' },
      'half.webp': { width: 320, height: 320, format: 'webp' },
      'logo@2x.webp': { width: 320, height: 320, format: 'webp' },
      // The last example: two sizes in two formats.
      'photo.avif': { width: 320, height: 214, format: 'heif' },
    };
    for (const [name, size] of Object.entries(sizes)) {
      expect(await sharp(join(folder, name)).metadata(), name).toMatchObject(size);
    }
  });
});
