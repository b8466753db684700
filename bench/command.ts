import { availableParallelism } from 'node:os';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SequentialWork } from './children/sequential-work.js';
import { fixed, mebibytes, spread } from './format.js';
import type { Findings, Setting } from './measurement.js';
import { childProgram, command } from './paths.js';
import { writeSite } from './pictures.js';
import { runNode, type Finished } from './run-child.js';
import { inRounds } from './rounds.js';
import { summarise } from './statistics.js';

/** Work for less time than this says little: the start would count for too much. */
const leastWorkMs = 20_000;

/** The command may take this many times what its work, spread over all threads without loss, takes. */
const mostOverIdeal = 1.15;

interface Round {
  readonly sequential: SequentialWork;
  readonly command: Finished;
  /** Milliseconds of `node -e 0`. */
  readonly nodeMs: number;
}

/**
 * Measures the command on a site's pictures: its time from start to end against the same work done one picture after the
 * other on one thread, divided by the number of threads.
 */
export async function measureCommand(setting: Setting): Promise<Findings> {
  const { quick, pairs, folder, cacheFolder, say } = setting;
  const site = join(folder, 'site');
  const threads = availableParallelism();
  const sequential = async (files: readonly string[]): Promise<SequentialWork> => {
    const { stdout } = await runNode([childProgram('sequential-work'), ...files], { cacheFolder });
    return JSON.parse(stdout) as SequentialWork;
  };

  let files = await writeSite(site, 1, quick ? 3 : 1);
  if (!quick) {
    // Processor time, which other programs lengthen less; a quarter more, since it counts more than inference and codecs.
    const { cpuMs } = await sequential(files);
    files = await writeSite(site, Math.ceil((leastWorkMs * 1.25) / cpuMs));
  }
  say(`the command on ${files.length} pictures, ${pairs} times in turn with the same work on one thread`);

  let out = 0;
  const results = await inRounds<'sequential' | 'command' | 'node', SequentialWork | Finished>(setting, {
    sequential: () => sequential(files),
    command: async () => {
      // As users get it: results are cached, and nothing of this was ever computed before.
      const [target, kept] = [join(folder, `upscaled-${out}`), join(folder, `kept-${out++}`)];
      const args = [command, site, '--out', target, '--cache', kept, '--quiet'];
      const finished = await runNode(args, { cacheFolder, watch: true });
      for (const used of [target, kept]) await rm(used, { recursive: true });
      return finished;
    },
    node: () => runNode(['-e', '0'], { cacheFolder }),
  });
  const rounds = results.command.map((done, index): Round => ({
    sequential: results.sequential[index] as SequentialWork,
    command: done as Finished,
    nodeMs: (results.node[index] as Finished).wallMs,
  }));
  return findingsOf(rounds, files.length, threads);
}

function findingsOf(rounds: readonly Round[], pictures: number, threads: number): Findings {
  const over = (pick: (round: Round) => number) => summarise(rounds.map(pick));
  const seconds = (pick: (round: Round) => number): string => spread(over((round) => pick(round) / 1000));
  const workMs = ({ sequential }: Round): number => sequential.inferenceMs + sequential.codecMs;
  const idealMs = (round: Round): number => workMs(round) / threads + round.nodeMs;
  const ratio = over((round) => round.command.wallMs / idealMs(round));
  const peaks = rounds.flatMap(({ command: { peakBytes } }) => (peakBytes === undefined ? [] : [peakBytes]));
  const busy = rounds.flatMap(({ command: { cpuMs, wallMs } }) => (cpuMs === undefined ? [] : [cpuMs / wallMs]));
  return {
    tables: [
      {
        caption: `The command on ${pictures} pictures of a site, ${threads} threads, ${rounds.length} rounds`,
        columns: ['', 'median (least–most)'],
        rows: [
          ['input megapixels', fixed(rounds[0]!.sequential.megapixels, 1)],
          ['one picture at a time, 1 thread: inference, s', seconds(({ sequential }) => sequential.inferenceMs)],
          ['one picture at a time, 1 thread: codecs, s', seconds(({ sequential }) => sequential.codecMs)],
          [
            'one picture at a time, 1 thread: processor time of both and all else, s',
            seconds(({ sequential }) => sequential.cpuMs),
          ],
          ["Node's own start, s", seconds(({ nodeMs }) => nodeMs)],
          [`(inference + codecs) / ${threads} + Node's start, s`, seconds(idealMs)],
          ['the command from start to end, s', seconds((round) => round.command.wallMs)],
          ...(busy.length > 0 ? [['the command: cores busy', spread(summarise(busy))]] : []),
          ...(peaks.length > 0 ? [['the command: peak memory', spread(summarise(peaks), mebibytes)]] : []),
          ['the command / ideal', spread(ratio, (value) => fixed(value, 3))],
        ],
      },
    ],
    goals: [
      {
        what: `the command's time against its work on ${threads} threads without loss`,
        value: ratio.median,
        bound: { atMost: mostOverIdeal },
        show: (value) => fixed(value, 3),
      },
    ],
    figures: {
      pictures,
      threads,
      ratio: { ...ratio },
      rounds: rounds.map(({ sequential, command: { wallMs, peakBytes, cpuMs }, nodeMs }) => ({
        sequential: { ...sequential },
        command: { wallMs, peakBytes: peakBytes ?? null, cpuMs: cpuMs ?? null },
        nodeMs,
      })),
    },
  };
}
