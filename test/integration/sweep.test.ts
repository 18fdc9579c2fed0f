import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { localEngine } from '../support/engine.js';
import { filterOf } from '../support/settings.js';
import { fill, names, temporaryDir } from '../support/tree.js';

it('what no watcher tells of is brought all the same: a new file, a removed one, a renamed directory', async () => {
  const base = temporaryDir();
  const [root, there] = [join(base, 'here'), join(base, 'there')];
  fill(root, { 'd/e/f': 'f', 'd/g': 'g', 'h/i/j': 'j' });
  const engine = localEngine(root, there, filterOf());
  onTestFinished(() => engine.close());
  expect(await engine.begin('full')).toBeUndefined();
  expect(names(there)).toEqual(names(root));
  const fresh = join(root, 'd/e/fresh');
  writeFileSync(fresh, 'another f');
  renameSync(fresh, join(root, 'd/e/f'));
  rmSync(join(root, 'd/e/f'));
  fill(root, { 'd/new': 'new' });
  renameSync(join(root, 'h/i'), join(root, 'h/k'));
  // As soon as its share of the time allows: on a busy machine one look may be interrupted for long.
  await vi.waitFor(() => expect(names(there)).toEqual(names(root)), { timeout: 60_000, interval: 50 });
});
