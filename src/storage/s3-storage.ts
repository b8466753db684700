import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { messageOf, UpresError } from '../errors.js';
import type { BytePart, Storage, StoredObject } from './storage.js';

/** Where a bucket is, besides what the SDK finds by itself: environment, profiles, roles. */
export interface S3Location {
  readonly bucket: string;
  /** Before all keys: empty, or ending with `/`. */
  readonly prefix: string;
  readonly region?: string;
  /** Of a server other than Amazon's, as in `http://127.0.0.1:9000`. */
  readonly endpoint?: string;
  /**
   * Keys that are asked for at once in a list.
   * @default as many as the server gives, which is 1000
   */
  readonly keysAtOnce?: number;
}

/** A server that is further away than this can't be used. */
const connectMs = 5000;
/** A server that is silent for so long is dead. */
const silenceMs = 30_000;
/** Requests at once: whoever takes a result slowly keeps one. */
const requestsAtOnce = 1024;
/** Deletions at once. They are asked for one by one: S3's way to ask for many is not everybody's. */
const deletionsAtOnce = 16;

/** Bytes in a bucket of Amazon's S3, or of whatever speaks its language. */
export class S3Storage implements Storage {
  readonly name: string;
  private readonly client: S3Client;
  private readonly bucket: string;
  private readonly prefix: string;
  private readonly keysAtOnce: number | undefined;

  constructor({ bucket, prefix, region, endpoint, keysAtOnce }: S3Location) {
    this.keysAtOnce = keysAtOnce;
    this.name = `s3://${bucket}/${prefix}`;
    this.bucket = bucket;
    this.prefix = prefix;
    const agent = { maxSockets: requestsAtOnce };
    const config: S3ClientConfig = {
      ...(region !== undefined && { region }),
      // Names of buckets are names of hosts at Amazon's only.
      ...(endpoint !== undefined && { endpoint, forcePathStyle: true, region: region ?? 'us-east-1' }),
      // Others don't know the newest checksums; ours are compared with what the job says of it.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: {
        connectionTimeout: connectMs,
        requestTimeout: silenceMs,
        throwOnRequestTimeout: true,
        httpAgent: agent,
        httpsAgent: agent,
      },
    };
    this.client = new S3Client(config);
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    const command = new PutObjectCommand({
      ...this.at(key),
      Body: bytes,
      ContentLength: bytes.length,
    });
    try {
      await this.client.send(command);
    } catch (error) {
      throw this.failure(error);
    }
  }

  async get(key: string, part?: BytePart): Promise<Readable | undefined> {
    const command = new GetObjectCommand({
      ...this.at(key),
      ...(part && { Range: `bytes=${part.start}-${part.end}` }),
    });
    const found = await this.unlessMissing(() => this.client.send(command));
    // In Node it is a stream of Node's.
    return found?.Body as Readable | undefined;
  }

  async read(key: string): Promise<Uint8Array | undefined> {
    const bytes = await this.get(key);
    return bytes && buffer(bytes);
  }

  async head(key: string): Promise<StoredObject | undefined> {
    const found = await this.unlessMissing(() => this.client.send(new HeadObjectCommand(this.at(key))));
    return found && { key, bytes: found.ContentLength ?? 0, modified: found.LastModified ?? new Date() };
  }

  async *list(prefix: string): AsyncGenerator<StoredObject> {
    const pages = paginateListObjectsV2(
      { client: this.client, ...(this.keysAtOnce !== undefined && { pageSize: this.keysAtOnce }) },
      { Bucket: this.bucket, Prefix: `${this.prefix}${prefix}` },
    );
    try {
      for await (const { Contents = [] } of pages) {
        for (const { Key = '', Size = 0, LastModified = new Date() } of Contents) {
          yield { key: Key.slice(this.prefix.length), bytes: Size, modified: LastModified };
        }
      }
    } catch (error) {
      throw this.failure(error);
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    const left = [...keys];
    const one = async (): Promise<void> => {
      for (let key = left.pop(); key !== undefined; key = left.pop()) {
        const command = new DeleteObjectCommand(this.at(key));
        await this.unlessMissing(() => this.client.send(command));
      }
    };
    await Promise.all(Array.from({ length: deletionsAtOnce }, one));
  }

  async deleteBelow(folder: string): Promise<void> {
    const keys: string[] = [];
    for await (const { key } of this.list(folder)) keys.push(key);
    if (keys.length > 0) await this.delete(keys);
  }

  close(): Promise<void> {
    this.client.destroy();
    return Promise.resolve();
  }

  private at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.bucket, Key: `${this.prefix}${key}` };
  }

  private async unlessMissing<T>(asking: () => Promise<T>): Promise<T | undefined> {
    try {
      return await asking();
    } catch (error) {
      if (nameOf(error) !== 'NoSuchBucket' && statusOf(error) === 404) return undefined;
      throw this.failure(error);
    }
  }

  private failure(cause: unknown): UpresError {
    const status = statusOf(cause);
    const what = status === undefined ? messageOf(cause) : `it answers ${status} ${nameOf(cause)}`;
    // The SDK's errors hold the whole connection, which would fill a log.
    return new UpresError('STORAGE_UNAVAILABLE', `${this.name} can’t be used: ${what}`);
  }
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');

/** The status of an answer that the SDK throws; undefined where there was none. */
function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  const { httpStatusCode } = error.$metadata as { readonly httpStatusCode?: number };
  return httpStatusCode;
}
