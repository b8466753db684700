import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tools } from './support/builds.js';
import { findBrowser } from './support/find-browser.js';
import { Screen } from './support/screen.js';
import { background, images, ratios, type Ratio, type Shown } from './support/site.js';
import type { Served } from './support/static-server.js';
import { measure, visit, type Measured } from './support/visit.js';

const executablePath = findBrowser();
if (executablePath === undefined) {
  console.warn('SKIPPED: pages in a real browser. There is no Chromium here; CHROMIUM_PATH can name one.');
}

describe.skipIf(executablePath === undefined)('in a real browser', () => {
  let folder: string;
  let browser: Browser;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'upres-e2e-'));
    // Every launch has a profile of its own, gone when it ends.
    browser = await chromium.launch({
      executablePath: executablePath!,
      headless: true,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--force-color-profile=srgb',
      ],
    });
  });

  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  });

  describe.each(Object.keys(tools))('the page of %s', (tool) => {
    let site: Served;

    beforeAll(async () => {
      const own = join(folder, tool);
      mkdirSync(own);
      site = await tools[tool]!(own, join(folder, 'cache'));
    });

    afterAll(() => site.close());

    // At once: most of their time is waiting until nothing is asked for any more.
    it.concurrent.each(ratiosOf(tool))('is right at device pixel ratio %d', async (ratio) => {
      await using visited = await visit(browser, site.url, ratio, background.id);
      const { page, problems, images: loaded } = visited;
      expect(problems).toEqual([]);
      const files = new Map(loaded);
      const measured = new Map<Shown, Measured>();
      for (const image of images) measured.set(image, await measure(page, image.id));
      const screen = await Screen.of(page, ratio);

      for (const [image, { chosen, natural, box }] of measured) {
        const { id, layout, told } = image;
        expect(box, `box of ${id}`).toEqual(layout);
        const { width, height } = pixelsOf(image, ratio);
        const sizes = [told[ratio]].flat().map((density) => ({ width: width / density, height: height / density }));
        expect(sizes, `natural size of ${id}`).toContainEqual(natural);
        await expectFile(files.get(chosen)!, image, ratio);
        if (image.densities[ratio] === ratio) {
          expect(await screen.differenceFrom(files.get(chosen)!, id, layout), `${id} on the screen`).toBeLessThan(2);
        }
        files.delete(chosen);
      }

      // What is left was asked for by CSS: one candidate of the background, and nothing besides.
      expect([...files.keys()]).toEqual([expect.stringContaining(background.id)]);
      const [file] = [...files.values()];
      await expectFile(file!, background, ratio);
      const difference = await screen.differenceFrom(file!, background.id, background.layout);
      expect(difference, 'the background on the screen').toBeLessThan(2);
      expect(problems).toEqual([]);
    });
  });
});

/** All where the page is written by hand or read as one; elsewhere the same lists of candidates come out of JavaScript. */
function ratiosOf(tool: string): readonly Ratio[] {
  return tool === 'Vite' || tool === 'Gulp' ? ratios : ratios.filter((ratio) => ratio > 1);
}

/** Pixels of the file that a browser has to take. */
function pixelsOf({ layout, densities }: Shown, ratio: Ratio): { width: number; height: number } {
  return { width: layout.width * densities[ratio], height: layout.height * densities[ratio] };
}

async function expectFile(file: Buffer, image: Shown, ratio: Ratio): Promise<void> {
  // sharp calls AVIF by the name of its container.
  const format = image.format === 'avif' ? 'heif' : image.format;
  expect(await sharp(file).metadata(), `file of ${image.id}`).toMatchObject({ ...pixelsOf(image, ratio), format });
}
