import { createServer, type UpresServer } from '#src/server/server.js';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { findBrowser } from '../e2e/support/find-browser.js';
import { temporaryFolder } from '../support/folders.js';

const token = 'a-token-that-is-not-guessed';
const example = (name: string): string => fileURLToPath(new URL(`../../examples/images/${name}`, import.meta.url));

let server: UpresServer;
let url: string;

afterEach(() => server.close({ cancel: true }));

async function start(options: Parameters<typeof createServer>[0] = {}): Promise<void> {
  server = await createServer({ port: 0, cache: false, folder: temporaryFolder(), ...options });
  url = await server.listen();
}

describe('the files of the page', () => {
  it('come with a strict policy and the right types, and once', async () => {
    await start({ tokens: [token] });
    const types = {
      '/': /^text\/html/,
      '/page/page.css': /^text\/css/,
      '/page/page.js': /^text\/javascript/,
      '/page/compare.js': /^text\/javascript/,
      '/page/upload.js': /^text\/javascript/,
      '/page/icon.svg': /^image\/svg\+xml/,
    };
    for (const [path, type] of Object.entries(types)) {
      const response = await fetch(new URL(path, url));
      expect(response.status, path).toBe(200);
      expect(response.headers.get('Content-Type')).toMatch(type);
      expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff');
      const policy = response.headers.get('Content-Security-Policy');
      expect(policy).toContain("default-src 'none'");
      expect(policy).not.toContain('unsafe');
      expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(100);

      const etag = response.headers.get('ETag')!;
      const again = await fetch(new URL(path, url), { headers: { 'If-None-Match': `"other", W/${etag}` } });
      expect(again.status, path).toBe(304);
      expect(await again.text()).toBe('');
    }
  });

  it('are the only files that are served', async () => {
    await start();
    for (const path of [
      '/page/',
      '/page/page.ts',
      '/page/..%2fserver.js',
      '/page/%2e%2e/package.json',
      '/index.html',
    ]) {
      expect((await fetch(new URL(path, url))).status, path).toBe(404);
    }
  });
});

const executablePath = findBrowser();
if (executablePath === undefined) {
  console.warn('SKIPPED: the page in a real browser. There is no Chromium here; CHROMIUM_PATH can name one.');
}

describe.skipIf(executablePath === undefined)('the page in a real browser', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: executablePath!,
      headless: true,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--force-color-profile=srgb',
      ],
    });
  });
  afterAll(() => browser.close());

  /** Opens the page and notes whatever goes wrong in it: errors of the console (violations of its policy among them), exceptions. */
  async function open(options: Parameters<Browser['newContext']>[0] = {}): Promise<{ page: Page; problems: string[] }> {
    const context = await browser.newContext({ viewport: { width: 1000, height: 900 }, ...options });
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const problems: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) problems.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => problems.push(`exception: ${error.message}`));
    page.on('request', (request) => {
      if (!request.url().startsWith(url) && !request.url().startsWith('blob:')) {
        problems.push(`away: ${request.url()}`);
      }
    });
    await page.goto(url);
    await page.waitForLoadState('networkidle');
    return { page, problems };
  }

  /** Pixels of an `<img>` that is decoded. */
  function pixelsOf(page: Page, id: 'before' | 'after'): Promise<{ width: number; height: number }> {
    return page.locator(`#${id}`).evaluate(async (element) => {
      const image = element as unknown as Picture;
      await image.decode();
      return { width: image.naturalWidth, height: image.naturalHeight };
    });
  }

  /** Drops a file on the page, as someone's pointer does. */
  async function drop(page: Page, name: string, type: string, bytes: Buffer): Promise<void> {
    const transfer = await page.evaluateHandle(
      ({ name, type, base64 }) => {
        const { atob, DataTransfer, File } = globalThis as unknown as Dropping;
        const transfer = new DataTransfer();
        const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
        transfer.items.add(new File([bytes], name, { type }));
        return transfer;
      },
      { name, type, base64: bytes.toString('base64') },
    );
    await page.dispatchEvent('#drop', 'drop', { dataTransfer: transfer });
  }

  const done = (page: Page): Promise<void> => page.locator('#download').waitFor({ state: 'visible' });

  it('shows before and after of a picture that is dropped', async () => {
    await start();
    const { page, problems } = await open();
    await drop(page, 'rocket.jpg', 'image/jpeg', await readFile(example('rocket.jpg')));
    expect(await pixelsOf(page, 'before')).toEqual({ width: 320, height: 214 });
    await page.getByLabel('Format').selectOption('webp');
    await page.getByRole('button', { name: 'Upscale' }).click();
    await done(page);
    expect(await pixelsOf(page, 'after')).toEqual({ width: 640, height: 428 });
    await expect.poll(() => page.locator('#facts').textContent()).toContain('640 × 428');
    expect(await page.locator('#facts').textContent()).toContain('natural');

    const boxes = [await page.locator('#before').boundingBox(), await page.locator('#after').boundingBox()];
    expect(boxes[0]).toEqual(boxes[1]);
    expect(problems).toEqual([]);
  });

  it('moves the border with the keyboard, and shows each picture on its side', async () => {
    await start();
    const { page, problems } = await open();
    await drop(page, 'clipart-car.png', 'image/png', await readFile(example('clipart-car.png')));
    await page.getByText('3×').click();
    await page.getByLabel('Model').selectOption('bicubic');
    await page.getByRole('button', { name: 'Upscale' }).click();
    await done(page);
    expect(await pixelsOf(page, 'after')).toEqual({ width: 480, height: 261 });

    const slider = page.getByRole('slider', { name: 'Where before ends' });
    const divider = async (): Promise<number> => {
      const [line, frame] = [await page.locator('#divider').boundingBox(), await page.locator('#frame').boundingBox()];
      return (line!.x + line!.width / 2 - frame!.x) / frame!.width;
    };
    expect(await divider()).toBeCloseTo(0.5, 2);
    await slider.focus();
    await page.keyboard.press('ArrowLeft');
    expect(await slider.inputValue()).toBe('49');
    expect(await divider()).toBeCloseTo(0.49, 2);
    expect(await slider.getAttribute('aria-valuetext')).toBe('49 % before');

    // At its ends only one of both is seen.
    const shots: Buffer[] = [];
    for (const key of ['Home', 'End']) {
      await page.keyboard.press(key);
      const { data } = await sharp(await page.locator('#view').screenshot())
        .raw()
        .toBuffer({ resolveWithObject: true });
      shots.push(data);
    }
    expect(await slider.inputValue()).toBe('100');
    expect(Buffer.compare(shots[0]!, shots[1]!)).not.toBe(0);
    await page.locator('#after').evaluate((element) => {
      (element as unknown as Picture).style.visibility = 'hidden';
    });
    const before = await sharp(await page.locator('#view').screenshot())
      .raw()
      .toBuffer();
    expect(Buffer.compare(before, shots[1]!)).toBe(0);
    expect(problems).toEqual([]);
  });

  it('shows actual pixels in a window that scrolls, with the border in sight and under the pointer', async () => {
    await start();
    const { page, problems } = await open({ viewport: { width: 600, height: 500 } });
    await page.locator('#file').setInputFiles(example('rocket.jpg'));
    await page.getByText('4×').click();
    await page.getByLabel('Model').selectOption('bicubic');
    await page.getByRole('button', { name: 'Upscale' }).click();
    await done(page);
    await page.getByLabel('actual pixels').check();
    const view = page.locator('#view');
    const scrolled = await view.evaluate((element) => {
      const box = element as unknown as Scrolling;
      box.scrollTo(250, 120);
      return [box.scrollLeft, box.scrollTop, box.scrollWidth];
    });
    expect(scrolled).toEqual([250, 120, 1280]);
    await view.scrollIntoViewIfNeeded();
    const box = (await view.boundingBox())!;
    // The bars take some of it.
    const inner = await view.evaluate((element) => (element as unknown as Scrolling).clientWidth);
    await page.mouse.move(box.x + inner / 2, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + inner / 4, box.y + 60, { steps: 3 });
    await page.mouse.up();
    expect(Number(await page.locator('#share').inputValue())).toBeCloseTo(25, -1);

    /** A part of what is seen, 20 pixels next to the border. */
    const line = (await page.locator('#divider').boundingBox())!.x;
    const part = async (side: 'left' | 'right'): Promise<Buffer> => {
      const left = side === 'left' ? line - 60 : line + 22;
      return page.screenshot({ clip: { x: Math.round(left), y: box.y + 5, width: 38, height: 60 } });
    };
    const hide = async (id: 'before' | 'after', hidden: boolean): Promise<void> => {
      await page.locator(`#${id}`).evaluate(
        (element, visibility) => {
          (element as unknown as Picture).style.visibility = visibility;
        },
        hidden ? 'hidden' : '',
      );
    };
    const both = { left: await part('left'), right: await part('right') };
    await hide('after', true);
    expect(Buffer.compare(await part('left'), both.left)).toBe(0);
    expect(Buffer.compare(await part('right'), both.right)).not.toBe(0);
    await hide('after', false);
    await hide('before', true);
    expect(Buffer.compare(await part('left'), both.left)).not.toBe(0);
    expect(Buffer.compare(await part('right'), both.right)).toBe(0);
    expect(problems).toEqual([]);
  });

  it('gives the bytes of the server away as a file', async () => {
    await start();
    const { page, problems } = await open();
    await page.locator('#file').setInputFiles(example('palette.png'));
    const answer = page.waitForResponse((response) => response.url().includes('/v1/upscale'));
    await page.getByRole('button', { name: 'Upscale' }).click();
    const sent = await (await answer).body();
    await done(page);
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#download').click()]);
    expect(download.suggestedFilename()).toBe('palette@2x.png');
    expect(Buffer.compare(await readFile(await download.path()), sent)).toBe(0);
    expect(problems).toEqual([]);
  });

  it('takes a picture from the clipboard', async () => {
    await start();
    const { page, problems } = await open();
    await page.evaluate(
      (base64) => {
        const { atob, ClipboardEvent, DataTransfer, dispatchEvent, File } = globalThis as unknown as Dropping;
        const transfer = new DataTransfer();
        const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
        transfer.items.add(new File([bytes], 'image.png', { type: 'image/png' }));
        dispatchEvent(new ClipboardEvent('paste', { clipboardData: transfer }));
      },
      (await readFile(example('palette.png'))).toString('base64'),
    );
    await page.getByRole('button', { name: 'Upscale' }).click();
    await done(page);
    expect(problems).toEqual([]);
  });

  it('says what the server says of a file that is no picture', async () => {
    await start();
    const { page, problems } = await open();
    await drop(page, 'notes.txt', 'text/plain', Buffer.from('no picture at all'));
    await page.getByRole('button', { name: 'Upscale' }).click();
    await page.getByRole('alert').waitFor({ state: 'visible' });
    expect(await page.getByRole('alert').textContent()).toContain('send a PNG, JPEG');
    expect(await page.locator('#pictures').isVisible()).toBe(false);
    // Chromium itself notes every response that is an error.
    expect(problems).toEqual([expect.stringContaining('415')]);

    // And goes on with the next picture.
    await drop(page, 'palette.png', 'image/png', await readFile(example('palette.png')));
    expect(await page.getByRole('alert').isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Upscale' }).click();
    await done(page);
    expect(problems).toHaveLength(1);
  });

  it('asks for a token where the server wants one, and keeps it nowhere', async () => {
    await start({ tokens: [token] });
    const { page, problems } = await open();
    const field = page.getByLabel('Token');
    await field.waitFor({ state: 'visible' });
    expect(await page.getByRole('alert').isVisible()).toBe(false);
    expect(problems).toEqual([expect.stringContaining('401')]);
    await field.fill('not the token that it wants');
    await field.press('Tab');
    await page.getByRole('alert').waitFor({ state: 'visible' });
    expect(await page.getByRole('alert').textContent()).toContain('does not know that token');
    await field.fill(token);
    await field.press('Tab');
    await expect.poll(() => page.getByLabel('Model').locator('option').count()).toBeGreaterThan(3);
    await page.locator('#file').setInputFiles(example('palette.png'));
    await page.getByRole('button', { name: 'Upscale' }).click();
    await done(page);
    expect(await page.getByRole('alert').isVisible()).toBe(false);
    expect(problems).toHaveLength(2);
    const kept = await page.evaluate(() => {
      const { localStorage, sessionStorage, document } = globalThis as unknown as Keeping;
      return [localStorage.length, sessionStorage.length, document.cookie];
    });
    expect(kept).toEqual([0, 0, '']);
    expect(page.url()).not.toContain(token);
  });

  it('gives up when it is asked to, and the server with it', async () => {
    await start();
    const { page, problems } = await open();
    await page.locator('#file').setInputFiles(example('astronaut.png'));
    await page.getByText('4×').click();
    await page.getByLabel('Model').selectOption('real');
    await page.getByRole('button', { name: 'Upscale' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await expect.poll(() => page.getByRole('button', { name: 'Upscale' }).isEnabled()).toBe(true);
    expect(await page.getByRole('alert').isVisible()).toBe(false);
    expect(await page.getByRole('status').textContent()).toBe('Cancelled');
    await expect
      .poll(async () => (await (await fetch(new URL('/metrics', url))).text()).includes('upres_queue_requests 0'))
      .toBe(true);
    expect(problems).toEqual([]);
  });

  it('makes a job of a large picture, fetches its result, and leaves nothing behind', async () => {
    await start();
    const { page, problems } = await open();
    const asked: string[] = [];
    page.on('request', (request) => {
      asked.push(`${request.method()} ${new URL(request.url()).pathname.replace(/(jobs\/)[\w-]+/, '$1…')}`);
    });
    const large = sharp({ create: { width: 1600, height: 1300, channels: 3, background: 'teal' } });
    await drop(page, 'poster.png', 'image/png', await large.png().toBuffer());
    await page.getByLabel('Model').selectOption('nearest');
    await page.getByRole('button', { name: 'Upscale' }).click();
    await done(page);
    expect(await pixelsOf(page, 'after')).toEqual({ width: 3200, height: 2600 });
    expect(await page.locator('#facts').textContent()).toContain('nearest');
    expect(asked).toContain('POST /v1/jobs');
    expect(asked).toContain('GET /v1/jobs/…/images/0/result');
    expect(asked).not.toContain('POST /v1/upscale');
    const jobs = async (): Promise<unknown> => (await fetch(new URL('/v1/jobs', url))).json();
    await expect.poll(jobs).toEqual({ jobs: [] });

    // The same, given up.
    await page.getByLabel('Model').selectOption('real');
    await page.getByRole('button', { name: 'Upscale' }).click();
    await expect.poll(jobs).toMatchObject({ jobs: [{ state: 'running' }] });
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect(await page.getByRole('status').textContent()).toBe('Cancelled');
    await expect.poll(jobs).toMatchObject({ jobs: [{ state: 'cancelled' }] });
    expect(problems).toEqual([]);
  });

  it.each([
    { colorScheme: 'dark', viewport: { width: 375, height: 700 } },
    { colorScheme: 'light', viewport: { width: 375, height: 700 } },
  ] as const)('fits a telephone ($colorScheme)', async (options) => {
    await start();
    const { page, problems } = await open(options);
    await page.locator('#file').setInputFiles(example('chelsea.webp'));
    await page.getByRole('button', { name: 'Upscale' }).click();
    await done(page);
    const widths = await page.evaluate(() => {
      const { document, innerWidth } = globalThis as unknown as Keeping;
      return { page: document.documentElement.scrollWidth, screen: innerWidth };
    });
    expect(widths.page).toBeLessThanOrEqual(widths.screen);
    const [r] = await sharp(await page.screenshot())
      .extract({ left: 2, top: 2, width: 1, height: 1 })
      .raw()
      .toBuffer();
    if (options.colorScheme === 'dark') expect(r).toBeLessThan(64);
    else expect(r).toBeGreaterThan(192);
    expect(problems).toEqual([]);
  });
});

// What the tests need of a browser's own types.
interface Picture {
  readonly naturalWidth: number;
  readonly naturalHeight: number;
  readonly style: { visibility: string };
  decode(): Promise<void>;
}

interface Scrolling {
  readonly scrollLeft: number;
  readonly scrollTop: number;
  readonly scrollWidth: number;
  readonly clientWidth: number;
  scrollTo(x: number, y: number): void;
}

interface Dropping {
  readonly atob: (base64: string) => string;
  readonly DataTransfer: new () => { readonly items: { add(file: object): void } };
  readonly File: new (parts: readonly Uint8Array[], name: string, options: { type: string }) => object;
  readonly ClipboardEvent: new (type: string, options: object) => object;
  readonly dispatchEvent: (event: object) => boolean;
}

interface Keeping {
  readonly localStorage: { readonly length: number };
  readonly sessionStorage: { readonly length: number };
  readonly innerWidth: number;
  readonly document: { readonly cookie: string; readonly documentElement: { readonly scrollWidth: number } };
}
