import { parseAst } from 'rollup/parseAst';
import { describe, expect, it } from 'vitest';
import { unresolvedDirectives } from '#src/asset/unresolved-directives.js';
import { makeSite } from './support/site.js';

const url = './a.png?upscale=2';

/** What is found in a file that is copied as it is, next to the picture. */
async function foundIn(source: string, fileName = 'main.js'): Promise<string[]> {
  const site = makeSite();
  await site.picture('a.png', 2, 2);
  const output = { type: 'asset', fileName, source } as const;
  const found = unresolvedDirectives(output, { root: site.root, publicDir: '', base: '/' }, (text) => parseAst(text));
  return found.map((each) => each.url);
}

describe('directives that are left in a script', () => {
  it.for([
    ['a string', `a = "${url}"`],
    ['a sum of strings', 'a = "./a.png" + "?upscale=2"'],
    ['data of JSON', String.raw`a = JSON.parse('{"a":".\\/a.png?upscale=2"}')`],
    ['what is no script', `a = "${url}" is`],
    ['data in data, many times over', `a = ${'JSON.parse('.repeat(22)}"${url}"${')'.repeat(22)}`],
  ] as const)('are found: %s', async ([, code]) => {
    expect(await foundIn(code)).toEqual([url]);
    expect(await foundIn(`<p>${url}</p><script>${code}</script>`, 'index.html')).toEqual([url]);
  });

  it.for([
    ['comments', `/* "${url}" */ a(); // "${url}"`],
    ['the id of a module, which Rolldown writes into a comment', `//#region ${url}\na = 1\n//#endregion`],
    ['what a source map quotes', `e = { sourcesContent: [".a { background: url('${url}') }"] }`],
    ['what a source map quotes in data of JSON', `e = JSON.parse('{"sourcesContent":["url(${url})"]}')`],
  ] as const)('are none: %s', async ([, code]) => {
    expect(await foundIn(code)).toEqual([]);
    expect(await foundIn(`<script type="module">${code}\n</script>`, 'index.html')).toEqual([]);
  });
});
