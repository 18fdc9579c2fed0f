import { defineConfig } from 'vitest/config';

/** Only where `npm run soak` asks for it. */
const SOAK =
  process.env['SYNCWATCH_SOAK_MINUTES'] === undefined
    ? []
    : [{ test: { name: 'soak', include: ['test/soak/**/*.test.ts'], testTimeout: 0 } }];

/** Where cases are drawn at random. How long they take depends on how many there are. */
const RANDOM = {
  globalSetup: ['test/support/random-setup.ts'],
  setupFiles: ['test/support/random.ts'],
  testTimeout: 1_800_000,
  hookTimeout: 120_000,
};

export default defineConfig({
  test: {
    projects: [
      {
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 60_000 },
      },
      {
        // Held against rsync and git themselves: a few random cases, always the same.
        test: { name: 'property', include: ['test/property/**/*.test.ts'], ...RANDOM, provide: { isLong: false } },
      },
      {
        test: {
          name: 'server',
          include: ['test/integration/**/*.test.ts', 'test/e2e/**/*.test.ts'],
          globalSetup: ['test/support/server-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // With servers of their own, which they may kill.
        test: { name: 'fault', include: ['test/fault/**/*.test.ts'], testTimeout: 300_000, hookTimeout: 120_000 },
      },
      {
        // Much that changes at once: a little of it.
        test: { name: 'storm', include: ['test/storm/**/*.test.ts'], ...RANDOM, provide: { isLong: false } },
      },
      {
        // npm run test:long: the same with many cases, new ones each time, and with very much that changes at once.
        test: {
          name: 'long',
          include: ['test/property/**/*.test.ts', 'test/storm/**/*.test.ts'],
          ...RANDOM,
          provide: { isLong: true },
        },
      },
      ...SOAK,
    ],
    // In CI a test that does not run is a defect.
    allowOnly: process.env['CI'] === undefined,
    retry: 0,
  },
});
