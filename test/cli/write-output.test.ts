import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { describe, expect, test, vi } from 'vitest';
import { Ledger, sha256 } from '#src/cli/ledger.js';
import { writeOutput } from '#src/cli/write-output.js';
import { makeFolder } from './support/folder.js';

const one = Buffer.from('one');
const two = Buffer.from('two');

async function place() {
  const folder = await makeFolder();
  const ledger = new Ledger(folder.join('cache'));
  const file = folder.join('out.png');
  const write = (bytes: Uint8Array, overwrite = false) =>
    writeOutput(file, bytes, { ledger, overwrite, makeFolder: false });
  return { folder, ledger, file, write, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

describe('a new file', () => {
  test('appears whole, alone, and is remembered', async () => {
    await using at = await place();
    expect(await at.write(one)).toBe('written');
    expect(await readFile(at.file)).toEqual(one);
    expect(await at.ledger.hashOf(at.file)).toBe(sha256(one));
    expect((await at.folder.list()).filter((name) => !name.startsWith('cache/'))).toEqual(['out.png']);
  });

  test('is written once when two want it', async () => {
    await using at = await place();
    const results = await Promise.allSettled([at.write(one), at.write(one)]);
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'fulfilled']);
    expect(await readFile(at.file)).toEqual(one);
  });

  test('gets its folder only when that may be made', async () => {
    await using at = await place();
    const file = at.folder.join('x', 'y', 'out.png');
    const { ledger } = at;
    await expect(writeOutput(file, one, { ledger, overwrite: false, makeFolder: false })).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
      message: expect.stringContaining('is gone') as string,
    });
    expect(await writeOutput(file, one, { ledger, overwrite: false, makeFolder: true })).toBe('written');
  });
});

describe('an existing file', () => {
  test('that upres wrote is written again', async () => {
    await using at = await place();
    await at.write(one);
    expect(await at.write(two)).toBe('written');
    expect(await readFile(at.file)).toEqual(two);
    expect(await at.write(one)).toBe('written');
  });

  test.skipIf(process.platform === 'win32')('that is a pipe is refused, and not waited for', async () => {
    await using at = await place();
    execFileSync('mkfifo', [at.file]);
    await expect(at.write(one, true)).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
    expect((await stat(at.file)).isFIFO()).toBe(true);
  });

  test('that upres did not write is left alone', async () => {
    await using at = await place();
    await writeFile(at.file, two);
    await expect(at.write(one)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS', file: at.file });
    expect(await readFile(at.file)).toEqual(two);
    expect((await at.folder.list()).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('that was changed since upres wrote it is left alone', async () => {
    await using at = await place();
    await at.write(one);
    await writeFile(at.file, two);
    await expect(at.write(one)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
  });

  test('is replaced with overwrite, keeps its permissions, and is ours from then on', async () => {
    await using at = await place();
    await writeFile(at.file, two);
    await chmod(at.file, 0o640);
    expect(await at.write(one, true)).toBe('written');
    if (process.platform !== 'win32') expect((await stat(at.file)).mode & 0o777).toBe(0o640);
    expect(await at.write(two)).toBe('written');
  });

  test('with the very bytes is fine, and the lost record comes back', async () => {
    await using at = await place();
    await writeFile(at.file, one);
    expect(await at.write(one)).toBe('unchanged');
    expect(await at.write(two)).toBe('written');
  });

  test('that is a folder is an error, even with overwrite', async () => {
    await using at = await place();
    await mkdir(at.file);
    await expect(at.write(one, true)).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
      message: expect.stringContaining('a folder has this name') as string,
    });
  });

  test.skipIf(process.platform === 'win32')(
    'that is a link to nowhere is left alone; with overwrite the link goes',
    async () => {
      await using at = await place();
      await symlink(at.folder.join('nowhere'), at.file);
      await expect(at.write(one)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
      expect(await at.write(one, true)).toBe('written');
      expect(await at.folder.list()).not.toContain('nowhere');
    },
  );

  test.skipIf(process.platform === 'win32')(
    'that is a link is replaced, and what it leads to is left alone',
    async () => {
      await using at = await place();
      await writeFile(at.folder.join('theirs'), two);
      await symlink(at.folder.join('theirs'), at.file);
      await at.write(one, true);
      expect(await readFile(at.folder.join('theirs'))).toEqual(two);
    },
  );
});

test('a part of the path that is a file is an error', async () => {
  await using at = await place();
  await writeFile(at.file, one);
  const options = { ledger: at.ledger, overwrite: false, makeFolder: true };
  await expect(writeOutput(`${at.file}/x/y.png`, one, options)).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
  await expect(writeOutput(`${at.file}/y.png`, one, options)).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
});

test('a name that is too long is an error', async () => {
  await using at = await place();
  const file = at.folder.join(`${'x'.repeat(300)}.png`);
  await expect(
    writeOutput(file, one, { ledger: at.ledger, overwrite: false, makeFolder: false }),
  ).rejects.toMatchObject({
    code: 'OUTPUT_UNWRITABLE',
  });
});

describe('the ledger', () => {
  test('knows a file by whichever way leads to its folder', async () => {
    await using at = await place();
    await mkdir(at.folder.join('real'));
    await symlink(at.folder.join('real'), at.folder.join('link'), 'dir');
    await at.ledger.record(at.folder.join('real', 'a.png'), sha256(one));
    expect(await at.ledger.hashOf(at.folder.join('link', 'a.png'))).toBe(sha256(one));
  });

  test('writes lines that sha256sum understands, for the user only', async () => {
    await using at = await place();
    await at.write(one);
    const [entry] = (await at.folder.list()).filter((name) => name.startsWith('cache/'));
    expect(await readFile(at.folder.join(entry!), 'utf8')).toMatch(/^[0-9a-f]{64} {2}\/.*out\.png\n$/);
    if (process.platform !== 'win32') expect((await stat(at.folder.join('cache'))).mode & 0o777).toBe(0o700);
  });

  test('ignores damaged records', async () => {
    await using at = await place();
    await at.write(one);
    const [entry] = (await at.folder.list()).filter((name) => name.startsWith('cache/'));
    await writeFile(at.folder.join(entry!), 'what?');
    expect(await at.ledger.hashOf(at.file)).toBeUndefined();
    await expect(at.write(two)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
  });

  test('that cannot be written says so once, and files are written all the same', async () => {
    await using at = await place();
    await at.folder.write({ blocked: 'a file where the folder should be' });
    const said = vi.fn();
    const ledger = new Ledger(at.folder.join('blocked'), said);
    for (const name of ['a', 'b']) {
      expect(await writeOutput(at.folder.join(name), one, { ledger, overwrite: false, makeFolder: false })).toBe(
        'written',
      );
    }
    expect(said).toHaveBeenCalledTimes(1);
    await expect(
      writeOutput(at.folder.join('a'), two, { ledger, overwrite: false, makeFolder: false }),
    ).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
  });
});
