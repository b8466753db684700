import { Simulation, Station } from './simulation.js';

/** What one picture takes of whom, as it was measured, and what a farm takes without any. Seconds are of one core. */
export interface FarmTimes {
  readonly worker: {
    readonly decode: number;
    /** Of each of its tiles. */
    readonly tiles: readonly number[];
    readonly encode: number;
    /** All else, in the main thread. */
    readonly rest: number;
  };
  readonly front: {
    /** To accept it. */
    readonly accept: number;
    /** To give its result. */
    readonly give: number;
  };
  readonly redis: {
    /** To accept it, as one of a job. */
    readonly accept: Use;
    /** While a worker has it. */
    readonly work: Use;
    /** A worker that waits, each second. */
    readonly idle: Use;
    /** Looking whether a job was cancelled. */
    readonly look: Use;
    /** Counting the farm's workers, for each of them: once for all who ask. */
    readonly count: Use;
    /** Asking for the number that was counted. */
    readonly slots: Use;
    /** Looking for what was lost, for each picture that waits. */
    readonly mend: Use;
  };
  readonly sourceBytes: number;
  readonly resultBytes: number;
}

/** What Redis spends. */
export interface Use {
  readonly seconds: number;
  readonly bytes: number;
}

/** What is not measured. */
export interface FarmPlaces {
  /** Seconds there and back between two machines. */
  readonly roundTrip: number;
  /** Seconds until the storage begins to answer. */
  readonly storageDelay: number;
  /** Bytes a second of all requests together. */
  readonly storageBytes: number;
  /** Requests a second, of reading and of writing. */
  readonly storageReads: number;
  readonly storageWrites: number;
  /** Bytes a second between Redis and all others. */
  readonly redisBytes: number;
}

export interface Farm {
  readonly pictures: number;
  readonly workers: number;
  /** Threads of each worker, on as many cores. */
  readonly threads: number;
  /** Cores for the codecs and the main thread of a worker; the threads share them where there are no more. */
  readonly cores: number;
  readonly fronts: number;
  /** Pictures that fronts let wait at most: whoever sends more is told to come again. */
  readonly waiting: number;
  /** Whether clients take the results while the farm computes. */
  readonly give: boolean;
}

/** Pictures that a worker has at once beyond its threads: `moreThanThreads` of `server/jobs/at-once.ts`. */
const moreThanThreads = 2;
/** Pictures that each front accepts at once. */
const acceptedAtOnce = 32;
/** Times that a worker waits for Redis, one after the other: to take a picture, and to end it. */
const asksToTake = 4;
const asksToEnd = 6;
/** Seconds between two looks of a worker for cancelled jobs; for which a count of workers holds; between two looks for what was lost. */
const lookSeconds = 5;
const countSeconds = 5;
const mendSeconds = 15;

/** What came of it. */
export interface FarmOutcome {
  /** Seconds until the last picture had ended; Infinity where Redis has no time for any. */
  readonly seconds: number;
  /** Shares of what there is of each. */
  readonly busy: Readonly<Record<Resource, number>>;
}

export type Resource =
  'workers' | 'Redis' | "Redis' network" | 'storage reads' | 'storage writes' | 'storage bytes' | 'fronts';

/**
 * Lets a farm compute pictures that come as fast as it takes them. Nothing fails, and no two pictures differ: chance has no part in it.
 * What a farm does without any picture is taken from what Redis can do.
 */
export function simulateFarm(farm: Farm, times: FarmTimes, places: FarmPlaces): FarmOutcome {
  const { pictures, workers, threads, fronts, waiting } = farm;
  const simulation = new Simulation();
  const slots = threads + moreThanThreads;
  const { redis: uses } = times;
  const perSecond = (part: keyof Use): number =>
    workers * uses.idle[part] +
    (workers * slots * uses.look[part]) / lookSeconds +
    (workers * (uses.count[part] + uses.slots[part])) / countSeconds +
    (Math.min(waiting, pictures) * uses.mend[part]) / mendSeconds;
  const background = { seconds: perSecond('seconds'), share: perSecond('bytes') / places.redisBytes };
  const redis = new Station(simulation, 1);
  const redisNetwork = new Station(simulation, 1);
  const reads = new Station(simulation, 1);
  const writes = new Station(simulation, 1);
  const bytes = new Station(simulation, 1);
  const front = new Station(simulation, fronts);
  const none = { workers: 0, 'storage reads': 0, 'storage writes': 0, 'storage bytes': 0, fronts: 0 };
  if (background.seconds >= 1 || background.share >= 1) {
    return { seconds: Infinity, busy: { ...none, Redis: background.seconds, "Redis' network": background.share } };
  }
  const ask = ({ seconds, bytes: amount }: Use, share: number, then: () => void): void => {
    redis.serve((seconds * share) / (1 - background.seconds), () => {
      redisNetwork.serve((amount * share) / places.redisBytes / (1 - background.share), then);
    });
  };
  const store = (kind: Station, perSecond: number, amount: number, then: () => void): void => {
    kind.serve(1 / perSecond, () => {
      bytes.serve(amount / places.storageBytes, () => {
        simulation.after(places.storageDelay, then);
      });
    });
  };
  const read = (amount: number, then: () => void): void => {
    store(reads, places.storageReads, amount, then);
  };
  const write = (amount: number, then: () => void): void => {
    store(writes, places.storageWrites, amount, then);
  };

  let sent = 0;
  /** Accepted, and not begun. */
  let queued = 0;
  let left = pictures;
  /** Slots of workers without a picture, and fronts' without room for one. */
  const free: (() => void)[] = [];
  const held: (() => void)[] = [];

  const accept = (): void => {
    if (sent === pictures) return;
    if (sent - (pictures - left) >= waiting + workers * slots) {
      held.push(accept);
      return;
    }
    sent++;
    front.serve(times.front.accept, () => {
      write(times.sourceBytes, () => {
        ask(uses.accept, 1, () => {
          queued++;
          free.pop()?.();
          simulation.after(places.roundTrip, accept);
        });
      });
    });
  };

  const tiles = times.worker.tiles;
  const machines: Station[] = [];
  const work = (machine: Station, computing: Station): void => {
    const take = (): void => {
      if (queued === 0) {
        free.push(take);
        return;
      }
      queued--;
      ask(uses.work, asksToTake / (asksToTake + asksToEnd), () => {
        simulation.after(asksToTake * places.roundTrip, () => {
          read(times.sourceBytes, () => {
            machine.serve(times.worker.decode + times.worker.rest / 2, compute);
          });
        });
      });
    };
    const compute = (): void => {
      let open = tiles.length;
      for (const seconds of tiles) {
        computing.enter(() => {
          machine.serve(seconds, () => {
            computing.leave();
            if (--open === 0) machine.serve(times.worker.encode + times.worker.rest / 2, keep);
          });
        });
      }
    };
    const keep = (): void => {
      write(times.resultBytes, () => {
        ask(uses.work, asksToEnd / (asksToTake + asksToEnd), () => {
          left--;
          held.pop()?.();
          if (farm.give) front.serve(times.front.give, () => undefined);
          if (farm.give) read(times.resultBytes, () => undefined);
          simulation.after(asksToEnd * places.roundTrip, take);
        });
      });
    };
    for (let slot = 0; slot < slots; slot++) take();
  };

  for (let number = 0; number < workers; number++) {
    const machine = new Station(simulation, farm.cores);
    machines.push(machine);
    work(machine, new Station(simulation, threads));
  }
  for (let at = 0; at < fronts * acceptedAtOnce; at++) accept();
  simulation.run();
  const withBackground = (share: number, besides: number): number => besides + share * (1 - besides);
  return {
    seconds: simulation.now,
    busy: {
      workers: machines.reduce((sum, { busyShare }) => sum + busyShare, 0) / workers,
      // Its time for pictures was made longer by what it does besides.
      Redis: withBackground(redis.busyShare, background.seconds),
      "Redis' network": withBackground(redisNetwork.busyShare, background.share),
      'storage reads': reads.busyShare,
      'storage writes': writes.busyShare,
      'storage bytes': bytes.busyShare,
      fronts: front.busyShare,
    },
  };
}
