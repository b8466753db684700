import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openChecked } from '#src/storage/checked.js';
import { openStorage } from '#src/storage/open-storage.js';
import { temporaryFolder } from '../support/folders.js';

const nothing = '<ListBucketResult/>';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A server that gives one answer to everything, for what no server that can be had does on purpose. */
async function startServer(answer: Answer): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What is said of a storage: that it can be used, or why not. */
async function outcome(location: string): Promise<string> {
  const storage = await openStorage(location);
  try {
    return await storage.check().then(() => 'works', String);
  } finally {
    await storage.close();
  }
}

beforeEach(() => {
  const empty = join(temporaryFolder(), 'none');
  writeFileSync(empty, '');
  vi.unstubAllEnvs();
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'id');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', empty);
  vi.stubEnv('AWS_CONFIG_FILE', empty);
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  return () => {
    vi.unstubAllEnvs();
  };
});

const error =
  (status: number, code: string, headers = {}, more = ''): Answer =>
  ({ method }, response) => {
    const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>Its own words.</Message>${more}</Error>`;
    response.writeHead(status, headers).end(method === 'HEAD' ? undefined : body);
  };
const page =
  (status: number): Answer =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': 'text/html' }).end('<!doctype html><title>Sign in<br></title>');

describe('a bucket that can’t be used says why', () => {
  it.each<[string, Answer, RegExp]>([
    ['another secret', error(403, 'SignatureDoesNotMatch'), /403 SignatureDoesNotMatch \(AWS_SECRET_ACCESS_KEY/],
    ['a key that it does not know', error(403, 'InvalidAccessKeyId'), /403 InvalidAccessKeyId \(.*AWS_ACCESS_KEY_ID/],
    ['a session that is over', error(400, 'ExpiredToken'), /400 ExpiredToken \(AWS_SESSION_TOKEN/],
    ['no right', error(403, 'AccessDenied'), /403 AccessDenied \(.*allowed to get, put, delete and list/],
    ['no bucket', error(404, 'NoSuchBucket'), /404 NoSuchBucket \(there is no such bucket/],
    ['a clock', error(403, 'RequestTimeTooSkewed'), /403 RequestTimeTooSkewed \(the clocks/],
    ['a host for each bucket', error(403, 'SecondLevelDomainForbidden'), /403 Second.* \(.*&addressing=virtual/],
    ['what few say', error(400, 'OddThing'), /400 OddThing \(Its own words\.\)/],
    [
      'another region, by a redirect',
      error(301, 'PermanentRedirect', { 'x-amz-bucket-region': 'eu-west-1' }),
      /301 PermanentRedirect \(.*&region=eu-west-1/,
    ],
    [
      'another region, by its signature',
      error(400, 'AuthorizationHeaderMalformed', {}, '<Region>eu-west-1</Region>'),
      /400 AuthorizationHeaderMalformed \(.*&region=eu-west-1/,
    ],
    ['a page', page(200), /200, and not as a storage does/],
    ['a page where nothing is', page(404), /404, and not as a storage does/],
    ['JSON', (_, response) => void response.writeHead(403).end('{"no":1}'), /403, and not as a storage does/],
    ['a status', (_, response) => void response.writeHead(403).end(), /403$/],
    ['the end of the connection', ({ socket }) => void socket.destroy(), /hang up \(with TLS .*https:/],
  ])('%s', async (_, answer, words) => {
    const host = await startServer(answer);
    const said = await outcome(`s3://bucket/prefix?endpoint=http://${host}`);
    expect(said).toMatch(/^UpresError: s3:\/\/bucket\/prefix\/ can’t be used: /);
    expect(said).toMatch(words);
  });

  it('also where there is none, or no one who asks', async () => {
    const host = await startServer((_, response) => void response.end(nothing));
    expect(await outcome(`s3://bucket?endpoint=https://${host}`)).toMatch(/EPROTO \(without TLS .*http:/);
    expect(await outcome('s3://bucket')).toMatch(/Region is missing \(AWS_REGION/);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined);
    expect(await outcome(`s3://bucket?endpoint=http://${host}`)).toMatch(/credentials .*\(AWS_ACCESS_KEY_ID and/);
  });

  it('in the middle of what it gives, too', async () => {
    const host = await startServer((_, response) => {
      response.writeHead(200, { 'content-length': 1000 }).write('half', () => response.destroy());
    });
    const storage = await openStorage(`s3://bucket?endpoint=http://${host}`);
    const unavailable = { code: 'STORAGE_UNAVAILABLE' };
    await expect(storage.read('k')).rejects.toMatchObject(unavailable);
    await expect(openChecked(storage, 'k', 'any')).rejects.toMatchObject(unavailable);
    await storage.close();
  });
});

describe('a bucket is asked', () => {
  const asks: string[] = [];
  const told = async (query: (host: string) => string): Promise<string> => {
    asks.length = 0;
    const host = await startServer(({ url, headers }, response) => {
      const region = /Credential=(\w+)\/\d+\/([^/]*)/.exec(headers.authorization!)!;
      const token = String(headers['x-amz-security-token'] ?? '');
      asks.push(
        [headers.host!.replace(/:\d+$/, ''), url!.replace(/\?.*/, ''), region[1], region[2], token].join(' ').trim(),
      );
      response.end(nothing);
    });
    const location = query(host.replace('127.0.0.1', 'localhost'));
    expect(await outcome(location)).toBe('works');
    return asks.join();
  };
  const endpoint = (host: string): string => `s3://bucket/prefix?endpoint=http://${host}`;

  it('by its path, in the region that is said somewhere', async () => {
    expect(await told(endpoint)).toBe('localhost /bucket/ id us-east-1');
    expect(await told((host) => `${endpoint(host)}/storage/v1/s3/`)).toBe(
      'localhost /storage/v1/s3/bucket/ id us-east-1',
    );
    expect(await told((host) => `${endpoint(host)}&region=garage`)).toBe('localhost /bucket/ id garage');
    vi.stubEnv('AWS_DEFAULT_REGION', 'ca-west-1');
    expect(await told(endpoint)).toBe('localhost /bucket/ id ca-west-1');
    vi.stubEnv('AWS_REGION', 'fr-par');
    vi.stubEnv('AWS_SESSION_TOKEN', 'token');
    expect(await told(endpoint)).toBe('localhost /bucket/ id fr-par token');
  });

  it('at the endpoint and by the profile of the environment', async () => {
    const atEndpoint = (variable: string) => (host: string) => {
      vi.stubEnv(variable, `http://${host}`);
      return 's3://bucket/prefix';
    };
    expect(await told(atEndpoint('AWS_ENDPOINT_URL_S3'))).toBe('localhost /bucket/ id us-east-1');
    vi.stubEnv('AWS_ENDPOINT_URL_S3', undefined);
    expect(await told(atEndpoint('AWS_ENDPOINT_URL'))).toBe('localhost /bucket/ id us-east-1');
    vi.stubEnv('AWS_ENDPOINT_URL', undefined);
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'keys'), '[team]\naws_access_key_id = theirs\naws_secret_access_key = x\n');
    writeFileSync(join(folder, 'config'), '[profile team]\nregion = eu-north-1\n');
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'keys'));
    vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'config'));
    vi.stubEnv('AWS_PROFILE', 'team');
    expect(await told(endpoint)).toBe('localhost /bucket/ theirs eu-north-1');
  });

  it('by a host of its own where that is said', async () => {
    // Not every system knows names below localhost: what is asked for is what counts.
    const said = await outcome('s3://bucket?endpoint=http://storage.invalid&addressing=virtual');
    expect(said).toContain('bucket.storage.invalid');
    expect(await told((host) => `${endpoint(host)}&addressing=path`)).toBe('localhost /bucket/ id us-east-1');
  });
});
