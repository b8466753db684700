import type { Browser, Page, Response } from 'playwright-core';

/** A place of a site, and what became of its picture. */
export interface Seen {
  /** The page and the element's `id`, or which of the page's pictures it is. */
  readonly place: string;
  /** Pixels of its file. */
  readonly wants: string;
  /** The same as it came out, or what is wrong. */
  readonly has: string;
  readonly url: string;
}

/** What a page shows, and what went wrong on the way. */
export interface Look {
  readonly seen: readonly Seen[];
  readonly problems: readonly string[];
}

/** Pixels of a display for each CSS pixel. */
const densities = [1, 2];

/**
 * Looks at the pictures of a page as displays of each density show it. An element with `data-wants` says how many pixels its picture's
 * file has to have, as in `240x160`, or one size for each density: `120x80 240x160`.
 * @param isAlive whether waiting for the server still makes sense
 * @param wanted the same by selectors, for pages that do not say it
 */
export async function look(
  browser: Browser,
  origin: string,
  path: string,
  isAlive: () => boolean = () => true,
  wanted: Readonly<Record<string, string>> = {},
): Promise<Look> {
  const seen: Seen[] = [];
  const problems: string[] = [];
  // Development servers load pages again when they have found more to prepare: what fails then is nothing.
  await visit(browser, 1, async (page) => arrive(page, origin + path, isAlive, wanted));
  for (const [at, density] of densities.entries()) {
    await visit(browser, density, async (page) => {
      const watched = watch(page);
      await arrive(page, origin + path, isAlive, wanted);
      for (const { id, wants, ...found } of await page.evaluate<Found[]>(pictures)) {
        const sizes = wants.split(' ');
        seen.push({ place: `${path} ${id} at ${density}x`, wants: sizes[at] ?? sizes[0]!, ...found });
      }
      problems.push(...(await watched()).map((problem) => `${path} at ${density}x: ${problem}`));
    });
  }
  return { seen, problems };
}

async function visit(browser: Browser, density: number, see: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext({ deviceScaleFactor: density, viewport: { width: 1000, height: 900 } });
  try {
    await see(await context.newPage());
  } finally {
    await context.close();
  }
}

/** What stands in CSS while it is built; no browser may ever see it. */
export const mark = 'upres:';

/** @returns what gives the requests of a page that failed, and the texts that have a mark in them */
function watch(page: Page): () => Promise<string[]> {
  const problems: string[] = [];
  const texts: Promise<void>[] = [];
  const read = async (response: Response): Promise<void> => {
    const text = await response.text().catch(() => '');
    if (text.includes(mark)) problems.push(`${response.url()} has a mark in it`);
  };
  page.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText ?? '';
    if (!reason.includes('ERR_ABORTED')) problems.push(`${request.url()} failed: ${reason}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400 && !response.url().endsWith('/favicon.ico'))
      problems.push(`${response.url()} has the status ${response.status()}`);
    if (['document', 'stylesheet', 'script'].includes(response.request().resourceType())) texts.push(read(response));
  });
  return async () => {
    await Promise.all(texts);
    return problems;
  };
}

/** Development servers answer before they are ready. */
async function arrive(
  page: Page,
  url: string,
  isAlive: () => boolean,
  wanted: Readonly<Record<string, string>>,
): Promise<void> {
  const say = async (): Promise<void> => {
    for (const [selector, wants] of Object.entries(wanted)) {
      await page.waitForSelector(selector, { timeout: 15_000, state: 'attached' });
      await page.evaluate(`document.querySelector(${JSON.stringify(selector)}).dataset.wants = '${wants}'`);
    }
  };
  const until = Date.now() + 90_000;
  for (;;) {
    try {
      await page.goto(url, { waitUntil: 'load' });
      await say();
      await page.waitForSelector('[data-wants]', { timeout: 15_000, state: 'attached' });
      // What is loaded again is loaded soon.
      await page.waitForTimeout(1500);
      await say();
      await page.waitForSelector('[data-wants]', { timeout: 15_000, state: 'attached' });
      return;
    } catch (error) {
      if (Date.now() > until || !isAlive()) throw new Error(`${url}: ${String(error)}`.slice(0, 300), { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

interface Found {
  readonly id: string;
  readonly wants: string;
  readonly has: string;
  readonly url: string;
}

/** Runs in the browser. The pixels of the file itself are counted: `naturalWidth` divides them by the density. */
const pictures = `(async () => {
  const sizeOf = async (url) => {
    const response = await fetch(url);
    if (!response.ok) return 'status ' + response.status;
    const bitmap = await createImageBitmap(await response.blob());
    return bitmap.width + 'x' + bitmap.height;
  };
  const urlOf = async (place) => {
    const img = place.matches('img') ? place : place.querySelector('img');
    if (img) {
      img.loading = 'eager';
      await img.decode();
      return img.currentSrc;
    }
    const value = getComputedStyle(place).backgroundImage;
    const candidate = new RegExp('url\\\\("([^"]*)"\\\\)\\\\s+' + devicePixelRatio + 'dppx');
    const found = candidate.exec(value) ?? /url\\("([^"]*)"\\)/.exec(value);
    return found ? found[1] : '';
  };
  const seen = [];
  for (const [index, place] of document.querySelectorAll('[data-wants]').entries()) {
    const { dataset: { wants } } = place;
    const id = place.id || 'picture ' + index;
    let url = '';
    try {
      url = await urlOf(place);
      seen.push({ id, wants, url: url.slice(0, 120), has: url ? await sizeOf(url) : 'no picture' });
    } catch (error) {
      seen.push({ id, wants, url, has: String(error) });
    }
  }
  return seen;
})()`;
