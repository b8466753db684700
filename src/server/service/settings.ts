import { isIPv4 } from 'node:net';
import { join, resolve } from 'node:path';
import envPaths from 'env-paths';
import { checkAssetOptions } from '../../asset/options.js';
import { resultsFolder } from '../../asset/results-folder.js';
import { UpresError } from '../../errors.js';
import { autoModel } from '../../image/auto/auto-model.js';
import { checkDevice, type DeviceChoice } from '../../network/device.js';
import { resolveThreads } from '../../network/pool/thread-count.js';
import { suggestion } from '../../suggest.js';
import { defaultLimits, type ServerLimits } from './limits.js';

export type { ServerLimits } from './limits.js';

export interface ServerOptions {
  /** Address to listen on; default `127.0.0.1`. Every other than this machine's own needs tokens. */
  readonly host?: string;
  /** Default 3270; 0 takes any that is free. */
  readonly port?: number;
  /** Secrets of at least 16 characters: who sends one of them as `Authorization: Bearer …` is a client. */
  readonly tokens?: readonly string[];
  /** Names that the server answers to beside its own, such as `images.example.com`, without a port. */
  readonly allowedHosts?: readonly string[];
  /** Where jobs are kept; default `server` in the user's data folder. */
  readonly folder?: string;
  /** Where results are kept; `false` for nowhere. Default: as for the command. */
  readonly cache?: string | false;
  /** Networks of your own by label: paths of their files. */
  readonly models?: Readonly<Record<string, string>>;
  /** The label that is used where none is asked for; default `auto`. */
  readonly model?: string;
  /** What computes, where nothing is asked for; default `cpu`. */
  readonly device?: DeviceChoice;
  /** Threads that compute networks; default: one for each core. */
  readonly threads?: number;
  readonly limits?: Partial<ServerLimits>;
  /** Logs requests and faults as JSON, line by line, on standard error; default: warnings and faults only. */
  readonly log?: boolean;
  /**
   * Switches off every image decoder in this process that the server does not need, for all users of this copy of sharp (SVG and
   * PDF among them); default true.
   */
  readonly blockOtherFormats?: boolean;
}

/** Options, checked and complete. */
export interface ServerSettings {
  readonly host: string;
  readonly port: number;
  readonly loopback: boolean;
  readonly tokens: readonly string[];
  readonly allowedHosts: readonly string[];
  /** Absolute. */
  readonly folder: string;
  /** Absolute; undefined where no results are kept. */
  readonly cache: string | undefined;
  /** Absolute paths by label. */
  readonly models: Readonly<Record<string, string>>;
  readonly model: string;
  readonly device: DeviceChoice;
  readonly threads: number;
  readonly limits: ServerLimits;
  readonly log: boolean;
  readonly blockOtherFormats: boolean;
}

const optionNames = [
  'host',
  'port',
  'tokens',
  'allowedHosts',
  'folder',
  'cache',
  'models',
  'model',
  'device',
  'threads',
  'limits',
  'log',
  'blockOtherFormats',
] as const satisfies readonly (keyof ServerOptions)[];

const defaultPort = 3270;
const shortestToken = 16;
/** Timers count milliseconds in 31 bits, and fire at once when they are given more. */
const longestSeconds = 2_147_483;

/**
 * Checks options and fills in what is usual.
 * @throws BAD_ARGUMENT with a suggestion; also where an address that others can reach comes without tokens
 */
export function resolveSettings(options: ServerOptions = {}): ServerSettings {
  checkNames('option', options, optionNames);
  const { host = '127.0.0.1', port = defaultPort, tokens = [], allowedHosts = [], models = {} } = options;
  const { model = autoModel, device = 'cpu' } = options;
  if (host === '') throw new UpresError('BAD_ARGUMENT', 'host must be an address or a name, not empty');
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new UpresError('BAD_ARGUMENT', `port must be a whole number from 0 to 65535, not ${port}`);
  }
  checkTokens(tokens);
  const loopback = isLoopback(host);
  if (!loopback && tokens.length === 0) {
    throw new UpresError(
      'BAD_ARGUMENT',
      `others can reach ${host}, so the server needs tokens there: set UPRES_TOKENS or the option "tokens", or listen on 127.0.0.1`,
    );
  }
  checkAssetOptions({ models, model });
  return {
    host,
    port,
    loopback,
    tokens,
    allowedHosts: allowedHosts.map(checkHostName),
    folder: resolve(options.folder ?? join(envPaths('upres', { suffix: '' }).data, 'server')),
    cache: cacheFolder(options.cache),
    models: Object.fromEntries(Object.entries(models).map(([label, path]) => [label, resolve(path)])),
    model,
    device: checkDevice(device),
    threads: resolveThreads(options.threads),
    limits: resolveLimits(options.limits),
    log: options.log ?? false,
    blockOtherFormats: options.blockOtherFormats ?? true,
  };
}

/** Whether only programs of this machine reach an address. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  return name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'));
}

function checkTokens(tokens: readonly string[]): void {
  for (const token of tokens) {
    // What a header can carry (RFC 6750, 2.1). The token itself is never said.
    if (typeof token !== 'string' || !/^[\w.~+/-]+=*$/.test(token) || token.length < shortestToken) {
      throw new UpresError(
        'BAD_ARGUMENT',
        `a token has at least ${shortestToken} characters out of A-Z a-z 0-9 - . _ ~ + / (make one with "openssl rand -hex 32")`,
      );
    }
  }
}

function checkHostName(name: string): string {
  const host = /^(?:[a-z\d.-]+|\[[a-f\d:.]+\])$/i.test(name) ? name.toLowerCase() : undefined;
  if (host !== undefined) return host;
  throw new UpresError(
    'BAD_ARGUMENT',
    `allowedHosts are names such as images.example.com, without scheme and port, not "${name}"`,
  );
}

function cacheFolder(cache: string | false | undefined): string | undefined {
  if (cache === false) return undefined;
  if (cache === '') throw new UpresError('BAD_ARGUMENT', 'cache must be a folder, or false');
  return resultsFolder(cache);
}

function resolveLimits(limits: Partial<ServerLimits> = {}): ServerLimits {
  checkNames('limit', limits, Object.keys(defaultLimits));
  for (const [name, value] of Object.entries(limits)) {
    if (typeof value !== 'number' || !(value > 0) || !Number.isFinite(value)) {
      throw new UpresError('BAD_ARGUMENT', `limits.${name} must be a number above 0, not ${String(value)}`);
    }
    if (name.endsWith('Seconds') && value > longestSeconds) {
      throw new UpresError('BAD_ARGUMENT', `limits.${name} must be at most ${longestSeconds} seconds, not ${value}`);
    }
  }
  return { ...defaultLimits, ...limits };
}

function checkNames(what: string, given: object, known: readonly string[]): void {
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) {
      throw new UpresError('BAD_ARGUMENT', `there is no ${what} "${name}".${suggestion(name, known)}`);
    }
  }
}
