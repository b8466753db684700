import { describe, expect, test } from 'vitest';
import { UpresError } from '#src/errors.js';
import { Problem, problemStatuses, toProblem } from '#src/server/http/problem.js';

describe('errors as problems (RFC 9457)', () => {
  test.each([
    ['BAD_ARGUMENT', 422],
    ['INPUT_CORRUPT', 422],
    ['INPUT_TOO_LARGE', 413],
    ['OUTPUT_TOO_LARGE', 422],
    ['UNSUPPORTED_FORMAT', 415],
    ['QUEUE_FULL', 429],
    ['DISK_FULL', 503],
    ['DEVICE_LOST', 503],
    ['DEVICE_UNAVAILABLE', 422],
  ] as const)('%s is %i', (code, status) => {
    const problem = toProblem(new UpresError(code, 'words', { file: '/secret/file' }));
    expect(problem.body).toMatchObject({ type: 'about:blank', status, code });
    expect(problem.body.title).toMatch(/^[A-Z]/);
    expect(JSON.stringify(problem.body)).not.toContain('secret');
    const waits = status === 429 || status === 503;
    expect('retry-after' in problem.headers).toBe(waits);
  });

  test.each([
    new Error('at /home/someone/secret.ts:3'),
    new UpresError('INFERENCE_FAILED', 'the runtime said /secret'),
    new UpresError('MODEL_NOT_FOUND', 'there is no file /secret/network.onnx'),
    Object.assign(new Error('/secret'), { code: 'ENOENT', path: '/secret' }),
    Object.assign(new Error('/secret'), { statusCode: 500 }),
    Object.assign(new Error('/secret'), { statusCode: 302 }),
    'a text, /secret',
    undefined,
  ])('a fault of the server’s own says nothing of itself: %s', (error) => {
    const { body } = toProblem(error);
    expect(body).toMatchObject({ status: 500, code: 'INTERNAL' });
    expect(JSON.stringify(body)).not.toContain('secret');
  });

  test('what the machine’s device said is not repeated', () => {
    const { body } = toProblem(new UpresError('DEVICE_UNAVAILABLE', 'libvulkan.so.1: cannot open /secret/lib'));
    expect(body.detail).not.toMatch(/secret|libvulkan/);
  });

  test('a problem stays itself, and every status has a title', () => {
    for (const status of problemStatuses) {
      const problem = new Problem(status, 'BUSY', 'words', { retryAfter: 3 });
      expect(toProblem(problem)).toBe(problem);
      expect(problem.headers).toEqual({ 'retry-after': '3' });
      expect(problem.body.title).not.toBe('');
    }
  });
});
