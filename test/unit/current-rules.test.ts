import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { CurrentRules } from '../../src/rules/current-rules.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] }));
afterEach(() => void vi.useRealTimers());

/** Rules of which each look at their files takes 10 ms. */
function rulesOf(news: () => string | undefined = () => undefined) {
  let looks = 0;
  const told: string[] = [];
  const files = {
    refresh: async () => {
      looks++;
      vi.advanceTimersByTime(10);
      return news();
    },
    atRest: async () => {},
    restMs: 0,
    rests: new Map(),
    trouble: undefined,
    lost: { mayComeBack: false, isBack: () => false },
    age: 0,
    gitInWords: undefined,
    close: () => {},
  };
  const rules = new CurrentRules(Promise.resolve(files), (what) => void told.push(what));
  return { rules, looks: () => looks, told };
}

it('looks at the files during a twentieth of the time, however many targets ask', async () => {
  const { rules, looks } = rulesOf();
  for (let target = 0; target < 10; target++) await rules.refreshAtPace();
  expect(looks()).toBe(1);
  await vi.advanceTimersByTimeAsync(199);
  await rules.refreshAtPace();
  expect(looks()).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  await Promise.all(Array.from({ length: 10 }, () => rules.refreshAtPace()));
  expect(looks()).toBe(2);
});

it('looks at them at once before anything new goes, whatever their pace', async () => {
  let news: string | undefined;
  const { rules, looks, told } = rulesOf(() => news);
  await rules.refreshAtPace();
  news = '.syncignore';
  await rules.refreshAtPace();
  expect([looks(), told]).toEqual([1, []]);
  await rules.refresh();
  expect([looks(), told]).toEqual([2, ['.syncignore']]);
});
