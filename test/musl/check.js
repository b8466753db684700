// Runs inside: enlarges a picture by the command and by the library, and says what computed it.
import { spawnSync } from 'node:child_process';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { familySync } from 'detect-libc';
import sharp from 'sharp';
import { Upscaler } from 'upres';

process.chdir('/project');
assert.equal(familySync(), 'musl');
const environment = { HOME: '/tmp', UPRES_CACHE_FOLDER: '/tmp/weights' };
Object.assign(process.env, environment);

const command = [
  '/project/node_modules/upres/dist/command/upres.cjs',
  'coffee.jpg',
  '--format',
  'png',
  '--model',
  'natural',
  '--json',
];
const { status, stdout, stderr } = spawnSync('/usr/bin/node', command, { env: environment, encoding: 'utf8' });
process.stdout.write(stdout + stderr);
assert.equal(status, 0);
assert.match(stderr, /UPRES_WASM.*musl/);

const warnings = [];
process.on('warning', ({ code }) => warnings.push(code));
const upscaler = new Upscaler();
const { data, device, width } = await upscaler.upscale('coffee.jpg', { upscale: 2, format: 'png', model: 'natural' });
await upscaler.dispose();
assert.equal(device, 'wasm');
assert.deepEqual(warnings, ['UPRES_WASM']);
assert.ok(readFileSync('coffee@2x.png').equals(data), 'the command and the library make the same bytes');
const { width: written } = await sharp(data).metadata();
assert.equal(written, width);
console.log(`Node ${process.version} on musl: ${width} pixels wide, computed by ${device}`);
