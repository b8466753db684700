import type { Browser, Page, Response } from 'playwright-core';

/** A page that has been loaded to the end, and is closed when it is disposed. */
export interface Visit extends AsyncDisposable {
  readonly page: Page;
  /** Whatever went wrong: errors and warnings of the console, exceptions, requests that failed or went elsewhere. */
  readonly problems: readonly string[];
  /** Bytes of the images that the browser asked for, by URL. */
  readonly images: ReadonlyMap<string, Buffer>;
}

/** What the tests need of an `<img>` in the browser. */
interface ImgElement {
  readonly currentSrc: string;
  readonly naturalWidth: number;
  readonly naturalHeight: number;
  decode(): Promise<void>;
  getBoundingClientRect(): { readonly width: number; readonly height: number };
}

export interface Measured {
  /** URL of the candidate that the browser chose. */
  readonly chosen: string;
  /** CSS pixels that it takes the file for. */
  readonly natural: { readonly width: number; readonly height: number };
  /** CSS pixels of the box. */
  readonly box: { readonly width: number; readonly height: number };
}

/** CSS pixels that all images of the page fit into: a larger window costs seconds, as it is drawn without a graphics processor. */
const viewport = { width: 400, height: 640 };

/**
 * Opens a page as a display of this many pixels for each CSS pixel shows it.
 * @param last a part of the URL of what the page asks for last: no event tells that a style's images are there
 */
export async function visit(browser: Browser, url: string, ratio: number, last: string): Promise<Visit> {
  const context = await browser.newContext({ deviceScaleFactor: ratio, viewport });
  const page = await context.newPage();
  const problems: string[] = [];
  const responses: Response[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`exception: ${error.message}`));
  page.on('requestfailed', (request) => problems.push(`failed: ${request.url()}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) problems.push(`away: ${request.url()}`);
  });
  page.on('response', (response) => {
    if (response.status() !== 200) problems.push(`status ${response.status()}: ${response.url()}`);
    if (response.request().resourceType() === 'image') responses.push(response);
  });
  const lastResponse = page.waitForResponse((response) => response.url().includes(last));
  await Promise.all([page.goto(url), lastResponse]);
  await page.waitForLoadState('networkidle');
  const bodies = responses
    .filter((response) => response.url().startsWith(url))
    .map(async (response) => [response.url(), await response.body()] as const);
  return {
    page,
    problems,
    images: new Map(await Promise.all(bodies)),
    [Symbol.asyncDispose]: () => context.close(),
  };
}

/**
 * Waits until an `<img>` is decoded, and measures it.
 * @throws when it can't be decoded
 */
export function measure(page: Page, id: string): Promise<Measured> {
  return page.locator(`img#${id}`).evaluate(async (element) => {
    const img = element as unknown as ImgElement;
    await img.decode();
    const { width, height } = img.getBoundingClientRect();
    return {
      chosen: img.currentSrc,
      natural: { width: img.naturalWidth, height: img.naturalHeight },
      box: { width, height },
    };
  });
}
