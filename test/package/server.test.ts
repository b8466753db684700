import { beforeAll, describe, expect, it } from 'vitest';
import { Project } from './support/project.js';

const project = new Project();

beforeAll(async () => {
  await project.install([
    'fastify',
    '@fastify/accepts',
    '@fastify/multipart',
    '@fastify/swagger',
    'prom-client',
    'typebox',
  ]);
  project.copy('clipart-icon.png', 'icon.png');
});

const body = `
  const { readFile } = await import('node:fs/promises');
  const server = await createServer({ port: 0, folder: 'jobs', cache: false });
  const url = await server.listen();
  const page = await fetch(url);
  const answer = await fetch(new URL('/v1/upscale?upscale=2&model=art', url), {
    method: 'POST',
    headers: { 'content-type': 'image/png' },
    body: await readFile('icon.png'),
  });
  console.log(page.status, (await page.text()).includes('<title>'), answer.status, answer.headers.get('upres-width'));
  await server.close();`;

describe('the server of the packed package, with the packages that it needs', () => {
  it('works as an ES module', async () => {
    project.write('module.mjs', `import { createServer } from 'upres/server';${body}`);
    expect((await project.run(process.execPath, 'module.mjs')).stdout.trim()).toBe('200 true 200 320');
  });

  it('works by require', async () => {
    project.write('script.cjs', `const { createServer } = require('upres/server');(async () => {${body}})();`);
    expect((await project.run(process.execPath, 'script.cjs')).stdout.trim()).toBe('200 true 200 320');
  });
});
