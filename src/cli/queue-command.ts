import type { Command } from 'commander';
import { exitCodes } from '../errors.js';
import type { DeadLetter, DeadLetters } from '../server/farm/dead-letters.js';
import { print } from './streams.js';
import { asUsage, UsageError } from './usage-error.js';

interface RawQueueOptions {
  queue: string;
  storage: string;
  all?: boolean;
}

/** `upres queue`: images that were given up, to look at, to compute again, or to drop. */
export function addQueueCommand(program: Command, act: (action: () => Promise<number>) => Promise<void>): void {
  const group = program.command('queue').description('look at the queue of a farm, and at images that were given up');
  const add = (
    name: string,
    description: string,
    run: (letters: DeadLetters, names: readonly string[], raw: RawQueueOptions) => Promise<void>,
  ): void => {
    const command = group
      .command(name)
      .description(description)
      .requiredOption('--queue <url>', 'Redis or Valkey, as in redis://host:6379/0')
      .requiredOption('--storage <place>', 's3://bucket/prefix, or a folder that all machines share');
    if (name !== 'list')
      command.argument('[images...]', 'as "upres queue list" names them').option('--all', 'all of them');
    command.action(async (...given: unknown[]) => {
      const [names, raw] = name === 'list' ? [[], given[0]] : given;
      await act(() =>
        withLetters(raw as RawQueueOptions, (letters) => run(letters, names as string[], raw as RawQueueOptions)),
      );
    });
  };
  add('list', 'how much waits, and a line of JSON for each image that was given up', async (letters) => {
    print(JSON.stringify(await letters.counts()));
    for (const letter of await letters.list()) print(JSON.stringify({ image: nameOf(letter), ...letter }));
  });
  add('retry', 'compute images again that were given up', async (letters, names, raw) => {
    for (const letter of await chosen(letters, names, raw)) {
      print(`${nameOf(letter)} ${(await letters.retry(letter)) ? 'is computed again' : 'is gone'}`);
    }
  });
  add('drop', 'take images off the list: that they have failed stays so', async (letters, names, raw) => {
    for (const letter of await chosen(letters, names, raw)) {
      await letters.drop(letter);
      print(`${nameOf(letter)} is dropped`);
    }
  });
}

const nameOf = ({ job, place }: DeadLetter): string => `${job}_${place}`;

async function withLetters(
  { queue, storage }: RawQueueOptions,
  run: (letters: DeadLetters) => Promise<void>,
): Promise<number> {
  const { DeadLetters } = await import('../server/farm/dead-letters.js');
  const letters = await DeadLetters.open(queue, storage, (message) => {
    process.stderr.write(`${message}\n`);
  }).catch(asUsage);
  try {
    await run(letters);
  } finally {
    await letters.close();
  }
  return exitCodes.ok;
}

async function chosen(letters: DeadLetters, names: readonly string[], { all }: RawQueueOptions): Promise<DeadLetter[]> {
  const known = await letters.list();
  if (all) return known;
  if (names.length === 0) throw new UsageError('name images, or say --all');
  return names.map((name) => {
    const letter = known.find((other) => nameOf(other) === name);
    if (!letter) throw new UsageError(`${name} is no image that was given up: see "upres queue list"`);
    return letter;
  });
}
