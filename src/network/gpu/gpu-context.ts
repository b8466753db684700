import type { GpuDevice } from '../device.js';

/** A graphics processor, and what all networks of this process hold for it, in bytes as this package counts them: the driver's own are not known to it. */
export interface GpuState {
  /** The interface that the device is reached through. */
  readonly device: GpuDevice;
  /** What the device is called; undefined where the system does not tell. */
  readonly adapter: string | undefined;
  /** What may be held: the smallest budget of the networks that are open. 0 when none is. */
  readonly budget: number;
  /** What is held. */
  readonly allocated: {
    /** All of it. */
    readonly total: number;
    /** Pixels on their way: buffers that callers reuse, and batches that were sent and have not come back. */
    readonly staging: number;
    /** Parameters of all sessions that are open. */
    readonly weights: number;
    /** Estimate for the layers' results: the largest batch so far, since the runtime keeps that memory for the next one. */
    readonly activations: number;
  };
  /** Buffers that callers reuse from batch to batch: those who have one, and the bytes of all, which are part of `staging`. */
  readonly pools: {
    /** How many have such buffers. */
    readonly callers: number;
    /** Bytes of all. */
    readonly bytes: number;
  };
}

const cellNames = ['budget', 'staging', 'weights', 'activations', 'callers', 'poolBytes'] as const;
type CellName = (typeof cellNames)[number];

/** What another thread needs to look into a context. */
export interface GpuContextHandle {
  readonly kind: GpuDevice;
  /** What the device is called, where the system tells. */
  readonly adapter: string | undefined;
  readonly cells: SharedArrayBuffer;
}

/**
 * Looks at what is held for a graphics processor; it counts nothing itself. The numbers lie on shared memory, so threads that are
 * attached see those of the main thread as they are now.
 */
export class GpuContext {
  private readonly cells: BigInt64Array<SharedArrayBuffer>;

  constructor(private handle: GpuContextHandle) {
    this.cells = new BigInt64Array(handle.cells);
  }

  /** As it is now. */
  get state(): GpuState {
    const { kind: device, adapter } = this.handle;
    const [staging, weights, activations] = [this.read('staging'), this.read('weights'), this.read('activations')];
    return {
      device,
      adapter,
      budget: this.read('budget'),
      allocated: { total: staging + weights + activations, staging, weights, activations },
      pools: { callers: this.read('callers'), bytes: this.read('poolBytes') },
    };
  }

  name(adapter: string | undefined): void {
    this.handle = { ...this.handle, adapter };
  }

  share(): GpuContextHandle {
    return this.handle;
  }

  private read(name: CellName): number {
    return Number(Atomics.load(this.cells, cellNames.indexOf(name)));
  }
}

/** The hand that writes a context's numbers; only the main thread has one. */
export class GpuLedger {
  readonly context: GpuContext;
  private readonly cells: BigInt64Array<SharedArrayBuffer>;

  constructor(kind: GpuDevice) {
    const cells = new SharedArrayBuffer(8 * cellNames.length);
    this.cells = new BigInt64Array(cells);
    this.context = new GpuContext({ kind, adapter: undefined, cells });
  }

  name(adapter: string | undefined): void {
    this.context.name(adapter);
  }

  /** Adds bytes, or takes them away when negative. */
  add(name: CellName, bytes: number): void {
    Atomics.add(this.cells, cellNames.indexOf(name), BigInt(bytes));
  }

  set(name: CellName, value: number): void {
    Atomics.store(this.cells, cellNames.indexOf(name), BigInt(value));
  }
}
