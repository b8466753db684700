import { join, resolve } from 'node:path';
import type { Browser } from 'playwright-core';
import { lookAtManifest, markedFiles } from './delivered.js';
import { serveFiles } from './files.js';
import type { Fixture } from './fixture.js';
import { look, type Look, type Seen } from './look.js';
import type { Project, Serving } from './project.js';

/** What became of a fixture. */
export interface Outcome {
  versions: string;
  /** As in `12 of 12`, or why not. */
  build: string;
  dev: string;
  readonly problems: string[];
}

/** Installs a fixture, builds it and looks at what it shows; then the same with its development server. */
export async function tryOut(
  name: string,
  from: string,
  project: Project,
  tarball: string,
  browser: Browser,
): Promise<Outcome> {
  const { fixture } = project;
  const outcome: Outcome = { versions: '–', build: '–', dev: '–', problems: [] };
  await project.lay(from, resolve('examples/images/coffee.jpg'));
  try {
    await project.install(tarball);
  } catch (error) {
    outcome.build = 'left out: not installed';
    outcome.problems.push(`${name} is left out, since it could not be installed: ${String(error)}`);
    return outcome;
  }
  outcome.versions = project.versions();
  outcome.build = await judge('build', () => lookAtBuild(project, browser));
  const { dev } = fixture;
  if (dev !== undefined)
    outcome.dev = await judge('dev', async () => visit(fixture, await project.serve(dev), browser));
  return outcome;

  async function judge(what: string, see: () => Promise<Look>): Promise<string> {
    try {
      const { seen, problems } = await see();
      const wrong = seen.filter(({ wants, has }) => wants !== has).map(inWords);
      outcome.problems.push(...[...wrong, ...problems].map((problem) => `${name}, ${what}: ${problem}`));
      return problems.length > 0 ? 'failed' : `${seen.length - wrong.length} of ${seen.length}`;
    } catch (error) {
      outcome.problems.push(`${name}, ${what}: ${error instanceof Error ? error.message : String(error)}`);
      return 'failed';
    }
  }
}

function inWords({ place, wants, has, url }: Seen): string {
  return `${place} wants ${wants} and has ${has} (${url})`;
}

async function lookAtBuild(project: Project, browser: Browser): Promise<Look> {
  const { fixture } = project;
  const { fails, out, start, base, manifest } = fixture;
  if (fails !== undefined) {
    const said = await project.build().then(
      () => 'nothing: it succeeded',
      (error: unknown) => String(error),
    );
    const has = said.includes(fails) ? fails : said;
    return { seen: [{ place: 'the error', wants: fails, has, url: '' }], problems: [] };
  }
  await project.build();
  const folder = project.file(out);
  const found = manifest
    ? await lookAtManifest(folder, manifest)
    : await visit(
        fixture,
        start === undefined ? await serveFiles(folder, base) : await project.serve(start),
        browser,
        base,
      );
  return { seen: found.seen, problems: [...found.problems, ...(await markedFiles(folder))] };
}

async function visit(fixture: Fixture, serving: Serving, browser: Browser, base = '/'): Promise<Look> {
  const { pages = [], places = 0 } = fixture;
  try {
    const looks: Look[] = [];
    for (const page of pages) looks.push(await look(browser, serving.url, join(base, page), serving.isAlive));
    const seen = looks.flatMap((each) => each.seen);
    const problems = looks.flatMap((each) => each.problems);
    const all = new Set(seen.map(({ place }) => place.replace(/ at \S+$/, ''))).size;
    if (all !== places) problems.push(`${all} places of ${places} were seen`);
    return { seen, problems };
  } catch (error) {
    throw new Error(`${String(error)}\n${serving.said().slice(-3000)}`, { cause: error });
  } finally {
    await serving.stop();
  }
}
