import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nameFromText } from '../../src/core/name.js';
import type { Look } from '../../src/core/place/place.js';
import type { Takes } from '../../src/core/rsync/args.js';
import type { Version } from '../../src/core/rsync/version.js';
import type { Window } from '../../src/core/window.js';
import { inPlace, LEAST, type TrialOptions, takenAbove, tryOut } from '../../src/link/trial.js';
import { PROGRAMS, there } from '../support/programs.js';
import { temporaryDir } from '../support/tree.js';

/** How our options are written, see rsyncArgs. */
const WINDOW = '--modify-window=-1';
const MARKS = '--delete-missing-args';
const RULES = '--filter=merge ';

/** An rsync that ends with `code` where it is told anything that begins like one of `refused`, else with `through`; and how often it was started. */
function rsyncThat(refused: readonly string[], { code = 12, through = 23, version = [3, 2, 7] as Version } = {}) {
  const dir = temporaryDir();
  const file = join(dir, 'rsync');
  const refuses = refused.map((arg) => `  case $arg in "${arg}"*) exit ${code};; esac`).join('\n');
  writeFileSync(
    file,
    `#!/bin/sh\necho >> ${dir}/runs\ncat > /dev/null\nfor arg do\n  :\n${refuses}\ndone\nexit ${through}\n`,
  );
  chmodSync(file, 0o755);
  const options: TrialOptions = {
    here: { program: { ...there(PROGRAMS.rsync), file }, version },
    target: { kind: 'local', path: '/there', label: '/there', place: '/there' },
    connection: { remoteShell: undefined, patienceMs: 30_000 },
    extras: [],
  };
  return { options, runs: () => readFileSync(join(dir, 'runs'), 'utf8').length };
}

describe('what the other side takes is tried out:', () => {
  it.each<[string, readonly string[], Takes]>([
    ['all', [], { window: -1, deletions: 'marks' }],
    ['no marks for what is missing', [MARKS], { window: -1, deletions: 'rules' }],
    ['no deletions of either kind', [MARKS, RULES], { window: -1, deletions: 'none' }],
    ['no window below zero', [WINDOW], { window: 0, deletions: 'marks' }],
    ['neither window nor marks', [WINDOW, MARKS], { window: 0, deletions: 'rules' }],
    ['nothing but the least', [WINDOW, MARKS, RULES], LEAST],
  ])('%s', async (_, refused, takes) => {
    const { options } = rsyncThat(refused);
    expect(await tryOut(options)).toEqual({ ok: true, takes, isCramped: false });
  });

  it('one run is enough where it takes all', async () => {
    const { options, runs } = rsyncThat([]);
    await tryOut(options);
    expect(runs()).toBe(1);
  });

  it.each([0, 24])('a run that ends with %i was through, too', async (through) => {
    const { options } = rsyncThat([], { through });
    expect(await tryOut(options)).toMatchObject({ ok: true, takes: { deletions: 'marks' } });
  });

  it('a window below zero is not asked of an rsync here that knows none', async () => {
    const { options, runs } = rsyncThat([WINDOW], { version: [3, 1, 2] });
    expect(await tryOut(options)).toMatchObject({ ok: true, takes: { window: 0, deletions: 'marks' } });
    expect(runs()).toBe(1);
  });

  it('there is no rsync where not even the plainest run gets through: it says how that ended', async () => {
    const { options } = rsyncThat([], { through: 127 });
    expect(await tryOut(options)).toMatchObject({ ok: false, exit: { code: 127 } });
    expect(await takenAbove(options, LEAST)).toBe(LEAST);
  });

  it('what ssh refused first and let in then was cramped', async () => {
    const { options } = rsyncThat([MARKS], { code: 255 });
    expect(await tryOut(options)).toMatchObject({ ok: true, takes: { deletions: 'rules' }, isCramped: true });
  });
});

it('where times are kept less exactly, they are compared so', () => {
  const place = {
    path: nameFromText('/there'),
    exists: true,
    chain: [],
    mounts: [],
    boot: undefined,
    homes: [],
    users: [],
  };
  const at = (window: Window): Look => ({
    kind: 'place',
    place: { ...place, spelling: 'exact', trash: undefined, window },
  });
  const best: Takes = { window: -1, deletions: 'marks' };
  expect(inPlace(best, at(-1))).toBe(best);
  expect(inPlace(best, at(0))).toEqual({ ...best, window: 0 });
  expect(inPlace(LEAST, at(-1))).toBe(LEAST);
  expect(inPlace(best, { kind: 'unknown', why: 'x' })).toBe(best);
});
