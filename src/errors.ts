/**
 * One code for each way to fail. A code is part of the public interface: scripts test for it, so a code keeps its meaning
 * for ever and the words beside it may change.
 */
export type UpresErrorCode =
  | 'ABORTED' // the caller's AbortSignal, or Ctrl-C
  | 'BAD_ARGUMENT' // an option or value that can't be used
  | 'DEVICE_LOST' // a graphics processor or its driver failed in the middle of a picture
  | 'DEVICE_UNAVAILABLE' // the device that was named can't be used on this machine
  | 'DISPOSED' // a call on a network that was disposed
  | 'DISK_FULL'
  | 'INFERENCE_FAILED' // the runtime refused to run a network
  | 'INPUT_CORRUPT' // damaged, cut short, or not what its bytes claim
  | 'INPUT_EMPTY' // no bytes
  | 'INPUT_NOT_FOUND'
  | 'INPUT_TOO_LARGE' // more pixels or frames than the limits allow
  | 'INPUT_UNREADABLE' // exists, but can't be read
  | 'MODEL_INVALID' // not a network that upres can read
  | 'MODEL_NOT_FOUND' // no such label or file
  | 'MODEL_UNSUPPORTED' // a network, but not for upscaling one image
  | 'NOT_MAIN_THREAD' // a network was created in a worker thread
  | 'OUTPUT_COLLISION' // two inputs would be written to one file
  | 'OUTPUT_EXISTS' // a file stands there that upres did not write
  | 'OUTPUT_TOO_LARGE' // more pixels than the limit, or than the format can hold
  | 'OUTPUT_UNWRITABLE'
  | 'QUEUE_FULL' // more calls are waiting than `maxQueue` allows
  | 'THREAD_DIED' // a thread died twice on the same tile
  | 'UNSUPPORTED_FORMAT'
  | 'UNSUPPORTED_PLATFORM'; // the runtime has no binary for this machine

export interface UpresErrorOptions extends ErrorOptions {
  /** The file that the error is about. */
  readonly file?: string;
}

/** Every error that upres throws on purpose: what is wrong and what to do about it, with a code to test for. */
export class UpresError extends Error {
  override readonly name = 'UpresError';
  readonly code: UpresErrorCode;
  readonly file?: string;

  constructor(code: UpresErrorCode, message: string, options: UpresErrorOptions = {}) {
    super(message, options);
    this.code = code;
    if (options.file !== undefined) this.file = options.file;
  }
}
