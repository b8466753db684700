import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Client } from './client.js';
import type { ImageService } from './image-service.js';
import type { ServerMetrics } from './metrics.js';
import type { Occupancy } from './occupancy.js';
import type { ServerSettings } from './settings.js';
import type { ServerState } from './state.js';

/** What all routes share. A route is a fastify plugin that takes this as its options. */
export interface ServerContext {
  readonly settings: ServerSettings;
  readonly images: ImageService;
  readonly metrics: ServerMetrics;
  readonly state: ServerState;
  /** What requests hold at the moment, and how much they may. */
  readonly occupancy: Occupancy;
}

/** The server as routes see it: schemas decide about the types of requests and responses. */
export type Server = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Needs no token, and links of other sites may lead to it. */
    open?: boolean;
    /** Says whether the server lives, to those who may not know its name. */
    health?: boolean;
    /** Begins work: refused while the server ends. */
    work?: boolean;
    /** The body as the document shows it, where the route reads it by itself. */
    body?: object;
  }
  interface FastifyRequest {
    /** The client. On routes that need no token it is whoever the token stands for, or `anonymous`. */
    client: Client;
  }
}
