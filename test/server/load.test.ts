import { Upscaler } from '#src/image/upscale.js';
import { createServer, type UpresServer } from '#src/server/server.js';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folders.js';
import { noise } from '../support/pictures.js';

const threads = 2;
const tokens = ['token-of-the-first-client', 'token-of-the-other-client'] as const;

/** A PNG file of noise, so that every pixel counts. */
function png(width: number, height: number, seed: number): Promise<Buffer> {
  const { data } = noise(width, height, 3, seed);
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 1 })
    .toBuffer();
}

/** What Node warns of, such as listeners that pile up. */
const warnings: string[] = [];
process.on('warning', ({ message }) => warnings.push(message));

let upscaler: Upscaler;
let server: UpresServer;
let url: string;

beforeAll(() => {
  upscaler = new Upscaler({ threads });
});

afterEach(() => server.close({ cancel: true }));
afterAll(() => upscaler.dispose());

async function start(options: Parameters<typeof createServer>[0]): Promise<void> {
  server = await createServer({ port: 0, threads, cache: false, folder: temporaryFolder(), tokens, ...options });
  url = await server.listen();
}

function ask(picture: Uint8Array<ArrayBuffer>, token: string = tokens[0]): Promise<Response> {
  return fetch(new URL('/v1/upscale?upscale=2', url), {
    method: 'POST',
    headers: { 'Content-Type': 'image/png', Authorization: `Bearer ${token}` },
    body: picture,
  });
}

describe('under load', () => {
  it('gives every client its own picture, however many ask at once', async () => {
    await start({});
    const sides = [8, 150, 33, 64, 220, 17];
    const pictures = await Promise.all(sides.map((side, index) => png(side, side + 3, index)));
    const expected = await Promise.all(pictures.map((picture) => upscaler.upscale(picture, { upscale: 2 })));

    // Each client asks for all pictures, beginning with another one; many of them are the same at the same time.
    const clients = Array.from({ length: 12 }, async (_, client) => {
      for (let turn = 0; turn < pictures.length; turn++) {
        const index = (client + turn) % pictures.length;
        const response = await ask(Uint8Array.from(pictures[index]!), tokens[client % tokens.length]);
        expect(response.status).toBe(200);
        const bytes = new Uint8Array(await response.arrayBuffer());
        expect(Buffer.compare(bytes, expected[index]!.data), `bytes of ${sides[index]!}`).toBe(0);
      }
    });
    await Promise.all(clients);
    expect(warnings).toEqual([]);
  });

  it('tells a client that asks for too much at once to come later, and no one else', async () => {
    const limit = 3;
    await start({ limits: { requestsPerClient: limit } });
    const pictures = await Promise.all(Array.from({ length: 12 }, (_, seed) => png(120, 90, seed)));
    const expected = await Promise.all(pictures.map((picture) => upscaler.upscale(picture, { upscale: 2 })));
    let turnedAway = 0;
    const insist = async (index: number): Promise<void> => {
      for (;;) {
        const response = await ask(Uint8Array.from(pictures[index]!));
        const bytes = Buffer.from(await response.arrayBuffer());
        if (response.status === 200) {
          expect(Buffer.compare(bytes, expected[index]!.data)).toBe(0);
          return;
        }
        expect(response.status).toBe(429);
        expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(0);
        expect(JSON.parse(bytes.toString())).toMatchObject({ status: 429, code: 'BUSY' });
        turnedAway++;
        // A twentieth of what it is told: no one has to wait for a test.
        await new Promise((resolve) => setTimeout(resolve, Number(response.headers.get('Retry-After')) * 50));
      }
    };
    const greedy = Promise.all(pictures.map((_, index) => insist(index)));
    for (let turn = 0; turn < 4; turn++) {
      expect((await ask(Uint8Array.from(pictures[turn]!), tokens[1])).status).toBe(200);
    }
    await greedy;
    expect(turnedAway).toBeGreaterThan(0);
  });

  it('lets a tiny picture pass the queue of huge ones of another client', async () => {
    await start({});
    const huge = await Promise.all(Array.from({ length: 10 }, (_, seed) => png(600, 600, seed)));
    const tiny = await png(16, 16, 1);
    // The network is there and the tiles have their size before it counts.
    expect((await ask(Uint8Array.from(huge[0]!))).status).toBe(200);

    const done: string[] = [];
    const all = huge.map(async (picture) => {
      const response = await ask(Uint8Array.from(picture));
      expect(response.status).toBe(200);
      await response.arrayBuffer();
      done.push('huge');
    });
    // All of them are in the server when the tiny one comes.
    await expect
      .poll(async () => (await metric('upres_queue_requests')) + done.length, { timeout: 20_000, interval: 5 })
      .toBe(huge.length);
    const response = await ask(Uint8Array.from(tiny), tokens[1]);
    expect(response.status).toBe(200);
    done.push('tiny');
    await Promise.all(all);
    expect(done).toHaveLength(huge.length + 1);
    // Those that were nearly done when it came may be before it.
    expect(done.indexOf('tiny')).toBeLessThan(huge.length / 2);
  });
});

async function metric(name: string): Promise<number> {
  const response = await fetch(new URL('/metrics', url), { headers: { Authorization: `Bearer ${tokens[0]}` } });
  const [, value] = new RegExp(`^${name} (\\d+)$`, 'm').exec(await response.text()) ?? [];
  return Number(value);
}
