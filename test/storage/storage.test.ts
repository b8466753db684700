import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { isBucket, openStorage, parseBucket } from '#src/storage/open-storage.js';
import { openChecked } from '#src/storage/checked.js';
import { FolderStorage } from '#src/storage/folder-storage.js';
import { S3Storage } from '#src/storage/s3-storage.js';
import type { BytePart, Storage } from '#src/storage/storage.js';
import { temporaryFolder } from '../support/folders.js';
import { startS3 } from '../support/services.js';
import { bytesOf, sha256 } from '../server/support/jobs.js';

async function read(storage: Storage, key: string, part?: BytePart): Promise<string | undefined> {
  const stream = await storage.get(key, part);
  return stream && (await buffer(stream)).toString();
}

async function keysOf(storage: Storage, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of storage.list(prefix)) keys.push(key);
  return keys.sort();
}

describe.each<[string, () => Promise<Storage>]>([
  ['a folder', () => openStorage(join(temporaryFolder(), 'not', 'there', 'yet'))],
  [
    'a bucket',
    async () => S3Storage.open({ ...parseBucket((await startS3(temporaryFolder())).location), keysAtOnce: 20 }),
  ],
])('a storage in %s', (_, open) => {
  it('keeps bytes, gives all or a part of them, and lets them go', async () => {
    const storage = await open();
    expect(await storage.get('jobs/a/source-0')).toBeUndefined();
    expect(await storage.head('jobs/a/source-0')).toBeUndefined();
    expect(await keysOf(storage, '')).toEqual([]);
    await storage.put('jobs/a/source-0', bytesOf('0123456789'));
    expect(await read(storage, 'jobs/a/source-0')).toBe('0123456789');
    expect(new TextDecoder().decode(await storage.read('jobs/a/source-0'))).toBe('0123456789');
    expect(await storage.read('jobs/a/never-there')).toBeUndefined();
    expect(await read(storage, 'jobs/a/source-0', { start: 3, end: 5 })).toBe('345');
    expect(await read(storage, 'jobs/a/source-0', { start: 9, end: 9 })).toBe('9');
    const known = await storage.head('jobs/a/source-0');
    expect(known).toMatchObject({ key: 'jobs/a/source-0', bytes: 10 });
    expect(Math.abs(Date.now() - known!.modified.getTime())).toBeLessThan(3_600_000);
    await storage.delete(['jobs/a/source-0', 'jobs/a/never-there']);
    expect(await storage.get('jobs/a/source-0')).toBeUndefined();
    await storage.close();
  });

  it('replaces what is there', async () => {
    const storage = await open();
    await storage.put('k', bytesOf('first'));
    await storage.put('k', bytesOf('second'));
    expect(await read(storage, 'k')).toBe('second');
    await storage.close();
  });

  it('lists and removes what begins alike, however much that is', async () => {
    const storage = await open();
    const many = Array.from({ length: 50 }, (_, i) => `many/${i}`);
    await Promise.all(many.map((key) => storage.put(key, bytesOf(key))));
    await storage.put('jobs/ab/1', bytesOf('x'));
    await storage.put('jobs/abc/1', bytesOf('yy'));
    expect(await keysOf(storage, 'jobs/ab')).toEqual(['jobs/ab/1', 'jobs/abc/1']);
    expect(await keysOf(storage, 'jobs/ab/')).toEqual(['jobs/ab/1']);
    expect(await keysOf(storage, 'nothing/')).toEqual([]);
    expect(await keysOf(storage, 'many/')).toEqual(many.sort());
    await storage.deleteBelow('many/');
    await storage.deleteBelow('never-there/');
    expect(await keysOf(storage, '')).toEqual(['jobs/ab/1', 'jobs/abc/1']);
    await storage.close();
  });

  it('goes on with a stream whose bytes are deleted, or replaced, meanwhile', async () => {
    const storage = await open();
    const bytes = Buffer.alloc(2_000_000, 'abc');
    await storage.put('k', bytes);
    const stream = await storage.get('k');
    const parts = stream![Symbol.asyncIterator]() as AsyncIterableIterator<Buffer>;
    const first = (await parts.next()) as { value: Buffer };
    expect(first.value.length).toBeGreaterThan(0);
    await storage.delete(['k']);
    const rest: Buffer[] = [];
    for await (const part of parts) rest.push(part);
    expect(Buffer.concat([first.value, ...rest]).equals(bytes)).toBe(true);
    await storage.close();
  });

  it('tells bytes that are not what they were', async () => {
    const storage = await open();
    await storage.put('k', bytesOf('as it was'));
    const sum = sha256(bytesOf('as it was'));
    const checked = await openChecked(storage, 'k', sum, { start: 3, end: 4 });
    expect(checked !== 'damaged' && checked && (await buffer(checked)).toString()).toBe('it');
    await storage.put('k', bytesOf('as it is!'));
    expect(await openChecked(storage, 'k', sum)).toBe('damaged');
    expect(await openChecked(storage, 'other', sum)).toBeUndefined();
    await storage.close();
  });
});

describe('a folder as a storage', () => {
  it('shows nothing that is half written, and lets no one else look in', async () => {
    const folder = join(temporaryFolder(), 'f');
    const storage = new FolderStorage(folder);
    await storage.put('a/b', bytesOf('x'));
    await writeFile(join(folder, 'a', '1234.part'), 'half');
    expect(await keysOf(storage, '')).toEqual(['a/b']);
    if (process.platform !== 'win32') {
      expect((await stat(join(folder, 'a', 'b'))).mode & 0o777).toBe(0o600);
      expect((await stat(join(folder, 'a'))).mode & 0o777).toBe(0o700);
    }
  });

  it('leaves nothing beside what was there already', async () => {
    const folder = temporaryFolder();
    const storage = new FolderStorage(folder);
    await Promise.all(Array.from({ length: 8 }, (_, i) => storage.put('k', bytesOf(String(i)))));
    expect(await read(storage, 'k')).toMatch(/^[0-7]$/);
    expect(await readdir(folder)).toEqual(['k']);
  });

  it.each(['../x', 'a/../../x', '/etc/passwd', 'a//b', 'a\\b', '.', 'a/./b', 'a b'])('has no key %s', async (key) => {
    const folder = temporaryFolder();
    await mkdir(join(folder, 'f'));
    await expect(new FolderStorage(join(folder, 'f')).put(key, bytesOf('x'))).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
    });
    expect(await readdir(folder)).toEqual(['f']);
  });
});

describe('a bucket as a storage', () => {
  it('is told by its URL', () => {
    expect(isBucket('S3://b')).toBe(true);
    expect(isBucket('/mnt/s3')).toBe(false);
    expect(parseBucket('s3://b')).toEqual({ bucket: 'b', prefix: '' });
    expect(parseBucket('s3://b/p/q/?endpoint=http://localhost:9000&region=eu-west-1&addressing=virtual')).toEqual({
      bucket: 'b',
      prefix: 'p/q/',
      endpoint: 'http://localhost:9000',
      region: 'eu-west-1',
      pathStyle: false,
    });
  });

  it.each([
    ...['s3://', 's3://key:secret@b/', 's3://b?endpiont=x', 's3://b?endpoint=localhost', 's3://b?addressing=host'],
    ...['gs://b/p', 'redis://h'],
  ])('%s is none', async (location) => {
    await expect(openStorage(location)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  });

  it('says so where it does not answer, and where there is no such bucket', async () => {
    const service = await startS3(temporaryFolder());
    const other = await openStorage(service.location.replace('pictures', 'others'));
    const unavailable = { code: 'STORAGE_UNAVAILABLE' };
    await expect(other.get('k')).rejects.toMatchObject(unavailable);
    await expect(other.put('k', bytesOf('x'))).rejects.toMatchObject(unavailable);
    await expect(other.check()).rejects.toThrow('404 NoSuchBucket');
    const storage = await openStorage(service.location);
    await storage.check();
    await service.kill();
    await expect(storage.put('k', bytesOf('x'))).rejects.toMatchObject(unavailable);
    await expect(storage.head('k')).rejects.toMatchObject(unavailable);
    await expect(keysOf(storage, '')).rejects.toMatchObject(unavailable);
  });
});
