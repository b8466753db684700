import { describe, expect, it } from 'vitest';
import { urlsOfLiteral, writtenUrls } from '#src/asset/written-urls.js';

const url = './a.png?upscale=2';

describe('URLs with directives that are written in a file', () => {
  it.for([
    ['main.css', `.a { background: url(${url}) }`],
    ['main.css', `.a { background: url( "${url}" ) }`],
    ['main.css', `.a{background:image-set(url('${url}') 2x,url(b.png) 1x)}`],
    ['main.css', `@import"${url}";`],
    ['main.css', `/* ${'x'.repeat(5000)} */ .a { background: url(${url}) } /* open`],
    ['index.html', `<img src="${url}">`],
    ['index.html', `<img src=${url}>`],
    ['index.html', `<img srcset="b.png, ${url} 2x">`],
    ['index.html', `<p style="background: url(${url})">`],
    ['index.html', `<style>p { background: url(${url}) }</style>`],
    ['index.html', `<script>go("${url}")</script>`],
    ['main.js', `const a = "${url}"`],
    ['main.mjs', `const a='${url}'`],
    ['main.cjs', `const a=\`${url}\``],
    ['main.js', `style.textContent = ".a { background: url(${url}) }"`],
    ['main.js', String.raw`push(".a { background: url(\"${url}\") }")`],
    ['main.js', `images[0].srcset = "b.png 1x, ${url} 2x"`],
    ['main.js', String.raw`from_html("<img src=\"${url}\">")`],
    ['page.xhtml', `<img src="${url}"/>`],
    ['feed.atom', `<link href="${url}"/>`],
    ['feed.atom', `<logo> ${url} </logo>`],
    ['feed.xml', `<rss><url><![CDATA[${url}]]></url></rss>`],
    ['feed.rss', `<description><![CDATA[<img src="${url}">]]></description>`],
    ['logo.svg', `<svg><image href="${url}"/></svg>`],
    ['site.webmanifest', `{ "icons": [{ "src": "${url}" }] }`],
    ['manifest.json', `{ "icons": [{ "src": "${url}" }] }`],
    ['index.html', `<script type="application/ld+json">{"image":".\\/a.png?upscale=2"}</script>`],
    ['main.css', String.raw`.a { background: url(./a\.png\?upscale\=2) }`],
    ['main.css', String.raw`.a { background: url("./\000061.png?upscale=2") }`],
    ['index.html', `<p data-a='{"src":"${url}"}'>`],
    ['index.html', `<p data-all="b.png, ${url}">`],
    ['index.html', `<p data-bg="url(${url})">`],
    ['index.html', `<p onclick="this.style.background='url(${url})'">`],
    ['index.html', `<iframe srcdoc="&lt;img src='${url}'>">`],
    ['main.js', `style.backgroundImage = "url(" + "${url}" + ")"`],
  ] as const)('%s: %s', ([name, text]) => {
    expect(writtenUrls(name, () => text)).toEqual([url]);
  });

  it.for([
    ['data.json', String.raw`{"a":"./a.png?upscale=2\u0026format=webp"}`],
    ['data.json', String.raw`["<img src=\".\/a.png?upscale=2&amp;format=webp\">"]`],
    ['data.json', '{"./a.png?upscale=2&format=webp":1}'],
    ['site.webmanifest', String.raw`{"icons":[{"src":"./a.png?upscale=2\u0026format=webp"}]}`],
    ['index.html', String.raw`<script type="application/json">["./a.png?upscale=2\u0026format=webp"]</script>`],
  ])('whatever an encoder of JSON escapes: %s: %s', ([name, text]) => {
    expect(writtenUrls(name!, () => text!)).toEqual(['./a.png?upscale=2&format=webp']);
  });

  it.for([
    ['data.json', '{"// a comment": 1,} // ./b.png "./a.png?upscale=2"'],
    ['index.html', `<script type="application/json">["./a.png?upscale=2"],</script>`],
  ])('in what is called JSON and is none: %s: %s', ([name, text]) => {
    expect(writtenUrls(name!, () => text!)).toEqual([url]);
  });

  it.for([
    ['a sentence', 'main.js', `"Write ${url} for a larger one"`],
    ['a comment', 'main.css', `/* url(${url}) */`],
    ['a text of a style', 'main.css', `p::after { content: "${url}" }`],
    ['a name', 'index.html', `<img alt="${url}" title="${url}" aria-label="${url}">`],
    ['a sentence of an attribute', 'index.html', `<meta content="Write ${url} for more">`],
    ['text', 'index.html', `<code>${url}</code>`],
    ['a comment of a page', 'index.html', `<!-- <img src="${url}"> -->`],
    ['a class', 'index.html', `<p class="bg-[url('${url}')]">`],
    ['the name of a class', 'main.css', String.raw`.bg-\[url\(\'\.\/a\.png\?upscale\=2\'\)\]{color:red}`],
    [
      'what a source map quotes',
      'main.js',
      String.raw`e={"sources":["a.css"],"sourcesContent":["x",".a { background: url('./a.png?upscale=2') }"]}`,
    ],
    ['what a small source map quotes', 'main.js', `e={sourcesContent:['"./a.png?upscale=2"',"./a.png?upscale=2"]}`],
    ['the name of a class in a script', 'main.js', `a.className = "bg-[url('${url}')]"`],
    ['the name of a class without quotes', 'main.js', `a.className = "bg-[url(${url})]"`],
    ['a sentence of data', 'data.json', `{"description":"Write ${url} for more"}`],
    ['what a source map in a file of its own quotes', 'a.json', `{"sourcesContent":["${url}"]}`],
    ['the name of a class with a bracket', 'main.css', String.raw`.bg-\[url\(\.\/a\.png\?upscale\=2\)\]{color:red}`],
    ['another host by its protocol', 'main.js', '"//elsewhere.example/a.png?upscale=2"'],
    ['another host', 'main.js', '"https://elsewhere.example/a.png?upscale=2"'],
    ['another service', 'main.js', '"/api/a.jpg?upscale=true&w=300"'],
    ['another parameter', 'main.js', '"./a.png?upscaled=2"'],
    ['no image', 'main.js', '"./a.txt?upscale=2"'],
    ['another kind of file', 'main.txt', `"${url}"`],
  ] as const)('%s is none', ([, name, text]) => {
    expect(writtenUrls(name, () => text)).toEqual([]);
  });

  /** Quadratic work on a megabyte takes hours, so it is no matter of the clock whether this ends. */
  it.for([
    ['base64', 'QUJD'.repeat(2 ** 18)],
    ['tags', '<a '.repeat(2 ** 18)],
    ['attributes', `<p ${Array.from({ length: 2 ** 17 }, (_, at) => `a${at}`).join(' ')}>`],
    ['double quotes', '"'.repeat(2 ** 20)],
    ['single quotes', "'".repeat(2 ** 20)],
    ['backslashes', '\\'.repeat(2 ** 20)],
    ['comments of styles', '/*'.repeat(2 ** 19)],
    ['comments of pages', '<!--'.repeat(2 ** 18)],
    ['styles of pages', '<style>'.repeat(2 ** 17)],
    ['parentheses', 'url('.repeat(2 ** 18)],
    ['classes', '[url('.repeat(2 ** 17)],
    ['question marks', '?'.repeat(2 ** 20)],
    ['blanks', ' '.repeat(2 ** 20)],
    ['directives', '?upscale=2&upscale'.repeat(2 ** 15)],
    ['source maps', 'sourcesContent:['.repeat(2 ** 14)],
    ['elements', '>a '.repeat(2 ** 18)],
  ] as const)('are found in little time among a megabyte of %s', ([, text]) => {
    for (const name of ['main.css', 'main.js', 'index.html', 'feed.xml', 'data.json']) {
      const before = process.cpuUsage();
      writtenUrls(name, () => `${text}"./a.png?upscale=2" ${text}`);
      urlsOfLiteral(`${text}"./a.png?upscale=2" ${text}`);
      const { user } = process.cpuUsage(before);
      expect(user / 1e6, name).toBeLessThan(10);
    }
  });

  it('are found behind a source map that quotes a source of many megabytes', () => {
    const source = 'a'.repeat(12 * 2 ** 20);
    expect(writtenUrls('main.js', () => `e={sourcesContent:["${source}"]};a="${url}"`)).toEqual([url]);
  });
});
