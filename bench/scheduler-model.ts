import { Simulation, Station } from './simulation.js';

/** What one picture takes, in seconds of one core. */
export interface PictureTimes {
  /** Of the codecs' threads. */
  readonly decode: number;
  readonly encode: number;
  /** Of the main thread: planning, copying, looking for what repeats. */
  readonly main: number;
  /** Of each tile, on a machine whose memory keeps up. */
  readonly tiles: readonly number[];
  /** Of each piece of what threads do when all tiles are there. */
  readonly settling: readonly number[];
}

/** A machine, and what the pool of threads is like on it. */
export interface Machine {
  /** Threads that compute, on as many cores. */
  readonly threads: number;
  /** Seconds of the main thread for each tile: to give it, and to take note of its end. */
  readonly mainPerTile: number;
  /** Pictures that are decoded or encoded at once. */
  readonly codecs: number;
  /** Pictures under way at once. */
  readonly picturesAtOnce: number;
  /** Tiles up to so many seconds are given to threads that are still busy. */
  readonly longestAhead: number;
  /** Bytes a second that a computing thread moves, and that the machine's memory can. */
  readonly bytesPerThread: number;
  readonly memoryBytes: number;
}

export interface SchedulerOutcome {
  readonly seconds: number;
  /** Shares of the time: of all threads' in tiles, of the main thread's, of the codecs'. */
  readonly busy: { readonly threads: number; readonly main: number; readonly codecs: number };
}

interface Picture {
  /** What threads are to do for it now, all of which comes before what they do next. */
  readonly pieces: readonly number[];
  pending: number;
  left: number;
  readonly done: () => void;
}

/**
 * Lets the pool's threads compute pictures: the main thread gives pieces of pictures to threads that are free, or about to be, and hears of each end. Codecs run
 * beside; where all cores compute they take their time from these, which is not counted.
 */
export function simulateScheduler(pictures: readonly PictureTimes[], machine: Machine): SchedulerOutcome {
  const simulation = new Simulation();
  const main = new Station(simulation, 1);
  const codecs = new Station(simulation, machine.codecs);
  const given = Array.from({ length: machine.threads }, () => [] as { seconds: number; ended: () => void }[]);
  /** Tiles that each thread was given, and that the main thread has not heard of again. */
  const loads = given.map(() => 0);
  const computing = given.map(() => false);
  let active = 0;
  let busySeconds = 0;
  const waiting: Picture[] = [];

  const compute = (thread: number): void => {
    const tile = computing[thread] ? undefined : given[thread]!.shift();
    if (!tile) return;
    computing[thread] = true;
    active++;
    const moved = (active * machine.bytesPerThread) / machine.memoryBytes;
    const seconds = tile.seconds * Math.max(1, moved);
    busySeconds += seconds;
    simulation.after(seconds, () => {
      active--;
      computing[thread] = false;
      compute(thread);
      main.serve(machine.mainPerTile / 2, () => {
        loads[thread]!--;
        tile.ended();
        dispatch();
      });
    });
  };
  const freeFor = (seconds: number): number => {
    const idle = loads.indexOf(0);
    if (idle >= 0 || seconds > machine.longestAhead) return idle;
    const pending = waiting.reduce((sum, each) => sum + each.pending, 0);
    return pending >= machine.threads ? loads.indexOf(1) : -1;
  };
  const dispatch = (): void => {
    for (let picture = waiting[0]; picture; picture = waiting[0]) {
      const { pieces } = picture;
      const seconds = pieces[pieces.length - picture.pending]!;
      const thread = freeFor(seconds);
      if (thread < 0) return;
      loads[thread]!++;
      if (--picture.pending === 0) waiting.shift();
      // Pictures take turns.
      else waiting.push(waiting.shift()!);
      const { done } = picture;
      const own = picture;
      const ended = (): void => {
        if (--own.left === 0) done();
      };
      main.serve(machine.mainPerTile / 2, () => {
        given[thread]!.push({ seconds, ended });
        compute(thread);
      });
    }
  };

  const inPieces = (pieces: readonly number[], done: () => void): void => {
    if (pieces.length === 0) {
      done();
      return;
    }
    waiting.push({ pieces, pending: pieces.length, left: pieces.length, done });
    dispatch();
  };

  let next = 0;
  const begin = (): void => {
    const times = pictures[next++];
    if (!times) return;
    codecs.serve(times.decode, () => {
      main.serve(times.main, () => {
        inPieces(times.tiles, () => {
          inPieces(times.settling, () => {
            codecs.serve(times.encode, begin);
          });
        });
      });
    });
  };
  for (let at = 0; at < machine.picturesAtOnce; at++) begin();
  simulation.run();
  return {
    seconds: simulation.now,
    busy: {
      threads: busySeconds / machine.threads / simulation.now,
      main: main.busyShare,
      codecs: codecs.busyShare,
    },
  };
}
