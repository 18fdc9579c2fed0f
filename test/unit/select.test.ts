import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Ignores } from '../../src/core/filter/filter.js';
import type { GitRule, RawRule } from '../../src/core/filter/rule.js';
import type { Name } from '../../src/core/name.js';
import type { BatchOptions } from '../../src/core/sync/effects.js';
import { begun } from '../../src/core/sync/entry.js';
import type { RulesInForce } from '../../src/rules/in-force.js';
import { select } from '../../src/sync/select.js';
import { RULES } from '../support/deliver.js';
import { type FakeWork, fakeWork, n } from '../support/fake-work.js';
import { filterOf } from '../support/settings.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'Date'], now: 2_000_000_000_000 }));
afterEach(() => void vi.useRealTimers());

interface Given extends Partial<BatchOptions> {
  /** How long they have waited, in milliseconds. */
  readonly waitedMs?: number;
}

/** What of these names goes, and when to look again. */
async function selected({ work }: FakeWork, names: readonly string[], { waitedMs = 0, ...options }: Given = {}) {
  for (const name of names) work.ledger.note(n(name));
  vi.advanceTimersByTime(waitedMs);
  const { view, restMs } = await select(work, names.map(n), { mayRest: true, mayPart: false, ...options });
  return { goes: [...view.before.keys()], restMs, view };
}

const waits = ({ work }: FakeWork): string[] => [...work.ledger.pending].map(([name]) => name);

/** It was delivered as it is. */
function deliver({ work, disk }: FakeWork, name: string): void {
  work.ledger.delivered(n(name), disk.get(n(name)) ?? begun('file'));
}

describe('of a batch', () => {
  it('goes what is at rest; when to look again is when the first of the others will be', async () => {
    const world = fakeWork({ rest: { writtenMs: 10, cameMs: 30 } });
    world.disk.write('a');
    expect(await selected(world, ['a', 'gone'], { waitedMs: 10 })).toMatchObject({ goes: [], restMs: 20 });
    expect(await selected(world, ['a', 'gone'], { waitedMs: 20 })).toMatchObject({ goes: ['a', 'gone'], restMs: 0 });
  });

  it('a save rests for less long than what came', async () => {
    const world = fakeWork({ rest: { writtenMs: 10, cameMs: 30 } });
    deliver(world, world.disk.write('known'));
    world.disk.put(n('known'), { ...(world.disk.get(n('known')) ?? begun('file')), mtimeS: 2_000_000_000 });
    world.disk.write('new');
    for (const names of [
      ['known', 'new'],
      ['new', 'known'],
    ])
      expect(await selected(world, names)).toMatchObject({ goes: [], restMs: 10 });
  });

  it('goes all where nothing may rest', async () => {
    const world = fakeWork({ rest: { writtenMs: 10, cameMs: 30 } });
    world.disk.write('a');
    expect(await selected(world, ['a'], { mayRest: false })).toMatchObject({ goes: ['a'], restMs: 0 });
  });

  it('go at most so many, the first ones', async () => {
    const world = fakeWork();
    for (const name of ['a', 'b', 'c']) world.disk.write(name);
    expect(await selected(world, ['c', 'a', 'b'], { most: 2 })).toMatchObject({ goes: ['c', 'a'] });
    expect(waits(world)).toEqual(['c', 'a', 'b']);
  });

  it('the directories above are looked at before the names: one that is away meanwhile was away', async () => {
    const world = fakeWork();
    world.disk.write('d/e/a');
    world.disk.looks.length = 0;
    const { view } = await selected(world, ['d/e/a']);
    const last = n('d/e/a');
    expect([...view.above.keys()].sort()).toEqual(['d', 'd/e']);
    for (const dir of view.above.keys())
      expect(world.disk.looks.indexOf(dir)).toBeLessThan(world.disk.looks.indexOf(last));
  });

  it('what rsync can not be told of is left out, for its directory tells of it', async () => {
    const world = fakeWork();
    world.disk.write('a');
    world.disk.tooLong.add(world.disk.write('long'));
    world.disk.block('closed', 'unreadable');
    expect((await selected(world, ['a', 'long', 'closed'])).goes).toEqual(['a', 'closed']);
    expect(waits(world)).toEqual(['a', 'closed']);
  });
});

const EXCLUDE_X: RawRule = { action: 'exclude', pattern: 'x', source: { kind: 'default' } };

describe('what is excluded', () => {
  it('takes no part; what was delivered of it stays there', async () => {
    const world = fakeWork({ filter: filterOf({ user: [EXCLUDE_X] }) });
    for (const name of ['a', 'x', 'd/x']) world.disk.write(name);
    deliver(world, 'x');
    expect((await selected(world, ['a', 'x', 'd/x'])).goes).toEqual(['a']);
    expect(waits(world)).toEqual(['a']);
    expect(world.work.ledger.index.get(n('x'))).toBeUndefined();
    expect(world.work.ledger.index.aside.get(n('x'))).toBeDefined();
  });

  it('and has taken the place of something of another kind: that is gone', async () => {
    const world = fakeWork({ filter: filterOf({ user: [{ ...EXCLUDE_X, pattern: 'x/' }] }) });
    world.disk.write('x');
    deliver(world, 'x');
    world.disk.mkdir('x');
    const { view } = await selected(world, ['x']);
    expect(view.before.get(n('x'))).toBe('blocked');
  });

  it('by what it was, where it is gone', async () => {
    const world = fakeWork({ filter: filterOf({ user: [{ ...EXCLUDE_X, pattern: 'x/' }] }) });
    world.disk.write('x');
    deliver(world, 'x');
    world.disk.remove('x');
    expect((await selected(world, ['x'])).goes).toEqual(['x']);
  });
});

const UNSURE: GitRule = { text: '', source: { kind: 'ignoreFile', path: '.gitignore', line: 1 }, isUnsure: true };

/** Nobody knows whether git ignores `u`. */
const unsureIgnores: Ignores = {
  learn: () => undefined,
  ruleFor: (name) => (name === n('u') ? UNSURE : undefined),
  dirRule: () => undefined,
  isTracked: () => false,
};

function unsureWorld(rules: Partial<RulesInForce> = {}): FakeWork {
  const filter = filterOf();
  filter.useIgnores(unsureIgnores);
  const world = fakeWork({ filter, rules: { ...RULES, ...rules } });
  for (const name of ['a', 'u']) world.disk.write(name);
  return world;
}

describe('what nobody knows whether it is ignored', () => {
  it('waits where it is new, and is asked about again soon', async () => {
    const world = unsureWorld();
    expect(await selected(world, ['a', 'u'])).toMatchObject({ goes: ['a'], restMs: 100 });
    expect(waits(world)).toEqual(['a', 'u']);
    expect(world.work.ledger.pending.failure(n('u'))).toBeUndefined();
  });

  it('goes where it was there before', async () => {
    const world = unsureWorld();
    deliver(world, 'u');
    expect(await selected(world, ['u'])).toMatchObject({ goes: ['u'], restMs: 0 });
  });

  it('backs off, with the reason, where it will not be known soon', async () => {
    const world = unsureWorld({ trouble: () => ({ why: 'git does not answer', newNames: 'wait' }) });
    expect(await selected(world, ['a', 'u'])).toMatchObject({ goes: ['a'], restMs: 0 });
    expect(world.work.ledger.pending.failure(n('u'))?.message).toContain('git does not answer');
  });
});

describe('while a file of rules is being written', () => {
  const resting = (dirs: Readonly<Record<string, number>>): Partial<RulesInForce> => ({
    rests: () => new Map(Object.entries(dirs).map(([dir, ms]): [Name, number] => [n(dir), ms])),
  });

  it('what is new below its directory waits for it, and nothing else', async () => {
    const world = fakeWork({ rules: { ...RULES, ...resting({ d: 70, e: 40 }) } });
    for (const name of ['a', 'd/new', 'd/old', 'e/new']) world.disk.write(name);
    deliver(world, 'd/old');
    deliver(world, 'd');
    expect(await selected(world, ['a', 'd', 'e/new', 'd/new', 'd/old', 'd/gone'])).toMatchObject({
      goes: ['a', 'd', 'd/old', 'd/gone'],
      restMs: 40,
    });
  });

  it('they are looked at again before anything new goes, and only then; at the end until they rest', async () => {
    const asked: string[] = [];
    const rules: RulesInForce = {
      ...RULES,
      refresh: async () => void asked.push('refresh'),
      atRest: async () => asked.push('atRest'),
    };
    const world = fakeWork({ rules });
    world.disk.write('a');
    deliver(world, 'a');
    await selected(world, ['a', 'gone']);
    expect(asked).toEqual([]);
    world.disk.write('new');
    await selected(world, ['a', 'new']);
    await selected(world, ['a', 'new'], { mayRest: false });
    expect(asked).toEqual(['refresh', 'atRest']);
  });
});
