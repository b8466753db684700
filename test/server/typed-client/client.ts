// Compiled by ../typed-client.js next to `api.ts`, which is generated from a server's /openapi.json.
import { readFile, writeFile } from 'node:fs/promises';
import createClient from 'openapi-fetch';
import type { paths } from './api.js';

const [, , baseUrl = '', picture = '', result = ''] = process.argv;
const client = createClient<paths>({ baseUrl });

/** What is there, or the problem as an error. */
function sure<T>({ data, error }: { readonly data?: T; readonly error?: { readonly detail: string } | undefined }): T {
  if (data === undefined) throw new Error(error?.detail ?? 'nothing came');
  return data;
}

const bytes = new Uint8Array(await readFile(picture));
const form = new FormData();
form.append('images', new Blob([bytes]), 'picture.png');
const sent = await client.POST('/v1/jobs', {
  params: { query: { upscale: '2', format: 'webp;png', model: 'natural' }, header: { 'idempotency-key': 'once' } },
  body: { images: ['picture.png'] },
  bodySerializer: () => form,
});
const { id } = sure(sent);
const params = { path: { id } };
const events = sure(await client.GET('/v1/jobs/{id}/events', { params, parseAs: 'text' }));
const job = sure(await client.GET('/v1/jobs/{id}', { params }));
const [image] = job.images;
const results = image?.results ?? [];
const path = { id, place: '0', output: '1' };
const file = sure(
  await client.GET('/v1/jobs/{id}/images/{place}/results/{output}', { params: { path }, parseAs: 'arrayBuffer' }),
);
await writeFile(result, new Uint8Array(file as unknown as ArrayBuffer));
const gone = await client.DELETE('/v1/jobs/{id}', { params });
const last = /event: (\w+)\ndata: .*\n+$/.exec(events)?.[1];
console.log(JSON.stringify({ state: job.state, name: image?.name, results, last, removed: gone.response.status }));
