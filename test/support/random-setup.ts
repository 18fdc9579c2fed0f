import type { TestProject } from 'vitest/node';

/** Always the same cases in `npm test`, new ones each time in `npm run test:long`; `SYNCWATCH_TEST_SEED` for those of a run before. */
export function setup(project: TestProject): void {
  const { isLong } = project.config.provide;
  const seed = Number(process.env['SYNCWATCH_TEST_SEED'] ?? (isLong ? Date.now() % 2 ** 31 : 1));
  if (!Number.isInteger(seed)) throw new Error('SYNCWATCH_TEST_SEED is a whole number');
  project.provide('seed', seed);
  console.log(`${project.name}: random cases from SYNCWATCH_TEST_SEED=${seed}`);
}
