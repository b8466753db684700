import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isLoopback, resolveSettings } from '#src/server/service/settings.js';
import { temporaryFolder } from '../support/folders.js';

const token = 'a-token-of-sixteen';

describe('settings of the server', () => {
  test('it listens on this machine only, and keeps what it keeps in absolute folders', () => {
    const { host, port, loopback, folder, cache, tokens, limits } = resolveSettings();
    expect({ host, port, loopback, tokens }).toEqual({ host: '127.0.0.1', port: 3270, loopback: true, tokens: [] });
    expect(folder).toMatch(/^(?:\/|[A-Z]:\\)/);
    expect(cache).toEqual({ folder: expect.stringMatching(/^(?:\/|[A-Z]:\\)/) as string });
    expect(limits.bodyBytes).toBe(32 * 2 ** 20);
  });

  test.each(['127.0.0.1', '127.8.8.8', 'localhost', 'LOCALHOST', '::1', '[::1]'])('%s is this machine', (host) => {
    expect(isLoopback(host)).toBe(true);
    expect(resolveSettings({ host }).loopback).toBe(true);
  });

  test.each([
    '0.0.0.0',
    '::',
    '192.168.1.2',
    'example.com',
    '127.0.0.1.example.com',
    'localhost.example.com',
    '::ffff:127.0.0.1',
  ])('%s is reached by others, so it takes tokens', (host) => {
    expect(() => resolveSettings({ host })).toThrow(/tokens/);
    expect(resolveSettings({ host, tokens: [token] }).loopback).toBe(false);
  });

  test.each([
    [{ tokens: ['short'] }, /at least 16/],
    [{ tokens: ['with blanks in between'] }, /at least 16/],
    [{ tokens: ['line\nbreak-of-a-header'] }, /at least 16/],
    [{ port: 70_000 }, /port/],
    [{ port: 1.5 }, /port/],
    [{ hots: 'x' }, /Did you mean "host"/],
    [{ limits: { bodyByts: 5 } }, /Did you mean "bodyBytes"/],
    [{ limits: { bodyBytes: 0 } }, /above 0/],
    [{ limits: { bodyBytes: NaN } }, /above 0/],
    [{ limits: { requestSeconds: 2_147_484 } }, /up to 2147483/],
    [{ allowedHosts: ['https://example.com'] }, /without scheme/],
    [{ models: { natural: 'x.onnx' } }, /built-in/],
    [{ model: 'nothing' }, /no model/],
    [{ device: 'gpu' }, /device/],
    [{ threads: 0 }, /threads/],
    [{ cache: '' }, /cache/],
    [{ host: '' }, /host/],
  ])('refused: %j', (options, message) => {
    expect(() => resolveSettings(options as object)).toThrow(message);
  });

  test('a token is never in the error about it', () => {
    expect(() => resolveSettings({ tokens: ['hunter2'] })).toThrow(/^(?!.*hunter2)/);
  });

  test('networks of one’s own are absolute paths', () => {
    const root = temporaryFolder();
    expect(resolveSettings({ models: { mine: join(root, 'mine.onnx') }, model: 'mine' })).toMatchObject({
      model: 'mine',
      models: { mine: join(root, 'mine.onnx') },
    });
  });
});
