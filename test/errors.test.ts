import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { asError, codeOf, failures, hasCode, isMissing, readError, UpresError, withFile } from '#src/errors.js';
import { temporaryFolder } from './support/folders.js';

const thrownBy = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('the table of errors', () => {
  it('tells clients something else where an error’s own words may name what is on the machine', () => {
    for (const [code, failure] of Object.entries(failures)) {
      if (failure.status === 503) expect(failure, code).toHaveProperty('toClients');
    }
  });

  it('lets no picture be tried again whose failure ends the run', () => {
    for (const [code, failure] of Object.entries(failures)) {
      expect('endsRun' in failure && 'passes' in failure, code).toBe(false);
    }
  });

  it.each(['docs/command.md', 'docs/server.md'])('holds every code that %s names', (file) => {
    const cells = readFileSync(file, 'utf8').matchAll(/`((?:INPUT|OUTPUT|MODEL|DEVICE|UNSUPPORTED|DISK)_[A-Z_]+)`/g);
    const named = [...cells].map(([, code]) => code!).filter((code) => code !== 'UNSUPPORTED_MEDIA_TYPE');
    expect(named.length).toBeGreaterThan(5);
    expect(Object.keys(failures)).toEqual(expect.arrayContaining(named));
  });
});

describe('an error', () => {
  it('has a code, ours or the system’s, or none', async () => {
    const missing = await thrownBy(readFile(join(temporaryFolder(), 'none')));
    expect(codeOf(missing)).toBe('ENOENT');
    expect(isMissing(missing)).toBe(true);
    expect(hasCode(new UpresError('ABORTED', 'x'), 'DISPOSED', 'ABORTED')).toBe(true);
    // A DOMException's code is a number.
    for (const other of [
      new Error('x'),
      new DOMException('x', 'AbortError'),
      'ENOENT',
      { code: 'ENOENT' },
      undefined,
    ]) {
      expect(codeOf(other)).toBeUndefined();
      expect(hasCode(other, 'ENOENT')).toBe(false);
    }
  });

  it('is given a file once, and stays itself where it has one or is not ours', () => {
    const own = new UpresError('INPUT_CORRUPT', 'cut');
    const named = withFile(own, 'a.png');
    expect(named).toMatchObject({ code: 'INPUT_CORRUPT', message: 'cut', file: 'a.png', cause: own });
    expect(withFile(named, 'b.png')).toBe(named);
    expect(withFile(own, undefined)).toBe(own);
    const fault = new TypeError('oops');
    expect(withFile(fault, 'a.png')).toBe(fault);
    expect(asError('words')).toEqual(new Error('words'));
  });

  it.each([
    ['ENOENT', 'INPUT_NOT_FOUND'],
    ['ENOTDIR', 'INPUT_NOT_FOUND'],
    ['EACCES', 'INPUT_UNREADABLE'],
    ['EIO', 'INPUT_UNREADABLE'],
    ['ERR_FS_FILE_TOO_LARGE', 'INPUT_TOO_LARGE'],
  ])('of reading a file: %s is %s', (code, ours) => {
    const cause = Object.assign(new Error('words'), { code });
    expect(readError(cause, 'a.png')).toMatchObject({ code: ours, file: 'a.png', cause });
  });
});
