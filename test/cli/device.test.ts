import { readdir, rm } from 'node:fs/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { sharedCache, upres } from './support/command.js';
import { makeFolder } from './support/folder.js';
import { picture } from './support/pictures.js';

afterAll(() => rm(sharedCache, { recursive: true, force: true }));

describe('--device', () => {
  test('with a name that does not exist is wrong usage, with a suggestion', async () => {
    await using folder = await makeFolder();
    const { code, stderr } = await upres(['--device', 'webgp', 'a.png'], { cwd: folder.path });
    expect(code).toBe(2);
    expect(stderr).toContain('not "webgp". Did you mean "webgpu"?');
  });

  test('with a device that is not there is wrong usage, and nothing is begun', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': await picture(8, 6) });
    const device = process.platform === 'darwin' ? 'dml' : 'coreml';
    const { code, stdout, stderr } = await upres(['--device', device, '--json', 'a.png'], { cwd: folder.path });
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(`--device ${device}: `);
    expect(await readdir(folder.path)).toEqual(['a.png']);
  });
});

describe('what is wrong with the environment is wrong usage, and takes no picture’s place', () => {
  const device = process.platform === 'darwin' ? 'dml' : 'coreml';
  test.each([
    ['a device that there is not', { UPRES_DEVICE: 'wsam' }, 'UPRES_DEVICE: device must be one of'],
    ['a device that is not there', { UPRES_DEVICE: device }, `UPRES_DEVICE=${device}: `],
    ['a remote cache', { UPRES_REMOTE_CACHE: 'ftp://team' }, 'UPRES_REMOTE_CACHE must be a URL'],
    [
      'its mode',
      { UPRES_REMOTE_CACHE: 'http://team', UPRES_REMOTE_CACHE_MODE: 'rw' },
      'UPRES_REMOTE_CACHE_MODE must be one of read, read-write, not "rw"',
    ],
  ])('%s', async (_, env, message) => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': await picture(8, 6) });
    const { code, stderr } = await upres(['--on-error', 'original', 'a.png'], { cwd: folder.path, env });
    expect(stderr).toContain(`error: ${message}`);
    expect(code).toBe(2);
    expect(await readdir(folder.path)).toEqual(['a.png']);
  });
});
