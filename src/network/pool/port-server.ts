import type { MessagePort } from 'node:worker_threads';
import type { CallInput, TileRecord } from './call.js';
import { toErrorMessage } from './error-message.js';
import type { CallSettings, NetworkBackend } from './network-backend.js';
import { type Progress, viewPixels } from '../../pixels.js';
import type { Approximation } from '../weights/weights-manifest.js';
import type { ErrorMessage } from './protocol.js';

/** What an attached network asks of the main thread. */
export type PortRequest =
  | {
      readonly kind: 'run';
      readonly call: number;
      readonly input: CallInput;
      readonly settings: CallSettings;
      /** Which news the caller listens to. */
      readonly wants: { readonly progress: boolean; readonly tiles: boolean };
    }
  | { readonly kind: 'abort'; readonly call: number }
  | { readonly kind: 'share'; readonly port: MessagePort };

/** What the main thread answers. */
export type PortReply =
  | { readonly kind: 'result'; readonly call: number; readonly output: SharedArrayBuffer }
  | { readonly kind: 'error'; readonly call: number; readonly error: ErrorMessage }
  | { readonly kind: 'progress'; readonly call: number; readonly progress: Progress }
  | { readonly kind: 'approximation'; readonly call: number; readonly approximation: Approximation }
  | { readonly kind: 'tile'; readonly call: number; readonly record: TileRecord };

/**
 * Computes what is asked through a port, until its other end closes: then, as when a worker is terminated, its calls are
 * aborted. Pixels are not posted: both ends see the same shared memory.
 * @param onShare called with a further port that is to be served
 */
export function serve(
  network: Pick<NetworkBackend, 'computeImage'>,
  port: MessagePort,
  onShare: (port: MessagePort) => void,
  onClose: () => void,
): void {
  const calls = new Map<number, AbortController>();
  const reply = (message: PortReply): void => {
    port.postMessage(message);
  };
  const run = async ({ call, input, settings, wants }: Extract<PortRequest, { kind: 'run' }>): Promise<void> => {
    const abort = new AbortController();
    calls.set(call, abort);
    const hooks = {
      onApproximation: (approximation: Approximation): void => {
        reply({ kind: 'approximation', call, approximation });
      },
      onProgress: wants.progress
        ? (progress: Progress): void => {
            reply({ kind: 'progress', call, progress });
          }
        : undefined,
      onTile: wants.tiles
        ? (record: TileRecord): void => {
            reply({ kind: 'tile', call, record });
          }
        : undefined,
    };
    try {
      // Each attached worker is a caller of its own, with its own turn.
      const source = { ...input, data: viewPixels(input.type, input.pixels) };
      const output = await network.computeImage(source, { ...settings, admitted: false }, hooks, abort.signal, port);
      reply({ kind: 'result', call, output });
    } catch (error) {
      reply({ kind: 'error', call, error: toErrorMessage(error, 'INFERENCE_FAILED') });
    } finally {
      calls.delete(call);
    }
  };
  port.on('message', (request: PortRequest) => {
    switch (request.kind) {
      case 'run':
        void run(request);
        return;
      case 'abort':
        calls.get(request.call)?.abort();
        return;
      case 'share':
        onShare(request.port);
        return;
    }
  });
  port.on('close', () => {
    for (const abort of calls.values()) abort.abort();
    onClose();
  });
  // Listening alone keeps no process alive; calls do.
  port.unref();
}
