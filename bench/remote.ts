import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Built } from './children/build.js';
import { fixed, spread } from './format.js';
import type { Findings, Setting } from './measurement.js';
import { childProgram, command } from './paths.js';
import { faults, FaultyRemote, type Fault } from './remote-faults.js';
import { inRounds } from './rounds.js';
import { runNode } from './run-child.js';
import { pictureFolder, writePages, writePictures, factor } from './site-files.js';
import { summarise } from './statistics.js';

/** Seconds by which a remote cache may make a build slower, whatever it does. */
const mostExtra = 2;
/** Enough of them: each piece waits for nothing but its remote. */
const mostRounds = 3;

const tools = ['vite', 'webpack', 'gulp', 'command'] as const;
type Tool = (typeof tools)[number];

/** One build, from the start of its process to its end. */
interface Build {
  readonly seconds: number;
  /** What it said of its remote cache. */
  readonly lines: readonly string[];
  /** Hashes of all files that it wrote. */
  readonly hashes: string;
  readonly asked: number;
  /** Seconds that it waited without getting anything, by its own account; of the command that is not known. */
  readonly lost: number;
}

/** Builds of a site that computes everything, with a remote cache that does what it should not, against the same without one. */
export async function measureRemote(setting: Setting): Promise<Findings> {
  const { quick, folder, pairs, say } = setting;
  const pictures = quick ? 20 : 60;
  const site = join(folder, 'remote-site');
  await writePictures(site, pictures);
  await writePages(site, `?upscale=${factor}`);
  await using remote = await FaultyRemote.start();
  let count = 0;
  const build = async (tool: Tool, fault: Fault | 'empty' | undefined): Promise<Build> => {
    const out = join(folder, `remote-out-${count++}`);
    const cache = `${out}-cache`;
    const url = fault && remote.as(fault);
    const env = { UPRES_REMOTE_CACHE: url, UPRES_REMOTE_CACHE_MODE: 'read-write' };
    const own = [command, join(site, pictureFolder), '--out', out, '--cache', cache, '-m', 'natural', '--overwrite'];
    const args = tool === 'command' ? own : [childProgram(`build-${tool}`), site, out, cache];
    const { wallMs, stderr, stdout } = await runNode(args, { ...setting, env });
    const lines = `${stderr}\n${stdout}`.split('\n').filter((line) => /remote cache \S+ is |is not used/.test(line));
    const { lostMs = 0 } = tool === 'command' ? {} : (JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Built);
    const hashes = await hashesOf(out);
    await Promise.all([out, cache].map((each) => rm(each, { recursive: true })));
    return { seconds: wallMs / 1000, lines, hashes, asked: remote.asked, lost: lostMs / 1000 };
  };
  say('what the remote cache has');
  const expected = new Map<Tool, string>();
  for (const tool of tools) expected.set(tool, (await build(tool, 'empty')).hashes);
  const rounds = Math.min(pairs, mostRounds);
  say(
    `${pictures} pictures through ${tools.join(', ')}, ${rounds} times in turn with ${faults.length} remotes and without`,
  );
  const works = tools.flatMap((tool) =>
    [undefined, ...faults].map((fault) => {
      const name = `${tool} ${fault ?? 'alone'}`;
      const work = async (): Promise<Build> => {
        const built = await build(tool, fault);
        if (built.hashes !== expected.get(tool)) throw new Error(`${name} wrote other files than it does otherwise`);
        return built;
      };
      return [name, work] as const;
    }),
  );
  const built = await inRounds({ ...setting, pairs: rounds }, Object.fromEntries(works));
  const extras = (tool: Tool, fault: Fault): number[] =>
    built[`${tool} ${fault}`]!.map(({ seconds }, round) => seconds - built[`${tool} alone`]![round]!.seconds);
  const linesOf = (tool: Tool, fault: Fault): number[] => built[`${tool} ${fault}`]!.map(({ lines }) => lines.length);
  const list = (values: readonly number[]): string => [...new Set(values)].sort().join(' or ');
  const first = (fault: Fault): string =>
    tools
      .flatMap((tool) => built[`${tool} ${fault}`]!.flatMap(({ lines }) => lines))[0]
      ?.replace(/^.*?remote cache \S+ (?:is left alone: )?/, '') ?? '';
  return {
    tables: [
      {
        caption: `A build of ${pictures} pictures that computes all of them: seconds longer than without a remote cache, median (least–most); the whole process`,
        columns: ['the remote cache', ...tools],
        rows: faults.map((fault) => [
          fault,
          ...tools.map((tool) => spread(summarise(extras(tool, fault)), (value) => fixed(value, 2))),
        ]),
      },
      {
        caption:
          'What each of them said of it, how often it was asked, and how long the plugins waited for nothing by their own account',
        columns: ['the remote cache', 'lines', 'requests', 'waited, s', ''],
        rows: faults.map((fault) => [
          fault,
          list(tools.flatMap((tool) => linesOf(tool, fault))),
          `${Math.max(...tools.flatMap((tool) => built[`${tool} ${fault}`]!.map(({ asked }) => asked)))} at most`,
          fixed(Math.max(...tools.flatMap((tool) => built[`${tool} ${fault}`]!.map(({ lost }) => lost))), 2),
          first(fault),
        ]),
      },
    ],
    goals: faults.map((fault) => ({
      what: `a build whose remote cache ${fault}, beyond one without: the slowest tool`,
      value: Math.max(...tools.map((tool) => summarise(extras(tool, fault)).median)),
      bound: { atMost: mostExtra },
      show: (value: number) => `${fixed(value, 2)} s`,
    })),
    figures: Object.fromEntries(
      Object.entries(built).map(([name, builds]) => [
        name,
        builds.map(({ seconds, asked, lost }) => ({ seconds, asked, lost })),
      ]),
    ),
  };
}

async function hashesOf(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const hashes = await Promise.all(
    files.map(async (file) =>
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    ),
  );
  return hashes.sort().join('\n');
}
