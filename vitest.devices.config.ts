import { defineConfig } from 'vitest/config';

/**
 * Tests that compute on a graphics processor, for which a Vulkan driver in software stands in. Apart from the others, because
 * such a driver takes minutes for what the processor's own kernels do in seconds.
 */
export default defineConfig({
  test: {
    pool: 'forks',
    globalSetup: 'test/support/weights-folder.ts',
    include: ['test/**/*.device.test.ts'],
    maxWorkers: 1,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    server: { deps: { external: [/\/dist\//] } },
  },
});
