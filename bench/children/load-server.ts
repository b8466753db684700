// A server in a process of its own that answers questions of the bench about itself.
// Arguments: threads, a folder for its jobs, then tokens. Nothing is cached, so that everything is computed.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createServer } from '#src/server/server.js';
import type { Answer, Question } from '../load-target.js';

const [threads, folder, ...tokens] = process.argv.slice(2) as [string, string, ...string[]];
const server = await createServer({ port: 0, threads: Number(threads), folder, tokens, cache: false });
const url = await server.listen();

const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();

const answers: Record<Exclude<Question, 'end'>, () => Answer> = {
  reset: () => {
    delay.reset();
    return {};
  },
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return { cpuMs: (user + system) / 1000 };
  },
  look: () => {
    if (global.gc === undefined) throw new Error('run this with --expose-gc');
    // What JavaScript has released says nothing about what the server holds.
    global.gc();
    return { bytes: process.memoryUsage.rss(), delayMs: delay.percentile(99) / 1e6, longestDelayMs: delay.max / 1e6 };
  },
};
process.on('message', (question: Question) => {
  if (question === 'end') void end();
  else process.send!(answers[question]());
});
process.send!({ url } satisfies Answer);

async function end(): Promise<void> {
  await server.close({ cancel: true });
  process.disconnect();
}
