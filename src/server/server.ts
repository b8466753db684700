import { coloursOf, fileOf } from '../model/catalogue/colours.js';
import accepts from '@fastify/accepts';
import multipart from '@fastify/multipart';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, { type InjectOptions, type LightMyRequestResponse } from 'fastify';
import type { AddressInfo } from 'node:net';
import { modelFromFile } from '../model/catalogue/model.js';
import { workingDevice } from '../network/processor.js';
import { resolveDevice } from '../network/resolve-device.js';
import { blockOtherLoaders } from './http/block-loaders.js';
import type { Server, ServerContext } from './service/context.js';
import { answerAllElse, boundConnections, clientError } from './http/connections.js';
import { handleErrors } from './http/errors.js';
import { pathOfTarget } from './http/guard.js';
import { ImageService } from './service/image-service.js';
import { rawTypes } from './http/media-types.js';
import { ServerMetrics } from './service/metrics.js';
import { Occupancy } from './service/occupancy.js';
import { registerOpenApi } from './http/openapi.js';
import { frameworkErrors, protect } from './http/protect.js';
import { requestLog } from './http/request-log.js';
import { healthRoutes } from './http/routes/health.js';
import { jobRoutes } from './http/routes/jobs.js';
import { countRequests, metricsRoutes } from './http/routes/metrics.js';
import { modelsRoutes } from './http/routes/models.js';
import { pageRoutes } from './http/routes/page.js';
import { sharedCacheRoutes } from './http/routes/shared-cache.js';
import { upscaleRoutes } from './http/routes/upscale.js';
import { limitResponses, longestSilence } from './http/transfer.js';
import { unreadable } from './http/problem.js';
import { resolveSettings, type ServerOptions, type ServerSettings } from './service/settings.js';
import { ServerState } from './service/state.js';

/** Bytes of all headers of a request: browsers send this machine's cookies to every port of it. */
const maxHeaderBytes = 16 * 1024;
/** Seconds in which a request's headers have to arrive. */
const headerSeconds = 10;
/** Seconds for which a connection without a request stays open. */
const idleSeconds = 5;

/** Images over HTTP: see `GET /openapi.json` for what it answers to. */
export class UpresServer implements AsyncDisposable {
  private closing: Promise<void> | undefined;

  /** @internal */
  constructor(
    private readonly app: Server,
    private readonly context: ServerContext,
  ) {}

  /** The options, checked and complete; of tokens only how many there are, of the queue only whether. */
  get settings(): ServerSettings {
    const { settings } = this.context;
    return {
      ...settings,
      tokens: settings.tokens.map(() => 'hidden'),
      // It may hold a password.
      queue: settings.queue === undefined ? undefined : 'hidden',
    };
  }

  /** Where it listens, as in `http://127.0.0.1:3270`; undefined before `listen` and after `close`. */
  get url(): string | undefined {
    const address = this.app.server.address() as AddressInfo | null;
    if (!address) return undefined;
    const { host } = this.settings;
    return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`;
  }

  /**
   * Begins to listen.
   * @returns its URL
   * @throws the system's error where the address is in use, or can't be used
   */
  async listen(): Promise<string> {
    const { host, port } = this.settings;
    await this.app.listen({ host, port, listenTextResolver: () => 'listening' });
    this.context.state.start();
    return this.url!;
  }

  /** A request without a network, for tests: what fastify's `inject` takes and gives. */
  inject(request: InjectOptions | string): Promise<LightMyRequestResponse> {
    return this.app.inject(request);
  }

  /**
   * Ends the server: new work is refused from now on, and what runs is finished, for `limits.drainSeconds` at most. Jobs that are
   * not finished then go on at the next start.
   * @param options `cancel`: gives up what runs at once
   */
  close({ cancel = false }: { readonly cancel?: boolean } = {}): Promise<void> {
    if (cancel) this.context.state.giveUp();
    this.closing ??= this.end();
    return this.closing;
  }

  /** Ends the server: see `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async end(): Promise<void> {
    const { state, images, settings } = this.context;
    await state.end(settings.limits.drainSeconds);
    await this.app.close();
    await images.dispose({ cancel: true });
  }
}

/**
 * Makes a server that does not listen yet.
 * @throws BAD_ARGUMENT for options that can't be used; MODEL_* and DEVICE_UNAVAILABLE for a network
 *   or a device that can't be
 */
export async function createServer(options: ServerOptions = {}): Promise<UpresServer> {
  const settings = resolveSettings({ ...options, device: options.device ?? (await workingDevice()) });
  // What is wrong with a network or a device is its owner's to know, now, and not a client's later.
  await Promise.all(Object.values(settings.models).map((model) => modelFromFile(fileOf(model), coloursOf(model))));
  await resolveDevice(settings.device);
  if (settings.blockOtherFormats) await blockOtherLoaders();
  const app = createApp(settings);
  const metrics = new ServerMetrics();
  metrics.threads.set(settings.threads);
  const context: ServerContext = {
    settings,
    metrics,
    state: new ServerState(),
    occupancy: new Occupancy(settings.limits, metrics, settings.tokens.length),
    images: await ImageService.open(settings, metrics, (message) => {
      app.log.warn(message);
    }),
  };
  try {
    await registerRoutes(app, context);
    await app.ready();
  } catch (error) {
    await app.close();
    throw error;
  }
  return new UpresServer(app, context);
}

function createApp(settings: ServerSettings): Server {
  const { limits, log } = settings;
  const app = fastify({
    logger: { level: log ? 'info' : 'warn', stream: process.stderr, serializers: requestLog },
    // Whoever reaches the server can set any header, so none is believed.
    trustProxy: false,
    frameworkErrors: frameworkErrors(settings),
    clientErrorHandler: clientError,
    rewriteUrl: ({ url }) => pathOfTarget(url),
    // Bodies and answers may take as long as they go on: see `transfer.ts`.
    requestTimeout: 0,
    connectionTimeout: longestSilence(limits) * 1000,
    keepAliveTimeout: idleSeconds * 1000,
    http: {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: Math.min(headerSeconds, limits.transferSeconds) * 1000,
      connectionsCheckingInterval: 1000,
      // The guard refuses such requests, in words.
      requireHostHeader: false,
    },
    // Bodies are read by the routes that take them; nothing else has one.
    bodyLimit: 1024,
    // What is too long for an id is no one's id; the headers' bound is the only one.
    routerOptions: { maxParamLength: maxHeaderBytes },
    // Values stay as they are sent, and what is not known is an error.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, strict: false } },
    return503OnClosing: false,
    forceCloseConnections: true,
  }).withTypeProvider<TypeBoxTypeProvider>();
  boundConnections(app, limits.connections);
  answerAllElse(app);
  return app;
}

async function registerRoutes(app: Server, context: ServerContext): Promise<void> {
  app.removeAllContentTypeParsers();
  // The route reads it, once it knows that it wants it.
  app.addContentTypeParser(rawTypes, (_, __, done) => {
    done(null);
  });
  app.addContentTypeParser('*', ({ routeOptions }, _, done) => {
    done(routeOptions.config.body ? unreadable() : null);
  });
  await app.register(accepts);
  await app.register(multipart);
  countRequests(app, context);
  protect(app, context);
  limitResponses(app, context.settings.limits);
  handleErrors(app);
  await registerOpenApi(app, context);
  upscaleRoutes(app, context);
  modelsRoutes(app, context);
  healthRoutes(app, context);
  metricsRoutes(app, context);
  await jobRoutes(app, context);
  if (context.settings.shareCache) sharedCacheRoutes(app, context);
  await app.register(async (pages) => {
    pages.addHook('onRoute', (route) => {
      route.config = { ...route.config, open: true };
    });
    await pages.register(pageRoutes);
  });
}
