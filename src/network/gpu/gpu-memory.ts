import type { GpuDevice } from '../device.js';
import type { PixelArray, PixelKind, PixelType } from '../../pixels.js';
import type { MeasuredGeometry } from '../weights/weights-manifest.js';
import { GpuLedger, type GpuContext } from './gpu-context.js';
import { batchLimits, shares, transferBytes, type BatchLimits } from './gpu-plan.js';
import { StagingPools } from './staging-pools.js';
import { activationBytes } from '../tiles/plan.js';

/** What is counted for a network. */
export interface CountedNetwork {
  readonly key: string;
  readonly geometry: MeasuredGeometry;
}

/** Keeps the books of what is held for a device, and says how much more may be. */
export class GpuMemory {
  readonly context: GpuContext;
  private readonly ledger: GpuLedger;
  private readonly pools: StagingPools;
  /** Bytes of weights of each session, by network and kind of pixels. */
  private readonly sessions = new Map<string, number>();

  constructor(device: GpuDevice) {
    this.ledger = new GpuLedger(device);
    this.context = this.ledger.context;
    this.pools = new StagingPools(this.ledger);
  }

  name(adapter: string | undefined): void {
    this.ledger.name(adapter);
  }

  /** @param budgets of all networks that are open: the smallest holds for all */
  setBudget(budgets: readonly number[]): void {
    this.ledger.set('budget', budgets.length > 0 ? Math.min(...budgets) : 0);
  }

  /** What a batch may be now. */
  limits({ key, geometry }: CountedNetwork, { type, channels }: PixelKind, pixelsPerMs: number): BatchLimits {
    const { budget, allocated } = this.context.state;
    const missing = this.sessions.has(sessionName(key, { type, channels })) ? 0 : weightBytes(geometry);
    const room = Math.max(0, budget - allocated.weights - missing);
    return batchLimits(geometry, type, channels, room, pixelsPerMs);
  }

  /** Notes that the device's process holds a network's weights for a kind of pixels; each kind has a session of its own. */
  openSession({ key, geometry }: CountedNetwork, kind: PixelKind): void {
    const name = sessionName(key, kind);
    if (this.sessions.has(name)) return;
    const bytes = weightBytes(geometry);
    this.sessions.set(name, bytes);
    this.ledger.add('weights', bytes);
  }

  closeSessions({ key }: CountedNetwork): void {
    for (const [name, bytes] of this.sessions) {
      if (!name.startsWith(`${key} `)) continue;
      this.sessions.delete(name);
      this.ledger.add('weights', -bytes);
    }
  }

  /**
   * Counts a batch that is sent.
   * @returns to be called when it has come back
   */
  send({ geometry }: CountedNetwork, { type, channels }: PixelKind, pixels: number): () => void {
    const transfer = pixels * transferBytes(geometry, type, channels);
    this.ledger.add('staging', transfer);
    const most = Math.max(this.context.state.allocated.activations, pixels * activationBytes(geometry));
    this.ledger.set('activations', Math.ceil(most));
    return () => {
      this.ledger.add('staging', -transfer);
    };
  }

  /** A caller's buffer, to be used before anything else happens. */
  staging(lane: object, type: PixelType, values: number): PixelArray {
    const { budget, allocated } = this.context.state;
    return this.pools.room(lane, type, values, (budget - allocated.weights) * shares.pools);
  }

  /** A caller has no calls for now. */
  idle(lane: object): void {
    this.pools.idle(lane);
  }

  /** The device's process is gone, and with it all that it held. */
  forgetProcess(): void {
    this.sessions.clear();
    this.ledger.set('weights', 0);
    this.ledger.set('activations', 0);
  }

  releaseStaging(): void {
    this.pools.releaseAll();
  }
}

/** Bytes of a network's parameters, all of which are float32. */
export function weightBytes({ parameters }: MeasuredGeometry): number {
  return parameters * 4;
}

function sessionName(key: string, { type, channels }: PixelKind): string {
  return `${key} ${type}-${channels}`;
}
