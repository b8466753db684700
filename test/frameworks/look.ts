import type { Browser, Page } from 'playwright-core';

/** A place of a page that says by `data-wants` how many pixels its picture has to have. */
export interface Seen {
  readonly page: string;
  readonly wants: string;
  /** What the browser has: pixels, or what is wrong. */
  readonly has: string;
  readonly url: string;
}

/**
 * Looks at the pictures of a page as a display of two pixels for each CSS pixel shows it.
 * @param isAlive whether waiting for the server still makes sense
 */
export async function look(
  browser: Browser,
  origin: string,
  path: string,
  isAlive: () => boolean = () => true,
): Promise<Seen[]> {
  const context = await browser.newContext({ deviceScaleFactor: 2, viewport: { width: 1000, height: 900 } });
  try {
    const page = await context.newPage();
    await arrive(page, origin + path, isAlive);
    const seen = await page.evaluate<Omit<Seen, 'page'>[]>(pictures);
    return seen.map((each) => ({ ...each, page: path }));
  } finally {
    await context.close();
  }
}

/** Development servers answer before they are ready, and load again when they have found more to prepare. */
async function arrive(page: Page, url: string, isAlive: () => boolean): Promise<void> {
  const until = Date.now() + 90_000;
  for (;;) {
    try {
      await page.goto(url, { waitUntil: 'load' });
      await page.waitForSelector('[data-wants]', { timeout: 15_000, state: 'attached' });
      // What is loaded again is loaded soon.
      await page.waitForTimeout(1500);
      await page.waitForSelector('[data-wants]', { timeout: 15_000, state: 'attached' });
      return;
    } catch (error) {
      if (Date.now() > until || !isAlive()) throw new Error(`${url}: ${String(error)}`.slice(0, 300), { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
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
    const set = /url\\("([^"]*)"\\)\\s+2dppx/.exec(value) ?? /url\\("([^"]*)"\\)/.exec(value);
    return set ? set[1] : '';
  };
  const seen = [];
  for (const place of document.querySelectorAll('[data-wants]')) {
    const { wants } = place.dataset;
    let url = '';
    try {
      url = await urlOf(place);
      seen.push({ wants, url: url.slice(0, 120), has: url ? await sizeOf(url) : 'no picture' });
    } catch (error) {
      seen.push({ wants, url, has: String(error) });
    }
  }
  return seen;
})()`;
