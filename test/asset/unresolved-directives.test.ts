import { parseAst } from 'rollup/parseAst';
import { describe, expect, it } from 'vitest';
import { unresolvedDirectives } from '#src/asset/unresolved-directives.js';
import { makeSite } from './support/site.js';

const url = './a.png?upscale=2';

/** What is found in a script that is copied as it is, next to the picture. */
async function foundIn(code: string): Promise<string[]> {
  const site = makeSite();
  await site.picture('a.png', 2, 2);
  const output = { type: 'asset', fileName: 'main.js', source: code } as const;
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
  });

  it.for([
    ['comments', `/* "${url}" */ a(); // "${url}"`],
    ['what a source map quotes', `e = { sourcesContent: [".a { background: url('${url}') }"] }`],
    ['what a source map quotes in data of JSON', `e = JSON.parse('{"sourcesContent":["url(${url})"]}')`],
  ] as const)('are none: %s', async ([, code]) => {
    expect(await foundIn(code)).toEqual([]);
  });
});
