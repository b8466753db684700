import { existsSync, readdirSync, readFileSync } from 'node:fs';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { Project } from './support/project.js';

// No build tool is there: they are optional.
const project = new Project();

beforeAll(async () => {
  await project.install();
  project.copy('clipart-icon.png', 'pictures/icon.png');
});

describe('the packed package in an empty project', () => {
  it('has the command', async () => {
    const { stdout } = await project.run('npx', 'upres', 'pictures', '--json', '--quiet', '-m', 'art');
    const [line] = stdout.trim().split('\n');
    expect(JSON.parse(line!)).toMatchObject({ width: 320, height: 320, upscale: 2, model: 'art' });
    await expect(sharp(project.path('pictures/icon@2x.png')).metadata()).resolves.toMatchObject({ width: 320 });
  });

  const body = `
    const upscaler = new Upscaler();
    upscaler.upscale('pictures/icon.png', { upscale: 3 }).then(async (result) => {
      await upscaler.dispose();
      console.log(result.width, typeof ThreadSafeNetwork.attach);
    });`;

  it('works as an ES module', async () => {
    project.write('module.mjs', `import { ThreadSafeNetwork, Upscaler } from 'upres';${body}`);
    expect((await project.run(process.execPath, 'module.mjs')).stdout.trim()).toBe('480 function');
  });

  it('works by require', async () => {
    project.write('script.cjs', `const { ThreadSafeNetwork, Upscaler } = require('upres');${body}`);
    expect((await project.run(process.execPath, 'script.cjs')).stdout.trim()).toBe('480 function');
  });

  it('says what the server needs besides', async () => {
    const { failed, stderr } = await project.complain('npx', 'upres', 'serve', '--port', '0');
    expect(failed).toBe(true);
    expect(stderr).toContain('npm install fastify @fastify/accepts');
  });

  it('ships the models with their cards and licences, and nothing of the repository besides', () => {
    const installed = (name: string): string => project.path('node_modules/upres', name);
    const card = JSON.parse(readFileSync(installed('models/natural-x2/model.json'), 'utf8')) as { licence: string };
    expect(card.licence).toBe('MIT');
    expect(readFileSync(installed('models/natural-x2/LICENSE'), 'utf8')).toContain('MIT License');
    // The server's page is shipped as it was written.
    const sources = readdirSync(installed('src'), { recursive: true }).map(String);
    expect(sources.filter((name) => !name.includes('page')).sort()).toEqual(['server', 'server/http']);
    for (const name of ['plugins', 'test', 'dist/.tsbuildinfo', 'dist/plugins/.tsbuildinfo']) {
      expect(existsSync(installed(name)), name).toBe(false);
    }
  });
});
