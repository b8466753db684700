import { join, resolve } from 'node:path';
import type { Browser } from 'playwright-core';
import { lookAtManifest, markedFiles } from './delivered.js';
import { lookAtExample } from './example.js';
import { serveFiles } from './files.js';
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

const picture = resolve('examples/images/coffee.jpg');

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
  await project.lay(from, picture);
  try {
    await project.install(tarball);
  } catch (error) {
    outcome.build = 'left out: not installed';
    outcome.problems.push(`${name} is left out, since it could not be installed: ${String(error)}`);
    return outcome;
  }
  outcome.versions = project.versions();
  outcome.build = await judge('build', () => lookAtBuild(project, browser));
  const { dev, edits = false } = fixture;
  if (dev !== undefined)
    outcome.dev = await judge('dev', async () => visit(project, await project.serve(dev), browser, { edits }));
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
    : await visit(project, start === undefined ? await serveFiles(folder, base) : await project.serve(start), browser, {
        base,
      });
  return { seen: found.seen, problems: [...found.problems, ...(await markedFiles(folder))] };
}

interface Visit {
  readonly base?: string | undefined;
  /** Whether the picture is changed, too, and the pages must follow. */
  readonly edits?: boolean;
}

async function visit(
  project: Project,
  serving: Serving,
  browser: Browser,
  { base = '/', edits = false }: Visit,
): Promise<Look> {
  const { pages = [], places = 0, wants } = project.fixture;
  const lookAtAll = async (): Promise<Look> => {
    const looks: Look[] = [];
    for (const page of pages) looks.push(await look(browser, serving.url, join(base, page), serving.isAlive, wants));
    return { seen: looks.flatMap(({ seen }) => seen), problems: looks.flatMap(({ problems }) => problems) };
  };
  try {
    const { seen, problems: found } = await lookAtAll();
    const problems = [...found];
    const all = new Set(seen.map(({ place }) => place.replace(/ at \S+$/, ''))).size;
    if (all !== places) problems.push(`${all} places of ${places} were seen`);
    for (const page of pages) problems.push(...(await lookAtExample(project, serving.url + join(base, page))));
    if (edits) await seeEdited(project, seen, lookAtAll);
    return { seen, problems };
  } catch (error) {
    throw new Error(`${String(error)}\n${serving.said().slice(-3000)}`, { cause: error });
  } finally {
    await serving.stop();
  }
}

/** The picture becomes a narrower one, whose enlargements all have another shape, and the pages must follow. */
async function seeEdited(project: Project, before: readonly Seen[], lookAtAll: () => Promise<Look>): Promise<void> {
  await project.paint(picture, 60, 80);
  const until = Date.now() + 60_000;
  for (;;) {
    const { seen } = await lookAtAll();
    const stale = seen.filter(({ has }, place) => has === before[place]?.has);
    if (stale.length === 0) return;
    if (Date.now() < until) continue;
    const { place, has, url } = stale[0]!;
    throw new Error(`${stale.length} places did not follow an edited picture: ${place} has ${has} (${url})`);
  }
}
