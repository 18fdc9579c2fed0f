import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nameFromText } from '../../src/core/name.js';
import { amount } from '../support/amount.js';
import { everything, plant } from '../support/deliver.js';
import { asArgs, paths, rawRules, rsyncRules } from '../support/random-rules.js';
import { filterOf } from '../support/settings.js';
import { temporaryDir } from '../support/tree.js';

/** How many random rule lists are held against rsync. Each costs one rsync. */
const CASES = amount(50, 2_000);

describe('our filter and rsync', () => {
  it(`agree on ${CASES} random rule lists`, () => {
    const base = temporaryDir();
    let n = 0;
    fc.assert(
      fc.property(paths, rsyncRules, (some, list) => {
        const dir = join(base, String(++n));
        plant(dir, some);
        const filter = filterOf({ user: rawRules(list) });
        const ours = everything(dir)
          .map((each) => [nameFromText(each.replace(/\/$/, '')), each.endsWith('/')] as const)
          .filter(([name, isDir]) => filter.decideDeep(name, isDir).synced)
          .map(([name]) => name);
        const theirs = execFileSync(
          'rsync',
          ['-r', '-n', '--out-format=%n', ...asArgs(list), `${dir}/`, `${dir}-nowhere/`],
          { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } },
        )
          .split('\n')
          .filter((line) => line !== '' && line !== './' && !line.startsWith('created directory'))
          .map((line) =>
            line
              .replace(/\/$/, '')
              .replace(/\\#(\d{3})/g, (_, o: string) => String.fromCharCode(Number.parseInt(o, 8))),
          );
        expect(ours.sort()).toEqual(theirs.sort());
      }),
      { numRuns: CASES },
    );
  });
});
