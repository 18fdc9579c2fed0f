import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { steadyNow } from '../../src/clock.js';
import { nameFromText } from '../../src/core/name.js';
import { runBatch } from '../../src/sync/batch.js';
import type { RunResult } from '../../src/sync/read-run.js';
import type { Runs } from '../../src/sync/runner.js';
import { bringWaiting, everything, localWork, noteAll } from '../support/deliver.js';
import { BROKEN } from '../support/fake-rsync.js';
import { filterOf } from '../support/settings.js';
import { temporaryDir } from '../support/tree.js';

it('what has changed places and waits in the stash is ours to delete, if the link breaks then', async () => {
  const [root, there] = [temporaryDir(), temporaryDir()];
  for (const dir of ['a', 'b']) {
    mkdirSync(join(root, dir));
    writeFileSync(join(root, dir, 'f'), dir.repeat(2_000_000));
  }
  const work = localWork(root, there, filterOf());
  const { ledger, runner: real } = work;
  await noteAll(work);
  await bringWaiting(work);
  for (const [from, to] of [
    ['a', 'c'],
    ['b', 'a'],
    ['c', 'b'],
  ] as const)
    renameSync(join(root, from), join(root, to));
  await noteAll(work);
  const broken: RunResult = {
    outcome: { kind: 'broken', failure: BROKEN },
    items: [],
    kept: new Set(),
    deletedDirs: new Set(),
  };
  const runner: Runs = {
    look: (...of) => real.look(...of),
    run: async (begun, ...of) => {
      if (begun.run.kind !== 'moves') return real.run(begun, ...of);
      await begun.ended(broken);
      return broken;
    },
  };
  const names = ledger.pending.ready(steadyNow(), Number.POSITIVE_INFINITY);
  const end = await runBatch({ ...work, runner }, names, { mayRest: false, mayPart: false });
  expect(end).toMatchObject({ kind: 'broken' });
  const stashed = everything(there).filter((path) => path.startsWith('.syncwatch-moved/'));
  expect(stashed).toContain('.syncwatch-moved/a/f');
  for (const path of stashed) expect(ledger.index.get(nameFromText(path.replace(/\/$/, ''))), path).toBeDefined();
  // As the full pass after it does.
  for (const [name] of ledger.index.entries()) ledger.note(name);
  ledger.hurry();
  await bringWaiting(work);
  expect(everything(there)).toEqual(everything(root));
});
