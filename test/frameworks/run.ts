/* Builds a small site with each framework, from the registry, and looks at its pictures in a browser. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { findBrowser } from '../e2e/support/find-browser.js';
import { serveFiles } from './files.js';
import { readFixture } from './fixture.js';
import { look, type Seen } from './look.js';
import { Project, type Serving } from './project.js';

interface Row {
  readonly name: string;
  versions: string;
  build: string;
  dev: string;
}

const fixtures = resolve('test/frameworks');
const known = readdirSync(fixtures).filter((name) => existsSync(join(fixtures, name, 'fixture.json')));
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !known.includes(name));
if (unknown.length > 0) throw new Error(`there is no ${unknown.join(', ')}; there are ${known.join(', ')}`);
const executablePath = findBrowser();
if (executablePath === undefined) throw new Error('this needs Chromium; CHROMIUM_PATH can name one');

const folder = mkdtempSync(join(tmpdir(), 'upres-frameworks-'));
const problems: string[] = [];
try {
  const packed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const tarball = join(folder, (JSON.parse(packed) as { filename: string }[])[0]!.filename);
  const node = nodeFolder();
  const browser = await chromium.launch({ executablePath, headless: true, args: ['--no-sandbox', '--disable-gpu'] });
  const rows: Row[] = [];
  for (const name of asked.length > 0 ? asked : known) {
    rows.push(await tryOut(name, tarball, browser, node));
    console.error(`${name}: build ${rows.at(-1)!.build}; dev ${rows.at(-1)!.dev}`);
  }
  await browser.close();
  console.log('| framework | versions | build | dev |\n| --- | --- | --- | --- |');
  for (const { name, versions, build, dev } of rows) console.log(`| ${name} | ${versions} | ${build} | ${dev} |`);
  for (const problem of problems) console.log(`\n${problem}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = problems.length > 0 ? 1 : 0;

/** Most frameworks want a newer Node than upres does; where this one is older, 22 comes from the registry, too. */
function nodeFolder(): string {
  if (Number(process.versions.node.split('.')[0]) >= 22) return dirname(process.execPath);
  const name = `node-${process.platform}-${process.arch}`;
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefix', join(folder, 'node')];
  execFileSync('npm', ['install', ...options, `${name}@22`], { stdio: 'ignore' });
  return join(folder, 'node/node_modules', name, 'bin');
}

async function tryOut(name: string, tarball: string, browser: Browser, node: string): Promise<Row> {
  const fixture = readFixture(join(fixtures, name));
  const place = join(folder, name);
  const project = new Project(place, fixture, node);
  const row: Row = { name, versions: '–', build: '–', dev: '–' };
  try {
    await project.lay(join(fixtures, name), resolve('examples/images/coffee.jpg'));
    try {
      await project.install(tarball);
    } catch (error) {
      row.build = 'left out: not installed';
      problems.push(`${name} is left out, since it could not be installed: ${String(error)}`);
      return row;
    }
    row.versions = project.versions();
    row.build = await judge(`${name}, build`, async () => {
      await project.build();
      const { out, start, base } = fixture;
      return visit(
        start === undefined ? await serveFiles(project.file(out ?? 'dist'), base) : await project.serve(start),
      );
    });
    const { dev } = fixture;
    if (dev !== undefined) row.dev = await judge(`${name}, dev`, async () => visit(await project.serve(dev)));
  } finally {
    // A framework is hundreds of megabytes.
    rmSync(place, { recursive: true, force: true, maxRetries: 5 });
  }
  return row;

  async function visit(serving: Serving): Promise<Seen[]> {
    try {
      const seen: Seen[] = [];
      for (const page of fixture.pages) seen.push(...(await look(browser, serving.url, page, serving.isAlive)));
      return seen;
    } catch (error) {
      throw new Error(`${String(error)}\n${serving.said().slice(-3000)}`, { cause: error });
    } finally {
      await serving.stop();
    }
  }

  async function judge(what: string, see: () => Promise<Seen[]>): Promise<string> {
    try {
      const seen = await see();
      const right = seen.filter(({ wants, has }) => wants === has);
      for (const { page, wants, has, url } of seen) {
        if (wants !== has) problems.push(`${what}: ${page} wants ${wants} and has ${has} (${url})`);
      }
      if (seen.length !== fixture.places)
        problems.push(`${what}: ${seen.length} places of ${fixture.places} were seen`);
      return `${right.length} of ${fixture.places}`;
    } catch (error) {
      problems.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      return 'failed';
    }
  }
}
