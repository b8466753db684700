import { Validator } from '@seriousme/openapi-schema-validator';
import { beforeAll, describe, expect, test } from 'vitest';
import { deviceChoices } from '#src/network/device.js';
import { formatTraits, outputFormats } from '#src/image/codec/formats.js';
import { startServer } from './support/server.js';
import { readDocument, type Document, type Operation } from './support/document.js';

let document: Document;
let operations: (readonly [name: string, operation: Operation])[];

beforeAll(async () => {
  document = await readDocument(await startServer({ tokens: ['a-token-for-the-document'] }));
  operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const),
  );
});

describe('the document of the server', () => {
  test('names every operation once, where it is, and who may ask', () => {
    const ids = operations.map(([, { operationId }]) => operationId);
    expect(ids.filter((id) => id !== undefined && /^[a-z]\w+$/.test(id))).toHaveLength(operations.length);
    expect(new Set(ids).size).toBe(operations.length);
    expect(document.servers).toEqual([{ url: '/' }]);
    for (const [name, { security }] of operations) expect(security, name).toBeDefined();
  });

  test('is OpenAPI 3.1', async () => {
    const { valid, errors } = await new Validator().validate(
      structuredClone(document) as unknown as Record<string, unknown>,
    );
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
    expect(document.openapi).toBe('3.1.0');
  });

  test('has every route', () => {
    expect(operations.map(([name]) => name).sort()).toEqual(
      [
        'GET /openapi.json',
        'POST /v1/upscale',
        'GET /v1/models',
        'GET /healthz',
        'GET /readyz',
        'GET /metrics',
        'POST /v1/jobs',
        'GET /v1/jobs',
        'GET /v1/jobs/{id}',
        'DELETE /v1/jobs/{id}',
        'GET /v1/jobs/{id}/events',
        'GET /v1/jobs/{id}/result',
        'GET /v1/jobs/{id}/images/{place}/result',
        'GET /v1/jobs/{id}/images/{place}/results/{output}',
      ].sort(),
    );
  });

  test('says of every route what it answers, errors as problems', () => {
    for (const [name, { summary, responses }] of operations) {
      expect(summary, name).toBeTruthy();
      for (const [status, { description, content }] of Object.entries(responses)) {
        expect(description, `${name} ${status}`).not.toBe('Default Response');
        if (Number(status) >= 400)
          expect(Object.keys(content ?? {}), `${name} ${status}`).toEqual(['application/problem+json']);
      }
      for (const status of ['400', '403', '500', '503']) expect(Object.keys(responses), name).toContain(status);
    }
  });

  test('says which routes need a token', () => {
    const open = operations.filter(([, { security }]) => security?.length === 0).map(([name]) => name);
    expect(open.sort()).toEqual(['GET /healthz', 'GET /openapi.json', 'GET /readyz']);
  });

  test('says what directives may be, in the words of the schema of all tools', () => {
    const of = (path: string, wanted: string) =>
      document.paths[path]!.post!.parameters!.find(({ name }) => name === wanted)!;
    for (const path of ['/v1/upscale', '/v1/jobs']) {
      expect(of(path, 'upscale').description).toMatch(/A number from 1 to 8/);
      expect(of(path, 'quality').description).toMatch(/A whole number from 1 to 100/);
      expect(of(path, 'device').schema.enum).toEqual(deviceChoices);
    }
    expect(of('/v1/upscale', 'format').schema.enum).toEqual(expect.arrayContaining([...outputFormats, 'jpg']));
    const list = new RegExp(of('/v1/jobs', 'format').schema.pattern!);
    expect(['avif', 'avif;webp', 'avif;', 'avif;svg'].map((text) => list.test(text))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test('says what an image may be sent as, and what comes back', () => {
    const types = outputFormats.map((format) => `image/${format}`);
    const { requestBody, responses } = document.paths['/v1/upscale']!.post!;
    expect(Object.keys(requestBody!.content)).toEqual([...types, 'application/octet-stream', 'multipart/form-data']);
    expect(Object.keys(responses['200']!.content!)).toEqual(types);
    const quality = document.paths['/v1/upscale']!.post!.parameters!.find(({ name }) => name === 'quality');
    for (const { display, quality: usual } of Object.values(formatTraits)) {
      if (usual !== undefined)
        expect(quality?.description).toMatch(new RegExp(`${display} \\((?:default )?${usual}\\)`));
    }
  });
});
