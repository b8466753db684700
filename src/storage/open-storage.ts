import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasCode, messageOf, UpresError } from '../errors.js';
import { FolderStorage } from './folder-storage.js';
import type { S3Location } from './s3-storage.js';
import type { Storage } from './storage.js';

/** What only buckets need. */
const peer = '@aws-sdk/client-s3';

const options: ReadonlySet<string> = new Set(['endpoint', 'region', 'addressing']);

/** Whether a location is a bucket's: `s3://…`. */
export const isBucket = (location: string): boolean => /^s3:\/\//i.test(location);

/**
 * The storage at a location: a folder, or `s3://bucket/prefix`, for servers other than Amazon's with
 * `?endpoint=http://127.0.0.1:9000`, with `&region=…` where the environment does not say it, and with `&addressing=virtual` where the bucket
 * is a part of the server's name. Who asks is known from where the
 * SDK looks for it: `AWS_ACCESS_KEY_ID` and so on, profiles, roles of machines and containers. Nothing is asked of it yet.
 * @throws BAD_ARGUMENT for what is neither, and where the package for buckets is not installed
 */
export async function openStorage(location: string): Promise<Storage> {
  if (!isBucket(location)) {
    if (/^(?!file:)[a-z][a-z\d+.-]+:\/\//i.test(location)) {
      throw new UpresError(
        'BAD_ARGUMENT',
        `a storage is a folder or s3://bucket/prefix, not ${JSON.stringify(location)}`,
      );
    }
    return new FolderStorage(resolve(location.startsWith('file:') ? fileURLToPath(location) : location));
  }
  const bucket = parseBucket(location);
  const { S3Storage } = await import('./s3-storage.js');
  return S3Storage.open(bucket).catch((cause: unknown) => {
    if (!hasCode(cause, 'ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND') || !messageOf(cause).includes(`'${peer}'`))
      throw cause;
    throw new UpresError('BAD_ARGUMENT', `buckets need a package more: npm install ${peer}`, { cause });
  });
}

/** @throws BAD_ARGUMENT */
export function parseBucket(location: string): S3Location {
  const refuse = (why: string): never => {
    throw new UpresError(
      'BAD_ARGUMENT',
      `a bucket is s3://bucket/prefix, with ?endpoint=…, &region=… and &addressing=…: ${why}`,
    );
  };
  let url: URL;
  try {
    url = new URL(location);
  } catch {
    return refuse('this is no URL');
  }
  if (url.username || url.password) refuse('credentials belong into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
  const unknown = [...url.searchParams.keys()].find((name) => !options.has(name));
  if (unknown !== undefined) refuse(`"${unknown}" is not known`);
  const prefix = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '');
  const endpoint = url.searchParams.get('endpoint');
  if (endpoint !== null && !/^https?:\/\//.test(endpoint)) refuse(`${JSON.stringify(endpoint)} is no URL of a server`);
  const region = url.searchParams.get('region');
  const addressing = url.searchParams.get('addressing');
  if (addressing !== null && addressing !== 'path' && addressing !== 'virtual') refuse('addressing is path or virtual');
  return {
    bucket: url.host || refuse('it names no bucket'),
    prefix: prefix && `${prefix}/`,
    ...(endpoint !== null && { endpoint }),
    ...(region !== null && { region }),
    ...(addressing !== null && { pathStyle: addressing === 'path' }),
  };
}
