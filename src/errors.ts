/** What a way to fail means at each door. */
interface Failure {
  /** What it means, in a few words. */
  readonly meaning: string;
  /** Status over HTTP; 500 is a fault of the server's own, of which a client learns nothing. */
  readonly status: 413 | 415 | 422 | 429 | 500 | 503;
  /** What a client is told where the error's own words may tell about the machine, or advise what only its owner can do. */
  readonly toClients?: string;
  /** Every picture would meet it: nothing stands in for a picture, and a run ends with the command's exit status 1 or 2. */
  readonly endsRun?: 1 | 2;
  /** Not the picture's fault, and likely to pass: it is worth trying again. */
  readonly passes?: true;
}

/**
 * One row for each way to fail. A code is part of the public interface: scripts test for it, so a code keeps its meaning for ever
 * and the words next to it may change.
 */
export const failures = {
  ABORTED: {
    meaning: 'the caller’s AbortSignal, or Ctrl-C',
    status: 503,
    toClients: 'the image was given up: try again',
    passes: true,
  },
  BAD_ARGUMENT: { meaning: 'an option or value that can’t be used', status: 422 },
  DEVICE_LOST: {
    meaning: 'a graphics processor or its driver failed in the middle of a picture',
    status: 503,
    toClients: 'the device failed in the middle of the image: try again, or ask for another',
    passes: true,
  },
  DEVICE_UNAVAILABLE: {
    meaning: 'the device that was named can’t be used on this machine',
    status: 422,
    toClients: 'this device can’t be used here: leave it out, or ask for another',
  },
  DISPOSED: {
    meaning: 'a call on a network that was disposed',
    status: 503,
    toClients: 'the server is about to end: try again',
    passes: true,
  },
  DISK_FULL: {
    meaning: 'no room on the disk',
    status: 503,
    toClients: 'the server has no room on its disk: try again later',
    passes: true,
  },
  INFERENCE_FAILED: { meaning: 'the runtime refused to run a network', status: 500 },
  INPUT_CORRUPT: { meaning: 'damaged, cut short, or not what its bytes claim', status: 422 },
  INPUT_EMPTY: { meaning: 'no bytes', status: 422 },
  INPUT_NOT_FOUND: { meaning: 'no such file', status: 500 },
  INPUT_TOO_LARGE: { meaning: 'more pixels or frames than the limits allow', status: 413 },
  INPUT_UNREADABLE: { meaning: 'exists, but can’t be read', status: 500 },
  JOB_CANCELLED: { meaning: 'someone else cancelled the job on a farm', status: 500 },
  MODEL_INVALID: { meaning: 'not a network that upres can read', status: 500, endsRun: 2 },
  MODEL_NOT_FOUND: { meaning: 'no such label or file', status: 500, endsRun: 2 },
  MODEL_UNSUPPORTED: { meaning: 'a network, but not for upscaling one image', status: 500, endsRun: 2 },
  NOT_MAIN_THREAD: { meaning: 'a network was created in a worker thread', status: 500, endsRun: 1 },
  OUTPUT_COLLISION: { meaning: 'two inputs would be written to one file', status: 500 },
  OUTPUT_EXISTS: { meaning: 'a file stands there that upres did not write', status: 500 },
  OUTPUT_TOO_LARGE: { meaning: 'more pixels than the limit, or than the format can hold', status: 422 },
  OUTPUT_UNWRITABLE: { meaning: 'the result can’t be written', status: 500 },
  QUEUE_FULL: { meaning: 'more calls are waiting than maxQueue allows', status: 429, passes: true },
  QUEUE_UNAVAILABLE: {
    meaning: 'the queue that several machines share does not answer',
    status: 503,
    toClients: 'the server can’t reach its queue: try again later',
    passes: true,
  },
  STORAGE_UNAVAILABLE: {
    meaning: 'the storage that several machines share does not answer, or may not be used',
    status: 503,
    toClients: 'the server can’t reach its storage: try again later',
    passes: true,
  },
  THREAD_DIED: { meaning: 'a thread died twice on the same tile', status: 500 },
  UNSUPPORTED_FORMAT: { meaning: 'not a format that is read', status: 415 },
  UNSUPPORTED_PLATFORM: {
    meaning: 'the runtime, or sharp, has no binary that this machine can load',
    status: 500,
    endsRun: 1,
  },
} as const satisfies Readonly<Record<string, Failure>>;

/** One code for each way to fail; what they mean stands in `failures`. */
export type UpresErrorCode = keyof typeof failures;

/** What the command tells the shell. An interrupted run gives 128 + the signal's number, as shells expect. */
export const exitCodes = { ok: 0, someFailed: 1, usage: 2 } as const;

/** What a way to fail means at each door. */
export const failureOf = (code: UpresErrorCode): Failure => failures[code];

/** What an error may carry besides its code and its message. */
export interface UpresErrorOptions {
  /** What caused it, as of any `Error`. */
  readonly cause?: unknown;
  /** The file that the error is about. */
  readonly file?: string | undefined;
}

/** Every error that upres throws on purpose: what is wrong and what to do about it, with a code to test for. */
export class UpresError extends Error {
  /** Always this. */
  override readonly name = 'UpresError';
  /** What went wrong, to test for. */
  readonly code: UpresErrorCode;
  /** The file that the error is about. */
  readonly file?: string;

  constructor(code: UpresErrorCode, message: string, { file, ...options }: UpresErrorOptions = {}) {
    super(message, options);
    this.code = code;
    if (file !== undefined) this.file = file;
  }
}

/** An error with the file that it is about, for what is thrown where no file is known. */
export function withFile(error: unknown, file: string | undefined): unknown {
  if (!(error instanceof UpresError) || error.file !== undefined || file === undefined) return error;
  return new UpresError(error.code, error.message, { file, cause: error });
}

/** The code of an error, ours or the system's (`ENOENT`). */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Whether an error, ours or the system's, has one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  const code = codeOf(error);
  return code !== undefined && codes.includes(code);
}

/** Whether an error is the file system's way to say that there is no such file or folder. */
export const isMissing = (error: unknown): boolean => hasCode(error, 'ENOENT', 'ENOTDIR');

/** What an error says, whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What was thrown, as an error. */
export const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));

/** Why a file or a folder can't be read: INPUT_NOT_FOUND, INPUT_UNREADABLE, INPUT_TOO_LARGE; ours stay as they are. */
export function readError(cause: unknown, file: string): UpresError {
  if (cause instanceof UpresError) return cause;
  const options = { file, cause };
  if (isMissing(cause)) return new UpresError('INPUT_NOT_FOUND', 'there is no such file', options);
  if (hasCode(cause, 'EACCES', 'EPERM')) {
    return new UpresError('INPUT_UNREADABLE', 'it may not be read: check its permissions', options);
  }
  if (hasCode(cause, 'ERR_FS_FILE_TOO_LARGE')) {
    return new UpresError('INPUT_TOO_LARGE', 'it has more than 2 GiB, which can’t be read in one go', options);
  }
  return new UpresError('INPUT_UNREADABLE', `it can’t be read: ${messageOf(cause)}`, options);
}
