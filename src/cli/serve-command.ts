import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { exitCodes, hasCode, messageOf } from '../errors.js';
import { defaultLimits } from '../server/service/limits.js';
import type { ServerOptions } from '../server/service/settings.js';
import { threadCount } from '../network/pool/thread-count.js';
import { computingOptions } from '../model/catalogue/computing.js';
import { defined, number, whole } from '../schema.js';
import { shortest } from './amount.js';
import { flagValue } from './flag-value.js';
import { watchInterrupts } from './interrupt.js';
import { parseCache } from './options.js';
import { print } from './streams.js';
import { asUsage, UsageError } from './usage-error.js';

/** Flags as commander hands them over. */
interface RawServeOptions {
  host?: string;
  port?: string;
  tokenFile?: string;
  allowHost?: string[];
  folder?: string;
  queue?: string;
  storage?: string;
  compute?: boolean;
  cache?: string | boolean;
  remoteCache?: string;
  remoteCacheMode?: string;
  models?: string[];
  acceptApproximation?: boolean;
  memoryBudget?: string;
  model?: string;
  device?: string;
  threads?: string;
  limit?: string[];
  log?: boolean;
  shareCache?: boolean;
}

/** `upres serve`: images over HTTP, until a signal comes. */
export function addServeCommand(program: Command, act: (action: () => Promise<number>) => Promise<void>): void {
  program
    .command('serve')
    .description('upscale images over HTTP')
    .option('--host <address>', 'address to listen on; every other than the default needs tokens (default: 127.0.0.1)')
    .option('-p, --port <n>', '0 takes any that is free (default: 3270)')
    .option(
      '--token-file <file>',
      'tokens of clients, one a line; UPRES_TOKENS holds them too, with blanks between them',
    )
    .option('--allow-host <names...>', 'names that the server answers to besides its own')
    .option('--folder <folder>', "where jobs are kept (default: in the user's data folder)")
    .option(
      '--queue <url>',
      'jobs of many machines: Redis or Valkey, as in redis://host:6379/0; "upres worker" computes them',
    )
    .option('--storage <place>', 'their pictures: s3://bucket/prefix, or a folder that all machines share')
    .option('--compute', 'with a queue, compute jobs here, too')
    .option('--cache <folder>', 'where results are cached (default: see "upres cache stats")')
    .option('--no-cache', 'keep no results')
    .option('--remote-cache <url>', 'look for results there, too (default: UPRES_REMOTE_CACHE)')
    .option('--remote-cache-mode <mode>', 'read, or read-write to upload what was computed (default: read)')
    .option('-m, --model <label>', 'where none is asked for (default: auto)')
    .option('--models <label=path...>', 'networks of your own that clients can ask for by label')
    .option('--accept-approximation', 'let those that look at the whole picture compute it in tiles')
    .option('--memory-budget <bytes>', 'for each thread of theirs, such as 1Gi (default: 256Mi)')
    .option(
      '--device <name>',
      'what computes: auto, cpu, wasm, webgpu, cuda, dml or coreml (default: cpu, or wasm where there is no native code)',
    )
    .option('-t, --threads <n>', 'cores to use (default: all)')
    .option('--limit <name=n...>', 'bounds on what clients may ask for, such as inputPixels=25M or requestSeconds=60')
    .option('--share-cache', 'let builds keep their results here, for each other, at /v1/cache/')
    .option('--log', 'one line of JSON on standard error for each request')
    .addHelpText('after', limitsHelp)
    .action(async (raw: RawServeOptions) => {
      await act(async () => {
        const options = await parseServeOptions(raw);
        // Processes that this one starts need not know them.
        delete process.env.UPRES_TOKENS;
        return serve(options);
      });
    });
}

const limitsHelp = `
Limits and their defaults:
${Object.entries<number>({ ...defaultLimits })
  .map(([name, value]) => `  ${name}=${shortest(value)}`)
  .join('\n')}

The first SIGTERM or Ctrl-C lets the server finish what runs; the second one kills.`;

async function serve(options: ServerOptions): Promise<number> {
  const { createServer } = await import('../server/index.js');
  const server = await createServer(options).catch(asUsage);
  let url: string;
  try {
    url = await server.listen();
  } catch (error) {
    await server.close({ cancel: true });
    throw asListenError(error, server.settings);
  }
  using interrupts = watchInterrupts((signal) => {
    process.stderr.write(`Finishing what runs (${signal}); once more kills at once.\n`);
  });
  print(`upres listens on ${url}`);
  await new Promise<void>((resolve) => {
    interrupts.signal.addEventListener('abort', () => {
      resolve();
    });
  });
  await server.close();
  return exitCodes.ok;
}

/**
 * Checks the flags and turns their words into options, as far as these do not do so themselves.
 * @throws UsageError
 */
export async function parseServeOptions(
  raw: RawServeOptions,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<ServerOptions> {
  const tokens = [
    ...words(environment.UPRES_TOKENS ?? '', /[\s,]+/),
    ...(raw.tokenFile === undefined ? [] : await readTokens(raw.tokenFile)),
  ];
  return {
    ...(raw.host === undefined ? {} : { host: raw.host }),
    ...(raw.port === undefined ? {} : { port: flagValue('--port', whole({ from: 0, to: 65_535 }), raw.port) }),
    tokens,
    allowedHosts: raw.allowHost ?? [],
    ...(raw.folder === undefined ? {} : { folder: raw.folder }),
    ...(raw.queue === undefined ? {} : { queue: raw.queue }),
    ...(raw.storage === undefined ? {} : { storage: raw.storage }),
    ...(raw.compute === undefined ? {} : { compute: raw.compute }),
    ...defined({ cache: parseCache(raw) }),
    models: Object.fromEntries(parsePairs('--models', raw.models)),
    ...defined({
      model: raw.model,
      acceptApproximation: raw.acceptApproximation,
      memoryBudget:
        raw.memoryBudget === undefined
          ? undefined
          : flagValue('--memory-budget', computingOptions.properties.memoryBudget, raw.memoryBudget),
    }),
    // Checked with all other options; types promise nothing about a flag.
    ...(raw.device === undefined ? {} : { device: raw.device as NonNullable<ServerOptions['device']> }),
    ...(raw.threads === undefined ? {} : { threads: flagValue('--threads', threadCount, raw.threads) }),
    limits: parseLimits(raw.limit),
    log: raw.log ?? false,
    shareCache: raw.shareCache ?? false,
  };
}

const words = (text: string, separator: RegExp): string[] => text.split(separator).filter((word) => word !== '');

async function readTokens(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new UsageError(`--token-file ${file} can't be read: ${messageOf(cause)}`);
  });
  const tokens = words(text, /\s*\n\s*/).filter((line) => !line.startsWith('#'));
  if (tokens.length === 0) throw new UsageError(`--token-file ${file} holds no token`);
  return tokens.map((token) => token.trim());
}

/** The limits of `--limit name=n…`. */
export function parseLimits(texts: readonly string[] | undefined): Record<string, number> {
  const limits = parsePairs('--limit', texts).map(
    ([name, text]) => [name, flagValue(`--limit ${name}`, number({ from: 0 }), text)] as const,
  );
  return Object.fromEntries(limits);
}

/** The values of a flag that takes `name=value…`. */
export function parsePairs(flag: string, texts: readonly string[] = []): [string, string][] {
  return texts.map((text) => {
    const at = text.indexOf('=');
    if (at < 1) throw new UsageError(`${flag} takes name=value, not "${text}"`);
    return [text.slice(0, at), text.slice(at + 1)];
  });
}

function asListenError(error: unknown, { host, port }: { readonly host: string; readonly port: number }): unknown {
  if (hasCode(error, 'EADDRINUSE'))
    return new UsageError(`port ${port} of ${host} is in use: name another with --port`);
  if (hasCode(error, 'EACCES'))
    return new UsageError(`port ${port} of ${host} may not be used: name another with --port`);
  if (hasCode(error, 'EADDRNOTAVAIL', 'ENOTFOUND')) {
    return new UsageError(`${host} is no address of this machine: name another with --host`);
  }
  return error;
}
