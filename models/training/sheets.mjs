// Sheets of icons, emoji, logos, flags, text, charts, interface shapes, codes and clip art, as lossless WebP: training pictures for drawings.
// What is drawn for pixels lies on multiples of a small unit, so that at the small size edges fall on pixels, as in icon sets and interfaces.
// Beside each sheet that is all vectors lies the same drawn at half the size (NAME.small.webp): what a renderer makes of an icon at 1x is not
// quite any reduction of what it makes at 2x.
// usage: SHARP_FROM=<a package.json beside sharp> node sheets.mjs <icons' node_modules> <openclipart folder> <exclude list> <out folder> <count> [size [seed [kinds]]]
// kinds: shares from 0 to 1 at which `compose` is to choose, e.g. 0.24,0.5,0.5 for sheets of flags alone (default: all of these);
// 1 stands for pixel art, 2 for clip art alone, 3 for line icons at 16 and 20 pixels, 4 for alpha planes of a few levels
import { createRequire } from 'node:module';
import { existsSync, readdirSync, readFileSync, mkdirSync, statSync } from 'node:fs';
import { join, basename } from 'node:path';
import { execFileSync } from 'node:child_process';
const [, , icons, clip, exclude, out, count, edge = '480', seed = '12345', kinds = ''] = process.argv;
const sharp = createRequire(process.env.SHARP_FROM ?? import.meta.url)('sharp');
const size = +edge;
let state = +seed;
const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
const int = (a, b) => a + Math.floor(random() * (b - a + 1));
const pick = (list) => list[int(0, list.length - 1)];
const colour = () => `hsl(${int(0, 359)} ${int(20, 100)}% ${int(5, 95)}%)`;
const sets = readdirSync(join(icons, '@iconify-json')).map((name) =>
  JSON.parse(readFileSync(join(icons, '@iconify-json', name, 'icons.json'), 'utf8')),
);
const families = execFileSync('fc-list', [':', 'family'])
  .toString()
  .split('\n')
  .map((l) => l.split(',')[0].trim())
  .filter((f) => f && !/Emoji|Symbols|CJK/.test(f));
const latin = families.filter((f) =>
  /DejaVu|Liberation|Roboto|Open Sans|Lato|Inter|Fira|Garamond|Cantarell|Comic|Lobster|^Noto (Sans|Serif|Mono)$/.test(
    f,
  ),
);
const words =
  'Sign in Settings Dashboard Total revenue $1,284.50 New order 2026 Search… Cancel Save changes Q3 Growth +12.4% The quick brown fox jumps over lazy dog lorem ipsum dolor sit amet Add to cart Home About Contact © Privacy & Terms 404 user@example.com #3f51b5 (x+y)/2 Überschrift façade niño 42 km/h'.split(
    ' ',
  );
const keep = new Set(readFileSync(exclude, 'utf8').split('\n'));
const walk = (dir) =>
  readdirSync(dir, { withFileTypes: true }).flatMap((e) =>
    e.isDirectory() ? walk(join(dir, e.name)) : e.name.endsWith('.png') ? [join(dir, e.name)] : [],
  );
const drawings = walk(clip)
  .filter((f) => statSync(f).size > 12000 && statSync(f).size < 600000 && !keep.has(basename(f)))
  .sort();
let serial = 0;
function icon(x, y, s) {
  const set = pick(sets);
  const name = pick(Object.keys(set.icons));
  const it = set.icons[name];
  const w = it.width ?? set.width ?? 16,
    h = it.height ?? set.height ?? 16;
  const tag = `i${serial++}-`;
  const body = it.body
    .replace(/\bid="([^"]+)"/g, `id="${tag}$1"`)
    .replace(/url\(#([^)]+)\)/g, `url(#${tag}$1)`)
    .replace(/href="#([^"]+)"/g, `href="#${tag}$1"`)
    .replace(/<animate[^>]*\/>|<animate[\s\S]*?<\/animate\w*>/g, '');
  const turn = random() < 0.2 ? ` transform="rotate(${int(-40, 40)} ${x + s / 2} ${y + s / 2})"` : '';
  return `<g${turn} color="${colour()}"><svg x="${x}" y="${y}" width="${s}" height="${(s * h) / w}" viewBox="${it.left ?? 0} ${it.top ?? 0} ${w} ${h}">${body}</svg></g>`;
}
function text(x, y, fs, fill) {
  const line = Array.from({ length: int(1, 6) }, () => pick(words))
    .join(' ')
    .replace(/&/g, '&amp;');
  const weight = pick([300, 400, 400, 400, 500, 600, 700, 900]);
  return `<text x="${x}" y="${y}" font-family="${pick(latin)}" font-size="${fs}" font-weight="${weight}"${random() < 0.1 ? ' font-style="italic"' : ''} fill="${fill}">${line}</text>`;
}
function panel(x, y, w, h) {
  const r = pick([0, 0, 4, 8, 12, h / 2]);
  const fill = random() < 0.3 ? '#fff' : colour();
  let s = `<rect x="${x}" y="${y}" width="${w}" height="${h}" rx="${r}" fill="${fill}"${random() < 0.6 ? ` stroke="${colour()}" stroke-width="${pick([0.5, 1, 1, 2, 3])}"` : ''}/>`;
  if (random() < 0.25) {
    const n = int(4, 9);
    const pts = Array.from({ length: n }, (_, i) => `${x + (w * i) / (n - 1)},${y + h * (0.1 + 0.8 * random())}`);
    s +=
      random() < 0.5
        ? `<polyline points="${pts.join(' ')}" fill="none" stroke="${colour()}" stroke-width="${pick([1, 1.5, 2, 3])}"/>`
        : pts
            .map((p) => {
              const [a, b] = p.split(',');
              return `<rect x="${a}" y="${b}" width="${w / n / 2}" height="${y + h - b}" fill="${colour()}"/>`;
            })
            .join('');
  }
  return s;
}
function ground() {
  const r = random();
  if (r < 0.4) return `<rect width="${size}" height="${size}" fill="#fff"/>`;
  if (r < 0.5)
    return `<rect width="${size}" height="${size}" fill="#${pick(['000', '111', '1e1e1e', '0d1117', '222'])}"/>`;
  if (r < 0.62)
    return `<rect width="${size}" height="${size}" fill="#${pick(['f5f5f5', 'fafafa', 'eee', 'f6f8fa', 'e0e0e0'])}"/>`;
  if (r < 0.85) return `<rect width="${size}" height="${size}" fill="${colour()}"/>`;
  return `<defs><linearGradient id="g" x1="${random()}" y1="0" x2="${random()}" y2="1"><stop offset="0" stop-color="${colour()}"/><stop offset="1" stop-color="${colour()}"/></linearGradient></defs><rect width="${size}" height="${size}" fill="url(#g)"/>`;
}
// Drawn for pixels: everything lies on multiples of `unit`, so that at the small size edges fall on pixels, as in icon sets and interfaces.
const lineSets = sets.filter((set) =>
  /^(tabler|mdi|ph|carbon|bi|octicon|ion|fa6-solid|heroicons|material-symbols|radix-icons)$/.test(set.prefix),
);
function aligned() {
  const unit = pick([2, 4, 4, 12]);
  const at = (most) => int(0, Math.floor(most / unit)) * unit;
  let s = '';
  const boxes = int(0, 7);
  for (let i = 0; i < boxes; i++) {
    const x = at(size - 40),
      y = at(size - 40),
      w = Math.max(unit, at(300)),
      h = Math.max(unit, at(200)),
      k = pick([0, unit, unit, 2 * unit]);
    const r = pick([0, 0, 0, 2, 4, 6]) * unit;
    s += `<rect x="${x + k / 2}" y="${y + k / 2}" width="${w}" height="${h}" rx="${r}" fill="${random() < 0.3 ? 'none' : random() < 0.4 ? '#fff' : colour()}" stroke="${k ? colour() : 'none'}" stroke-width="${k}"/>`;
  }
  for (let i = int(0, 10); i > 0; i--) {
    const x = at(size),
      y = at(size),
      l = at(size),
      k = unit * pick([1, 1, 1, 2, 3]);
    s += `<rect x="${x}" y="${y}" width="${random() < 0.5 ? k : l}" height="${random() < 0.5 ? l : k}" fill="${colour()}"/>`;
  }
  const css = pick([16, 18, 20, 24, 24, 24, 32, 40, 48, 64]);
  const scale = pick([2, 2, 2, 3, 4]);
  const step = css * scale + unit * pick([1, 2, 4]);
  const tint = random() < 0.6 ? pick(['#222', '#000', '#1f2937', '#fff', '#555']) : undefined;
  for (let y = at(40); y + css * scale < size; y += Math.ceil(step / unit) * unit)
    for (let x = at(40); x + css * scale < size; x += Math.ceil(step / unit) * unit) {
      if (random() < 0.25) continue;
      const set = random() < 0.75 ? pick(lineSets) : pick(sets);
      const name = pick(Object.keys(set.icons)),
        it = set.icons[name];
      const w = it.width ?? set.width ?? 16,
        h = it.height ?? set.height ?? 16,
        tag = `a${serial++}-`;
      const body = it.body
        .replace(/\bid="([^"]+)"/g, `id="${tag}$1"`)
        .replace(/url\(#([^)]+)\)/g, `url(#${tag}$1)`)
        .replace(/href="#([^"]+)"/g, `href="#${tag}$1"`)
        .replace(/<animate[^>]*\/>|<animate[\s\S]*?<\/animate\w*>/g, '');
      s += `<g color="${tint ?? colour()}"><svg x="${x}" y="${y}" width="${css * scale}" height="${css * scale}" viewBox="${it.left ?? 0} ${it.top ?? 0} ${w} ${h}">${body}</svg></g>`;
    }
  return s;
}
/** QR codes, bar codes, tables, checkerboards, dotted and hatched areas. */
function modules() {
  let s = '';
  for (let k = int(2, 5); k > 0; k--) {
    const m = pick([2, 4, 4, 6, 8, 12]),
      n = int(8, 40),
      x0 = int(0, 200) * 2,
      y0 = int(0, 200) * 2,
      dark = random() < 0.7 ? '#000' : colour(),
      kind = random();
    s += `<rect x="${x0}" y="${y0}" width="${n * m}" height="${n * m}" fill="${random() < 0.8 ? '#fff' : colour()}"/>`;
    if (kind < 0.4) {
      let d = '';
      for (let j = 0; j < n; j++)
        for (let i = 0; i < n; i++) if (random() < 0.5) d += `M${x0 + i * m} ${y0 + j * m}h${m}v${m}h${-m}z`;
      s += `<path d="${d}" fill="${dark}"/>`;
    } else if (kind < 0.6) {
      let d = '';
      for (let i = 0; i < n; i++) if (random() < 0.5) d += `M${x0 + i * m} ${y0}h${m}v${n * m}h${-m}z`;
      s += `<path d="${d}" fill="${dark}"/>`;
    } else if (kind < 0.85) {
      const g = m * int(3, 8),
        t = pick([2, 2, 4]);
      let d = '';
      for (let i = 0; i <= n * m; i += g)
        d += `M${x0 + i} ${y0}h${t}v${n * m}h${-t}zM${x0} ${y0 + i}h${n * m}v${t}h${-n * m}z`;
      s += `<path d="${d}" fill="${dark}"/>`;
    } else {
      let d = '';
      for (let j = 0; j < n; j++)
        for (let i = 0; i < n; i++) if ((i + j) % 2) d += `M${x0 + i * m} ${y0 + j * m}h${m}v${m}h${-m}z`;
      s += `<path d="${d}" fill="${dark}"/>`;
    }
  }
  return s;
}
/** Creatures, tiles and dithered grounds of whole cells, of one small pixel or more each: at the large size each pixel repeated. */
function sprites() {
  let s = '';
  for (let y = 2 * int(0, 8); y < size - 32;) {
    const n = pick([8, 12, 16, 16, 24, 32]),
      m = 2 * pick([1, 1, 1, 2, 2, 3, 4]),
      gap = m * int(0, 3);
    for (let x = 2 * int(0, 8); x + n * m <= size; x += n * m + gap) {
      const tints = Array.from({ length: int(2, 5) }, () => (random() < 0.15 ? pick(['#000', '#fff']) : colour())),
        filled = 0.35 + 0.6 * random(),
        kind = random(),
        paths = tints.map(() => '');
      for (let j = 0; j < n; j++)
        for (let i = 0; i < (kind < 0.6 ? n / 2 : n); i++) {
          const far = Math.hypot(i - n / 2 + 0.5, j - n / 2 + 0.5) / (n / 2);
          // The same on the left and right, blobs of noise; tiles of two or more colours; a ground that is dithered from one to the next.
          const at =
            kind < 0.6
              ? far < 0.6 + 0.4 * filled && random() < filled
                ? int(0, tints.length - 1)
                : -1
              : kind < 0.85
                ? random() < filled
                  ? 0
                  : int(1, tints.length - 1)
                : Math.min(
                    tints.length - 1,
                    Math.floor((j / n) * (tints.length - 1) + [0, 0.5, 0.75, 0.25][(i & 1) + 2 * (j & 1)]),
                  );
          if (at < 0) continue;
          for (const column of kind < 0.6 ? [i, n - 1 - i] : [i])
            paths[at] += `M${x + column * m} ${y + j * m}h${m}v${m}h${-m}z`;
        }
      s += paths.map((d, i) => `<path d="${d}" fill="${tints[i]}" shape-rendering="crispEdges"/>`).join('');
    }
    y += n * m + gap;
  }
  return s;
}
// Icons as sites show them: at 16 to 48 CSS pixels, twice that here, whole CSS pixels apart.
const byPrefix = (test) => sets.filter((set) => test.test(set.prefix));
const single = byPrefix(
  /^(tabler|mdi|ph|carbon|bi|octicon|ion|fa6-solid|fa6-regular|heroicons|material-symbols|radix-icons|mingcute|uil|icon-park|icon-park-solid|healthicons|tdesign|solar|hugeicons|feather|iconamoon)$/,
);
const marks = byPrefix(/^(bxl|fa6-brands|game-icons|logos|skill-icons|devicon)$/);
const coloured = byPrefix(
  /^(twemoji|noto|noto-v1|fxemoji|fluent-emoji|fluent-emoji-flat|logos|skill-icons|vscode-icons|devicon|flat-color-icons|openmoji|material-icon-theme|meteocons|cryptocurrency-color|icon-park)$/,
);
const names = new Map(sets.map((set) => [set, Object.keys(set.icons)]));
const flagNames = new Map(
  sets.map((set) => [set, names.get(set).filter((name) => /^flag-/.test(name))]).filter(([, list]) => list.length > 50),
);
const flagSets = byPrefix(/^(cif|flagpack|circle-flags)$/);
// The flags of Wikimedia in the ratios of their countries, where the package is there; those of many kilobytes take long to draw.
const countries = join(icons, 'svg-country-flags', 'svg');
const countryFlags = existsSync(countries)
  ? readdirSync(countries)
      .map((file) => join(countries, file))
      .filter((file) => statSync(file).size < 30_000)
      .map((file) => readFileSync(file, 'utf8').replace(/^[\s\S]*?(?=<svg)/, ''))
  : [];
function country(x, y, w, h) {
  const tag = `c${serial++}-`,
    body = pick(countryFlags)
      .replace(/\bid="([^"]+)"/g, `id="${tag}$1"`)
      .replace(/url\(#([^)]+)\)/g, `url(#${tag}$1)`)
      .replace(/href="#([^"]+)"/g, `href="#${tag}$1"`);
  const root = /^<svg[^>]*>/.exec(body)[0];
  const bare = root.replace(/\s(?:width|height|x|y|preserveAspectRatio)="[^"]*"/g, '');
  return body.replace(
    root,
    bare.replace('<svg', `<svg x="${x}" y="${y}" width="${w}" height="${h}" preserveAspectRatio="none"`),
  );
}
function place(set, name, x, y, s, tint, height = s) {
  const it = set.icons[name];
  const w = it.width ?? set.width ?? 16,
    h = it.height ?? set.height ?? 16,
    tag = `p${serial++}-`;
  const body = it.body
    .replace(/\bid="([^"]+)"/g, `id="${tag}$1"`)
    .replace(/url\(#([^)]+)\)/g, `url(#${tag}$1)`)
    .replace(/href="#([^"]+)"/g, `href="#${tag}$1"`)
    .replace(/<animate[^>]*\/>|<animate[\s\S]*?<\/animate\w*>/g, '');
  return `<g color="${tint}"><svg x="${x}" y="${y}" width="${s}" height="${height}" viewBox="${it.left ?? 0} ${it.top ?? 0} ${w} ${h}"${height === s ? '' : ' preserveAspectRatio="none"'}>${body}</svg></g>`;
}
function icons16to48(tint) {
  const one = random();
  const group = one < 0.5 ? single : one < 0.72 ? marks : coloured;
  let s = '';
  for (let y = 0; y < size;) {
    const edge = 2 * pick([16, 16, 20, 20, 24, 24, 24, 32, 32, 48, 64]),
      gap = 2 * pick([2, 3, 4, 6]);
    const set = pick(group);
    for (let x = 2 * int(0, 6); x + edge <= size && y + edge <= size; x += edge + gap)
      s += place(set, pick(names.get(set)), x, y, edge, tint ?? colour());
    y += edge + gap;
  }
  return s;
}
/** Line icons at 16 and 20 CSS pixels, mostly of one ink: strokes of one to one and a half pixels, which lie anywhere. */
const lineIcons = byPrefix(
  /^(tabler|mingcute|carbon|hugeicons|feather|iconamoon|ph|solar|tdesign|uil|icon-park|radix-icons|heroicons|bi|octicon)$/,
).map((set) => [set, names.get(set).filter((name) => !/fill|solid|bold|duotone|broken|twotone|thin|flag/.test(name))]);
function strokes(tint) {
  let s = '';
  for (let y = 2 * int(0, 3); y < size;) {
    const edge = 2 * pick([16, 16, 20, 20, 20, 24]),
      gap = 2 * pick([2, 3, 4, 6]);
    const [set, list] = pick(lineIcons);
    for (let x = 2 * int(0, 6); x + edge <= size && y + edge <= size; x += edge + gap)
      s += place(set, pick(list), x, y, edge, tint ?? colour());
    y += edge + gap;
  }
  return s;
}
/**
 * What alpha planes are where parts are translucent: badges on shadows, soft or hard, panes over panes, and edges at any angle, each of one
 * opacity and mostly with another right beside it (fills under fills, so that no clear line is left between them).
 */
function veils() {
  const level = () => pick([1, 1, 1, 0.9, 0.78, 0.6, 0.5, 0.5, 0.4, 0.35, 0.25, 0.12]);
  let s =
    '<defs>' +
    [1, 2, 4, 8]
      .map(
        (d) =>
          `<filter id="blur${d}" x="-50%" y="-50%" width="200%" height="200%"><feGaussianBlur stdDeviation="${d}"/></filter>`,
      )
      .join('') +
    '</defs>';
  for (let y = 2 * int(0, 4); y < size - 16;) {
    const edge = 2 * pick([12, 16, 20, 24, 32, 48]),
      gap = 2 * pick([0, 1, 3, 6]);
    for (let x = 2 * int(0, 4); x + edge <= size; x += edge + gap) {
      const kind = random(),
        id = `v${serial++}`,
        bound = `clip-path="url(#${id})"`;
      s += `<clipPath id="${id}"><rect x="${x}" y="${y}" width="${edge}" height="${edge}"/></clipPath>`;
      if (kind < 0.4) {
        // Two or three levels side by side: the group's opacity makes one fill replace the other where they overlap in steps.
        const [cx, cy] = [x + edge * (0.25 + 0.5 * random()), y + edge * (0.25 + 0.5 * random())],
          turn = random() < 0.35 ? pick([0, 90]) : int(0, 359),
          [a, b] = [level(), random() < 0.25 ? 0 : level()],
          far = 2 * edge;
        s += `<g ${bound}><g transform="rotate(${turn} ${cx.toFixed(1)} ${cy.toFixed(1)})" shape-rendering="${turn % 90 ? 'auto' : 'crispEdges'}">`;
        s += `<rect x="${cx - far}" y="${cy - far}" width="${2 * far}" height="${2 * far}" fill="#fff" fill-opacity="${Math.min(a, b)}"/>`;
        const more = Math.abs(a - b) / Math.max(0.001, 1 - Math.min(a, b));
        s +=
          random() < 0.2
            ? `<rect x="${cx - pick([0.5, 1, 1.5, 2, 3])}" y="${cy - far}" width="${pick([1, 2, 3, 4])}" height="${2 * far}" fill="#fff" fill-opacity="${more.toFixed(4)}"/>`
            : `<rect x="${cx}" y="${cy - far}" width="${far}" height="${2 * far}" fill="#fff" fill-opacity="${more.toFixed(4)}"/>`;
        s += '</g></g>';
      } else if (kind < 0.8) {
        // A shape on its shadow, which may be soft; the shape hides the shadow if it is opaque.
        const w = edge * (0.3 + 0.4 * random()),
          h = random() < 0.5 ? w : edge * (0.3 + 0.4 * random()),
          r = pick([0, 2, 4, 8, h / 2]),
          [left, top] = [x + (edge - w) / 2 + random() * 2, y + (edge - h) / 2 + random() * 2];
        const set = pick(single);
        const shape = (dx, dy) =>
          `<rect x="${(left + dx).toFixed(2)}" y="${(top + dy).toFixed(2)}" width="${w.toFixed(2)}" height="${h.toFixed(2)}" rx="${Math.min(r, w / 2)}"/>`;
        const blur = random() < 0.45 ? ` filter="url(#blur${pick([1, 2, 4, 8])})"` : '';
        const icon = random() < 0.3 ? pick(names.get(set)) : undefined;
        const drawn = (dx, dy) =>
          icon ? place(set, icon, x + edge * 0.1 + dx, y + edge * 0.1 + dy, edge * 0.75, '#fff') : shape(dx, dy);
        s += `<g ${bound} fill="#fff"><g opacity="${level()}"${blur}>${drawn(pick([0, 0, 1, 2, 3]), pick([0, 1, 2, 3, 4, 8]))}</g><g opacity="${pick([1, 1, 1, level()])}">${drawn(0, 0)}</g></g>`;
      } else {
        // Panes over panes.
        s += `<g ${bound} fill="#fff">`;
        for (let k = int(2, 4); k > 0; k--)
          s +=
            random() < 0.5
              ? `<rect x="${x + 2 * int(-4, edge / 3)}" y="${y + 2 * int(-4, edge / 3)}" width="${2 * int(2, edge / 2)}" height="${2 * int(2, edge / 2)}" rx="${pick([0, 0, 4, 8])}" fill-opacity="${level()}"/>`
              : `<circle cx="${x + edge * random()}" cy="${y + edge * random()}" r="${edge * (0.1 + 0.4 * random())}" fill-opacity="${level()}"/>`;
        s += '</g>';
      }
    }
    y += edge + gap;
  }
  return s;
}
/** Stripes, crosses, bands, discs, stars, triangles, thin lines beside them, and sometimes an emblem: flags of no country, and of some. */
function flags() {
  let s = '';
  for (let y = 0; y < size;) {
    const h = 2 * pick([12, 15, 16, 16, 18, 20, 20, 24, 24, 32, 48]),
      ratio = pick([1, 4 / 3, 4 / 3, 3 / 2, 3 / 2, 2]),
      w = 2 * Math.round((h * ratio) / 2),
      gap = 2 * pick([2, 4, 6]);
    for (let x = 2 * int(0, 4); x + w <= size && y + h <= size; x += w + gap) {
      const id = `f${serial++}`,
        vivid = () =>
          random() < 0.3
            ? '#fff'
            : random() < 0.2
              ? '#000'
              : `hsl(${pick([0, 5, 30, 45, 50, 120, 150, 200, 220, 230, int(0, 359)])} ${int(60, 100)}% ${int(25, 60)}%)`;
      let f = `<rect width="${w}" height="${h}" fill="${vivid()}"/>`;
      const kind = random(),
        n = pick([2, 3, 3, 3, 5, 7, 9, 11, 13]);
      // A line of a third colour, a few hundredths of the height wide, beside what meets.
      const hair = random() < 0.45 ? h * (0.02 + 0.1 * random()) : 0,
        beside = random() < 0.5 ? '#fff' : vivid();
      if (kind < 0.22) {
        // Stripes of unlike widths, across or upright.
        const upright = random() < 0.35,
          length = upright ? w : h,
          parts = Array.from({ length: int(2, 7) }, () => pick([1, 1, 1, 2, 3, 0.5, 0.25])),
          whole = parts.reduce((sum, part) => sum + part, 0);
        let at = 0;
        for (const part of parts) {
          const wide = (length * part) / whole,
            bar = (from, to, fill) =>
              upright
                ? `<rect x="${from}" width="${to - from}" height="${h}" fill="${fill}"/>`
                : `<rect y="${from}" width="${w}" height="${to - from}" fill="${fill}"/>`;
          f += bar(at, length, vivid());
          if (at) f += bar(at - hair / 2, at + hair / 2, beside);
          at += wide;
        }
      } else if (kind < 0.3) {
        // A band from corner to corner, or a frame.
        const t = h * (0.1 + 0.25 * random()),
          [from, to] = random() < 0.5 ? [h, 0] : [0, h];
        f +=
          random() < 0.65
            ? `<path d="M0 ${to}H${w}V${from}z" fill="${vivid()}"/><path d="M${-w} ${2 * from - to}L${2 * w} ${2 * to - from}" stroke="${beside}" stroke-width="${t + 2 * hair}"/><path d="M${-w} ${2 * from - to}L${2 * w} ${2 * to - from}" stroke="${vivid()}" stroke-width="${t}"/>`
            : `<rect width="${w}" height="${h}" fill="none" stroke="${vivid()}" stroke-width="${t}"/><rect x="${t / 2}" y="${t / 2}" width="${w - t}" height="${h - t}" fill="none" stroke="${beside}" stroke-width="${hair}"/>`;
      } else if (kind < 0.45) {
        const a = vivid(),
          b = vivid(),
          c = vivid();
        for (let i = 0; i < n; i++)
          f += `<rect y="${(h * i) / n}" width="${w}" height="${h / n}" fill="${n > 3 ? (i % 2 ? a : b) : [a, b, c][i]}"/>`;
      } else if (kind < 0.58) {
        const m = pick([2, 3, 3]);
        for (let i = 0; i < m; i++)
          f += `<rect x="${(w * i) / m}" width="${w / m + 0.1}" height="${h}" fill="${vivid()}"/>`;
      } else if (kind < 0.72) {
        const t = h * (0.12 + 0.15 * random()),
          cx = w * pick([0.36, 0.5]),
          a = vivid(),
          b = vivid();
        f += `<path d="M0 ${h / 2}H${w}M${cx} 0V${h}" stroke="${beside}" stroke-width="${t + 2 * hair}"/><path d="M0 ${h / 2}H${w}M${cx} 0V${h}" stroke="${a}" stroke-width="${t}"/>`;
        if (random() < 0.5) f += `<path d="M0 ${h / 2}H${w}M${cx} 0V${h}" stroke="${b}" stroke-width="${t / 2}"/>`;
      } else if (kind < 0.8) {
        const a = vivid(),
          b = vivid();
        f += `<path d="M0 0L${w} ${h}M${w} 0L0 ${h}" stroke="${a}" stroke-width="${h / 5}"/><path d="M${w / 2} 0V${h}M0 ${h / 2}H${w}" stroke="${a}" stroke-width="${h / 3}"/><path d="M${w / 2} 0V${h}M0 ${h / 2}H${w}" stroke="${b}" stroke-width="${h / 5}"/>`;
      }
      if (random() < 0.3)
        f += `<path d="M0 0L${w * (0.3 + 0.3 * random())} ${h / 2}L0 ${h}z" fill="${vivid()}" stroke="${beside}" stroke-width="${hair}"/>`;
      if (random() < 0.35) f += `<rect width="${w * 0.45}" height="${h * pick([0.5, 0.54])}" fill="${vivid()}"/>`;
      const star = (cx, cy, r, points, fill) =>
        `<path d="M${Array.from({ length: points * 2 }, (_, i) => {
          const q = i % 2 ? r * 0.4 : r,
            t = (Math.PI * i) / points;
          return `${(cx + q * Math.sin(t)).toFixed(2)} ${(cy - q * Math.cos(t)).toFixed(2)}`;
        }).join('L')}z" fill="${fill}"/>`;
      const extra = random();
      if (extra < 0.2)
        f += `<circle cx="${w * pick([0.25, 0.5])}" cy="${h / 2}" r="${h * (0.15 + 0.2 * random())}" fill="${vivid()}"/>`;
      else if (extra < 0.4)
        f += star(w * pick([0.2, 0.5]), h / 2, h * (0.12 + 0.25 * random()), pick([5, 5, 5, 6, 8, 12, 16]), vivid());
      else if (extra < 0.55) {
        const c = vivid();
        for (let i = int(3, 12); i > 0; i--)
          f += star(w * (0.05 + 0.4 * random()), h * (0.05 + 0.45 * random()), h * (0.03 + 0.05 * random()), 5, c);
      } else if (extra < 0.68) {
        const c = vivid(),
          b = vivid();
        f +=
          `<circle cx="${w * 0.4}" cy="${h / 2}" r="${h * 0.3}" fill="${c}"/><circle cx="${w * 0.46}" cy="${h / 2}" r="${h * 0.24}" fill="${b}"/>` +
          star(w * 0.55, h / 2, h * 0.12, 5, c);
      } else if (extra < 0.85) {
        const set = random() < 0.5 ? pick(coloured) : pick(marks),
          e = h * (0.3 + 0.4 * random());
        f += place(set, pick(names.get(set)), w * pick([0.25, 0.5]) - e / 2, (h - e) / 2, e, vivid());
      }
      if (countryFlags.length && random() < 0.3) s += country(x, y, w, h);
      else if (random() < 0.35 && flagSets.length) {
        const set = pick(flagSets);
        s += place(set, pick(names.get(set)), x, y, w, '#000', h);
      } else if (random() < 0.15 && flagNames.size) {
        const set = pick([...flagNames.keys()]);
        s += place(set, pick(flagNames.get(set)), x, y, h, '#000');
      } else
        s += `<g transform="translate(${x} ${y})" clip-path="url(#${id})"><clipPath id="${id}"><rect width="${w}" height="${h}" rx="${random() < 0.2 ? h / 10 : 0}"/></clipPath>${f}</g>`;
    }
    y += h + gap;
  }
  return s;
}
/** Paragraphs, tables and menus at 10 to 16 CSS pixels. */
function page(tint) {
  let s = '';
  for (let column = 0; column < 2; column++)
    for (let y = int(0, 20); y < size;) {
      const fs = 2 * pick([10, 11, 12, 12, 13, 14, 14, 15, 16, 16]),
        fill = tint ?? (random() < 0.6 ? pick(['#222', '#000', '#333', '#555', '#1a73e8']) : colour());
      const font = pick(latin),
        weight = pick([300, 400, 400, 400, 400, 500, 600, 700]),
        x = 2 * int(0, 20) + (column * size) / 2;
      for (let k = int(2, 6); k > 0 && y < size; k--) {
        y += Math.round(fs * pick([0.6, 0.7, 0.75])) * 2;
        s += `<text x="${x}" y="${y}" font-family="${font}" font-size="${fs}" font-weight="${weight}" fill="${fill}">${Array.from(
          { length: int(2, 7) },
          () => pick(words),
        )
          .join(' ')
          .replace(/&/g, '&amp;')}</text>`;
      }
      y += 2 * int(2, 10);
    }
  return s;
}
function chart(x, y, w, h, ink) {
  const fs = 2 * pick([10, 11, 12]),
    tints = Array.from({ length: 5 }, colour),
    left = x + 44,
    bottom = y + h - 30,
    width = w - 54,
    height = h - 44,
    kind = random(),
    rows = int(3, 6);
  let s = '';
  const label = (a, b, t, anchor) =>
    `<text x="${a}" y="${b}" font-family="${pick(latin)}" font-size="${fs}" text-anchor="${anchor}" fill="${ink}">${t}</text>`;
  if (kind < 0.2) {
    let angle = 0;
    const cx = x + w / 2,
      cy = y + h / 2,
      r = Math.min(w, h) * 0.42,
      hole = pick([0, 0, 0.55]);
    for (let i = 0; i < 5; i++) {
      const to = i === 4 ? 2 * Math.PI : Math.min(2 * Math.PI - 0.05, angle + 0.3 + 1.4 * random());
      const at = (q, t) => `${(cx + q * Math.sin(t)).toFixed(2)} ${(cy - q * Math.cos(t)).toFixed(2)}`;
      s += `<path d="M${at(r, angle)}A${r} ${r} 0 ${to - angle > Math.PI ? 1 : 0} 1 ${at(r, to)}L${at(r * hole, to)}A${r * hole} ${r * hole} 0 ${to - angle > Math.PI ? 1 : 0} 0 ${at(r * hole, angle)}z" fill="${tints[i]}" stroke="${pick(['none', '#fff'])}" stroke-width="2"/>`;
      angle = to;
    }
    return s;
  }
  for (let i = 0; i <= rows; i++) {
    const yy = Math.round((bottom - (height * i) / rows) / 2) * 2;
    s +=
      `<path d="M${left} ${yy + 1}h${width}" stroke="${ink}" stroke-opacity="${pick([0.15, 0.2])}" stroke-width="2"/>` +
      label(left - 6, yy + fs * 0.35, String(i * pick([10, 25])), 'end');
  }
  s += `<path d="M${left + 1} ${y + 10}V${bottom + 1}H${left + width}" fill="none" stroke="${ink}" stroke-width="${pick([2, 2, 4])}"/>`;
  const n = int(4, 14);
  for (let k = int(1, 3); k > 0; k--) {
    const points = Array.from({ length: n }, (_, i) => [
      left + (width * (i + 0.5)) / n,
      bottom - height * (0.05 + 0.9 * random()),
    ]);
    if (kind < 0.5)
      s += points
        .map(([px, py]) => {
          const bw = Math.max(2, Math.round(width / n / 5) * 2);
          return `<rect x="${Math.round(px / 2) * 2}" y="${Math.round(py / 2) * 2}" width="${bw}" height="${bottom - Math.round(py / 2) * 2}" fill="${tints[k]}"/>`;
        })
        .join('');
    else if (kind < 0.6)
      s += points
        .map(
          ([px, py]) =>
            `<circle cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="${pick([4, 5, 6])}" fill="${tints[k]}" fill-opacity="${pick([1, 0.6])}"/>`,
        )
        .join('');
    else {
      const line = points.map((q) => q.map((v) => v.toFixed(1)).join(' ')).join('L');
      if (random() < 0.4)
        s += `<path d="M${points[0][0].toFixed(1)} ${bottom}L${line}L${points[n - 1][0].toFixed(1)} ${bottom}z" fill="${tints[k]}" fill-opacity="0.25"/>`;
      s += `<path d="M${line}" fill="none" stroke="${tints[k]}" stroke-width="${pick([2, 3, 4, 4, 6])}" stroke-linejoin="round"/>`;
      if (random() < 0.4)
        s += points
          .map(([px, py]) => `<circle cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="6" fill="${tints[k]}"/>`)
          .join('');
    }
  }
  const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug'];
  for (let i = 0; i < 4; i++) s += label(left + (width * (i + 0.5)) / 4, bottom + fs + 4, months[i * 2], 'middle');
  return s;
}
mkdirSync(out, { recursive: true });
const draw = (inside, edge) =>
  sharp(
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${edge}" height="${edge}" viewBox="0 0 ${size} ${size}">${inside}</svg>`,
    ),
    { limitInputPixels: false },
  );
/** A sheet's drawing, and whether it is to be used as a picture on its ground or as an alpha plane, light on dark. */
function compose() {
  const sheet = kinds ? pick(kinds.split(',').map(Number)) : random();
  if (sheet >= 4) return { inside: veils(), alpha: true };
  if (sheet >= 3) {
    const kind = random();
    if (kind < 0.35) return { inside: strokes(), alpha: true };
    const [paper, ink] =
      kind < 0.65
        ? ['#fff', pick(['#000', '#222', '#1f2937', '#555'])]
        : kind < 0.8
          ? [pick(['#000', '#111', '#0d1117', '#222']), pick(['#fff', '#eee'])]
          : [];
    const under = paper ? `<rect width="${size}" height="${size}" fill="${paper}"/>` : ground();
    return { inside: under + strokes(random() < 0.8 ? ink : undefined) };
  }
  if (sheet >= 2) return { inside: ground(), clip: true };
  if (sheet >= 1) return random() < 0.25 ? { inside: sprites(), alpha: true } : { inside: ground() + sprites() };
  if (sheet < 0.2) return { inside: icons16to48(), alpha: true };
  if (sheet < 0.23) return { inside: page('#000'), alpha: true };
  if (sheet < 0.25) return { inside: flags(), alpha: true };
  if (sheet < 0.36)
    return {
      inside: `<rect width="${size}" height="${size}" fill="#fff"/>${icons16to48(random() < 0.4 ? pick(['#000', '#222', '#1f2937', '#555']) : undefined)}`,
    };
  if (sheet < 0.48)
    return { inside: ground() + icons16to48(random() < 0.4 ? pick(['#fff', '#000', '#eee', '#222']) : undefined) };
  if (sheet < 0.56)
    return {
      inside: `<rect width="${size}" height="${size}" fill="${random() < 0.6 ? '#fff' : colour()}"/>${flags()}`,
    };
  if (sheet < 0.64) {
    const dark = random() < 0.4;
    return {
      inside: `<rect width="${size}" height="${size}" fill="${dark ? pick(['#000', '#111', '#0d1117', '#1e1e1e', '#222b45']) : pick(['#fff', '#fff', '#f6f8fa', '#fafafa'])}"/>${page(dark ? pick(['#fff', '#ddd', '#c9d1d9', '#9cf']) : undefined)}`,
    };
  }
  if (sheet < 0.71) {
    const dark = random() < 0.35,
      w = size / pick([1, 2]),
      h = size / pick([2, 3]);
    let inside = `<rect width="${size}" height="${size}" fill="${dark ? pick(['#111', '#1e1e1e', '#0b1021']) : pick(['#fff', '#fff', '#fafafa'])}"/>`;
    for (let y = 0; y < size; y += h)
      for (let x = 0; x < size; x += w) inside += chart(x, y, w, h, dark ? '#ccc' : '#333');
    return { inside };
  }
  const kind = random(),
    pixels = random();
  let inside = ground();
  if (pixels < 0.45) inside += aligned();
  if (pixels < 0.15) inside += modules();
  if (pixels >= 0.45 && kind < 0.3)
    for (let i = 0; i < 2; i++) inside += panel(int(-20, size - 80), int(-20, size - 60), int(60, 320), int(20, 240));
  const grid = pick([2, 3, 4, 5, 8, 12]);
  const cell = size / grid;
  if (pixels >= 0.45 && kind < 0.85)
    for (let y = 0; y < grid; y++)
      for (let x = 0; x < grid; x++)
        if (random() < 0.6)
          inside += icon(
            x * cell + random() * cell * 0.2,
            y * cell + random() * cell * 0.2,
            cell * (0.5 + 0.4 * random()),
          );
  const lines = kind < 0.3 || kind > 0.85 ? int(6, 26) : int(0, 4);
  const fill = random() < 0.5 ? '#222' : colour();
  for (let i = 0; i < lines; i++)
    inside += text(
      int(-20, size / 2),
      int(10, size),
      pick([8, 9, 10, 11, 12, 13, 14, 16, 18, 20, 24, 28, 36, 48, 72]),
      random() < 0.7 ? fill : colour(),
    );
  return { inside, clip: pixels >= 0.45 && random() < 0.75 };
}
let bytes = 0;
for (let n = 0; n < +count; n++) {
  const { inside, alpha, clip } = compose();
  const path = join(out, `art${String(n).padStart(4, '0')}`);
  const save = async (image, to) =>
    (
      await (alpha ? image.ensureAlpha().extractChannel(3) : image.flatten({ background: '#fff' }).removeAlpha())
        .webp({ lossless: true, effort: 2 })
        .toFile(to)
    ).size;
  try {
    if (clip) {
      const layers = [];
      for (let k = int(2, 6); k > 0; k--) {
        const w = int(120, 400);
        const layer = await sharp(pick(drawings))
          .resize(w, w, { fit: 'inside' })
          .png()
          .toBuffer({ resolveWithObject: true })
          .catch(() => undefined);
        if (layer)
          layers.push({
            input: layer.data,
            left: int(0, Math.max(0, size - layer.info.width)),
            top: int(0, Math.max(0, size - layer.info.height)),
          });
      }
      bytes += await save(sharp(await draw(inside, size).png().toBuffer()).composite(layers), `${path}.webp`);
    } else {
      const small = await draw(inside, size / 2)
        .png()
        .toBuffer();
      bytes += await save(draw(inside, size), `${path}.webp`);
      await save(sharp(small), `${path}.small.webp`);
    }
  } catch (error) {
    console.error(n, String(error).slice(0, 100));
  }
  if (n % 50 === 49) console.log(n + 1, (bytes / 2 ** 20).toFixed(1), 'MiB');
}
