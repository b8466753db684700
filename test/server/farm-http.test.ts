import { beforeAll, describe } from 'vitest';
import { createServer, createWorker } from '#src/server/index.js';
import { temporaryFolder } from '../support/folders.js';
import { redisProgram, startRedis, startS3, type Service } from '../support/services.js';
import { describeJobsApi, tokens } from './support/jobs-api.js';

describe.skipIf(redisProgram === undefined)('on a farm with Redis and a bucket', () => {
  let redis: Service;
  let s3: Service;
  let tests = 0;

  beforeAll(async () => {
    [redis, s3] = await Promise.all([startRedis(temporaryFolder()), startS3(temporaryFolder())]);
  });

  describeJobsApi(async (test, options, idle) => {
    const own = tests++;
    const queue = redis.location.replace(/0$/, String(own));
    const storage = s3.location.replace('prefix', String(own));
    const shared = { queue, storage, cache: false as const, threads: 2 };
    const { limits } = options ?? {};
    const worker = idle ? undefined : await createWorker({ ...shared, ...(limits && { limits }) });
    const server = await createServer({ port: 0, tokens, ...shared, ...options });
    try {
      await test({ server, url: await server.listen() });
    } finally {
      await Promise.all([server.close({ cancel: true }), worker?.close({ cancel: true })]);
    }
  });
});
