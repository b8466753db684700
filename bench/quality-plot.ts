import type { MethodSpeed } from './quality-clock.js';

const panel = { width: 300, height: 300, left: 52, right: 14, top: 40, bottom: 48 } as const;
const legendHeight = 56;

/** Hues that can be told apart on white and on black, by people who see fewer colours too. */
const colours = ['#3b82f6', '#e0701a', '#17a673', '#c2559b', '#8b6cef', '#b58900', '#5f8aa6', '#d9484c'] as const;

/**
 * Quality against speed as an SVG, a panel for each scale: up is closer to the reference, right is faster. Text and axes take
 * the colours of the page's scheme, light or dark.
 * @param set the pictures whose PSNR is shown
 */
export function qualityPlot(points: readonly SpeedPoint[], set: string): string {
  return speedPlot(
    points.map((point) => ({ ...point, panel: `×${point.scale}`, on: set })),
    'megapixels a second on one core →',
  );
}

/** One mark of a plot. */
export interface PlotPoint {
  /** Which of the panels, by its title. */
  readonly panel: string;
  /** The pictures whose PSNR is shown. */
  readonly on: string;
  readonly name: string;
  /** dB */
  readonly psnr: number;
  readonly megapixelsPerSecond: number;
}

/**
 * The same for panels of other kinds.
 * @param axis what stands below
 */
export function speedPlot(points: readonly PlotPoint[], axis: string): string {
  const names = [...new Set(points.map(({ name }) => name))];
  const titles = [...new Set(points.map(({ panel: title }) => title))];
  const speeds = logRange(points.map(({ megapixelsPerSecond }) => megapixelsPerSecond));
  const perRow = names.every(({ length }) => length < 16) ? 5 : 3;
  const height = panel.height + legendHeight + 18 * Math.max(0, Math.ceil(names.length / perRow) - 2);
  const panels = titles.map((title, index) =>
    panelOf(
      points.filter((point) => point.panel === title),
      { title, x: index * panel.width, speeds, names, axis },
    ),
  );
  const width = Math.max(1, titles.length) * panel.width;
  const legend = names.map((name, index) => {
    const x = panel.left + (index % perRow) * ((width - panel.left) / perRow);
    const y = panel.height + 22 + 18 * Math.floor(index / perRow);
    return `<g transform="translate(${px(x)} ${px(y)})">${mark(name, names)}<text x="10" y="4">${escapeXml(name)}</text></g>`;
  });
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Quality against speed">`,
    '<style>',
    'text { font: 12px system-ui, sans-serif; fill: #333 } .title { font-weight: 600 } .small { font-size: 11px; fill: #666 }',
    '.axis { stroke: #888 } .grid { stroke: #8884 }',
    '@media (prefers-color-scheme: dark) { text { fill: #ddd } .small { fill: #aaa } }',
    '</style>',
    ...panels,
    ...legend,
    '</svg>',
  ].join('\n')}\n`;
}

/** One method at one scale. */
export interface SpeedPoint extends MethodSpeed {
  /** dB, the mean of the set. */
  readonly psnr: number;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

function panelOf(
  points: readonly PlotPoint[],
  {
    title,
    x,
    speeds,
    names,
    axis,
  }: { title: string; x: number; speeds: Range; names: readonly string[]; axis: string },
): string {
  const bottom = panel.height - panel.bottom;
  const right = panel.width - panel.right;
  const decibels = wholeRange(points.map(({ psnr }) => psnr));
  const xOf = (speed: number): number =>
    panel.left + ((Math.log10(speed) - speeds.from) / (speeds.to - speeds.from)) * (right - panel.left);
  const yOf = (psnr: number): number =>
    bottom - ((psnr - decibels.from) / (decibels.to - decibels.from)) * (bottom - panel.top);
  const rows = steps(decibels).map(
    (value) =>
      `<path class="grid" d="M${panel.left} ${px(yOf(value))}H${right}"/><text class="small" x="${panel.left - 6}" y="${px(yOf(value) + 4)}" text-anchor="end">${value}</text>`,
  );
  const columns = steps(speeds).map((power) => {
    const at = px(xOf(10 ** power));
    return `<path class="grid" d="M${at} ${panel.top}V${bottom}"/><text class="small" x="${at}" y="${bottom + 16}" text-anchor="middle">${10 ** power}</text>`;
  });
  return [
    `<g transform="translate(${x} 0)">`,
    `<text class="title" x="${panel.left}" y="18">${title}</text>`,
    `<text class="small" x="${panel.left}" y="32">dB on ${escapeXml(points[0]?.on ?? '')}</text>`,
    `<text class="small" x="${right}" y="${bottom + 32}" text-anchor="end">${escapeXml(axis)}</text>`,
    ...rows,
    ...columns,
    `<path class="axis" fill="none" d="M${panel.left} ${panel.top}V${bottom}H${right}"/>`,
    ...points.map(
      ({ name, psnr, megapixelsPerSecond: speed }) =>
        `<g transform="translate(${px(xOf(speed))} ${px(yOf(psnr))})"><title>${escapeXml(name)}: ${psnr.toFixed(2)} dB, ${speed.toPrecision(3)} MP/s</title>${mark(name, names)}</g>`,
    ),
    '</g>',
  ].join('\n');
}

/** No two methods have both shape and colour in common. */
function mark(name: string, names: readonly string[]): string {
  const index = names.indexOf(name);
  const colour = colours[index % colours.length]!;
  const shapes = ['<circle r="5"', '<path d="M0-6L6 5H-6Z"', '<path d="M-5-5H5V5H-5Z"', '<path d="M0-7L7 0L0 7L-7 0Z"'];
  return `${shapes[(Math.floor(index / 2) + Math.floor(index / colours.length)) % shapes.length]!} fill="${colour}"/>`;
}

function logRange(values: readonly number[]): Range {
  const powers = values.map(Math.log10);
  return { from: Math.floor(Math.min(...powers)), to: Math.ceil(Math.max(...powers) + 0.01) };
}

function wholeRange(values: readonly number[]): Range {
  return { from: Math.floor(Math.min(...values) - 0.1), to: Math.ceil(Math.max(...values) + 0.1) };
}

const steps = ({ from, to }: Range): number[] => Array.from({ length: to - from + 1 }, (_, step) => from + step);

const px = (value: number): string => value.toFixed(1);

const escapeXml = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;');
