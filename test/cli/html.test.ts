import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { runChild } from '../support/child.js';
import { upres } from './support/command.js';
import { temporaryFolder } from '../support/folders.js';

const main = fileURLToPath(new URL('../../dist/command/upres.cjs', import.meta.url));
const sample = fileURLToPath(new URL('../../examples/images/palette.png', import.meta.url)); // 10×10

const cache = temporaryFolder();
const upresHtml = (...args: string[]) => runChild(main, ['html', '-m', 'art', '--cache', cache, ...args]);

/** The ways in which sites write what they mean: in `blog/post.html`, with the site's root at https://own.example/site/. */
const ways: readonly (readonly [written: string, finished: string])[] = [
  ['<img src="../img/a.png?upscale=2">', '<img src="../img/a@2x.png">'],
  ["<IMG SRC='../img/a.png?upscale=2'  alt=x >", '<IMG SRC="../img/a@2x.png"  alt=x >'],
  ['<img src=../img/a.png?upscale=2 alt>', '<img src="../img/a@2x.png" alt>'],
  ['<img src="/site/img/a.png?upscale=3#x">', '<img src="/site/img/a@3x.png#x">'],
  ['<img src="https://own.example/site/img/a.png?upscale=2">', '<img src="https://own.example/site/img/a@2x.png">'],
  ['<img src="//own.example/site/img/a.png?upscale=2">', '<img src="//own.example/site/img/a@2x.png">'],
  ['<img src=" ../img/my%20logo.png?upscale=2 ">', '<img src="../img/my%20logo@2x.png">'],
  ['<img src="../img/my logo.png?upscale=2">', '<img src="../img/my%20logo@2x.png">'],
  ['<img src="./../img/../img/a.png?upscale=2">', '<img src="./../img/../img/a@2x.png">'],
  ['<img src="../img/a.png?upscale&amp;width=40&amp;format=webp">', '<img src="../img/a-40w.webp">'],
  ['<img src="../img/a.png?upscale=1">', '<img src="../img/a.png">'],
  [
    '<img src="../img/a.png?upscale=1;2&as=img">',
    '<img srcset="../img/a.png 1x, ../img/a@2x.png 2x" width="10" height="10" src="../img/a.png">',
  ],
  [
    '<a><img alt=x src="../img/a.png?upscale=1;2&format=webp;png&as=picture"></a>',
    '<a><picture><source srcset="../img/a.webp 1x, ../img/a@2x.webp 2x" type="image/webp" />' +
      '<img srcset="../img/a.png 1x, ../img/a@2x.png 2x" width="10" height="10" alt=x src="../img/a.png"></picture></a>',
  ],
  [
    '<picture><img src="../img/a.png?upscale=2&format=webp;png&as=picture" height=5></picture>',
    '<picture><source srcset="../img/a@2x.webp 2x" type="image/webp" />' +
      '<img srcset="../img/a@2x.png 2x" src="../img/a@2x.png" height=5></picture>',
  ],
  [
    '<img srcset="../img/a.png 1x, ../img/a.png?upscale=2 2x, https://other.example/a.png 3x" src="../img/a.png">',
    '<img srcset="../img/a.png 1x, ../img/a@2x.png 2x, https://other.example/a.png 3x" src="../img/a.png">',
  ],
  ['<source srcset="../img/a.png?upscale=1;2&as=srcset">', '<source srcset="../img/a.png 1x, ../img/a@2x.png 2x">'],
  [
    '<link rel=preload as=image imagesrcset="../img/a.png?upscale=2 2x" href="../img/a.png?upscale=2">',
    '<link rel=preload as=image imagesrcset="../img/a@2x.png 2x" href="../img/a@2x.png">',
  ],
  ['<p style="background:url(../img/a.png?upscale=2) 0 0">', '<p style="background:url(\'../img/a@2x.png\') 0 0">'],
  [
    '<style>p { background: image-set("../img/a.png" 1x, "../img/a.png?upscale=2" 2x) } /* a.png?upscale=9 */</style>',
    '<style>p { background: image-set("../img/a.png" 1x, "../img/a@2x.png" 2x) } /* a.png?upscale=9 */</style>',
  ],
  [
    '<style>p{background:url( ../img/a.png?upscale=1;2&as=srcset )}</style>',
    '<style>p{background:image-set(url("../img/a.png") 1x, url("../img/a@2x.png") 2x)}</style>',
  ],
  [
    '<meta property="og:image" content="https://own.example/site/img/a.png?upscale=4">',
    '<meta property="og:image" content="https://own.example/site/img/a@4x.png">',
  ],
  ['<img src="..\\img\\a.png?upscale=2">', '<img src="..\\img\\a@2x.png">'],
  ['<img data-srcset="../img/a.png?upscale=2 2x">', '<img data-srcset="../img/a@2x.png 2x">'],
  ['<p data-bg="url(../img/a.png?upscale=2)">', `<p data-bg="url('../img/a@2x.png')">`],
  ['<p data-all="../img/a.png?upscale=2, b.png">', '<p data-all="../img/a@2x.png, b.png">'],
  ['<p data-all="../img/a.png?upscale=2,../img/a.png?upscale=2">', '<p data-all="../img/a@2x.png,../img/a@2x.png">'],
  [`<p data-a='["../img/a.png?upscale=2"]'>`, '<p data-a="[&quot;../img/a@2x.png&quot;]">'],
  [
    `<iframe srcdoc="<img src='../img/a.png?upscale=2'>"></iframe>`,
    '<iframe srcdoc="&lt;img src=&quot;../img/a@2x.png&quot;>"></iframe>',
  ],
  [
    '<style>p{background:URL(../img/a.pn\\67?upscale=2)}</style>',
    '<style>p{background:url("../img/a@2x.png")}</style>',
  ],
  // A picture of the same name with other pixels.
  ['<img src="../img/a.png?upscale=2&model=natural">', '<img src="../img/a-77969a7f@2x.png">'],
];

/** What is someone else's, or no reference, keeps every byte. */
const untouched = [
  '<img src="https://other.example/a.png?upscale=2">',
  '<img src="https://own.example/elsewhere/a.png?upscale=2">',
  '<img src="data:image/png;base64,AAAA?upscale=2">',
  '<img src="../img/a.png?upscale=false">',
  '<img src="../img/a.png">',
  '<a href="/site/search?upscale=2">',
  '<!-- <img src="../img/a.png?upscale=2"> -->',
  '<p>Write a.png?upscale=2 &copy; ä</p>',
  '<meta content="Write ../img/a.png?upscale=2 there">',
  '<p class="bg-[url(../img/a.png?upscale=2)]" title="a.png?upscale=2">',
  '<textarea><img src="../img/a.png?upscale=2"></textarea>',
];

const page = (lines: readonly string[], head = ''): string =>
  `<!DOCTYPE html>\r\n<title>t</title>${head}\r\n${lines.join('\r\n')}\r\n`;

async function makeSite(files: Readonly<Record<string, string | Buffer>>): Promise<(path: string) => string> {
  const folder = temporaryFolder();
  const path = (name: string): string => join(folder, name);
  for (const name of ['img/a.png', 'img/my logo.png']) {
    mkdirSync(dirname(path(name)), { recursive: true });
    await copyFile(sample, path(name));
  }
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(path(name)), { recursive: true });
    writeFileSync(path(name), text);
  }
  writeFileSync(path('package.json'), '{}');
  return path;
}

/** Each file with when it was written and what is in it. */
const snapshot = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('node_modules') && statSync(join(folder, name)).isFile())
    .sort()
    .map((name) => `${name} ${statSync(join(folder, name)).mtimeMs} ${readFileSync(join(folder, name), 'base64')}`);

describe('upres html', () => {
  let site: (path: string) => string;
  const css = ".a{background:url(img/a.png?upscale=2)}/*ä*/.b{mask:url('img/my%20logo.png?upscale=2')}";
  const based = page(
    ['<img src="a.png?upscale=2">', '<p style="background:url(a.png?upscale=2)">'],
    '<base target="_top"><base href="/site/img/">',
  );

  beforeAll(async () => {
    site = await makeSite({
      'blog/post.html': page([...ways.map(([written]) => written), ...untouched]),
      'based.html': based,
      'style.css': css,
      'latin.html': Buffer.from('<p>\xe4</p><img src="img/a.png?upscale=2">', 'latin1'),
      'wide.html': Buffer.from('\ufeff<p>\xe4</p><img src="img/a.png?upscale=2">', 'utf16le'),
    });
  });

  it('says what it would do, and does nothing, with --dry-run', async () => {
    const before = snapshot(site('.'));
    const { code, stdout } = await upresHtml(site('.'), '--base', 'https://own.example/site/', '--dry-run', '--json');
    expect(code).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toContainEqual({
      picture: 'img/a@2x.png',
      source: 'img/a.png',
      width: 20,
      height: 20,
      status: 'planned',
      written: false,
    });
    expect(lines).toContainEqual({ file: 'style.css', references: 2, written: false });
    expect(snapshot(site('.'))).toEqual(before);
  });

  it('leaves the site as it was and fills another folder with -o', async () => {
    const before = snapshot(site('.'));
    const out = join(temporaryFolder(), 'public');
    const run = await upresHtml(site('.'), '--base', 'https://own.example/site/', '-o', out);
    expect(run).toMatchObject({ code: 0 });
    expect(snapshot(site('.'))).toEqual(before);
    expect(readFileSync(join(out, 'img/a.png')).equals(readFileSync(sample))).toBe(true);
    expect(readFileSync(join(out, 'style.css'), 'utf8')).toContain('url("img/a@2x.png")');
    const first = snapshot(out);
    await upresHtml(site('.'), '--base', 'https://own.example/site/', '-o', out);
    expect(snapshot(out)).toEqual(first);
  });

  it('rewrites in place every way of writing a reference, and not a byte besides', async () => {
    const { code, stderr } = await upresHtml(site('.'), '--base', 'https://own.example/site/');
    expect(stderr).toContain('pictures');
    expect(code).toBe(0);
    const finished = readFileSync(site('blog/post.html'), 'utf8').split('\r\n');
    for (const [i, [written, wanted]] of ways.entries()) expect(finished[i + 2], written).toBe(wanted);
    expect(finished.slice(ways.length + 2, -1)).toEqual(untouched);
    expect(readFileSync(site('based.html'), 'utf8')).toBe(
      based.replace('"a.png?upscale=2"', '"a@2x.png"').replace('url(a.png?upscale=2)', "url('a@2x.png')"),
    );
    expect(readFileSync(site('style.css'), 'utf8')).toBe(
      '.a{background:url("img/a@2x.png")}/*ä*/.b{mask:url("img/my%20logo@2x.png")}',
    );
    expect(readFileSync(site('latin.html'), 'latin1')).toBe('<p>\xe4</p><img src="img/a@2x.png">');
    expect(readFileSync(site('wide.html'), 'utf16le')).toBe('\ufeff<p>\xe4</p><img src="img/a@2x.png">');
    expect(await sharp(site('img/a@3x.png')).metadata()).toMatchObject({ width: 30, height: 30 });
    expect(await sharp(site('img/a-40w.webp')).metadata()).toMatchObject({ width: 40, format: 'webp' });
    const once = snapshot(site('.'));
    expect(await upresHtml(site('.'), '--base', 'https://own.example/site/')).toMatchObject({ code: 0 });
    expect(snapshot(site('.'))).toEqual(once);
  });
});

/** Documents of XML, next to `img/`. */
const documents: readonly (readonly [file: string, written: string, finished: string])[] = [
  [
    'drawing.svg',
    '<svg><title>a > b</title><style/><image href="img/a.png?upscale=2"/><image xlink:href=\'img/a.png?upscale&amp;width=40\'/>' +
      '<style><![CDATA[p{fill:url(img/a.png?upscale=2)}]]></style><text>img/a.png?upscale=2</text></svg>',
    '<svg><title>a > b</title><style/><image href="img/a@2x.png"/><image xlink:href="img/a-40w.png"/>' +
      '<style><![CDATA[p{fill:url("img/a@2x.png")}]]></style><text>img/a.png?upscale=2</text></svg>',
  ],
  [
    'feed.xml',
    '<?xml version="1.0"?><rss><title>a.png?upscale=2, a > b</title><!-- <url>img/a.png?upscale=2</url> -->' +
      '<image><url> /img/a.png?upscale=2 </url></image><media:content url="/img/a.png?upscale=2" medium="a > b"/>' +
      '<description>&lt;p&gt;&lt;img src="/img/a.png?upscale=1;2&amp;amp;as=img" alt="ä &amp;amp; b"&gt;&lt;/p&gt;</description>' +
      '<content:encoded><![CDATA[<p><img src="/img/a.png?upscale=2"> & more</p>]]></content:encoded></rss>',
    '<?xml version="1.0"?><rss><title>a.png?upscale=2, a > b</title><!-- <url>img/a.png?upscale=2</url> -->' +
      '<image><url> /img/a@2x.png </url></image><media:content url="/img/a@2x.png" medium="a > b"/>' +
      '<description>&lt;p>&lt;img srcset="/img/a.png 1x, /img/a@2x.png 2x" width="10" height="10" src="/img/a.png" ' +
      'alt="ä &amp;amp; b">&lt;/p></description>' +
      '<content:encoded><![CDATA[<p><img src="/img/a@2x.png"> & more</p>]]></content:encoded></rss>',
  ],
  [
    'page.xhtml',
    '<html xmlns="http://www.w3.org/1999/xhtml"><body><img src="img/a.png?upscale=2" alt=""/></body></html>',
    '<html xmlns="http://www.w3.org/1999/xhtml"><body><img src="img/a@2x.png" alt=""/></body></html>',
  ],
];

it('rewrites SVG, feeds and XHTML, and tells what it does not rewrite', async () => {
  const manifest = '{"icons":[{"src":"img/a.png?upscale=4"}]}';
  const files = Object.fromEntries(documents.map(([file, written]) => [file, written]));
  const site = await makeSite({ ...files, 'site.webmanifest': manifest });
  const { code, stderr } = await upresHtml(site('.'));
  for (const [file, , finished] of documents) expect(readFileSync(site(file), 'utf8'), stderr).toBe(finished);
  expect(stderr).toMatch(/a\.png\?upscale=4: .*\(in site\.webmanifest\)/);
  expect(code).toBe(1);
  const once = snapshot(site('.'));
  await upresHtml(site('.'));
  expect(snapshot(site('.'))).toEqual(once);
});

it('stops at a signal: no page is changed, and nothing is half-written', async () => {
  const text = page(['<img src="img/a.png?upscale=2">', '<img src="img/large.png?upscale=4&model=anime">']);
  const site = await makeSite({ 'index.html': text });
  const noise = Buffer.from(Array.from({ length: 1200 * 1200 }, (_, index) => (index * 7919) % 251));
  await sharp(noise, { raw: { width: 1200, height: 1200, channels: 1 } }).toFile(site('img/large.png'));
  const { code, stderr } = await upres(['html', site('.'), '--cache', cache], {
    cwd: site('.'),
    onStart: (child) => {
      // The small picture is there when the large one is being computed.
      const watch = setInterval(() => {
        if (!readdirSync(site('img')).includes('a@2x.png')) return;
        clearInterval(watch);
        child.kill('SIGINT');
      }, 20);
      child.once('exit', () => {
        clearInterval(watch);
      });
    },
  });
  expect(stderr).toContain('Stopped: no page was changed.');
  expect(code).toBe(130);
  expect(readdirSync(site('img')).sort()).toEqual(['a.png', 'a@2x.png', 'large.png', 'my logo.png']);
  expect(readFileSync(site('index.html'), 'utf8')).toBe(text);
});

it('takes pictures that ask for nothing with --auto, up to a density, once', async () => {
  const auto = [
    ['<img src="img/a.png">', '<img srcset="img/a.png 1x, img/a@2x.png 2x" src="img/a.png">'],
    // Shown in 5 CSS pixels, it has two for each.
    ['<img width="5" src="img/a.png">', '<img width="5" src="img/a.png">'],
    ['<img width=20 src="img/a.png">', '<img srcset="img/a.png 0.5x, img/a@4x.png 2x" width=20 src="img/a.png">'],
    ['<img src="img/wide.png">', '<img src="img/wide.png">'],
    ['<img src="img/b@2x.png">', '<img src="img/b@2x.png">'],
    ['<img src="img/nowhere.png">', '<img src="img/nowhere.png">'],
    ['<img src="img/a.png?v=3">', '<img src="img/a.png?v=3">'],
    ['<img src="img/a.png" srcset="img/a.png 1x">', '<img src="img/a.png" srcset="img/a.png 1x">'],
    [
      '<style>p{background-image:url(img/a.png);list-style:url(img/a.png)}</style>',
      '<style>p{background-image:image-set(url("img/a.png") 1x, url("img/a@2x.png") 2x);list-style:url(img/a.png)}</style>',
    ],
  ] as const;
  const site = await makeSite({ 'index.html': page(auto.map(([written]) => written)) });
  await sharp({ create: { width: 1100, height: 10, channels: 3, background: '#aaa' } }).toFile(site('img/wide.png'));
  await copyFile(sample, site('img/b@2x.png'));
  expect(await upresHtml(site('.'), '--auto')).toMatchObject({ code: 0 });
  expect(readFileSync(site('index.html'), 'utf8').split('\r\n').slice(2, -1)).toEqual(auto.map(([, wanted]) => wanted));
  const once = snapshot(site('.'));
  expect(await upresHtml(site('.'), '--auto')).toMatchObject({ code: 0 });
  expect(snapshot(site('.'))).toEqual(once);
});

it('tells what fails with its page, delivers the rest, and writes over no one’s file', async () => {
  const site = await makeSite({
    'index.html': page([
      '<img src="img/nowhere.png?upscale=2">',
      '<img src="img/bad.png?upscale=2">',
      '<img src="img/a.png?upscale=2&qualty=3">',
      '<img src="img/a.png?upscale&width=96&format=webp">',
      '<script>x.src = "img/a.png?upscale=4"</script>',
      // Delivered above, it is still small here.
      '<script>x.src = "img/a.png?upscale&width=96&format=webp"</script>',
    ]),
    'img/bad.png': 'no picture',
    // No name of a density, so that it is no larger picture made by hand.
    'img/a-96w.webp': 'someone’s',
  });
  const { code, stderr } = await upresHtml(site('.'));
  expect(code).toBe(1);
  expect(stderr).toMatch(/nowhere\.png\?upscale=2: .*\(in index\.html\)/);
  expect(stderr).toMatch(/bad\.png\?upscale=2: .*\(in index\.html\)/);
  expect(stderr).toMatch(/qualty=3: .*quality/);
  expect(stderr).toMatch(/a\.png\?upscale=4: .*scripts/);
  expect(stderr).toMatch(/a\.png\?upscale&width=96&format=webp: .*scripts/);
  expect(readFileSync(site('index.html'), 'utf8')).toMatch(/img\/bad\.png\?upscale=2[^]*img\/a-96w-[\da-f]{8}\.webp/);
  expect(readFileSync(site('img/a-96w.webp'), 'utf8')).toBe('someone’s');
});

it.each([
  [['nowhere'], 'no such folder'],
  [['.', '--auto', '99'], '--auto'],
  [['.', '--base', 'http://'], 'base must be a URL'],
  [['.', '-q', '0'], 'quality'],
  [['.', '-t', 'x'], 'threads'],
  [['.', '--auto', '--max-width', 'x'], '--max-width'],
  [['.', '-m', 'x'], 'there is no model'],
])('refuses %j', async (args, words) => {
  const { code, stderr } = await runChild(main, ['html', ...args]);
  expect(code).toBe(2);
  expect(stderr).toContain(words);
});
