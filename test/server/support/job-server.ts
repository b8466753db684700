import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { setTimeout as delay } from 'node:timers/promises';
import sharp from 'sharp';
import { createServer, type ServerOptions, type UpresServer } from '#src/server/index.js';
import { randomNumbers } from '../../support/pictures.js';

export interface JobServer {
  readonly server: UpresServer;
  readonly url: string;
}

/** A server that listens on a free port of this machine and keeps no results besides its jobs'. */
export async function startServer(folder: string, options: ServerOptions = {}): Promise<JobServer> {
  const server = await createServer({ port: 0, folder, cache: false, threads: 2, ...options });
  return { server, url: await server.listen() };
}

const made = new Map<string, Promise<Buffer>>();

/** A PNG of random rectangles, the same for the same seed: made once in a process. */
export function smallPicture(seed: number, width = 24, height = 16): Promise<Buffer> {
  const name = [seed, width, height].join();
  const known = made.get(name) ?? makePicture(seed, width, height);
  made.set(name, known);
  return known;
}

async function makePicture(seed: number, width: number, height: number): Promise<Buffer> {
  const random = randomNumbers(seed);
  const pixels = new Uint8Array(width * height * 3);
  for (let i = 0; i < pixels.length; i++) pixels[i] = (((i / 12) | 0) * 37 + random(64) + seed * 11) % 256;
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

/** A form of files, named as they are. */
export function form(files: readonly (readonly [name: string, bytes: Uint8Array])[]): FormData {
  const data = new FormData();
  for (const [name, bytes] of files) data.append('images', new Blob([new Uint8Array(bytes)]), name);
  return data;
}

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

export interface JobResultAnswer {
  readonly url: string;
  readonly type: string;
  readonly bytes: number;
  readonly width: number;
  readonly device: string;
}

export interface JobAnswer {
  readonly id: string;
  readonly state: string;
  readonly expired?: boolean;
  readonly progress: { readonly donePixels: number; readonly totalPixels: number; readonly secondsLeft?: number };
  readonly images: readonly {
    readonly name?: string;
    readonly state: string;
    readonly pixels: number;
    readonly result?: JobResultAnswer;
    readonly results?: readonly JobResultAnswer[];
    readonly problem?: { readonly code: string; readonly detail: string };
  }[];
}

/** What an answer says; anything but the status that is expected fails the test with what came instead. */
export async function json<T = JobAnswer>(response: Promise<Response>, status = 200): Promise<T> {
  const answer = await response;
  const text = await answer.text();
  if (answer.status !== status) throw new Error(`${answer.status} instead of ${status}: ${text}`);
  return JSON.parse(text) as T;
}

const finalStates = ['done', 'failed', 'cancelled'];

/** Asks until a job has ended. */
export async function endOf(url: string, headers: Record<string, string> = {}): Promise<JobAnswer> {
  for (;;) {
    const job = await json(fetch(url, { headers }));
    if (finalStates.includes(job.state)) return job;
    await delay(20);
  }
}

/** Reads events as they come, until the stream ends. */
export async function* eventsOf(response: Response): AsyncGenerator<EventSourceMessage> {
  const arrived: EventSourceMessage[] = [];
  const parser = createParser({
    onEvent: (event) => {
      arrived.push(event);
    },
  });
  const decoder = new TextDecoder();
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    yield* arrived.splice(0);
  }
}

/** All events until the stream ends. */
export async function allEvents(response: Response): Promise<EventSourceMessage[]> {
  const events: EventSourceMessage[] = [];
  for await (const event of eventsOf(response)) events.push(event);
  return events;
}
