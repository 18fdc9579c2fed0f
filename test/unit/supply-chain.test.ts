import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const WORKFLOWS = join(ROOT, '.github/workflows');

it.each(readdirSync(WORKFLOWS))('%s uses actions by their commit, with the version beside it', (file) => {
  const uses = readFileSync(join(WORKFLOWS, file), 'utf8')
    .split('\n')
    .filter((line) => /^\s*-?\s*uses:/.test(line));
  expect(uses.length).toBeGreaterThan(0);
  for (const line of uses) expect(line).toMatch(/uses: [\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
});

it('every npm package is held by its hash, and comes from the registry of npm', () => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { integrity?: string; resolved?: string }>;
  };
  const odd = Object.entries(packages).filter(
    ([path, { integrity, resolved }]) =>
      path !== '' &&
      !(
        integrity?.startsWith('sha512-') === true &&
        (resolved ?? 'https://registry.npmjs.org/').startsWith('https://registry.npmjs.org/')
      ),
  );
  expect(odd).toEqual([]);
});
