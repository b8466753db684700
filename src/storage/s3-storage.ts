import type * as Sdk from '@aws-sdk/client-s3';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { UpresError } from '../errors.js';
import importPeer from '../import-peer.cjs';
import { nameOf, s3Failure, statusOf } from './s3-failure.js';
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
   * Whether the bucket stands in the path of its URLs (`http://host/bucket/key`), and not in the name of its host.
   * @default `true` for servers other than Amazon's
   */
  readonly pathStyle?: boolean;
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
  private readonly client: Sdk.S3Client;
  private readonly bucket: string;
  private readonly prefix: string;
  private readonly endpoint: string | undefined;
  private readonly keysAtOnce: number | undefined;

  private constructor(
    private readonly sdk: typeof Sdk,
    { bucket, prefix, region, endpoint, pathStyle, keysAtOnce }: S3Location,
  ) {
    this.keysAtOnce = keysAtOnce;
    this.name = `s3://${bucket}/${prefix}`;
    this.bucket = bucket;
    this.prefix = prefix;
    this.endpoint = endpoint;
    const agent = { maxSockets: requestsAtOnce };
    const elsewhere = endpoint ?? process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL;
    const config: Sdk.S3ClientConfig = {
      region: region ?? (() => regionOf(sdk, elsewhere !== undefined)),
      ...(endpoint !== undefined && { endpoint }),
      // Names of buckets are names of hosts at Amazon's, and at few others.
      forcePathStyle: pathStyle ?? elsewhere !== undefined,
      // Others don't know the newest checksums; ours are compared with what the job says of it.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      // Not everything between here and there answers it, and then each large put would wait for seconds.
      expectContinueHeader: false,
      requestHandler: {
        connectionTimeout: connectMs,
        requestTimeout: silenceMs,
        // The same in the middle of an answer.
        socketTimeout: silenceMs,
        throwOnRequestTimeout: true,
        httpAgent: agent,
        httpsAgent: agent,
      },
    };
    this.client = new sdk.S3Client(config);
  }

  /** @throws an error of Node's where the SDK is not installed */
  static async open(location: S3Location): Promise<S3Storage> {
    return new S3Storage((await importPeer('@aws-sdk/client-s3')) as typeof Sdk, location);
  }

  /** What is wrong with a list is told in words; of `HEAD`, which has no body, only the status is. */
  async check(): Promise<void> {
    const command = new this.sdk.ListObjectsV2Command({ Bucket: this.bucket, Prefix: this.prefix, MaxKeys: 1 });
    try {
      await this.client.send(command);
    } catch (error) {
      throw this.failure(error);
    }
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    const command = new this.sdk.PutObjectCommand({
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
    const command = new this.sdk.GetObjectCommand({
      ...this.at(key),
      ...(part && { Range: `bytes=${part.start}-${part.end}` }),
    });
    const found = await this.unlessMissing(() => this.client.send(command));
    // In Node it is a stream of Node's.
    return found?.Body as Readable | undefined;
  }

  async read(key: string): Promise<Uint8Array | undefined> {
    const bytes = await this.get(key);
    try {
      return bytes && (await buffer(bytes));
    } catch (error) {
      throw this.failure(error);
    }
  }

  async head(key: string): Promise<StoredObject | undefined> {
    const found = await this.unlessMissing(() => this.client.send(new this.sdk.HeadObjectCommand(this.at(key))));
    return found && { key, bytes: found.ContentLength ?? 0, modified: found.LastModified ?? new Date() };
  }

  async *list(prefix: string): AsyncGenerator<StoredObject> {
    const pages = this.sdk.paginateListObjectsV2(
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
        const command = new this.sdk.DeleteObjectCommand(this.at(key));
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
    return s3Failure(this.name, this.endpoint, cause);
  }
}

/**
 * The region of the environment or of a profile.
 * @param elsewhere whether the server is another than Amazon's, most of which don't care; else it throws where there is none
 */
async function regionOf(sdk: typeof Sdk, elsewhere: boolean): Promise<string> {
  const usual = process.env.AWS_DEFAULT_REGION ?? (elsewhere ? 'us-east-1' : undefined);
  const client = new sdk.S3Client({});
  try {
    return await client.config.region();
  } catch (error) {
    if (usual !== undefined) return usual;
    throw error;
  } finally {
    client.destroy();
  }
}
