import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RawRule } from '../../src/core/filter/rule.js';
import { LostRules } from '../../src/rules/lost-rules.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

const rule = (pattern: string): RawRule => ({
  action: 'exclude',
  pattern,
  source: { kind: 'ignoreFile', path: '.gitignore', line: 1 },
});

describe('rules that were lost with their file', () => {
  it('may come back for a minute', () => {
    const lost = new LostRules();
    lost.note([]);
    expect(lost.mayComeBack).toBe(false);
    lost.note([Buffer.from('*.log\n')]);
    vi.advanceTimersByTime(59_999);
    lost.note([]);
    expect([lost.mayComeBack, lost.isBack(rule('*.log'))]).toEqual([true, true]);
    vi.advanceTimersByTime(1);
    expect([lost.mayComeBack, lost.isBack(rule('*.log'))]).toEqual([false, false]);
  });

  it('are those lines and no others, whichever of the files had them', () => {
    const lost = new LostRules();
    lost.note([Buffer.from('*.log  \r\n/a\n'), Buffer.from('b')]);
    expect(['*.log', '/a', 'b'].map((each) => lost.isBack(rule(each)))).toEqual([true, true, true]);
    expect(['*.lo', 'a', '.log'].map((each) => lost.isBack(rule(each)))).toEqual([false, false, false]);
  });
});
