import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const repository = join(import.meta.dirname, '../..');
let project: string;

function run(command: string, ...args: string[]): string {
  const env = { ...process.env, XDG_CACHE_HOME: join(project, 'cache') };
  return execFileSync(command, args, { cwd: project, encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'inherit'] });
}

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'upres-package-'));
  const packed = execFileSync('npm', ['pack', '--json', '--pack-destination', project], {
    cwd: repository,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'scratch', private: true }));
  // What the README tells people behind a proxy to do.
  writeFileSync(join(project, '.npmrc'), 'onnxruntime-node-install=skip\n');
  run('npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', join(project, filename));
  mkdirSync(join(project, 'pictures'));
  copyFileSync(join(repository, 'examples/images/clipart-icon.png'), join(project, 'pictures/icon.png'));
});

afterAll(() => {
  rmSync(project, { recursive: true, force: true });
});

describe('the packed package in an empty project', () => {
  it('has the command', async () => {
    const [line] = run('npx', 'upres', 'pictures', '--json', '--quiet', '-m', 'art').trim().split('\n');
    expect(JSON.parse(line!)).toMatchObject({ width: 320, height: 320, upscale: 2, model: 'art' });
    await expect(sharp(join(project, 'pictures/icon@2x.png')).metadata()).resolves.toMatchObject({ width: 320 });
  });

  const body = `
    const upscaler = new Upscaler();
    upscaler.upscale('pictures/icon.png', { upscale: 3 }).then(async (result) => {
      await upscaler.dispose();
      console.log(result.width, typeof ThreadSafeNetwork.attach);
    });`;

  it('works as an ES module', () => {
    writeFileSync(join(project, 'module.mjs'), `import { ThreadSafeNetwork, Upscaler } from 'upres';${body}`);
    expect(run(process.execPath, 'module.mjs').trim()).toBe('480 function');
  });

  it('works by require', () => {
    writeFileSync(join(project, 'script.cjs'), `const { ThreadSafeNetwork, Upscaler } = require('upres');${body}`);
    expect(run(process.execPath, 'script.cjs').trim()).toBe('480 function');
  });

  it('ships the models with their cards and licences, and nothing of the repository besides', () => {
    const installed = join(project, 'node_modules/upres');
    const card = JSON.parse(readFileSync(join(installed, 'models/natural-x2/model.json'), 'utf8')) as { licence: string };
    expect(card.licence).toBe('MIT');
    expect(readFileSync(join(installed, 'models/natural-x2/LICENSE'), 'utf8')).toContain('MIT License');
    expect(() => readFileSync(join(installed, 'src/index.ts'))).toThrow();
    expect(() => readFileSync(join(installed, 'dist/.tsbuildinfo'))).toThrow();
  });
});
