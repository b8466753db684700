import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createPlainServer, type AddressInfo, type Server as PlainServer, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** What a remote cache may do, in words that go on from “a remote cache that”. */
export const faults = [
  'has all',
  'has nothing, and takes all',
  'has all, damaged',
  'has all, cut short',
  'has all, and gives each after 1.9 s',
  'answers after 5 s',
  'refuses connections',
  'accepts and never answers',
  'hangs up in the middle',
  'has nothing, and never takes any',
] as const;
export type Fault = (typeof faults)[number];

/** A server of plain GET and PUT that does what it is told to. */
export class FaultyRemote implements AsyncDisposable {
  /** Requests, and connections where nothing is read, since `as` was called. */
  asked = 0;
  private readonly kept = new Map<string, Buffer>();
  private fault: Fault | 'empty' = 'empty';
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly silent: PlainServer,
  ) {
    server.on('request', (request, response) => {
      this.asked++;
      void this.answer(request, response);
    });
    silent.on('connection', (socket: Socket) => {
      this.asked++;
      this.sockets.add(socket.on('error', () => undefined));
    });
  }

  static async start(): Promise<FaultyRemote> {
    const [server, silent] = [createServer(), createPlainServer()];
    for (const each of [server, silent]) await once(each.listen(0, '127.0.0.1'), 'listening');
    return new FaultyRemote(server, silent);
  }

  /** Its URL when it does this; `empty`: has nothing, and keeps all that it is given. */
  as(fault: Fault | 'empty'): string {
    this.fault = fault;
    this.asked = 0;
    // A port on which nothing listens on any machine.
    if (fault === 'refuses connections') return 'http://127.0.0.1:2/upres/';
    const { port } = (fault === 'accepts and never answers' ? this.silent : this.server).address() as AddressInfo;
    return `http://127.0.0.1:${port}/upres/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.closeAllConnections();
    await Promise.all([this.server, this.silent].map((each) => once(each.close(), 'close')));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined);
    const { fault } = this;
    const key = request.url!.slice('/upres/'.length);
    if (fault === 'answers after 5 s') {
      setTimeout(() => response.writeHead(404).end(), 5000).unref();
    } else if (request.method === 'PUT') {
      if (fault === 'has nothing, and never takes any') return;
      const bytes = await buffer(request);
      if (fault === 'empty') this.kept.set(key, bytes);
      response.writeHead(201).end();
    } else {
      this.give(fault.startsWith('ha') && !fault.startsWith('has nothing') ? this.kept.get(key) : undefined, response);
    }
  }

  private give(bytes: Buffer | undefined, response: ServerResponse): void {
    if (!bytes) {
      response.writeHead(404).end();
      return;
    }
    if (this.fault === 'hangs up in the middle') {
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
    } else if (this.fault === 'has all, and gives each after 1.9 s') {
      setTimeout(() => response.writeHead(200).end(bytes), 1900).unref();
    } else {
      response.writeHead(200).end(this.changed(bytes));
    }
  }

  private changed(bytes: Buffer): Buffer {
    if (this.fault === 'has all, cut short') return bytes.subarray(0, -100);
    if (this.fault !== 'has all, damaged') return bytes;
    const damaged = Buffer.from(bytes);
    damaged[damaged.length - 1]! ^= 1;
    return damaged;
  }
}
