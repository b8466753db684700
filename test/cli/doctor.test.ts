import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { sharedCache, upres } from './support/command.js';
import { makeFolder } from './support/folder.js';

afterAll(() => rm(sharedCache, { recursive: true, force: true }));

test('the doctor tells what is there, and that it works', async () => {
  await using folder = await makeFolder();
  const { code, stdout, stderr } = await upres(['doctor', '--json'], { cwd: folder.path });
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    versions: { node: process.versions.node, 'onnxruntime-node': '1.30.0', sharp: '0.35.5' },
    processor: { cores: expect.any(Number) as number, usable: expect.any(Number) as number },
    cache: { folder: path.join(sharedCache, 'upres'), writable: true },
    devices: expect.arrayContaining([expect.objectContaining({ name: 'cpu', works: true })]) as object[],
    speed: { model: 'natural ×2', pixelsPerSecond: expect.any(Number) as number },
  });
});

test('for people, and without a cache folder', async () => {
  await using folder = await makeFolder();
  await folder.write({ blocked: 'a file where the cache folder should be' });
  const { code, stdout } = await upres(['doctor'], { cwd: folder.path, cache: folder.join('blocked') });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^onnxruntime-node +1\.30\.0$/m);
  expect(stdout).toMatch(/^cache folder +.*blocked.* \(not writable: .*\)$/m);
  expect(stdout).toMatch(/^device cpu +works$/m);
  expect(stdout).toMatch(/^self-test +natural ×2, \d+ threads: [\d.]+ MP\/s per thread, [\d.]+ MP\/s in all$/m);
});
