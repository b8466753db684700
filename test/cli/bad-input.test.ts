import { chmod, copyFile, mkdir, readFile, rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canMount, canTestPermissions, ordinaryUser } from './support/abilities.js';
import { childEnvironment, errorCodes, execute, jsonLines, main, sharedCache, upres } from './support/command.js';
import { makeFolder } from './support/folder.js';
import { picture } from './support/pictures.js';

let small: Uint8Array;
let jpeg: Uint8Array;
let medium: Uint8Array;

beforeAll(async () => {
  small = await picture(24, 16);
  jpeg = await picture(100, 80, 'jpeg');
  medium = await picture(200, 200);
});

afterAll(() => rm(sharedCache, { recursive: true, force: true }));

/** A PNG's beginning that promises a size of its own and holds nothing. */
function header(width: number, height: number): Uint8Array {
  const bytes = Buffer.from(small);
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
}

function corrupt(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy.fill(0xff, Math.floor(copy.length / 2), Math.floor(copy.length / 2) + 200);
  return copy;
}

describe('among good files, bad ones', () => {
  const bad = () => ({
    'cut.jpg': jpeg.subarray(0, jpeg.length / 2),
    'truncated.png': medium.subarray(0, medium.length / 2),
    'corrupt.png': corrupt(medium),
    'empty.png': new Uint8Array(0),
    'text.png': 'This is not a picture at all.\n'.repeat(10),
    'enormous.png': header(60_000, 60_000),
    'zero.png': header(0, 16),
  });
  const codes = {
    'cut.jpg': 'INPUT_CORRUPT',
    'truncated.png': 'INPUT_CORRUPT',
    'corrupt.png': 'INPUT_CORRUPT',
    'empty.png': 'INPUT_EMPTY',
    'text.png': 'UNSUPPORTED_FORMAT',
    'enormous.png': expect.stringMatching(/^INPUT_(TOO_LARGE|CORRUPT)$/) as string,
    'zero.png': 'INPUT_CORRUPT',
  };

  test('fail each with its code and words, and the good ones are made', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': small, 'z.png': small, ...bad() });
    const { code, stdout, stderr } = await upres(['.', '-m', 'nearest', '--json'], { cwd: folder.path });
    expect(code).toBe(1);
    expect(errorCodes(stdout)).toEqual(codes);
    for (const name of Object.keys(codes)) expect(stderr).toContain(`error: ${name}: `);
    expect(stderr).toContain('7 failed.');
    expect((await folder.list()).filter((name) => name.includes('@2x') || name.endsWith('.tmp'))).toEqual([
      'a@2x.png',
      'z@2x.png',
    ]);
  });

  test('are copied with --on-error original, and that is said', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': small, ...bad() });
    const args = ['.', '-m', 'nearest', '--json', '--on-error', 'original', '-f', 'webp', '-o', 'out'];
    const { code, stdout, stderr } = await upres(args, { cwd: folder.path });
    expect(code).toBe(0);
    expect(errorCodes(stdout)).toEqual({});
    for (const [name, reason] of Object.entries(codes)) {
      const [stem, ext] = name.split('.') as [string, string];
      const output = `out/${stem}@2x.${ext}`;
      expect(jsonLines(stdout).get(name)).toMatchObject({ output, fallback: 'original', reason: { code: reason } });
      expect(await readFile(folder.join(output))).toEqual(await readFile(folder.join(name)));
      expect(stderr).toContain(`warning: the original was copied to ${output}: ${name}: `);
    }
    expect(stderr).toContain('7 originals copied unchanged, because of errors.');
    expect(await folder.list()).toContain('out/a@2x.webp');
  });

  test('fail with --on-error resize when they can’t be read at all', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': small, 'empty.png': '' });
    const { code, stdout } = await upres(['.', '--json', '--on-error', 'resize'], { cwd: folder.path });
    expect(code).toBe(1);
    expect(errorCodes(stdout)).toEqual({ 'empty.png': 'INPUT_EMPTY' });
  });
});

test('--on-error resize makes the size without a network, and that is said', async () => {
  await using folder = await makeFolder();
  await folder.write({ 'a.png': small });
  // art only doubles: on its way to four times the width it makes eight times both sides, bicubic five times.
  const args = ['a.png', '-m', 'art', '--width', '98', '--height', '4', '--max-output-pixels', '3000', '--json'];
  const failed = await upres(args, { cwd: folder.path });
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain('or raise --max-output-pixels [OUTPUT_TOO_LARGE]');

  const resized = await upres([...args, '--on-error', 'resize'], { cwd: folder.path });
  expect(resized.code).toBe(0);
  expect(jsonLines(resized.stdout).get('a.png')).toMatchObject({
    output: 'a-98w-4h.png',
    width: 98,
    height: 4,
    model: 'bicubic',
    fallback: 'resize',
    reason: { code: 'OUTPUT_TOO_LARGE' },
  });
  expect(resized.stderr).toContain('warning: a-98w-4h.png was resized without a network: a.png: ');
  expect(resized.stderr).toContain('1 image resized without a network, because of errors.');
});

test('--on-error original never writes over the source', async () => {
  await using folder = await makeFolder();
  await folder.write({ 'a.png': 'no picture' });
  const { code, stdout } = await upres(['a.png', '-o', 'a.webp', '--on-error', 'original', '--json'], {
    cwd: folder.path,
  });
  expect(code).toBe(1);
  expect(errorCodes(stdout)).toEqual({ 'a.png': 'UNSUPPORTED_FORMAT' });
  expect(await folder.list()).toEqual(['a.png']);
});

test('names that lead nowhere fail alone', async () => {
  await using folder = await makeFolder();
  await folder.write({ 'a.png': small });
  const { code, stdout } = await upres(['nothere.png', '*.gif', 'a.png', '-m', 'nearest', '--json'], {
    cwd: folder.path,
  });
  expect(code).toBe(1);
  expect(errorCodes(stdout)).toEqual({ 'nothere.png': 'INPUT_NOT_FOUND', '*.gif': 'INPUT_NOT_FOUND' });
  expect(await folder.list()).toEqual(['a.png', 'a@2x.png']);
});

describe.skipIf(!canTestPermissions)('as a user without permission', () => {
  test('an unreadable file and folder, and an unwritable folder, fail alone', async () => {
    await using folder = await makeFolder();
    await folder.write({
      'a.png': small,
      'secret.png': small,
      'closed/b.png': small,
      'frozen/c.png': small,
      'cache/keep': '',
    });
    for (const open of ['.', 'cache']) await chmod(folder.join(open), 0o777);
    await chmod(folder.join('secret.png'), 0o000);
    await chmod(folder.join('closed'), 0o000);
    await chmod(folder.join('frozen'), 0o555);
    const { code, stdout, stderr } = await upres(['.', '-m', 'nearest', '--json'], {
      cwd: folder.path,
      cache: folder.join('cache'),
      spawn: ordinaryUser,
    });
    await chmod(folder.join('closed'), 0o755);
    await chmod(folder.join('frozen'), 0o755);
    expect(code, stderr).toBe(1);
    expect(errorCodes(stdout)).toEqual({
      'secret.png': 'INPUT_UNREADABLE',
      closed: 'INPUT_UNREADABLE',
      'frozen/c.png': 'OUTPUT_UNWRITABLE',
    });
    expect(stderr).toContain('you have no permission to write in frozen');
    expect(await folder.list()).toContain('a@2x.png');
  });
});

test('a folder that vanishes during the work takes only its own images with it', async () => {
  await using folder = await makeFolder();
  await folder.write({ 'a.png': small, 'gone/b.png': await picture(1200, 1200), 'z.png': small });
  let removed: Promise<void> | undefined;
  const { code, stdout } = await upres(['.', '--json', '-t', '1'], {
    cwd: folder.path,
    onStderr: (text) => {
      if (text.includes('a@2x.png')) removed ??= rm(folder.join('gone'), { recursive: true });
    },
  });
  await removed;
  expect(code).toBe(1);
  // Which one depends on how far it was.
  expect(errorCodes(stdout)).toEqual({
    'gone/b.png': expect.stringMatching(/^(INPUT_NOT_FOUND|OUTPUT_UNWRITABLE)$/) as string,
  });
  expect(await folder.list()).toEqual(['a.png', 'a@2x.png', 'z.png', 'z@2x.png']);
});

describe.skipIf(!canMount)('on a disk of its own', () => {
  /** Runs the command with a small disk at `disk`, lists what is on it at the end, and forgets the disk. */
  async function onDisk(
    cwd: string,
    mount: string,
    after: string,
  ): Promise<{ code: number | null; stdout: string; left: string }> {
    const script = `mount -t tmpfs -o ${mount} tmpfs disk && cp big.png disk/ && ${after} "$0" "$1" . -m nearest --json; rc=$?; ls -A disk >&2; exit $rc`;
    const { code, stdout, stderr } = await execute('unshare', ['-rm', 'sh', '-c', script, process.execPath, main], {
      cwd,
      spawn: { env: childEnvironment() },
    });
    return { code, stdout, left: stderr };
  }

  test('that is full: the other files are written, nothing half is left', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': small, 'big.png': medium });
    await mkdir(folder.join('disk'));
    const { code, stdout, left } = await onDisk(folder.path, 'size=128k', '');
    expect(code).toBe(1);
    expect(errorCodes(stdout)).toEqual({ 'disk/big.png': 'DISK_FULL' });
    expect(left).toContain('the disk is full. Free some space, or choose another place with --out');
    expect(left.trim().split('\n').at(-1)).toBe('big.png');
    expect(await folder.list()).toEqual(['a.png', 'a@2x.png', 'big.png', 'big@2x.png']);
  });

  test('that is read-only', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': small });
    await copyFile(folder.join('a.png'), folder.join('big.png'));
    await mkdir(folder.join('disk'));
    const { code, stdout, left } = await onDisk(folder.path, 'size=256k', 'mount -o remount,ro disk &&');
    expect(code).toBe(1);
    expect(errorCodes(stdout)).toEqual({ 'disk/big.png': 'OUTPUT_UNWRITABLE' });
    expect(left).toContain('is on a read-only disk');
  });
});
