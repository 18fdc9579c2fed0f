// npm run soak -- --minutes N --seed S: storms of changes with and without faults, for as long as you like. Seeds count up
// from S; an odd one is without faults. A failing seed is printed with the differences: run it again with --seed.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' } },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
if (!(minutes > 0) || !Number.isInteger(seed)) {
  console.error('npm run soak -- --minutes N --seed S');
  process.exit(2);
}
const { status } = spawnSync('npx', ['vitest', 'run', '--project', 'soak', '--disable-console-intercept'], {
  stdio: 'inherit',
  env: { ...process.env, SYNCWATCH_SOAK_MINUTES: String(minutes), SYNCWATCH_SOAK_SEED: String(seed) },
});
process.exit(status ?? 1);
