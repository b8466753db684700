import { appendFileSync, chmodSync, existsSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { LineRecord } from '#src/asset/cache/line-record.js';
import { SourceFacts, sourcesFile } from '#src/asset/source-facts.js';
import { Source } from '#src/image/image-source.js';
import { runChild } from '../support/child.js';
import { codeOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { makeSite } from './support/site.js';

const site = makeSite();
const picture = await site.picture('a.png', 7, 5);
const other = await site.picture('b.webp', 9, 4);
const plan = fileURLToPath(new URL('fixtures/plan-sources.js', import.meta.url));

/** What another process finds: its facts, and whether it had to open a decoder for them. */
async function inAnotherProcess(folder: string): Promise<{ infos: unknown; decoder: boolean }> {
  const { code, stdout, stderr } = await runChild(plan, [folder, picture, other]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as { infos: unknown; decoder: boolean };
}

const infos = [
  { format: 'png', width: 7, height: 5, frames: 1, alpha: false, grey: false, depth: 8 },
  { format: 'webp', width: 9, height: 4, frames: 1, alpha: false, grey: false, depth: 8 },
];

/** The records of this process, which another one would not have. */
const records = (LineRecord as unknown as { byFile: Map<string, LineRecord> }).byFile;

/** What a process that knows nothing yet finds, and how many headers it reads for that. */
async function lookAgain(folder: string): Promise<{ infos: unknown; headers: number }> {
  records.clear();
  const facts = new SourceFacts(folder);
  const sources = [picture, other].map((file) => new Source(file));
  const headers = sources.map((source) => vi.spyOn(source, 'header'));
  const found = await Promise.all(sources.map((source) => facts.infoOf(source)));
  return { infos: found, headers: headers.reduce((sum, { mock }) => sum + mock.calls.length, 0) };
}

describe('what headers say', () => {
  it('is known to the next process, which opens no decoder', async () => {
    const folder = temporaryFolder();
    expect(await inAnotherProcess(folder)).toEqual({ infos, decoder: true });
    expect(await inAnotherProcess(folder)).toEqual({ infos, decoder: false });
    expect(readFileSync(join(folder, sourcesFile), 'utf8').match(/\n/g)).toHaveLength(2);
  });

  it.each<[string, (record: string) => string]>([
    ['cut short within a line', (record) => record.slice(0, -25)],
    ['cut short at a line', (record) => record.slice(0, record.indexOf('\n') + 1)],
    ['garbage', () => '\0\u00ff\n\n\n{"format":"png"}\n'.repeat(30)],
    ['of another width', (record) => record.replaceAll('"width":', '"width":1')],
    ['of another version', (record) => record.replaceAll(/^./gm, (letter) => (letter === 'x' ? 'y' : 'x'))],
    ['empty', () => ''],
  ])('are right where the record is %s, and known again', async (_, damage) => {
    const folder = temporaryFolder();
    expect(await lookAgain(folder)).toEqual({ infos, headers: 2 });
    const file = join(folder, sourcesFile);
    writeFileSync(file, damage(readFileSync(file, 'utf8')));
    const second = await lookAgain(folder);
    expect(second.infos).toEqual(infos);
    expect(second.headers).toBeGreaterThan(0);
    expect(await lookAgain(folder)).toEqual({ infos, headers: 0 });
  });

  it('belong to bytes: a picture that changed is read again, though its name, size and time are the same', async () => {
    const facts = new SourceFacts(temporaryFolder());
    const file = await site.picture('changes.png', 7, 5);
    expect(await facts.infoOf(new Source(file))).toMatchObject({ width: 7, height: 5 });
    const { atime, mtime, size } = statSync(file);
    const changed = readFileSync(file);
    // The width, in PNG's first chunk.
    changed.writeUInt32BE(6, 16);
    writeFileSync(file, changed);
    utimesSync(file, atime, mtime);
    expect(statSync(file)).toMatchObject({ mtime, size });
    expect(await facts.infoOf(new Source(file))).toMatchObject({ width: 6, height: 5 });
  });

  it('are never those of what can’t be read', async () => {
    const folder = temporaryFolder();
    const facts = new SourceFacts(folder);
    expect(await codeOf(facts.infoOf(new Source(Buffer.from('<svg/>'))))).toBe('UNSUPPORTED_FORMAT');
    expect(existsSync(join(folder, sourcesFile))).toBe(false);
  });

  it.skipIf(process.getuid?.() === 0)('are read each time where the folder can’t be written', async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o500);
    expect(await lookAgain(folder)).toEqual({ infos, headers: 2 });
    expect(await lookAgain(folder)).toEqual({ infos, headers: 2 });
  });

  it('are read each time where the folder’s name is a file’s', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    expect(await lookAgain(file)).toEqual({ infos, headers: 2 });
    expect(readFileSync(file, 'utf8')).toBe('');
  });
});

describe('a record of lines', () => {
  const open = (file: string, most = 100): LineRecord => {
    // As another process would have it.
    records.delete(file);
    return LineRecord.of(file, { length: 2, most });
  };

  it('takes what several processes add at once', async () => {
    const file = join(temporaryFolder(), 'record.txt');
    const [one, another] = [open(file), open(file)];
    const names = Array.from({ length: 90 }, (_, index) => String(index + 10));
    await Promise.all(names.map((name, index) => (index % 2 === 0 ? one : another).add(name, `is ${name}`)));
    const reader = open(file);
    for (const name of names) expect(await reader.get(name)).toBe(`is ${name}`);
    expect(await reader.get('xx')).toBeUndefined();
  });

  it('knows what others have added when it reads on, and takes no half line', async () => {
    const file = join(temporaryFolder(), 'record.txt');
    const record = open(file);
    await record.add('aa', '1');
    appendFileSync(file, 'bb2\ncc');
    await record.read();
    expect([await record.get('bb'), await record.get('cc')]).toEqual(['2', undefined]);
    appendFileSync(file, '33\n');
    await record.read();
    expect(await record.get('cc')).toBe('33');
    // Whoever wrote this was killed.
    appendFileSync(file, 'dd');
    await record.read();
    await record.add('ee', '5');
    expect(await open(file).get('ee')).toBe('5');
  });

  it('stays small, and keeps the newest', async () => {
    const file = join(temporaryFolder(), 'record.txt');
    const record = open(file, 10);
    for (let index = 10; index < 60; index++) await record.add(String(index));
    await vi.waitFor(() => {
      expect(readFileSync(file, 'utf8').length).toBeLessThanOrEqual(22 * 3);
    });
    const reader = open(file);
    expect(await reader.get('59')).toBe('');
    expect(await reader.get('10')).toBeUndefined();
  });
});
