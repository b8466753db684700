// A worker of a farm in a process of its own, of one thread, that tells its processor time.
// Arguments: the queue, and the storage. Nothing is cached, so that everything is computed.
import { createWorker } from '#src/server/index.js';
import type { Answer, Question } from '../load-target.js';

const [queue, storage] = process.argv.slice(2) as [string, string];
const worker = await createWorker({ queue, storage, threads: 1, cache: false });
process.on('message', (question: Question) => {
  if (question === 'end') void end();
  else {
    const { user, system } = process.cpuUsage();
    process.send!({ cpuMs: (user + system) / 1000 } satisfies Answer);
  }
});
process.send!({} satisfies Answer);

async function end(): Promise<void> {
  await worker.close({ cancel: true });
  process.disconnect();
}
