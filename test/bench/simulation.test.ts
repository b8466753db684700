import { describe, expect, it } from 'vitest';
import { simulateFarm, type Farm, type FarmPlaces, type FarmTimes } from '../../bench/farm-model.js';
import { simulateScheduler, type Machine } from '../../bench/scheduler-model.js';
import { Simulation, Station } from '../../bench/simulation.js';

describe('simulated time', () => {
  it('goes from event to event, those of one moment in the order in which they were planned', () => {
    const simulation = new Simulation();
    const seen: string[] = [];
    const note = (name: string) => () => seen.push(`${name} ${simulation.now}`);
    simulation.after(3, note('c'));
    simulation.after(1, () => {
      note('a')();
      simulation.after(2, note('d'));
      simulation.after(0, note('b'));
    });
    for (let at = 0; at < 40; at++) simulation.after(5 + ((at * 7) % 40), note('later'));
    simulation.run();
    expect(seen.slice(0, 4)).toEqual(['a 1', 'b 1', 'c 3', 'd 3']);
    expect(seen.slice(4)).toEqual(Array.from({ length: 40 }, (_, at) => `later ${5 + at}`));
  });

  it('has those wait in line who find all places taken', () => {
    const simulation = new Simulation();
    const station = new Station(simulation, 2);
    const ends: number[] = [];
    for (let at = 0; at < 5; at++) station.serve(10, () => ends.push(simulation.now));
    simulation.run();
    expect(ends).toEqual([10, 10, 20, 20, 30]);
    expect(station.busyShare).toBeCloseTo(50 / 60);
  });
});

const free = { seconds: 0, bytes: 0 };
const times: FarmTimes = {
  worker: { decode: 0.1, tiles: [0.4, 0.4], encode: 0.1, rest: 0 },
  front: { accept: 0, give: 0 },
  redis: { accept: free, work: free, idle: free, look: free, count: free, slots: free, mend: free },
  sourceBytes: 0,
  resultBytes: 0,
};
const places: FarmPlaces = {
  roundTrip: 0,
  storageDelay: 0,
  storageBytes: 1e12,
  storageReads: 1e12,
  storageWrites: 1e12,
  redisBytes: 1e12,
};
const farm: Farm = { pictures: 1000, workers: 2, threads: 1, cores: 1, fronts: 1, waiting: 100, give: true };

describe('a simulated farm', () => {
  it('takes the time of its workers where nothing else takes any, and twice as many take half of it', () => {
    const two = simulateFarm(farm, times, places);
    expect(two.seconds).toBeCloseTo(500, 0);
    expect(two.busy.workers).toBeCloseTo(1, 2);
    expect(simulateFarm({ ...farm, workers: 4 }, times, places).seconds).toBeCloseTo(250, 0);
    expect(simulateFarm(farm, times, places)).toEqual(two);
  });

  it('is as fast as what is slowest, however many workers it has', () => {
    const many = { ...farm, workers: 200 };
    const redis = { ...times.redis, work: { seconds: 0.02, bytes: 0 } };
    const slowRedis = simulateFarm(many, { ...times, redis }, places);
    expect(slowRedis.seconds).toBeGreaterThan(20);
    expect(slowRedis.seconds).toBeLessThan(23);
    expect(slowRedis.busy.Redis).toBeGreaterThan(0.9);
    const slowWrites = simulateFarm(many, times, { ...places, storageWrites: 100 });
    // Each picture is written twice.
    expect(slowWrites.seconds).toBeGreaterThan(20);
    expect(slowWrites.busy['storage writes']).toBeGreaterThan(0.9);
    expect(slowWrites.seconds).toBeLessThan(23);
  });

  it('stands still where Redis has no time left for pictures', () => {
    const redis = { ...times.redis, count: { seconds: 0.05, bytes: 0 } };
    expect(simulateFarm({ ...farm, workers: 100 }, { ...times, redis }, places).seconds).toBe(Infinity);
  });
});

describe('a simulated pool of threads', () => {
  const machine: Machine = {
    threads: 4,
    mainPerTile: 0,
    codecs: 4,
    picturesAtOnce: 8,
    longestAhead: 0.1,
    bytesPerThread: 1,
    memoryBytes: 1e9,
  };
  const pictures = Array.from({ length: 100 }, () => ({
    decode: 0,
    encode: 0,
    main: 0,
    tiles: [0.2, 0.2],
    settling: [],
  }));

  it('shares the tiles out', () => {
    const { seconds, busy } = simulateScheduler(pictures, machine);
    expect(seconds).toBeCloseTo(10);
    expect(busy.threads).toBeCloseTo(1);
    const settled = pictures.map((picture) => ({ ...picture, settling: [0.1, 0.1] }));
    expect(simulateScheduler(settled, machine).seconds).toBeCloseTo(15);
  });

  it('is held up by its main thread, its codecs, or its memory', () => {
    expect(simulateScheduler(pictures, { ...machine, mainPerTile: 0.1 }).seconds).toBeGreaterThanOrEqual(20);
    const coded = pictures.map((picture) => ({ ...picture, encode: 0.5 }));
    expect(simulateScheduler(coded, { ...machine, codecs: 1 }).seconds).toBeGreaterThanOrEqual(50);
    expect(simulateScheduler(pictures, { ...machine, bytesPerThread: 5e8 }).seconds).toBeCloseTo(20, 0);
  });
});
