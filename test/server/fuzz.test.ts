import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import type { UpresServer } from '#src/server/index.js';
import { readDocument, type Document, type Operation, type Parameter } from './support/document.js';
import { ask, form, imageFile, startServer, upscale, type Answer, type Ask } from './support/server.js';

let server: UpresServer & { readonly url: string };
let document: Document;
let images: readonly Buffer[];
/** Jobs that are there, until one of the requests deletes them. */
let jobs: readonly string[];

beforeAll(async () => {
  // Small results, so that a thousand requests take seconds.
  server = await startServer({ limits: { outputPixels: 4000, inputPixels: 1000, bodyBytes: 10_000 } });
  document = await readDocument(server);
  images = [await imageFile(4, 3), await imageFile(5, 5, 'jpeg'), await imageFile(3, 4, 'webp'), Buffer.alloc(20_000)];
  const path = '/v1/jobs?model=nearest';
  const headers = { 'content-type': 'image/png' };
  const made = Array.from({ length: 10 }, () => ask(server, path, { method: 'POST', headers, body: images[0]! }));
  jobs = (await Promise.all(made)).map(({ headers }) => headers.location!.split('/').at(-1)!);
});

/** A request, and the route that it was made for. */
interface Shot {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
  readonly request: Ask;
}

/** Values that a parameter takes by its schema, and such as it does not. */
function valueOf({ name, schema }: Parameter): fc.Arbitrary<string> {
  const real = { id: jobs, place: ['0'], width: ['9'], minWidth: ['12'], upscale: ['1.5'] }[name];
  const right = real
    ? fc.constantFrom(...real)
    : schema.enum
      ? fc.constantFrom(...schema.enum)
      : schema.pattern === undefined
        ? fc.string()
        : fc.stringMatching(new RegExp(schema.pattern));
  return fc.oneof(
    { weight: 12, arbitrary: right },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('', '0', '-1', '1e9', 'NaN', '../..', '%00', 'null', 'http://localhost/', '2;3'),
    },
  );
}

function headersOf(operation: Operation): fc.Arbitrary<Record<string, string>> {
  const visible = fc.string({
    unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
    maxLength: 40,
  });
  const types = [
    ...Object.keys(operation.requestBody?.content ?? {}),
    'text/plain',
    'application/json',
    'image/svg+xml',
  ];
  return fc.record(
    {
      'content-type': fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...types) }, { weight: 1, arbitrary: visible }),
      accept: fc.oneof(fc.constantFrom('*/*', 'image/webp', 'image/avif;q=0.5, image/png', 'text/html'), visible),
      'if-none-match': fc.oneof(fc.constantFrom('*', '"x"', 'W/"y"'), visible),
      'idempotency-key': visible,
      'last-event-id': visible,
      authorization: visible,
      origin: fc.oneof({ weight: 9, arbitrary: fc.constant(server.url) }, { weight: 1, arbitrary: visible }),
    },
    { requiredKeys: [] },
  );
}

async function bodyOf(kind: number, bytes: Uint8Array, fields: Record<string, string>): Promise<Ask> {
  if (kind < images.length) return { body: images[kind]! };
  if (kind === images.length) return form({ ...fields, file: images[0]! });
  return { body: bytes };
}

function shots(): fc.Arbitrary<() => Promise<Shot>> {
  const routes = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
  );
  // What takes images is where most can go wrong.
  const weighted = routes.map((route) => ({
    weight: route.operation.requestBody ? 8 : 1,
    arbitrary: fc.constant(route),
  }));
  return fc.oneof(...weighted).chain(({ path, method, operation }) => {
    const parameters = operation.parameters ?? [];
    const values = (place: Parameter['in']): fc.Arbitrary<Partial<Record<string, string>>> => {
      const known = parameters.filter((one) => one.in === place);
      // More than two of a query contradict each other more often than not.
      const range = place === 'path' ? { minLength: known.length } : { maxLength: Math.min(2, known.length) };
      return fc
        .subarray(known, range)
        .chain((some) => fc.record(Object.fromEntries(some.map((one) => [one.name, valueOf(one)]))));
    };
    const more = fc.dictionary(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), { maxKeys: 1 });
    const extra = fc.oneof({ weight: 9, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: more });
    return fc
      .record({
        query: values('query'),
        places: values('path'),
        headers: headersOf(operation),
        extra,
        kind: fc.nat({ max: images.length + 1 }),
        bytes: fc.uint8Array({ maxLength: 200 }),
      })
      .map(({ query, places, headers, extra, kind, bytes }) => async () => {
        const fields = { ...query, ...extra } as Record<string, string>;
        const sent = operation.requestBody ? await bodyOf(kind, bytes, kind % 2 === 0 ? fields : {}) : {};
        const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(places[name] ?? 'x'));
        const text = new URLSearchParams(fields).toString();
        return {
          method: method.toUpperCase(),
          path: text === '' ? filled : `${filled}?${text}`,
          operation,
          request: { ...sent, headers: { 'content-type': 'image/png', ...headers, ...sent.headers } },
        };
      });
  });
}

/** Whether an answer is one that the document promises. */
function check({ method, path, operation, request }: Shot, { status, headers, bytes }: Answer): void {
  const shot = `${method} ${path} ${JSON.stringify(request.headers)} gave ${status} ${bytes.subarray(0, 300).toString()}`;
  const declared = operation.responses[String(status)];
  // Where a value makes a path of another route, or of none, the document has nothing to say.
  if (status === 404 && !declared) {
    expect(path, shot).toMatch(/%|\/x\b|\.\./);
  } else {
    expect(declared, shot).toBeDefined();
  }
  expect(status < 500 || status === 503 || status === 504, shot).toBe(true);
  const type = headers['content-type']?.split(';')[0];
  if (status >= 400) {
    expect(type, shot).toBe('application/problem+json');
    expect(JSON.parse(bytes.toString()), shot).toMatchObject({
      type: 'about:blank',
      status,
      code: expect.stringMatching(/^[A-Z_]+$/) as string,
    });
    expect(bytes.toString(), shot).not.toMatch(/\/(?:home|work|tmp|usr|node_modules|dist)\//);
  } else if (declared?.content && bytes.length > 0) {
    expect(Object.keys(declared.content), shot).toContain(type);
  }
}

test('whatever is asked, the answer is one that the document promises, and the server lives', async () => {
  const statuses = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(shots(), async (make) => {
      const shot = await make();
      const answer = await ask(server, shot.path, { ...shot.request, method: shot.method });
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      check(shot, answer);
    }),
    { seed: 20, numRuns: 1000, endOnFailure: true },
  );
  // It was not all refused at the door.
  for (const status of [200, 202, 204, 403, 404, 406, 413, 415, 422])
    expect(statuses.get(status), `answers of ${status}`).toBeGreaterThan(0);
  expect((await upscale(server, images[0]!, '?model=natural')).status).toBe(200);
});
