import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { NetworkBackend } from './network-backend.js';
import { serve } from './port-server.js';

/** The ports through which other threads use a network of the main thread. */
export class SharedPorts {
  private readonly open = new Set<MessagePort>();

  constructor(private readonly network: Pick<NetworkBackend, 'computeImage'>) {}

  /** The other end of a new port. */
  create(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.serve(port1);
    return port2;
  }

  /** Those who still hold an end learn that the network was disposed. */
  close(): void {
    for (const port of this.open) port.close();
  }

  /** Answers the calls that come through a port, for as long as its other end lives. */
  private serve(port: MessagePort): void {
    this.open.add(port);
    serve(
      this.network,
      port,
      (another) => {
        this.serve(another);
      },
      () => this.open.delete(port),
    );
  }
}
