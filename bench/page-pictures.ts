import { readFile } from 'node:fs/promises';
import { chromium, type Browser } from 'playwright-core';
import type { Dice } from './dice.js';
import { graphic } from './page-graphics.js';

let browser: Promise<Browser> | undefined;

const words =
  'Overview Invoices Settings total 1,284.50 of the quick brown fox jumps over Latency (ms) Export Cancel new users'.split(
    ' ',
  );
const fonts = [
  'sans-serif',
  'serif',
  'monospace',
  'Inter',
  'Roboto',
  'Lato',
  'Open Sans',
  'Liberation Sans',
  'EB Garamond',
];
/** Paper, panel, ink, faint ink, accents. */
const themes = [
  ['#ffffff', '#f3f4f6', '#1f2937', '#9ca3af', '#2563eb', '#f59e0b'],
  ['#0f172a', '#1e293b', '#e2e8f0', '#64748b', '#38bdf8', '#f472b6'],
  ['#fafaf9', '#e7e5e4', '#44403c', '#a8a29e', '#16a34a', '#dc2626'],
  ['#ffffff', '#eeeeee', '#000000', '#777777', '#cc3300', '#0066cc'],
  ['#1e1e1e', '#252526', '#d4d4d4', '#6a9955', '#569cd6', '#ce9178'],
  ['#fdf6e3', '#eee8d5', '#586e75', '#93a1a1', '#268bd2', '#859900'],
] as const;
const kinds = [
  'interface',
  'chart',
  'chart',
  'text',
  'card',
  'table',
  'table',
  'code',
  'diagram',
  'dashboard',
  'graphic',
  'graphic',
  'graphic',
] as const;

/**
 * An interface, a chart, a text, a photograph with a headline and so on, at a device pixel ratio of 1 and of `scale`. Letters lie
 * where the layout has them at both.
 */
export async function drawPage(
  dice: Dice,
  scale: number,
  photo: string,
): Promise<{ kind: string; small: Uint8Array; large: Uint8Array }> {
  const theme = dice.of(themes);
  const [paper, panel, ink, faint, accent, second] = theme;
  const kind = dice.of(kinds);
  const width = dice.within(120, 320);
  const height = dice.within(90, 220);
  const say = (count: number): string => Array.from({ length: count }, () => dice.of(words)).join(' ');
  const many = (least: number, end: number, make: () => string): string =>
    Array.from({ length: dice.within(least, end) }, make).join('');
  const size = dice.within(10, 17);
  const round = dice.of([0, 3, 6, 10]);
  const rule = `border-bottom:1px solid ${dice.of([panel, faint])}`;
  const body = {
    interface: () =>
      Array.from(
        { length: 3 },
        () =>
          `<div style="display:flex;gap:6px;margin:6px 0"><button style="background:${accent};color:#fff;border:0;border-radius:${round}px;padding:4px 9px">${say(1)}</button><input value="${say(1)}" size=6><input type=checkbox checked></div>`,
      ).join('') +
      `<table border=1 style="border-collapse:collapse;font-size:11px"><tr><td>${say(2)}<td>${say(1)}<tr><td>${say(1)}<td>${say(2)}</table>`,
    chart: () => chart(dice, width - 10, height - 10, theme),
    text: () => `<b>${say(3)}</b><p style="margin:4px 0">${say(30)}`,
    card: async () =>
      `<div style="position:absolute;inset:0;background:center/cover url(data:image/jpeg;base64,${(await readFile(photo)).toString('base64')})"></div><h3 style="position:absolute;left:10px;top:${dice.within(0, 60)}px;color:#fff;background:${dice.of(['transparent', '#000a', accent])};padding:4px">${say(3)}</h3>`,
    table: () =>
      `<table style="border-collapse:collapse;width:100%;font-size:${size - 1}px"><tr style="background:${panel}">${many(2, 4, () => `<th style="text-align:left;padding:3px 5px">${say(1)}`)}${many(4, 9, () => `<tr>${many(2, 4, () => `<td style="padding:2px 5px;${rule}">${dice.of([say(1), say(2), String(dice.within(1, 9999)), `<span style="background:${second};color:${paper};border-radius:8px;padding:0 5px;font-size:10px">${say(1)}</span>`])}`)}`)}</table>`,
    code: () =>
      `<pre style="margin:0;padding:6px;background:${panel};border-radius:${round}px;font:${size - 1}px/1.4 ${dice.of(['monospace', 'Fira Code', 'Noto Mono'])}">${many(5, 10, () => `${' '.repeat(2 * dice.within(0, 3))}<span style="color:${accent}">${dice.of(['const', 'return', 'if', 'for'])}</span> ${say(1)} = <span style="color:${second}">'${say(1)}'</span>; <i style="color:${faint}">// ${say(2)}</i>\n`)}</pre>`,
    graphic: () => graphic(dice, width - 10, height - 10, { panel, ink, faint, accents: [accent, second] }),
    diagram: () => diagram(dice, width - 10, height - 10, theme, say),
    dashboard: () =>
      `<div style="display:flex;gap:6px">${many(2, 4, () => `<div style="flex:1;background:${panel};border:1px solid ${faint};border-radius:${round}px;padding:5px"><small style="color:${faint}">${say(1)}</small><b style="display:block;font-size:${size + 4}px">${dice.within(3, 999)}</b><i style="display:block;height:5px;border-radius:3px;background:${accent};width:${dice.within(20, 100)}%"></i></div>`)}</div><p style="margin:5px 0">${say(5)}</p>${many(1, 4, () => `<div style="height:6px;margin:4px 0;border-radius:3px;background:linear-gradient(90deg,${second} ${dice.within(20, 90)}%,${panel} 0)"></div>`)}`,
  };
  const html = `<style>*{text-rendering:geometricPrecision}</style><body style="margin:0;background:${paper};color:${ink};font:${size}px ${dice.of(fonts)};padding:5px;overflow:hidden">${await body[kind]()}`;
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

type Theme = (typeof themes)[number];

function chart(dice: Dice, width: number, height: number, [, panel, ink, faint, accent, second]: Theme): string {
  const count = dice.within(4, 12);
  const values = Array.from({ length: count }, () => dice.within(8, height - 20));
  const step = width / count;
  const line = (of: readonly number[]): string => of.map((value, at) => `${at * step + 4},${height - value}`).join(' ');
  const bars = values.map(
    (value, at) =>
      `<rect x="${at * step + 2}" y="${height - value}" width="${step * 0.6}" height="${value}" fill="${at % 3 ? accent : second}"/>`,
  );
  const strokes = `<polyline fill="none" stroke="${accent}" stroke-width="${dice.of([1, 1.5, 2])}" points="${line(values)}"/><polyline fill="none" stroke="${second}" stroke-dasharray="4 3" points="${line([...values].reverse())}"/>`;
  const area = `<polygon fill="${accent}" fill-opacity=".4" stroke="${accent}" points="4,${height} ${line(values)} ${width},${height}"/>`;
  const dots = values.map(
    (value, at) => `<circle cx="${at * step + 6}" cy="${height - value}" r="${dice.within(2, 5)}" fill="${accent}"/>`,
  );
  const pie = `<circle cx="${width / 2}" cy="${height / 2}" r="${height / 3}" fill="${accent}"/><path d="M${width / 2} ${height / 2}v-${height / 3}a${height / 3} ${height / 3} 0 0 1 ${height / 3} ${height / 3}z" fill="${second}"/>`;
  const grid = [0.25, 0.5, 0.75].map(
    (at) => `<path d="M0 ${Math.round(at * height) + 0.5}H${width}" stroke="${panel}"/>`,
  );
  const labels = values.map(
    (value, at) => `<text x="${at * step}" y="${height - 2}" font-size="9" fill="${faint}">${value}</text>`,
  );
  const axes = `<path d="M.5 0V${height - 0.5}H${width}" fill="none" stroke="${ink}"/><text x="8" y="12" font-size="10" fill="${ink}">${dice.of(words)} ${count}</text>`;
  return `<svg width="${width}" height="${height}">${grid.join('')}${dice.of([bars.join(''), strokes, area, dots.join(''), pie])}${labels.join('')}${axes}</svg>`;
}

function diagram(
  dice: Dice,
  width: number,
  height: number,
  [, panel, ink, faint, accent]: Theme,
  say: (count: number) => string,
): string {
  const columns = 2;
  const rows = dice.within(2, 4);
  const [cell, line] = [width / columns, height / rows];
  const shift = dice.of([0, 0.5, 0.25]);
  const boxes = Array.from({ length: columns * rows }, (_, index) => {
    const x = Math.floor((index % columns) * cell) + shift + 2;
    const y = Math.floor(Math.floor(index / columns) * line) + shift + 2;
    const [w, h] = [Math.floor(cell) - 22, Math.floor(line) - 16];
    const shape = dice.of([
      `<rect x="${x}" y="${y}" width="${w}" height="${h}" rx="${dice.of([0, 4, 8])}"/>`,
      `<ellipse cx="${x + w / 2}" cy="${y + h / 2}" rx="${w / 2}" ry="${h / 2}"/>`,
    ]);
    return `<g fill="${panel}" stroke="${accent}">${shape}</g><text x="${x + w / 2}" y="${y + h / 2 + 4}" text-anchor="middle" font-size="11" fill="${ink}">${say(1)}</text><path d="M${x + w} ${y + h / 2}h18m-4 -3l4 3-4 3M${x + w / 2} ${y + h}v12" fill="none" stroke="${faint}"/>`;
  });
  return `<svg width="${width}" height="${height}">${boxes.join('')}</svg>`;
}
