import { failureOf, type UpresErrorCode } from '../../errors.js';

/** An image at which the device was lost so often is what loses it. */
const mostLosses = 8;
const shortestPause = 250;
const longestPause = 30_000;

/** Milliseconds to wait after having failed so often, from 1 on. */
export function pauseAfter(times: number): number {
  return Math.min(shortestPause * 2 ** (times - 1), longestPause);
}

interface Failures {
  code: UpresErrorCode;
  times: number;
  losses: number;
}

/**
 * How often images could not be computed for reasons that pass. It is forgotten with the process: however long a disk is full,
 * and however often the server is started meanwhile, an image waits for it to have room.
 */
export class RetryState {
  /** By job, then by image. */
  private readonly known = new Map<string, Map<number, Failures>>();

  /**
   * Notes that an image could not be computed.
   * @returns whether it is to be tried again
   */
  note(id: string, place: number, code: UpresErrorCode): boolean {
    if (!failureOf(code).passes) return false;
    const own = this.known.get(id) ?? new Map<number, Failures>();
    const failures = own.get(place) ?? { code, times: 0, losses: 0 };
    this.known.set(id, own.set(place, failures));
    failures.times++;
    failures.code = code;
    if (code === 'DEVICE_LOST') failures.losses++;
    return failures.losses < mostLosses;
  }

  /** Milliseconds after which an image is to be tried again. */
  pause(id: string, place: number): number {
    return pauseAfter(this.known.get(id)?.get(place)?.times ?? 1);
  }

  /** Why an image of a job is to be tried again; undefined where none is. */
  reason(id: string): UpresErrorCode | undefined {
    for (const { code } of this.known.get(id)?.values() ?? []) return code;
    return undefined;
  }

  /** Forgets an image that has ended. */
  settle(id: string, place: number): void {
    this.known.get(id)?.delete(place);
  }

  /** Forgets a job that has ended. */
  forget(id: string): void {
    this.known.delete(id);
  }
}
