import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/event.js';
import type { RawRule } from '../../src/core/filter/rule.js';
import { begun } from '../../src/core/sync/entry.js';
import type { RulesInForce } from '../../src/rules/in-force.js';
import { Mistakes } from '../../src/sync/mistakes.js';
import { newLedger, RULES } from '../support/deliver.js';
import { BROKEN } from '../support/fake-rsync.js';
import { fakeWork, n } from '../support/fake-work.js';
import { filterOf } from '../support/settings.js';

const exclude = (pattern: string): RawRule => ({
  action: 'exclude',
  pattern,
  source: { kind: 'ignoreFile', path: '.syncignore', line: 1 },
});

/** `*.log` was lost and is back; `*.tmp` is excluded since somebody wants it. These are there, the `fresh` ones since then. */
async function world(fresh: readonly string[], old: readonly string[], mayComeBack = true) {
  const told: Event[] = [];
  const rules: RulesInForce = {
    ...RULES,
    mayComeBack: () => mayComeBack,
    isBack: (rule) => 'pattern' in rule && rule.pattern === '*.log',
  };
  const filter = filterOf({ user: [exclude('*.log'), exclude('*.tmp')] });
  const ledger = newLedger('t', () => {}, rules);
  const { rsync } = fakeWork();
  for (const name of [...fresh, ...old]) {
    rsync.there.set(n(name), { entry: begun('file'), content: 0, isOurs: true });
    ledger.delivered(n(name), begun('file'));
  }
  const items = fresh.map((name) => ({ action: 'send', name: n(name), bytes: 0, isNew: true }) as const);
  await ledger.brought(items, 0);
  const mistakes = new Mistakes(ledger, rsync, { filter, rules, report: (event) => told.push(event) });
  const there = (): string[] => [...rsync.there.keys()].sort();
  const isAside = (name: string): boolean => ledger.index.aside.get(n(name)) !== undefined;
  return { mistakes, ledger, rsync, there, isAside, told };
}

describe('what is excluded by now', () => {
  it('is deleted there again where it went over while that rule was away, and else left alone', async () => {
    const { mistakes, there, isAside, ledger, told } = await world(['a.log', 'b.tmp'], ['c.log']);
    await mistakes.leaveAlone(['a.log', 'b.tmp', 'c.log'].map(n));
    expect(there()).toEqual(['b.tmp', 'c.log']);
    expect(['a.log', 'b.tmp', 'c.log'].map(isAside)).toEqual([false, true, true]);
    expect(ledger.index.get(n('a.log'))).toBeUndefined();
    expect(told).toMatchObject([{ kind: 'note', text: expect.stringMatching(/^1 paths that went over/) }]);
  });

  it('is left alone where no rule may come back', async () => {
    const { mistakes, there, isAside } = await world(['a.log'], [], false);
    await mistakes.leaveAlone([n('a.log')]);
    expect([there(), isAside('a.log')]).toEqual([['a.log'], true]);
  });
});

it('what could not be deleted is deleted the next time', async () => {
  const { mistakes, rsync, there } = await world(['a.log'], []);
  rsync.course = { ...rsync.course, isCut: () => true };
  await mistakes.leaveAlone([n('a.log')]);
  expect(there()).toEqual(['a.log']);
  expect(await mistakes.takeBack()).toMatchObject({ message: BROKEN.message });
  rsync.course = { ...rsync.course, isCut: () => false };
  expect([await mistakes.takeBack(), there()]).toEqual([undefined, []]);
  const count = rsync.runs.length;
  await mistakes.takeBack();
  expect(rsync.runs).toHaveLength(count);
});
