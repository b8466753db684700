import type { ImageService } from '../service/image-service.js';
import type { ServerOptions } from '../service/settings.js';
import type { Farm } from './farm.js';

/** Options of `createWorker`: those of a server that it shares. */
export interface WorkerOptions extends Pick<
  ServerOptions,
  | 'queue'
  | 'storage'
  | 'cache'
  | 'models'
  | 'acceptApproximation'
  | 'memoryBudget'
  | 'device'
  | 'threads'
  | 'limits'
  | 'blockOtherFormats'
> {
  /** Told of what holds images up, and of faults. */
  readonly warn?: (message: string) => void;
  /** Told of each image that has ended here. */
  readonly onImage?: (image: WorkedImage) => void;
}

/** An image that a worker has brought to its end. */
export interface WorkedImage {
  /** The id of its job. */
  readonly job: string;
  /** Its place in the job. */
  readonly place: number;
  /** How it ended. */
  readonly state: 'done' | 'failed';
  /** Of the source, all frames. */
  readonly pixels: number;
  /** How often it was begun. */
  readonly attempts: number;
  /** What computed it; absent where it failed. */
  readonly device?: string;
  /** Why it failed. */
  readonly code?: string;
}

/** A process that computes what servers of a farm accept. */
export class UpresWorker implements AsyncDisposable {
  private closing: Promise<void> | undefined;

  /** @internal */
  constructor(
    private readonly farm: Farm,
    private readonly images: ImageService,
    private readonly drainSeconds: number,
  ) {}

  /**
   * Ends the worker: it takes nothing any more, and finishes what it computes, for `limits.drainSeconds` at most. What it can't
   * finish is computed by others.
   * @param options `cancel`: gives up what it computes at once
   */
  close({ cancel = false }: { readonly cancel?: boolean } = {}): Promise<void> {
    this.closing ??= this.end(cancel ? AbortSignal.abort() : AbortSignal.timeout(this.drainSeconds * 1000));
    return this.closing;
  }

  /** Ends the worker: see `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async end(giveUp: AbortSignal): Promise<void> {
    await this.farm.queue.close(giveUp);
    await this.farm.close();
    await this.images.dispose({ cancel: true });
  }
}
