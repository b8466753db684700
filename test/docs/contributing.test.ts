import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

it('the way of a picture has twelve steps, each of which is where CONTRIBUTING.md says', () => {
  const text = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8');
  const [, way = ''] = /\*\*A picture's way,\*\*([^]*?)\n\*\*/.exec(text) ?? [];
  const steps = way.split(/^\d+\. /m).slice(1);
  expect(steps).toHaveLength(12);
  for (const step of steps) {
    const named = [...step.matchAll(/`(\w+)` \(`([\w/.-]+)`\)/g)];
    expect(named.length, step).toBeGreaterThan(0);
    for (const [, name, file] of named) {
      expect(readFileSync(join(root, 'src', file!), 'utf8'), file).toMatch(new RegExp(`\\b${name!}[(<]`));
    }
  }
});
