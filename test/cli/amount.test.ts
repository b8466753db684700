import { describe, expect, test } from 'vitest';
import { amount, shortest } from '#src/cli/amount.js';
import { flagValue } from '#src/cli/flag-value.js';
import { parseServeOptions } from '#src/cli/serve-command.js';
import { number, whole } from '#src/schema.js';

const refused = { code: 'BAD_ARGUMENT' };

describe('an amount', () => {
  test.each([
    ['0', 0],
    ['100', 100],
    ['1.5G', 1_500_000_000],
    ['64Mi', 64 * 2 ** 20],
    ['3k', 3000],
  ])('%s is %d', (text, value) => {
    expect(flagValue('--n', number(), text)).toBe(value);
  });

  test.each(['', 'k', '-1', '1e3', '0x10', '1T', ' 1'])('%j is none', (text) => {
    expect(() => flagValue('--n', number(), text)).toThrow(expect.objectContaining(refused));
  });

  test.each([1000, 2 ** 20, 25_000_000, 7])('%d is read back as it is printed', (value) => {
    expect(amount(shortest(value))).toBe(value);
  });
});

describe('a number that counts neither bytes nor pixels takes no unit', () => {
  test.each(['3k', '90G', '1.5', '', '-1', '70000'])('%j', (text) => {
    expect(() => flagValue('--port', whole({ from: 0, to: 65_535 }), text)).toThrow(expect.objectContaining(refused));
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
