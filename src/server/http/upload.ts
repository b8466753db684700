import type { FastifyRequest } from 'fastify';
import type { ServerContext } from '../service/context.js';
import { Problem } from './problem.js';
import { TransferAllowance, watchTransfer } from './transfer.js';
import { hasCode } from '../../errors.js';

/** One image of a request. */
export interface UploadedImage {
  /** The file's name as the client gave it, cut short and without control characters; for people only, never a path here. */
  readonly name: string | undefined;
  readonly bytes: Uint8Array;
}

export interface Upload {
  readonly images: readonly UploadedImage[];
  /** Fields of a multipart body that are no files. */
  readonly fields: Readonly<Record<string, string>>;
  /** Gives back the room that the bytes take; to be called when they are not needed any more. Calling it twice does no harm. */
  readonly release: () => void;
}

export interface UploadLimits {
  /** Images in one request. */
  readonly images: number;
  /** Bytes of all of them together; each is bounded by `limits.bodyBytes` besides. */
  readonly bytes: number;
}

/** More fields than there are directives, and longer than any of them. */
const mostFields = 16;
const longestField = 1000;
const longestName = 200;
/** Headers and boundary of one part. */
const partOverhead = 2048;
/** Room is taken in steps of this many bytes where a body's length is not announced. */
const roomStep = 2 ** 18;
/** So long is read, and thrown away, what a client goes on to send after it was refused: else it never sees the answer. */
const lingerMs = 5000;

/**
 * Reads the images of a request, raw or multipart. Limits hold while it arrives: of what is too much, nothing is kept.
 * @throws Problem: BAD_REQUEST, BODY_TOO_LARGE, BUSY, UNSUPPORTED_MEDIA_TYPE
 */
export async function readUpload(
  request: FastifyRequest,
  { settings, occupancy }: Pick<ServerContext, 'settings' | 'occupancy'>,
  limits: UploadLimits,
): Promise<Upload> {
  const { bodyBytes } = settings.limits;
  const multipart = request.isMultipart();
  const each = Math.min(bodyBytes, limits.bytes);
  const most = multipart ? limits.bytes + (limits.images + mostFields) * partOverhead : each;
  const held: (() => void)[] = [];
  const release = (): void => {
    for (const give of held.splice(0)) give();
  };
  const hold = (bytes: number): void => void held.push(occupancy.holdBytes(request.client, bytes));
  const limiter = new BodyLimiter(request, most, hold, new TransferAllowance(settings.limits));
  try {
    limiter.start();
    const reading = multipart ? readParts(request, limits.images, each) : readRaw(request);
    // Where the limiter ends it, it is not waited for any more.
    reading.catch(() => undefined);
    const { images, fields } = await Promise.race([reading, limiter.refused]);
    return { images, fields, release };
  } catch (error) {
    linger(request, release);
    throw asProblem(error, each);
  } finally {
    limiter.stop();
  }
}

/** Counts a body's bytes as they arrive, takes room for them, and ends the reading when there is none, or when they come too slowly. */
class BodyLimiter {
  /** Rejects when the body is too much, or cut short. */
  readonly refused: Promise<never>;
  private refuse: (error: unknown) => void = () => undefined;
  private arrived = 0;
  private looked = 0;
  private room = 0;
  private endWatch: () => void = () => undefined;

  /** @param hold takes room, or throws */
  constructor(
    private readonly request: FastifyRequest,
    private readonly most: number,
    private readonly hold: (bytes: number) => void,
    private readonly allowance: TransferAllowance,
  ) {
    this.refused = new Promise<never>((_, reject) => (this.refuse = reject));
    this.refused.catch(() => undefined);
  }

  /** Begins to count. What is announced to be too much is refused before any of it is read: throws. */
  start(): void {
    const announced = Number(this.request.headers['content-length'] ?? 0);
    if (announced > this.most) throw tooLarge(this.most);
    this.take(announced);
    this.request.raw.on('data', this.onData).on('close', this.onClose);
    this.endWatch = watchTransfer(this.allowance, this.step, () => {
      this.stop();
      this.refuse(
        new Problem(408, 'TIMED_OUT', 'the request arrives too slowly', { headers: { connection: 'close' } }),
      );
    });
  }

  stop(): void {
    this.endWatch();
    this.request.raw.off('data', this.onData).off('close', this.onClose);
  }

  private readonly step = (): number => {
    const bytes = this.arrived - this.looked;
    this.looked = this.arrived;
    return bytes;
  };

  private take(bytes: number): void {
    if (bytes === 0) return;
    this.hold(bytes);
    this.room += bytes;
  }

  private readonly onData = (chunk: Buffer): void => {
    this.arrived += chunk.length;
    try {
      if (this.arrived > this.most) throw tooLarge(this.most);
      if (this.arrived > this.room) this.take(Math.max(roomStep, this.arrived - this.room));
    } catch (error) {
      this.stop();
      this.refuse(error);
    }
  };

  private readonly onClose = (): void => {
    if (!this.request.raw.complete)
      this.refuse(new Problem(400, 'BAD_REQUEST', 'the request ended before its body did'));
  };
}

async function readRaw(request: FastifyRequest): Promise<Omit<Upload, 'release'>> {
  const chunks: Buffer[] = [];
  const { raw } = request;
  await new Promise<void>((resolve, reject) => {
    raw.on('data', (chunk: Buffer) => chunks.push(chunk));
    raw.once('end', resolve);
    raw.once('error', reject);
  });
  return { images: [{ name: undefined, bytes: Buffer.concat(chunks) }], fields: {} };
}

async function readParts(request: FastifyRequest, files: number, each: number): Promise<Omit<Upload, 'release'>> {
  const images: UploadedImage[] = [];
  const fields: Record<string, string> = {};
  const limits = { files, fileSize: each, fields: mostFields, fieldSize: longestField, fieldNameSize: 100 };
  const parts = request.parts({ limits: { ...limits, parts: files + mostFields, headerPairs: 20 } });
  for await (const part of parts) {
    if (part.type === 'file') {
      images.push({ name: harmless(part.filename), bytes: await part.toBuffer() });
      continue;
    }
    const { fieldname, value, valueTruncated, fieldnameTruncated } = part;
    if (typeof value !== 'string' || valueTruncated || fieldnameTruncated) {
      throw new Problem(400, 'BAD_REQUEST', 'a field of the form is too long, or no text');
    }
    if (Object.hasOwn(fields, fieldname)) {
      throw new Problem(422, 'BAD_ARGUMENT', `the field "${harmless(fieldname) ?? ''}" is given twice`);
    }
    fields[fieldname] = value;
  }
  return { images, fields };
}

/** A text of a client's without control characters and what else would make it more than a text, cut short. */
function harmless(text: string | undefined): string | undefined {
  const plain = text?.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '').slice(0, longestName);
  return plain === '' ? undefined : plain;
}

/** Until the rest has gone by, what has been read may still be in memory, so its room is given back only then. */
function linger({ raw }: FastifyRequest, release: () => void): void {
  raw.unpipe();
  raw.removeAllListeners('data');
  if (raw.complete || raw.destroyed) {
    release();
    return;
  }
  raw.resume();
  const { socket } = raw;
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  timer.unref();
  const over = (): void => {
    clearTimeout(timer);
    raw.off('end', over);
    socket.off('close', over);
    release();
  };
  // Once the answer is out, the request itself hears nothing of its connection any more.
  raw.once('end', over);
  socket.once('close', over);
}

function tooLarge(most: number): Problem {
  const detail = `the body has more than the ${(most / 2 ** 20).toPrecision(3)} MiB that are taken here`;
  return new Problem(413, 'BODY_TOO_LARGE', detail);
}

/** The multipart reader's errors say who is to blame by a status; those of its parser say nothing, and are about the body. */
function asProblem(error: unknown, each: number): Problem {
  if (error instanceof Problem) return error;
  if (hasCode(error, 'FST_REQ_FILE_TOO_LARGE')) return tooLarge(each);
  if (hasCode(error, 'FST_FILES_LIMIT', 'FST_PARTS_LIMIT', 'FST_FIELDS_LIMIT')) {
    return new Problem(413, 'BODY_TOO_LARGE', 'the form has more files or fields than are taken here', {
      cause: error,
    });
  }
  return new Problem(400, 'BAD_REQUEST', 'the body can’t be read: it is cut short or malformed', { cause: error });
}
