// The engine alone in a process of its own: upscales all pictures that it is sent, all at once, and answers with the time that
// it took.
// Arguments: threads.
import { Upscaler } from '#src/image/upscale.js';
import type { Answer } from '../load-target.js';
import { timed } from '../statistics.js';

const upscaler = new Upscaler({ threads: Number(process.argv[2]) });
process.on('message', (pictures: readonly Uint8Array[] | 'end') => {
  void (pictures === 'end' ? end() : work(pictures));
});
process.send!({} satisfies Answer);

async function work(pictures: readonly Uint8Array[]): Promise<void> {
  const all = (): Promise<unknown> => Promise.all(pictures.map((picture) => upscaler.upscale(picture, { upscale: 2 })));
  const { wallMs, cpuMs } = await timed(all);
  process.send!({ ms: wallMs, cpuMs } satisfies Answer);
}

async function end(): Promise<void> {
  await upscaler.dispose();
  process.disconnect();
}
