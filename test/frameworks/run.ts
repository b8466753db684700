/*
 * Builds a small site with each framework, from the registry, and looks at its pictures in a browser.
 *
 *   npm run frameworks -- [NAME …] [--keep FOLDER]
 *
 * `--keep` leaves the projects in a folder, from which the next run goes on: installing takes most of the time.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { findBrowser } from '../e2e/support/find-browser.js';
import { readFixture } from './fixture.js';
import { Project } from './project.js';
import { tryOut, type Outcome } from './trial.js';

const { values, positionals: asked } = parseArgs({ options: { keep: { type: 'string' } }, allowPositionals: true });
const fixtures = resolve('test/frameworks');
const known = readdirSync(fixtures).filter((name) => existsSync(join(fixtures, name, 'fixture.json')));
const unknown = asked.filter((name) => !known.includes(name));
if (unknown.length > 0) throw new Error(`there is no ${unknown.join(', ')}; there are ${known.join(', ')}`);
const executablePath = findBrowser();
if (executablePath === undefined) throw new Error('this needs Chromium; CHROMIUM_PATH can name one');

const folder = values.keep === undefined ? mkdtempSync(join(tmpdir(), 'upres-frameworks-')) : resolve(values.keep);
mkdirSync(folder, { recursive: true });
const outcomes = new Map<string, Outcome>();
try {
  const tarball = pack();
  const node = nodeFolder();
  const browser = await chromium.launch({ executablePath, headless: true, args: ['--no-sandbox', '--disable-gpu'] });
  for (const name of asked.length > 0 ? asked : known) {
    const fixture = readFixture(join(fixtures, name));
    const place = join(folder, name, fixture.place ?? '');
    const from = join(fixtures, fixture.files ?? name);
    const outcome = await tryOut(name, from, new Project(place, fixture, node), tarball, browser);
    outcomes.set(name, outcome);
    console.error(`${name}: build ${outcome.build}; dev ${outcome.dev}`);
    // A framework is hundreds of megabytes.
    if (values.keep === undefined) rmSync(join(folder, name), { recursive: true, force: true, maxRetries: 5 });
  }
  await browser.close();
} finally {
  if (values.keep === undefined) rmSync(folder, { recursive: true, force: true });
}

console.log('| framework | versions | build | dev |\n| --- | --- | --- | --- |');
for (const [name, { versions, build, dev }] of outcomes) console.log(`| ${name} | ${versions} | ${build} | ${dev} |`);
const problems = [...outcomes.values()].flatMap((outcome) => outcome.problems);
for (const problem of problems) console.log(`\n${problem}`);
const leftOut = [...outcomes].filter(([, { versions }]) => versions === '–').map(([name]) => name);
console.log(`\n${outcomes.size - leftOut.length} of ${outcomes.size} tried; left out: ${leftOut.join(', ') || 'none'}`);
process.exitCode = problems.length > 0 ? 1 : 0;

function pack(): string {
  const packed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return join(folder, (JSON.parse(packed) as { filename: string }[])[0]!.filename);
}

/** Some frameworks want a newer Node than upres does; where this one is older, 24 comes from the registry, too. */
function nodeFolder(): string {
  if (Number(process.versions.node.split('.')[0]) >= 24) return dirname(process.execPath);
  const name = `node-${process.platform}-${process.arch}`;
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefix', join(folder, 'node')];
  execFileSync('npm', ['install', ...options, `${name}@24`], { stdio: 'ignore' });
  return join(folder, 'node/node_modules', name, 'bin');
}
