import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Networks can only be created in a main thread, so each test file is a process of its own.
    pool: 'forks',
    include: ['test/**/*.test.ts'],
    exclude: ['test/package/**'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The built package is what users run, worker threads included: Node loads it as it is.
    server: { deps: { external: [/\/dist\//] } },
  },
});
