import { defineConfig } from 'vitest/config';

/** Only where `npm run soak` asks for it. */
const SOAK =
  process.env['SYNCWATCH_SOAK_MINUTES'] === undefined
    ? []
    : [{ test: { name: 'soak', include: ['test/soak/**/*.test.ts'], testTimeout: 0 } }];

export default defineConfig({
  test: {
    projects: [
      {
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 60_000 },
      },
      {
        // Random cases held against rsync and git themselves: many in CI.
        test: {
          name: 'property',
          include: ['test/property/**/*.test.ts'],
          testTimeout: 1_200_000,
          hookTimeout: 120_000,
        },
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
      ...SOAK,
    ],
    // In CI a test that does not run is a defect.
    allowOnly: process.env['CI'] === undefined,
    retry: 0,
  },
});
