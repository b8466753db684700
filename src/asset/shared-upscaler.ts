import type { Upscaler } from '../image/upscale.js';

interface Shared {
  readonly upscaler: Promise<Upscaler>;
  users: number;
}

const byThreads = new Map<number | undefined, Shared>();

/**
 * One upscaler for all bundlers, environments and compilations of this process, so that memory is bounded over all of them;
 * loaded when something has to be computed for the first time.
 */
export class UpscalerLease {
  private shared: Shared | undefined;

  constructor(private readonly threads: number | undefined) {}

  get(): Promise<Upscaler> {
    if (!this.shared) {
      this.shared = byThreads.get(this.threads) ?? { upscaler: load(this.threads), users: 0 };
      byThreads.set(this.threads, this.shared);
      this.shared.users++;
    }
    return this.shared.upscaler;
  }

  /** Gives the upscaler back; its last user ends it, and calls that are under way with it. */
  async release(): Promise<void> {
    const { shared } = this;
    this.shared = undefined;
    if (!shared || --shared.users > 0) return;
    byThreads.delete(this.threads);
    await (await shared.upscaler).dispose({ cancel: true });
  }
}

async function load(threads: number | undefined): Promise<Upscaler> {
  const { Upscaler } = await import('../image/upscale.js');
  return new Upscaler(threads === undefined ? {} : { threads });
}
