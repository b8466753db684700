import upresAstro from 'upres/astro';
import upresGulp from 'upres/gulp';
import upresNext from 'upres/next';
import upresVite from 'upres/vite';
import { UpresPlugin } from 'upres/webpack';
import { parseDirectives } from '#src/asset/directives.js';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runChild } from '../support/child.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** First cells of all tables of a page whose header begins with this word. */
function told(file: string, header: string): string[] {
  const cells: string[] = [];
  let inTable = false;
  for (const line of read(file).split('\n')) {
    if (!line.startsWith('|')) inTable = false;
    else if (new RegExp(`^\\| ${header} +\\|`).test(line)) inTable = true;
    else if (inTable && !line.startsWith('| -')) cells.push(line.split('|')[1]!);
  }
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!));
}

/** The options that there are, as the error about one that there is not tells them. */
function known(open: (given: never) => unknown): string[] {
  try {
    open({ 'not an option': 1 } as never);
  } catch (error) {
    return / Known are (.*)\.$/.exec((error as Error).message)![1]!.split(', ');
  }
  throw new Error('an unknown option was taken');
}

describe('the tables of options', () => {
  it.each<[string, (given: never) => unknown]>([
    ['docs/vite.md', upresVite],
    ['docs/webpack.md', (given) => new UpresPlugin(given)],
    ['docs/gulp.md', upresGulp],
    ['docs/astro.md', upresAstro],
  ])('of %s tell every option, and none that there is not', (file, open) => {
    const shared = file === 'docs/gulp.md' ? ['defaults', 'presets'] : [];
    expect([...told(file, 'option'), ...shared].toSorted()).toEqual(known(open).toSorted());
  });

  it('of webpack hold for Next.js, as its page says', () => {
    expect(known(upresNext)).toEqual(known((given) => new UpresPlugin(given)));
  });

  it('of directives tell every one, and none that there is not', () => {
    const inQueries = told('README.md', 'query').flatMap((query) =>
      [...query.matchAll(/[?&](\w+)/g)].map(([, name]) => name!),
    );
    expect([...new Set(inQueries)].toSorted()).toEqual(known(() => parseDirectives('not-an-option=1')).toSorted());
  });

  it.each([
    ['README.md', []],
    ['docs/html.md', ['html']],
  ] as const)('of %s tell no flag that there is not', async (file, command) => {
    const { code, stdout } = await runChild(join(root, 'dist', 'cli', 'main.js'), [...command, '--help']);
    expect(code).toBe(0);
    const flags = [...stdout.matchAll(/(?<=^ {2}|, )--?[\w-]+/gm)].map(([flag]) => flag);
    const inTable = told(file, 'flag').flatMap((cell) => cell.match(/--?[a-zA-Z][\w-]*/g) ?? []);
    expect(inTable.length).toBeGreaterThan(5);
    expect(flags).toEqual(expect.arrayContaining(inTable));
  });
});
