import type { Dice } from './dice.js';

/** What a graphic is drawn in. */
interface Colours {
  readonly panel: string;
  readonly ink: string;
  readonly faint: string;
  readonly accents: readonly [string, string];
}

/**
 * SVG of what pages show besides charts and diagrams: maps, clouds of points, bar codes, calendars, staves, areas by value, lines of
 * equal height, ratings.
 */
export function graphic(dice: Dice, width: number, height: number, colours: Colours): string {
  const draw = dice.of([map, points, barcode, calendar, staves, areas, heights, ratings]);
  return `<svg width="${width}" height="${height}">${draw(dice, width, height, colours)}</svg>`;
}

const times = (count: number, make: (index: number) => string): string =>
  Array.from({ length: count }, (_, at) => make(at)).join('');

function map(dice: Dice, width: number, height: number, { accents }: Colours): string {
  const place = (): string => `${dice.within(-20, width + 20)} ${dice.within(-20, height + 20)}`;
  const land = times(
    3,
    () =>
      `<path d="M${place()}Q${place()} ${place()}T${place()}z" fill="${dice.of(['#9ed0e6', '#c5e3b3', '#e5dcc8'])}"/>`,
  );
  const road = dice.of(['#fff', '#fcd34d', accents[0]]);
  const roads = times(dice.within(4, 10), () => {
    const way = `M${place()}Q${place()} ${place()}`;
    const wide = dice.within(1, 6);
    return `<path d="${way}" stroke="#b8ae9c" stroke-width="${wide + 1}" fill="none"/><path d="${way}" stroke="${road}" stroke-width="${wide}" fill="none"/>`;
  });
  const names = times(
    3,
    () =>
      `<text x="${dice.within(0, width - 40)}" y="${dice.within(12, height)}" font-size="${dice.within(8, 12)}" stroke="#fff" stroke-width="2" paint-order="stroke" fill="#444">${dice.of(['Riverside', 'Old Market', 'A 40', 'Station'])}</text>`,
  );
  return `<rect width="100%" height="100%" fill="#f2efe9"/>${land}${roads}${names}`;
}

function points(dice: Dice, width: number, height: number, { ink, accents }: Colours): string {
  const cover = dice.of([0.3, 0.6, 1]);
  const dots = times(
    dice.within(40, 160),
    (at) =>
      `<circle cx="${12 + dice.next() * (width - 16)}" cy="${4 + dice.next() * (height - 16)}" r="${1 + dice.next() * 3}" fill="${accents[at % 2]}" fill-opacity="${cover}"/>`,
  );
  return `<path d="M10.5 0V${height - 10.5}H${width}" fill="none" stroke="${ink}"/>${dots}`;
}

function barcode(dice: Dice, width: number, height: number): string {
  const module = dice.of([1, 1, 1.5, 2]);
  let x = 8;
  let bars = '';
  while (x < width - 16) {
    const wide = module * dice.within(1, 5);
    bars += `<rect x="${x}" y="6" width="${wide}" height="${height - 22}"/>`;
    x += wide + module * dice.within(1, 4);
  }
  return `<rect width="100%" height="100%" fill="#fff"/>${bars}<text x="12" y="${height - 4}" font-size="10">4 ${dice.within(100_000, 999_999)} ${dice.within(100_000, 999_999)}</text>`;
}

function calendar(dice: Dice, width: number, height: number, { panel, ink, faint, accents }: Colours): string {
  const [wide, high] = [Math.floor(width / 7), Math.floor(height / 5)];
  const today = dice.within(0, 35);
  return times(35, (day) => {
    const [x, y] = [(day % 7) * wide + 0.5, Math.floor(day / 7) * high + 0.5];
    return `<rect x="${x}" y="${y}" width="${wide}" height="${high}" fill="${day === today ? accents[0] : 'none'}" stroke="${dice.of([panel, faint])}"/><text x="${x + wide - 3}" y="${y + 11}" font-size="9" text-anchor="end" fill="${day === today ? '#fff' : ink}">${(day % 31) + 1}</text>`;
  });
}

function staves(dice: Dice, width: number, height: number, { ink }: Colours): string {
  const gap = dice.of([5, 6, 7]);
  const thin = dice.of([0.6, 0.8, 1]);
  const top = (height - 4 * gap) / 2;
  const lines = times(
    5,
    (at) => `<path d="M2 ${top + at * gap}H${width - 2}" stroke="${ink}" stroke-width="${thin}"/>`,
  );
  const notes = times(Math.floor(width / 20) - 1, (at) => {
    const [x, y] = [16 + at * 20, top + dice.within(0, 8) * (gap / 2)];
    return `<ellipse cx="${x}" cy="${y}" rx="${gap * 0.6}" ry="${gap * 0.42}" transform="rotate(-20 ${x} ${y})" fill="${ink}"/><path d="M${x + gap * 0.55} ${y}v${-3 * gap}" stroke="${ink}" stroke-width="${thin + 0.3}"/>`;
  });
  return lines + notes;
}

function areas(dice: Dice, width: number, height: number): string {
  const edge = dice.of([0, 1, 2]);
  let drawn = '';
  for (let x = 0; x < width;) {
    const wide = dice.within(18, 60);
    for (let y = 0; y < height;) {
      const high = dice.within(14, 50);
      drawn += `<rect x="${x}" y="${y}" width="${wide - edge}" height="${high - edge}" fill="hsl(${dice.within(0, 360)},60%,${dice.within(35, 65)}%)"/><text x="${x + 3}" y="${y + 11}" font-size="8" fill="#fff">${dice.within(1, 99)}%</text>`;
      y += high;
    }
    x += wide;
  }
  return drawn;
}

function heights(dice: Dice, width: number, height: number, { faint, accents }: Colours): string {
  const thin = dice.of([0.6, 0.8, 1, 1.4]);
  const colour = dice.of([faint, accents[0], '#a0522d']);
  return times(
    14,
    (at) =>
      `<ellipse cx="${width / 2 + at}" cy="${height / 2 - at * 0.7}" rx="${(at + 1) * (width / 28)}" ry="${(at + 1) * (height / 30)}" fill="none" stroke="${colour}" stroke-width="${thin}" transform="rotate(${at * dice.of([1, 2])} ${width / 2} ${height / 2})"/>`,
  );
}

function ratings(dice: Dice, width: number, height: number, { panel, ink, accents }: Colours): string {
  const star = 'M8 1l2.2 4.6 5 .7-3.6 3.5.9 5L8 12.4 3.5 14.8l.9-5L.8 6.3l5-.7z';
  return times(Math.floor(height / 26), (row) => {
    const full = dice.within(1, 6);
    return `${times(5, (at) => `<path transform="translate(${at * 18} ${row * 26 + 4})" d="${star}" fill="${at < full ? accents[1] : panel}"/>`)}<text x="96" y="${row * 26 + 17}" font-size="12" fill="${ink}">${full}.0 (${dice.within(2, Math.max(3, width))})</text>`;
  });
}
