import { defineConfig } from 'vitest/config';

/** Tests of the packed package. Apart from the others, because installing it needs the npm registry. */
export default defineConfig({
  test: { pool: 'forks', include: ['test/package/**/*.test.ts'], testTimeout: 300_000, hookTimeout: 300_000 },
});
