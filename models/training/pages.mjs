// Pages of charts, diagrams and interfaces as Chromium draws them at device pixel ratios of 1 and 2, as lossless WebP (NAME.small.webp beside
// NAME.webp, as `sheets.mjs` writes them): lines of one pixel that lie on pixels, between two, or anywhere, small text, boxes, arrows, controls.
// usage: SHARP_FROM=<a package.json beside sharp> CHROMIUM_FROM=<one beside playwright-core> node pages.mjs <out folder> <count> [seed [width [height]]]
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
const [, , out, count, seed = '12345', width = '480', height = '320'] = process.argv;
const from = (variable) => createRequire(process.env[variable] ?? import.meta.url);
const sharp = from('SHARP_FROM')('sharp');
const { chromium } = from('CHROMIUM_FROM')('playwright-core');
let state = +seed;
const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
const int = (a, b) => a + Math.floor(random() * (b - a + 1));
const pick = (list) => list[int(0, list.length - 1)];
const many = (least, most, make) => Array.from({ length: int(least, most) }, (_, i) => make(i)).join('');
const fonts = [
  'DejaVu Sans',
  'DejaVu Sans',
  'Roboto',
  'Open Sans',
  'Lato',
  'Inter',
  'Liberation Sans',
  'Cantarell',
  'Noto Sans',
  'DejaVu Serif',
];
const words =
  'Total Revenue Users Sessions Checkout Worker Queue Cache Gateway Client Server Parse Render Build Deploy Review Draft Paid Open Closed Pending North South Berlin Lima Osaka Jan Feb Mar Apr 2024 Q1 Q4 12 % 48 ms 3.2 MB $19.99 1,204 Name Status Owner Updated Search Filter Export Cancel Apply Next yes no if error'.split(
    ' ',
  );
const say = (n) => Array.from({ length: n }, () => pick(words)).join(' ');

/** Colours of one page: most grounds are near white or near black, as are most texts. */
function theme() {
  const dark = random() < 0.45;
  const hue = int(0, 359);
  const tint = (lightness) => `hsl(${(hue + int(0, 359)) % 360} ${int(45, 95)}% ${lightness}%)`;
  const grey = (lightness) => `hsl(${hue} ${pick([0, 8, 15, 25])}% ${lightness}%)`;
  return {
    ground: dark ? grey(int(3, 16)) : random() < 0.65 ? '#fff' : grey(int(94, 99)),
    panel: dark ? grey(int(12, 24)) : grey(int(92, 100)),
    line: dark ? grey(int(22, 36)) : grey(int(78, 92)),
    faint: dark ? grey(int(55, 70)) : grey(int(40, 62)),
    text: dark ? grey(int(82, 98)) : grey(int(4, 25)),
    tints: Array.from({ length: 5 }, () => tint(dark ? int(50, 75) : int(32, 58))),
  };
}

/** Where strokes lie: on pixels (half a pixel off), between two pixels, or anywhere. */
const placing = () => {
  const kind = random();
  if (kind < 0.45) return (v) => Math.floor(v) + 0.5;
  if (kind < 0.8) return (v) => Math.round(v);
  return (v) => Math.round(v * 10) / 10;
};
const svg = (w, h, inside) =>
  `<svg width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" font-size="${pick([10, 11, 11, 12, 12, 13])}" style="display:${pick(['block', 'inline'])}">${inside}</svg>`;
const label = (x, y, content, fill, anchor = 'start', more = '') =>
  `<text x="${x}" y="${y}" fill="${fill}" text-anchor="${anchor}"${more}>${content}</text>`;
const width1 = () => pick([1, 1, 1, 1, 1.5, 2]);

function bars(w, h, t) {
  const at = placing(),
    n = int(3, 9),
    lying = random() < 0.5,
    left = int(30, 90),
    top = int(6, 20),
    length = lying ? w - left - 50 : h - top - 26,
    across = (lying ? h - top - 16 : w - left - 10) / n,
    thick = random() < 0.7 ? Math.round(across * pick([0.5, 0.6, 0.8])) : across * 0.6,
    round = pick([0, 0, 0, 2, 3, 4]),
    whole = random() < 0.6;
  let s = '';
  if (random() < 0.6)
    for (let i = 1; i < 5; i++) {
      const g = at(((length * i) / 4 + (lying ? left : top)) % (lying ? w : h));
      s += `<path d="${lying ? `M${g} ${top}V${h - 16}` : `M${left} ${g}H${w - 8}`}" stroke="${t.line}" stroke-width="1"${random() < 0.2 ? ' stroke-dasharray="2 2"' : ''}/>`;
    }
  const two = random() < 0.4;
  for (let i = 0; i < n; i++) {
    const size = length * (0.08 + 0.9 * random()),
      v = whole ? Math.round(size) : +size.toFixed(1),
      p = Math.round((lying ? top : left) + i * across + (across - thick) / 2),
      fill = pick(two ? t.tints.slice(0, 3) : t.tints.slice(0, 1));
    s += lying
      ? `<rect x="${left}" y="${p}" width="${v}" height="${thick}" rx="${round}" fill="${fill}"/>`
      : `<rect x="${p}" y="${h - 20 - v}" width="${thick}" height="${v}" rx="${round}" fill="${fill}"/>`;
    if (random() < 0.85)
      s += lying
        ? label(left - 6, p + thick / 2 + 4, pick(words), t.text, 'end')
        : label(p + thick / 2, h - 6, pick(words).slice(0, 5), t.faint, 'middle');
    if (random() < 0.5)
      s += lying
        ? label(left + v + 5, p + thick / 2 + 4, say(1), t.faint)
        : label(p + thick / 2, h - 24 - v, int(1, 99), t.faint, 'middle');
  }
  const a = at(left),
    b = at(lying ? h - 14 : h - 20);
  return (
    s +
    `<path d="M${a} ${top - 4}V${b}H${w - 6}" fill="none" stroke="${pick([t.text, t.faint, t.line])}" stroke-width="${width1()}"/>`
  );
}

function lines(w, h, t) {
  const at = placing(),
    left = int(26, 44),
    rows = int(3, 6),
    n = int(5, 16),
    bottom = h - 22;
  let s = '';
  for (let i = 0; i <= rows; i++) {
    const y = at(10 + ((bottom - 10) * i) / rows);
    s +=
      `<path d="M${left} ${y}H${w - 6}" stroke="${t.line}"/>` +
      label(left - 5, y + 4, (rows - i) * pick([1, 5, 20, 100]), t.faint, 'end');
  }
  for (let i = 0; i < 5; i++)
    s += label(left + ((w - left - 20) * (i + 0.5)) / 5, h - 6, pick(words).slice(0, 4), t.faint, 'middle');
  if (random() < 0.4)
    s += `<path d="M${at(left)} 8V${at(bottom)}H${w - 6}" fill="none" stroke="${pick([t.text, t.faint])}" stroke-width="${width1()}"/>`;
  for (let k = int(1, 3); k > 0; k--) {
    let y = bottom * random();
    const points = Array.from({ length: n }, (_, i) => {
      y = Math.min(bottom - 4, Math.max(14, y + (random() - 0.5) * h * 0.45));
      return [Math.round(left + ((w - left - 8) * i) / (n - 1)), random() < 0.7 ? Math.round(y) : +y.toFixed(1)];
    });
    const tint = t.tints[k],
      path =
        random() < 0.7
          ? `M${points.map((p) => p.join(' ')).join('L')}`
          : points.reduce((d, [x, v], i) => {
              if (!i) return `M${x} ${v}`;
              const [px, pv] = points[i - 1];
              return `${d}C${(px + x) / 2} ${pv} ${(px + x) / 2} ${v} ${x} ${v}`;
            }, '');
    if (random() < 0.25)
      s += `<path d="${path}V${bottom}H${left}z" fill="${tint}" fill-opacity="${pick([0.15, 0.25, 0.4])}"/>`;
    s += `<path d="${path}" fill="none" stroke="${tint}" stroke-width="${pick([1, 1, 1.5, 1.5, 2, 2, 3])}"${random() < 0.25 ? ` stroke-dasharray="${pick(['4 3', '2 2', '6 4', '1 3'])}"` : ''} stroke-linejoin="${pick(['miter', 'round'])}"/>`;
    if (random() < 0.4) {
      const r = pick([2, 2.5, 3, 3.5, 4]),
        hollow = random() < 0.5;
      s += points
        .map(
          ([x, v]) =>
            `<circle cx="${x}" cy="${v}" r="${r}" fill="${hollow ? t.ground : tint}"${hollow ? ` stroke="${tint}" stroke-width="${pick([1, 1.5])}"` : ''}/>`,
        )
        .join('');
    }
  }
  return s;
}

function pie(w, h, t) {
  const cx = Math.round(w * pick([0.35, 0.5])) + pick([0, 0, 0.5]),
    cy = Math.round(h / 2),
    r = Math.round(Math.min(w, h) * 0.42),
    hole = pick([0, 0, 0, 0.5, 0.65]) * r,
    gap = pick(['none', 'none', t.ground]);
  let angle = random() < 0.5 ? 0 : 6 * random(),
    s = '';
  const end = angle + 2 * Math.PI;
  for (let i = 0; angle < end - 0.01; i++) {
    const to = i === 4 ? end : Math.min(end, angle + 0.25 + 2 * random());
    const on = (q, a) => `${(cx + q * Math.sin(a)).toFixed(1)} ${(cy - q * Math.cos(a)).toFixed(1)}`;
    const big = to - angle > Math.PI ? 1 : 0;
    s += `<path d="M${on(hole, angle)}L${on(r, angle)}A${r} ${r} 0 ${big} 1 ${on(r, to)}L${on(hole, to)}${hole ? `A${hole} ${hole} 0 ${big} 0 ${on(hole, angle)}` : ''}Z" fill="${t.tints[i % 5]}" stroke="${gap}"/>`;
    if (random() < 0.7)
      s += `<rect x="${w - 60}" y="${8 + i * 18}" width="10" height="10" rx="${pick([0, 2])}" fill="${t.tints[i % 5]}"/>${label(w - 45, 17 + i * 18, pick(words), t.text)}`;
    angle = to;
  }
  return s;
}

function scatter(w, h, t) {
  const at = placing(),
    r = pick([2, 2.5, 3, 4]);
  return (
    many(3, 6, (i) => `<path d="M30 ${at(10 + ((h - 30) * i) / 5)}H${w - 4}" stroke="${t.line}"/>`) +
    many(
      20,
      60,
      () =>
        `<circle cx="${(30 + random() * (w - 40)).toFixed(1)}" cy="${(8 + random() * (h - 34)).toFixed(1)}" r="${r}" fill="${pick(t.tints.slice(0, 2))}" fill-opacity="${pick([1, 0.6])}"/>`,
    ) +
    `<path d="M${at(30)} 4V${at(h - 18)}H${w - 4}" fill="none" stroke="${t.faint}"/>`
  );
}

/** Boxes, ellipses and rhombs in rows, joined by arrows: straight, bent, curved, dashed. */
function diagram(w, h, t) {
  const at = placing(),
    columns = int(2, 4),
    rows = int(2, 4),
    id = `m${int(0, 1e6)}`,
    cw = w / columns,
    rh = h / rows,
    bw = Math.round(cw * (0.5 + 0.25 * random()) * 0.5) * 2,
    bh = Math.round(rh * (0.4 + 0.2 * random()) * 0.5) * 2,
    tint = random() < 0.5 ? t.tints[0] : undefined,
    stroke = width1(),
    tip = pick([6, 7, 8, 8, 10]);
  let boxes = '',
    joins = '',
    texts = '';
  const arrow = random() < 0.85 ? ` marker-end="url(#${id})"` : '';
  const join = (d) =>
    (joins += `<path d="${d}" fill="none" stroke="${pick([t.faint, t.faint, t.text, t.tints[1]])}" stroke-width="${pick([1, 1, 1, stroke])}"${random() < 0.2 ? ` stroke-dasharray="${pick(['3 3', '4 2', '2 2'])}"` : ''}${arrow}/>`);
  for (let j = 0; j < rows; j++)
    for (let i = 0; i < columns; i++) {
      if (random() < 0.12) continue;
      const x = at(i * cw + (cw - bw) / 2),
        y = at(j * rh + (rh - bh) / 2),
        cx = x + bw / 2,
        cy = y + bh / 2,
        fill = pick([t.panel, t.panel, t.ground, 'none', tint ?? pick(t.tints)]),
        line = ` fill="${fill}" stroke="${tint ?? pick([...t.tints, t.faint, t.text])}" stroke-width="${stroke}"`,
        shape = random();
      boxes +=
        shape < 0.6
          ? `<rect x="${x}" y="${y}" width="${bw}" height="${bh}" rx="${pick([0, 0, 3, 4, 6, 8, bh / 2])}"${line}/>`
          : shape < 0.8
            ? `<ellipse cx="${cx}" cy="${cy}" rx="${bw / 2}" ry="${bh / 2}"${line}/>`
            : `<path d="M${cx} ${y}L${x + bw} ${cy}L${cx} ${y + bh}L${x} ${cy}Z"${line}/>`;
      texts += label(
        Math.round(cx),
        Math.round(cy) + 4,
        say(1),
        fill === t.panel || fill === t.ground || fill === 'none' ? t.text : t.ground,
        'middle',
      );
      const mid = at(cy);
      if (i < columns - 1 && random() < 0.7) join(`M${x + bw} ${mid}H${at(x + cw)}`);
      if (j < rows - 1 && random() < 0.6) {
        const way = random(),
          down = at(y + rh),
          to = at(cx + cw * pick([-1, 1]));
        if (way < 0.5) join(`M${at(cx)} ${y + bh}V${down}`);
        else if (way < 0.8) join(`M${at(cx)} ${y + bh}V${at(y + bh + (rh - bh) / 2)}H${to}V${down}`);
        else join(`M${cx} ${y + bh}C${cx} ${y + rh} ${to} ${y + bh} ${to} ${down}`);
      }
      if (random() < 0.25)
        texts += label(
          x + bw + 4,
          mid - 5,
          pick(['yes', 'no', '1', 'n', 'POST', 'ok']),
          t.faint,
          'start',
          ' font-size="10"',
        );
    }
  return `<defs><marker id="${id}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="${tip}" markerHeight="${tip}" orient="auto"><path d="M0 0L8 4L0 8Z" fill="${t.faint}"/></marker></defs>${boxes}${joins}${texts}`;
}

const controls = {
  cards: (t, r) =>
    `<div style="display:flex;gap:8px">${many(2, 4, () => `<div style="flex:1;background:${t.panel};border:1px solid ${t.line};border-radius:${r}px;padding:${int(4, 10)}px"><small style="color:${t.faint}">${say(1)}</small><b style="display:block;font-size:${int(15, 24)}px">${int(1, 9999)}</b><span style="color:${pick(t.tints)};font-size:11px">${pick(['▲', '▼', '+', '−'])} ${int(1, 90)} %</span></div>`)}</div>`,
  form: (t, r) =>
    `<div style="display:flex;gap:8px;margin:8px 0">${many(1, 2, () => `<input style="flex:1;min-width:0;font:inherit;padding:3px 8px;border:1px solid ${t.line};border-radius:${r}px;background:${t.ground};color:${t.text}" value="${say(2)}">`)}<button style="font:inherit;font-weight:600;padding:4px 10px;border:1px solid ${t.tints[0]};border-radius:${r}px;background:${pick([t.tints[0], t.ground])};color:${pick([t.ground, t.text])}">${say(1)}</button><label style="font-size:12px"><input type=${pick(['checkbox', 'radio'])}${pick(['', ' checked'])}>${say(1)}</label></div>`,
  progress: (t, r) =>
    many(
      2,
      4,
      () =>
        `<small style="color:${t.faint};font-size:11px">${say(2)}</small><div style="height:${pick([4, 6, 8])}px;background:${t.line};border-radius:${pick([0, 3, 4])}px;margin:3px 0 7px"><i style="display:block;height:100%;width:${int(5, 98)}%;background:${pick(t.tints)};border-radius:inherit"></i></div>`,
    ),
  table: (t) =>
    `<table style="border-collapse:collapse;width:100%;font-size:${int(11, 13)}px">${many(3, 7, (j) => `<tr style="${j ? pick(['', '', `background:${t.panel}`]) : `background:${t.panel};font-weight:600`}">${Array.from({ length: 4 }, () => `<td style="padding:${pick([2, 3, 4])}px 6px;border-bottom:1px solid ${t.line}">${pick([say(1), say(2), int(1, 9999), `<span style="background:${pick(t.tints)};color:${t.ground};border-radius:8px;padding:0 6px;font-size:10px">${say(1)}</span>`])}</td>`).join('')}</tr>`)}</table>`,
  code: (t, r) =>
    `<pre style="margin:6px 0;padding:7px;background:${t.panel};border-radius:${r}px;font:${pick([11, 12, 13])}px/1.45 ${pick(["'DejaVu Sans Mono'", "'Fira Code'", "'Noto Sans Mono'", 'monospace'])}">${many(3, 9, () => `${'  '.repeat(int(0, 3))}<span style="color:${t.tints[0]}">${pick(['const', 'return', 'if', 'await', 'def', 'for'])}</span> ${pick(words).toLowerCase()}(<span style="color:${t.tints[1]}">'${pick(words)}'</span>, ${int(0, 99)}); <i style="color:${t.faint}">// ${say(1)}</i>\n`)}</pre>`,
  tabs: (t) =>
    `<div style="display:flex;border-bottom:1px solid ${t.line};font-size:12px">${many(2, 5, (i) => `<span style="padding:5px 10px;${i ? `color:${t.faint}` : `border-bottom:2px solid ${t.tints[0]};color:${t.text}`}">${say(1)}</span>`)}</div>`,
  text: (t) =>
    `<h${pick([1, 2, 3])} style="margin:0 0 6px;font-size:${int(14, 20)}px">${say(3)}</h1><p style="margin:4px 0;color:${pick([t.text, t.faint])}">${say(int(5, 18))}</p>`,
};
const drawings = [bars, bars, bars, lines, lines, pie, scatter, diagram, diagram, diagram];

function compose() {
  const t = theme(),
    r = pick([0, 2, 3, 4, 6, 8]),
    w = +width,
    pad = pick([0, 5, 8, 10, 12, 12, 16]);
  let inside = '';
  if (random() < 0.72) {
    // Drawings in one or two columns, mostly below a heading: their tops then lie anywhere between two pixels.
    const columns = pick([1, 1, 2, 2, 3]),
      cw = Math.floor((w - 2 * pad) / columns) - 4,
      rows = columns === 1 ? pick([1, 2]) : columns,
      ch = Math.floor((+height - 2 * pad) / rows) - 6;
    if (random() < 0.55)
      inside += `<h1 style="margin:0 0 ${pick([4, 6, 8])}px;font-size:${int(14, 19)}px">${say(3)}</h1>`;
    for (let j = 0; j < rows; j++) {
      inside += `<div style="display:flex;gap:4px;${random() < 0.4 ? `background:${t.panel};` : ''}${random() < 0.2 ? `border:1px solid ${t.line};border-radius:${r}px` : ''}">`;
      for (let i = 0; i < columns; i++) inside += svg(cw, ch, pick(drawings)(cw, ch, t));
      inside += `</div>`;
    }
  } else for (let k = 0; k < 5; k++) inside += controls[pick(Object.keys(controls))](t, r);
  return `<!doctype html><meta charset="utf-8"><style>*{box-sizing:border-box;text-rendering:geometricPrecision}body{margin:0;padding:${pad}px;background:${t.ground};color:${t.text};font:${pick([12, 13, 13, 14])}px/${pick([1.3, 1.45, 1.5])} '${pick(fonts)}',sans-serif;overflow:hidden}</style>${inside}`;
}

mkdirSync(out, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--force-color-profile=srgb'],
});
const tabs = [];
for (const deviceScaleFactor of [1, 2]) {
  const context = await browser.newContext({ viewport: { width: +width, height: +height }, deviceScaleFactor });
  tabs.push(await context.newPage());
}
let dropped = 0;
for (let n = 0; n < +count; n++) {
  const html = compose();
  const shots = [];
  for (const tab of tabs) {
    await tab.setContent(html);
    shots.push(sharp(await tab.screenshot()).removeAlpha());
  }
  // A page that Chromium lays out otherwise at the other density teaches nothing.
  const [small, reduced] = await Promise.all(
    [shots[0].clone(), shots[1].clone().resize(+width, +height, { kernel: 'linear' })].map((image) =>
      image.raw().toBuffer(),
    ),
  );
  let squares = 0;
  for (let i = 0; i < small.length; i++) squares += (small[i] - reduced[i]) ** 2;
  if (10 * Math.log10(255 ** 2 / (squares / small.length)) < 30) {
    dropped++;
    continue;
  }
  const path = join(out, `page${String(n).padStart(4, '0')}`);
  await shots[1].webp({ lossless: true, effort: 2 }).toFile(`${path}.webp`);
  await shots[0].webp({ lossless: true, effort: 2 }).toFile(`${path}.small.webp`);
  if (n % 50 === 49) console.log(n + 1, 'pages,', dropped, 'dropped');
}
await browser.close();
