import { defineConfig } from 'vitest/config';

/** The engine's tests on the device that computes where native code can't be loaded. */
export default defineConfig({
  test: {
    pool: 'forks',
    include: [
      'test/network/{flat-colours,no-network,process-end,same-bytes,stress,thread-safe-network,wasm,wasm-networks}.test.ts',
      'test/server/jobs-http.test.ts',
    ],
    env: { UPRES_DEVICE: 'wasm' },
    maxWorkers: 1,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    server: { deps: { external: [/\/dist\//] } },
  },
});
