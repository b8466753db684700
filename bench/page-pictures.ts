import { readFile } from 'node:fs/promises';
import { chromium, type Browser } from 'playwright-core';
import type { Dice } from './dice.js';

let browser: Promise<Browser> | undefined;

const words =
  'Overview Invoices Settings total 1,284.50 of the quick brown fox jumps over Latency (ms) Export Cancel new users'.split(
    ' ',
  );
const fonts = ['sans-serif', 'serif', 'monospace', 'system-ui'] as const;
const themes = [
  ['#ffffff', '#1f2937', '#2563eb'],
  ['#0f172a', '#e2e8f0', '#38bdf8'],
  ['#fafaf9', '#44403c', '#16a34a'],
  ['#ffffff', '#000000', '#cc3300'],
] as const;

/** An interface, a chart, a text, or a photograph with a headline, at a device pixel ratio of 1 and of `scale`. */
export async function drawPage(
  dice: Dice,
  scale: number,
  photo: string,
): Promise<{ kind: string; small: Uint8Array; large: Uint8Array }> {
  const [paper, ink, accent] = dice.of(themes);
  const kind = dice.of(['interface', 'chart', 'text', 'card'] as const);
  const width = dice.within(120, 220);
  const height = dice.within(90, 170);
  const say = (count: number): string => Array.from({ length: count }, () => dice.of(words)).join(' ');
  const size = dice.within(10, 17);
  const body = {
    interface: () =>
      Array.from(
        { length: 3 },
        () =>
          `<div style="display:flex;gap:6px;margin:6px 0"><button style="background:${accent};color:#fff;border:0;border-radius:${dice.within(0, 9)}px;padding:4px 9px">${say(1)}</button><input value="${say(1)}" size=6><input type=checkbox checked></div>`,
      ).join('') +
      `<table border=1 style="border-collapse:collapse;font-size:11px"><tr><td>${say(2)}<td>${say(1)}<tr><td>${say(1)}<td>${say(2)}</table>`,
    chart: () => chart(dice, width - 10, height - 10, ink, accent),
    text: () => `<b>${say(3)}</b><p style="margin:4px 0">${say(30)}`,
    card: async () =>
      `<div style="position:absolute;inset:0;background:center/cover url(data:image/jpeg;base64,${(await readFile(photo)).toString('base64')})"></div><h3 style="position:absolute;left:10px;top:${dice.within(0, 60)}px;color:#fff;background:${dice.of(['transparent', '#000a', accent])};padding:4px">${say(3)}</h3>`,
  };
  const html = `<body style="margin:0;background:${paper};color:${ink};font:${size}px ${dice.of(fonts)};padding:5px;overflow:hidden">${await body[kind]()}`;
  const shoot = async (deviceScaleFactor: number): Promise<Uint8Array> => {
    browser ??= chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
    const page = await (await browser).newPage({ viewport: { width, height }, deviceScaleFactor });
    await page.setContent(html);
    const png = await page.screenshot({ type: 'png' });
    await page.close();
    return png;
  };
  return { kind, small: await shoot(1), large: await shoot(scale) };
}

export async function closeBrowser(): Promise<void> {
  await (await browser)?.close();
}

function chart(dice: Dice, width: number, height: number, ink: string, accent: string): string {
  const count = dice.within(4, 12);
  const values = Array.from({ length: count }, () => dice.within(8, height - 20));
  const step = width / count;
  const bars = values.map(
    (value, at) =>
      `<rect x="${at * step + 2}" y="${height - value}" width="${step * 0.6}" height="${value}" fill="${accent}"/>`,
  );
  const line = `<polyline fill="none" stroke="${accent}" stroke-width="1.5" points="${values.map((value, at) => `${at * step + 4},${height - value}`).join(' ')}"/>`;
  const axes = `<path d="M1 0V${height - 1}H${width}" fill="none" stroke="${ink}"/><text x="8" y="12" font-size="10" fill="${ink}">${dice.of(words)} ${count}</text>`;
  const pie = `<circle cx="${width / 2}" cy="${height / 2}" r="${height / 3}" fill="${accent}"/><path d="M${width / 2} ${height / 2}v-${height / 3}a${height / 3} ${height / 3} 0 0 1 ${height / 3} ${height / 3}z" fill="${ink}"/>`;
  return `<svg width="${width}" height="${height}">${dice.of([bars.join(''), line, pie])}${axes}</svg>`;
}
