import { describe, expect, test } from 'vitest';
import { amount, shortest, whole } from '#src/cli/amount.js';
import { parseServeOptions } from '#src/cli/serve-command.js';

const refused = { code: 'BAD_ARGUMENT' };

describe('an amount', () => {
  test.each([
    ['0', 0],
    ['100', 100],
    ['1.5G', 1_500_000_000],
    ['64Mi', 64 * 2 ** 20],
    ['3k', 3000],
  ])('%s is %d', (text, value) => {
    expect(amount('--n', text)).toBe(value);
  });

  test.each(['', 'k', '-1', '1e3', '0x10', '1T', ' 1', '99999999G'])('%j is none', (text) => {
    expect(() => amount('--n', text)).toThrow(expect.objectContaining(refused));
  });

  test.each([1000, 2 ** 20, 25_000_000, 7])('%d is read back as it is printed', (value) => {
    expect(amount('--n', shortest(value))).toBe(value);
  });
});

describe('a number that counts neither bytes nor pixels takes no unit', () => {
  test.each(['3k', '90G', '1.5', '', '-1', '70000'])('%j', (text) => {
    expect(() => whole('--port', text, 0, 65_535)).toThrow(expect.objectContaining(refused));
  });

  test('the port and the threads of a server', async () => {
    await expect(parseServeOptions({ port: '3k' }, {})).rejects.toMatchObject(refused);
    await expect(parseServeOptions({ threads: '1k' }, {})).rejects.toMatchObject(refused);
    await expect(parseServeOptions({ port: '0', limit: ['inputPixels=2k'] }, {})).resolves.toMatchObject({
      port: 0,
      limits: { inputPixels: 2000 },
    });
  });
});
