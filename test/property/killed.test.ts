import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { it } from 'vitest';
import { steadyNow, wallNow } from '../../src/clock.js';
import type { Name } from '../../src/core/name.js';
import { Memory } from '../../src/state/memory.js';
import { runBatch } from '../../src/sync/batch.js';
import { Ledger } from '../../src/sync/ledger.js';
import { followRules, makePass } from '../../src/sync/turn.js';
import type { PassWork } from '../../src/sync/work.js';
import { amount } from '../support/amount.js';
import { localWork, passOptions } from '../support/deliver.js';
import type { FakeDisk } from '../support/fake-disk.js';
import type { FakeRsync, Fate } from '../support/fake-rsync.js';
import { bringAll, differences, fakeWork, ours } from '../support/fake-work.js';
import { aChange, aName, change } from '../support/random-changes.js';
import { filterOf } from '../support/settings.js';

/** The state is flushed to the disk each time that it is saved: where there is a disk in memory it is there. */
const FOLDER = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** Nothing of what was in memory counts any more. */
class Killed extends Error {}

/** A directory in memory and a place there, and what brings names from one to the other: all that outlives that is on the disk. */
class Lives {
  readonly disk: FakeDisk;
  readonly rsync: FakeRsync;
  readonly filter = filterOf({ syncignore: [] });
  readonly #folder = mkdtempSync(join(FOLDER, 'syncwatch-killed-'));
  readonly #plain: PassWork['rsync'];
  #work: PassWork | undefined;

  constructor(deletions: 'marks' | 'rules') {
    const { disk, rsync, work } = fakeWork();
    disk.changedMs = () => wallNow(); // its clock is another one than the memory's
    rsync.isExcluded = (name, isDir) => this.isExcluded(name, isDir);
    this.disk = disk;
    this.rsync = rsync;
    this.#plain = { ...work.rsync, takes: { ...work.rsync.takes, deletions } };
  }

  get work(): PassWork {
    if (this.#work === undefined) throw new Error('it was not begun');
    return this.#work;
  }

  /** From what is remembered. */
  async begin(): Promise<void> {
    this.#work?.ledger.close();
    const memory = new Memory({
      path: join(this.#folder, 'state'),
      uid: process.getuid?.() ?? 0,
      owner: () => ({ root: '/r', identity: '', target: '/t' }),
      mounts: () => new Map(),
      makeFolder: () => undefined,
      onProblem: (problem) => {
        throw new Error(problem);
      },
    });
    const { index } = await memory.load();
    const books = { journal: memory, target: '/t', report: () => {}, rulesMayComeBack: () => false };
    const { disk, rsync } = this;
    const parts = { disk, runner: rsync, startClear: rsync.startClear.bind(rsync), ledger: new Ledger(books, index) };
    this.#work = { ...localWork('/r', '/t', this.filter, {}, parts), rsync: this.#plain };
    await this.followRules();
  }

  isExcluded(name: Name, isDir: boolean): boolean {
    return !this.filter.decideDeep(name, isDir).synced;
  }

  async exclude(patterns: readonly string[]): Promise<void> {
    const source = { kind: 'ignoreFile', path: '.syncignore', line: 1 } as const;
    this.filter.replace(
      'syncignore',
      patterns.map((pattern) => ({ action: 'exclude', pattern, source })),
    );
    await this.followRules();
  }

  followRules(): Promise<void> {
    return followRules(this.work, (name) => void this.work.ledger.note(name));
  }

  noteAll(): void {
    const { ledger } = this.work;
    for (const [name, { type }] of this.disk.entries()) if (!this.isExcluded(name, type === 'dir')) ledger.note(name);
    for (const [name] of ledger.index.entries()) ledger.note(name);
    ledger.hurry();
  }

  /** What is ours there and unknown. */
  get lost(): Name[] {
    const { index } = this.work.ledger;
    return ours(this.rsync).filter((name) => index.get(name) === undefined && index.aside.get(name) === undefined);
  }

  end(): void {
    this.#work?.ledger.close();
    rmSync(this.#folder, { recursive: true });
  }
}

it('killed at any moment, with rules that come and go, in the end here is there', async () => {
  const aRound = fc.record({
    what: fc.constantFrom('batch', 'batch', 'some', 'pass', 'asked', 'quick', 'save', 'rules'),
    rules: fc.subarray(['/a', '/d/', 'x', 'z/', 'w'], { maxLength: 2 }),
    changes: fc.array(aChange, { minLength: 1, maxLength: 3 }),
    /** Something happens to this name when a run begins; and as soon as rsync has turned to it, it is over. */
    victim: fc.option(aName, { nil: undefined }),
    twist: fc.constantFrom('chmod', 'write', 'mkdir', 'symlink', 'remove', 'block'),
    /** And that happens to it before the next one. */
    later: fc.constantFrom('chmod', 'write', 'mkdir', 'remove', 'remove', 'block'),
    cutAfter: fc.option(fc.nat({ max: 6 }), { nil: undefined }),
    isKilled: fc.boolean(),
    fates: fc.array(fc.constantFrom<Fate>('done', 'done', 'done', 'untouched', 'failed'), {
      minLength: 1,
      maxLength: 4,
    }),
  });
  const oneLife = async (
    lives: Lives,
    rounds: ReadonlyArray<typeof aRound extends fc.Arbitrary<infer T> ? T : never>,
  ) => {
    const { disk, rsync } = lives;
    await lives.begin();
    for (const { what, rules, changes, victim, twist, later, cutAfter, isKilled, fates } of rounds) {
      for (const each of changes) change(disk, each);
      let steps = 0;
      let isOver = false;
      rsync.course.begins = () => {
        if (victim !== undefined) change(disk, { do: twist, name: victim, to: victim });
      };
      rsync.course.isCut = () => {
        if (isOver && isKilled) throw new Killed();
        return isOver;
      };
      rsync.course.fate = (name) => {
        isOver ||= victim === undefined ? steps === cutAfter : name === victim;
        return fates[steps++ % fates.length] ?? 'done';
      };
      lives.noteAll();
      const { work } = lives;
      const batch = (most: number) =>
        runBatch(work, work.ledger.pending.ready(steadyNow(), most), { mayRest: false, mayPart: false });
      try {
        if (what === 'batch') await batch(1_000);
        else if (what === 'some') await batch(2);
        else if (what === 'save') await work.ledger.save();
        else if (what === 'rules') await lives.exclude(rules);
        else if (what === 'asked') await makePass(work, 'full', passOptions({ askedFrom: 0 }));
        else await makePass(work, what === 'pass' ? 'full' : 'quick', passOptions());
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
        await lives.begin();
      }
      if (victim !== undefined) change(disk, { do: later, name: victim, to: victim });
      if (lives.lost.length > 0) throw new Error(`after ${what}, unknown there: ${lives.lost.join(' ')}`);
    }
    rsync.course = { ...rsync.course, begins: () => {}, isCut: () => false, fate: () => 'done' };
    await lives.exclude([]);
    await bringAll(lives);
    const found = differences(lives);
    if (found.length > 0) throw new Error(found.join(', '));
  };
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom<'marks' | 'rules'>('marks', 'rules'),
      fc.array(aRound, { minLength: 1, maxLength: 6 }),
      async (deletions, rounds) => {
        const lives = new Lives(deletions);
        try {
          await oneLife(lives, rounds);
        } finally {
          lives.end();
        }
      },
    ),
    { numRuns: amount(1_000, 50_000) },
  );
});
