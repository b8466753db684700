import { defineConfig } from 'vitest/config';

/** Files that measure what happens at once, which other programs' work would disturb. */
const undisturbed = ['test/network/overlap.test.ts', 'test/server/load.test.ts'];

/** Files whose tests only call functions and leave nothing behind: starting a process takes longer than most of them. */
const light = [
  'test/{certificate-hint,event-loop}.test.ts',
  'test/asset/{asset-plan,cached-upscaler,directives,names,on-error,urls,engine-identity,markup,options,report,resolve}.test.ts',
  'test/asset/cache/{cache-key,patience}.test.ts',
  'test/cli/{naming,options,plan,progress,words}.test.ts',
  'test/image/{limits,on-device,planes,target}.test.ts',
  'test/model/{catalogue,graph}/*.test.ts',
  'test/model/graph/import/{rsr,tfjs}.test.ts',
  'test/network/{admission,call,fair-queue,gpu-plan,main-backend,mirrored-row,repeated-tiles,tiles,trial-result}.test.ts',
  'test/server/{jobs-limits,jobs-queue,jobs-runner,jobs-retry-state,jobs-store,occupancy,problem,settings,variant}.test.ts',
];

const everywhere = {
  // Networks can only be created in a main thread, so each test file is a process of its own.
  pool: 'forks' as const,
  globalSetup: 'test/support/weights-folder.ts',
  testTimeout: 60_000,
  hookTimeout: 60_000,
  // The built package is what users run, worker threads included: Node loads it as it is.
  server: { deps: { external: [/\/dist\//] } },
};

/** Three, whatever the machine has: most of them compute on all cores, and some only wait, for a process, a browser or a remote cache. */
const severalAtOnce = { ...everywhere, maxWorkers: 3, sequence: { groupOrder: 1 } };

export default defineConfig({
  test: {
    projects: [
      {
        test: { ...everywhere, name: 'alone', include: undisturbed, maxWorkers: 1, sequence: { groupOrder: 0 } },
      },
      {
        test: {
          ...severalAtOnce,
          name: 'light',
          include: light,
          // A process takes one file after the other.
          isolate: false,
        },
      },
      {
        test: {
          ...severalAtOnce,
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: ['test/package/**', 'test/**/*.device.test.ts', ...undisturbed, ...light],
        },
      },
    ],
  },
});
