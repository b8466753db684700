import { defineConfig } from 'vitest/config';

/** Files that measure (memory of threads, time that they compute at once), which other programs' work would disturb. */
const measuring = ['test/network/overlap.test.ts', 'test/network/weight-sharing.test.ts', 'test/server/load.test.ts'];

const shared = {
  // Networks can only be created in a main thread, so each test file is a process of its own.
  pool: 'forks' as const,
  testTimeout: 60_000,
  hookTimeout: 60_000,
  // The built package is what users run, worker threads included: Node loads it as it is.
  server: { deps: { external: [/\/dist\//] } },
};

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: 'alone',
          include: measuring,
          maxWorkers: 1,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: ['test/package/**', ...measuring],
          // Two, whatever the machine has: most of them compute on all cores.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
