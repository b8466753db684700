import { computedBy, resolved, type OwnModel } from '../../model/catalogue/colours.js';
import { isIPv4 } from 'node:net';
import { join, resolve } from 'node:path';
import envPaths from 'env-paths';
import { assetOptions, checkAssetOptions } from '../../asset/options.js';
import { resultsFolder } from '../../asset/cache/cache-folder.js';
import { cacheOption, type CacheOption, type SharedCacheOptions } from '../../asset/cache/cache-option.js';
import { UpresError } from '../../errors.js';
import { autoModel } from '../../image/auto/auto-model.js';
import { expectedDevice } from '../../network/processor.js';
import { deviceChoice, type DeviceChoice } from '../../network/device.js';
import { defaultThreads, threadCount } from '../../network/pool/thread-count.js';
import { check, defined, flag, list, options, secret, text, whole, type TypeOf } from '../../schema.js';
import { farmLocation } from '../farm/farm-location.js';
import { defaultLimits, limitOptions, type ServerLimits } from './limits.js';

export type { ServerLimits } from './limits.js';

const shortestToken = 16;
const token = text(
  `at least ${shortestToken} characters out of A-Z a-z 0-9 - . _ ~ + / (make one with "openssl rand -hex 32")`,
  // What a header can carry (RFC 6750, 2.1).
  { least: shortestToken, pattern: /^[\w.~+/-]+=*$/ },
);

const serverOptions = options({
  /**
   * Address to listen on. Every other than this machine's own needs tokens.
   * @default `127.0.0.1`
   */
  host: text('an address or a name'),
  /**
   * 0 takes any that is free.
   * @default 3270
   */
  port: whole({ from: 0, to: 65_535 }),
  /**
   * Secrets of at least 16 characters: whoever sends one of them as `Authorization: Bearer …` is a client.
   * @default none
   */
  tokens: secret(list(secret(token))),
  /**
   * Names that the server answers to besides its own, such as `images.example.com`, without a port.
   * @default none
   */
  allowedHosts: list(
    text('a name such as images.example.com, without scheme and port', {
      pattern: /^(?:[A-Za-z\d.-]+|\[[A-Fa-f\d:.]+\])$/,
    }),
  ),
  /**
   * Folder in which jobs are kept; one server at a time.
   * @default `server` in the user's data folder
   */
  folder: text('a folder'),
  ...farmLocation.properties,
  /**
   * Whether jobs are computed here, too, where there is a queue; otherwise that is left to `upres worker`.
   * @default `false` with a queue
   */
  compute: flag,
  /**
   * Folder in which results are cached; `false` caches none. With `remote` also a cache that others share: one that does not answer is left
   * alone for a minute.
   * @default as for the command
   */
  cache: cacheOption,
  /**
   * Whether builds may keep their results here, for each other: `UPRES_REMOTE_CACHE=…/v1/cache/`.
   * @default `false`
   */
  shareCache: flag,
  /**
   * Networks of your own by label: paths of their files. Requests name the label, never a path.
   * @default none
   */
  models: assetOptions.properties.models,
  /**
   * For networks of your own that don't say it themselves: allows tiles where one looks at the whole picture; seams may show.
   * @default `false`
   */
  acceptApproximation: assetOptions.properties.acceptApproximation,
  /**
   * For networks of your own that don't say it themselves: bytes of activations that each thread may hold for a tile.
   * @default 256 MiB
   */
  memoryBudget: assetOptions.properties.memoryBudget,
  /**
   * The label that is used where a request names none.
   * @default `auto`
   */
  model: assetOptions.properties.model,
  /**
   * What computes, where a request does not say.
   * @default `cpu`, or `wasm` where native code can't be loaded; `UPRES_DEVICE`
   */
  device: deviceChoice,
  /**
   * Threads that compute networks, 1 to 256.
   * @default one for each core
   */
  threads: threadCount,
  /** Bounds on what clients may ask for. */
  limits: limitOptions,
  /**
   * A line of JSON on standard error for each request.
   * @default warnings and faults only
   */
  log: flag,
  /**
   * Switches off every image decoder in this process that the server does not need, for all users of this copy of sharp (SVG and
   * PDF among them).
   * @default `true`
   */
  blockOtherFormats: flag,
});
/** Options of `createServer`. */
export interface ServerOptions extends TypeOf<typeof serverOptions> {}

/** Options, checked and complete. */
export interface ServerSettings {
  /** Address that is listened on. */
  readonly host: string;
  /** 0 where any is taken that is free. */
  readonly port: number;
  /** Whether only this machine can reach it. */
  readonly loopback: boolean;
  /** Whether builds may keep their results here. */
  readonly shareCache: boolean;
  /** Secrets of clients; never in what the server shows. */
  readonly tokens: readonly string[];
  /** Names that it answers to besides its own. */
  readonly allowedHosts: readonly string[];
  /** Absolute. */
  readonly folder: string;
  /** Where jobs stand that several machines share; undefined where they are kept in `folder`. */
  readonly queue: string | undefined;
  /** Where pictures lie that several machines share. */
  readonly storage: string | undefined;
  /** Whether jobs are computed here. */
  readonly compute: boolean;
  /** With an absolute folder; `false` where no results are kept. */
  readonly cache: SharedCacheOptions | false;
  /** Absolute paths by label. */
  readonly models: Readonly<Record<string, OwnModel>>;
  /** The label that is used where a request names none. */
  readonly model: string;
  /** What computes, where a request does not say. */
  readonly device: DeviceChoice;
  /** Threads that compute networks. */
  readonly threads: number;
  /** Bounds on what clients may ask for. */
  readonly limits: ServerLimits;
  /** Whether each request is logged. */
  readonly log: boolean;
  /** Whether decoders that the server does not need are switched off in this process. */
  readonly blockOtherFormats: boolean;
}

const defaultPort = 3270;

/**
 * Checks options and fills in what is usual.
 * @throws BAD_ARGUMENT with a suggestion; also where an address that others can reach comes without tokens
 */
export function resolveSettings(given: ServerOptions = {}): ServerSettings {
  check(serverOptions, given);
  const { host = '127.0.0.1', port = defaultPort, tokens = [], allowedHosts = [], models = {} } = given;
  const { model = autoModel, device = expectedDevice(), threads = defaultThreads() } = given;
  const loopback = isLoopback(host);
  if (!loopback && tokens.length === 0) {
    throw new UpresError(
      'BAD_ARGUMENT',
      `others can reach ${host}, so the server needs tokens there: set UPRES_TOKENS or the option "tokens", or listen on 127.0.0.1`,
    );
  }
  checkAssetOptions({ models, model });
  if ((given.queue === undefined) !== (given.storage === undefined)) {
    const [has, lacks] = given.queue === undefined ? ['storage', 'queue'] : ['queue', 'storage'];
    throw new UpresError('BAD_ARGUMENT', `the option "${has}" needs "${lacks}", too: a farm shares both`);
  }
  return {
    host,
    port,
    loopback,
    tokens,
    allowedHosts: allowedHosts.map((name) => name.toLowerCase()),
    folder: resolve(given.folder ?? join(envPaths('upres', { suffix: '' }).data, 'server')),
    queue: given.queue,
    storage: given.storage,
    compute: given.compute ?? given.queue === undefined,
    cache: cacheOf(given.cache),
    models: Object.fromEntries(
      Object.entries(models).map(([label, model]) => [label, computedBy(resolved(model, '.'), given)]),
    ),
    model,
    device,
    threads,
    limits: { ...defaultLimits, ...defined(given.limits ?? {}) },
    log: given.log ?? false,
    shareCache: given.shareCache ?? false,
    blockOtherFormats: given.blockOtherFormats ?? true,
  };
}

/** Whether only programs of this machine reach an address. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  return name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'));
}

function cacheOf(cache: CacheOption | undefined): SharedCacheOptions | false {
  if (cache === false) return false;
  const { folder, ...remote } = typeof cache === 'object' ? cache : { folder: cache };
  return { folder: resultsFolder(folder), ...remote };
}
