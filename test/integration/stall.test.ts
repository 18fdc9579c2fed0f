import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { nameFromText } from '../../src/core/name.js';
import { ofNames } from '../../src/core/rsync-complaints.js';
import { outcomeOf } from '../../src/core/rsync-exit.js';
import { inputOf, startRsync } from '../../src/rsync/run.js';
import { plainSettings } from '../support/settings.js';
import { temporaryDir } from '../support/tree.js';

it('a run that makes no progress is ended, and said to be', async () => {
  const dir = temporaryDir();
  // In place of ssh: a connection on which nobody ever says anything.
  const silent = join(dir, 'silent');
  writeFileSync(silent, '#!/bin/sh\nexec sleep 600\n');
  chmodSync(silent, 0o755);
  const target = {
    kind: 'remote',
    host: 'there',
    user: undefined,
    path: 'p',
    label: 'there:p',
    place: 'there:p',
  } as const;
  const settings = plainSettings({ target, root: dir, remoteShell: silent });
  const rsync = startRsync(settings, { kind: 'names', ignoreTimes: false, deleteMissing: true });
  const input = inputOf({ kind: 'names', names: [nameFromText('a')], ignoreTimes: false, deleteMissing: true });
  const exit = await rsync.finish(input, () => {}, { abort: new AbortController().signal, noProgressMs: 1_000 });
  expect(exit.stalledMs).toBe(1_000);
  const aim = { login: 'there', host: 'there', port: undefined, byHand: 'ssh there' };
  expect(outcomeOf(exit, aim, [], ofNames([]))).toMatchObject({
    kind: 'broken',
    failure: { kind: 'run', message: 'rsync to there made no progress for 1 s and was ended' },
  });
});
