import sharp from 'sharp';
import { Dice } from './dice.js';

/** What a site consists of besides photographs. */
export const drawnKinds = ['icon', 'logo', 'text page', 'chart', 'screenshot'] as const;
export type DrawnKind = (typeof drawnKinds)[number];

export interface DrawnPicture {
  readonly kind: DrawnKind;
  /** A PNG file; icons and logos have transparency. */
  readonly png: Uint8Array;
}

const words =
  'the of and to a in that is was he for it with as his on be at by had not are but from or have an they which one you were all her she there would their we him been has when who will no more if out so up said what its about than into them can only other time new some could these two may first then do any like my now over such our man me even most made after also did many off before must well back through years much where your way down should because long each just state those people too mister how little good world make very year still see own work men day get here old between both life being under three never know same last another while us might great go come since against right came take used himself few house american use place during high without again home around small however found thought went say part once general upon school every'.split(
    ' ',
  );

const themes = [
  ['#ffffff', '#f3f4f6', '#1f2937', '#9ca3af', '#2563eb', '#f59e0b'],
  ['#0f172a', '#1e293b', '#e2e8f0', '#64748b', '#38bdf8', '#f472b6'],
  ['#fafaf9', '#e7e5e4', '#44403c', '#a8a29e', '#16a34a', '#dc2626'],
  ['#ffffff', '#eeeeee', '#000000', '#777777', '#cc3300', '#0066cc'],
] as const;
type Theme = (typeof themes)[number];

/**
 * Draws pictures of every kind in turn, in the sizes that sites have them in; the same for the same seed and the same fonts.
 * @param ofEach of each kind
 */
export async function drawPictures(seed: string, ofEach: number): Promise<DrawnPicture[]> {
  const dice = new Dice(seed);
  const pictures: DrawnPicture[] = [];
  for (let round = 0; round < ofEach; round++) {
    for (const kind of drawnKinds) {
      const svg = drawings[kind](dice, dice.of(themes));
      pictures.push({ kind, png: await sharp(Buffer.from(svg)).png().toBuffer() });
    }
  }
  return pictures;
}

const drawings: Readonly<Record<DrawnKind, (dice: Dice, theme: Theme) => string>> = {
  icon: (dice, [, , ink]) => {
    const side = dice.of([24, 32, 48, 64, 96]);
    const shapes = Array.from({ length: dice.within(2, 4) }, () => iconPart(dice)).join('');
    const body = `<g fill="none" stroke="${ink}" stroke-width="1.75" stroke-linecap="round">${shapes}</g>`;
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}" viewBox="0 0 24 24">${body}</svg>`;
  },
  logo: (dice, [, , ink, , accent, second]) => {
    const height = dice.within(64, 160);
    const width = height * dice.within(2, 5);
    const mark = [
      `<circle cx="${height / 2}" cy="${height / 2}" r="${height * 0.38}" fill="${accent}"/>`,
      `<path d="M${height * 0.3} ${height * 0.65} L${height * 0.5} ${height * 0.3} L${height * 0.7} ${height * 0.65} Z" fill="${second}"/>`,
    ].join('');
    const name = dice.of(['upres', 'Northwind', 'Acme', 'lumen', 'Kestrel']);
    return svg(width, height, `${mark}${text(name, height * 1.05, height * 0.66, height * 0.45, ink, 'bold')}`);
  },
  'text page': (dice, [paper, , ink, faint]) => {
    const [width, height] = dice.of([
      [640, 880],
      [816, 1056],
      [1000, 700],
    ] as const);
    const margin = Math.round(width / 8);
    const parts = [rectangle(0, 0, width, height, paper), text(say(dice, 4), margin, margin, 24, ink, 'bold')];
    for (let y = margin + 44; y < height - margin; y += 20) {
      // Paragraphs end somewhere in the line, and are followed by a gap.
      const last = dice.within(0, 5) === 0;
      parts.push(text(line(dice, (width - 2 * margin) * (last ? 0.4 : 1), 14), margin, y, 14, ink));
      if (last) y += 12;
    }
    parts.push(text(String(dice.within(1, 300)), width / 2, height - margin / 2, 12, faint));
    return svg(width, height, parts.join(''));
  },
  chart: (dice, [paper, , ink, faint, accent, second]) => {
    const [width, height] = [dice.within(400, 800), dice.within(260, 480)];
    const [left, bottom] = [48, height - 40];
    const parts = [rectangle(0, 0, width, height, paper), text(say(dice, 3), left, 26, 16, ink, 'bold')];
    for (let step = 0; step < 5; step++) {
      const y = Math.round(bottom - (step * (bottom - 48)) / 4);
      parts.push(rectangle(left, y, width - left - 24, 1, faint), text(String(step * 25), 16, y + 4, 11, faint));
    }
    const count = dice.within(5, 9);
    const pitch = (width - left - 24) / count;
    const values = Array.from({ length: count }, () => dice.within(20, 100) / 100);
    if (dice.within(0, 2) === 0) {
      const points = values
        .map((value, at) => `${left + (at + 0.5) * pitch},${bottom - value * (bottom - 48)}`)
        .join(' ');
      parts.push(`<polyline points="${points}" fill="none" stroke="${accent}" stroke-width="2"/>`);
    } else {
      values.forEach((value, at) => {
        const high = Math.round(value * (bottom - 48));
        const x = Math.round(left + at * pitch + pitch * 0.2);
        parts.push(rectangle(x, bottom - high, Math.round(pitch * 0.6), high, at % 2 === 0 ? accent : second));
      });
    }
    values.forEach((_, at) => parts.push(text(dice.of(words), left + (at + 0.3) * pitch, bottom + 18, 11, ink)));
    return svg(width, height, parts.join(''));
  },
  screenshot: (dice, [paper, panel, ink, faint, accent]) => {
    const [width, height] = dice.of([
      [1280, 800],
      [1024, 768],
      [1440, 900],
    ] as const);
    const side = 220;
    const parts = [
      rectangle(0, 0, width, height, paper),
      rectangle(0, 0, side, height, panel),
      rectangle(0, 0, width, 48, panel),
      rectangle(0, 48, width, 1, faint),
      text(say(dice, 2), 20, 31, 16, ink, 'bold'),
    ];
    for (let y = 84; y < height - 100; y += 36) parts.push(text(say(dice, 2), 24, y, 13, ink));
    for (let card = 0; card < 3; card++) {
      const x = side + 32 + card * Math.floor((width - side - 64) / 3);
      parts.push(rectangle(x, 80, 180, 96, panel), text(say(dice, 2), x + 16, 108, 12, faint));
      parts.push(text(String(dice.within(100, 9999)), x + 16, 148, 26, ink, 'bold'));
    }
    for (let y = 220; y < height - 60; y += 40) {
      parts.push(rectangle(side + 32, y + 14, width - side - 64, 1, faint));
      for (let column = 0; column < 4; column++) {
        parts.push(
          text(say(dice, 2), side + 40 + (column * (width - side - 80)) / 4, y, 13, column === 3 ? accent : ink),
        );
      }
    }
    return svg(width, height, parts.join(''));
  },
};

function iconPart(dice: Dice): string {
  const at = (): number => dice.within(3, 22);
  switch (dice.within(0, 3)) {
    case 0:
      return `<circle cx="12" cy="12" r="${dice.within(4, 10)}"/>`;
    case 1:
      return `<path d="M${at()} ${at()} L${at()} ${at()} L${at()} ${at()}"/>`;
    default:
      return `<rect x="${dice.within(3, 7)}" y="${dice.within(3, 7)}" width="${dice.within(8, 14)}" height="${dice.within(8, 14)}" rx="2"/>`;
  }
}

function svg(width: number, height: number, body: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${body}</svg>`;
}

function rectangle(x: number, y: number, width: number, height: number, fill: string): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${fill}"/>`;
}

function text(words: string, x: number, y: number, size: number, fill: string, weight = 'normal'): string {
  return `<text x="${x}" y="${y}" font-family="sans-serif" font-size="${size}" font-weight="${weight}" fill="${fill}">${words}</text>`;
}

function say(dice: Dice, count: number): string {
  return Array.from({ length: count }, () => dice.of(words)).join(' ');
}

/** Words that fill about so many pixels. */
function line(dice: Dice, width: number, size: number): string {
  let found = '';
  while (found.length * size * 0.5 < width - 60) found += `${dice.of(words)} `;
  return found.trim();
}
