import { access } from 'node:fs/promises';
import { chromium } from 'playwright-core';
import sharp, { type Sharp } from 'sharp';
import type { CaseSource, QualityCase } from './quality-case.js';
import { readPixels, readRgba } from './quality-data.js';
import { psnrOf } from './quality-metrics.js';
import { areaAverage } from './quality-photographs.js';

const scale = 2;
/** CSS pixels. */
const viewport = { width: 480, height: 320 } as const;
const pages = ['line-chart', 'bar-chart', 'diagram', 'dashboard', 'table', 'code'] as const;
const schemes = ['light', 'dark'] as const;
/** How a screenshot is stored before it is enlarged. */
const storages: readonly { name: string; store: (pipeline: Sharp) => Sharp }[] = [
  { name: 'PNG', store: (pipeline) => pipeline.png() },
  { name: 'JPEG 85', store: (pipeline) => pipeline.jpeg({ quality: 85 }) },
  { name: 'WebP 80', store: (pipeline) => pipeline.webp({ quality: 80 }) },
];

// out/bench/ → bench/pages/: HTML isn't compiled.
const pageUrl = (page: string): string => new URL(`../../bench/pages/${page}.html`, import.meta.url).href;

/** Pages of ours as Chromium renders them at device pixel ratios 1 and 2; without Chromium, all of them are missing. */
export async function renderedPages(limit: number): Promise<CaseSource> {
  const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
  const present = await access(executablePath).then(
    () => true,
    () => false,
  );
  if (!present) {
    return {
      cases: [],
      missing: pages.map((page) => `${page}: there is no Chromium at ${executablePath} (CHROMIUM_PATH)`),
    };
  }
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--force-color-profile=srgb'] });
  try {
    const cases: QualityCase[] = [];
    const shot = async (page: string, colorScheme: 'light' | 'dark', deviceScaleFactor: number): Promise<Buffer> => {
      const context = await browser.newContext({ viewport, deviceScaleFactor, colorScheme });
      try {
        const tab = await context.newPage();
        await tab.goto(pageUrl(page));
        return await tab.screenshot();
      } finally {
        await context.close();
      }
    };
    for (const page of pages) {
      for (const scheme of schemes.slice(0, limit)) {
        const small = await shot(page, scheme, 1);
        const large = await shot(page, scheme, scale);
        await assertOnePage(page, small, large);
        const truth = await readRgba(large);
        for (const { name: storage, store } of storages) {
          const file = await store(sharp(small).removeAlpha()).toBuffer();
          cases.push({ group: 'pages', row: `${page}, ${storage}`, name: scheme, scale, file, truth, compare: 'rgb' });
        }
      }
    }
    return { cases, missing: [] };
  } finally {
    await browser.close();
  }
}

/** dB between a page and the mean of its double's pixels. Pages whose text lies elsewhere in the two have 19 to 31. */
const leastAgreement = 34;

/** @throws Error where a renderer lays a page out otherwise at the other density: one is not the double of the other */
async function assertOnePage(page: string, small: Uint8Array, large: Uint8Array): Promise<void> {
  const mean = areaAverage(await readPixels(large), scale);
  const agreement = psnrOf(mean.data, (await readPixels(small)).data);
  if (agreement < leastAgreement) {
    throw new Error(`Chromium draws ${page} otherwise at twice the density: ${agreement.toFixed(1)} dB`);
  }
}
