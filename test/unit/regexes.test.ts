import { describe, expect, it } from 'vitest';
import type { RegexRule } from '../../src/core/filter/rule.js';
import { type Name, nameFromText, ROOT } from '../../src/core/name.js';
import { TimedRegexes } from '../../src/rules/regexes.js';

const rule = (text: string): RegexRule => ({ text, source: { kind: 'option', option: '--exclude-regex' } });

function regexes(...texts: string[]): { made: TimedRegexes; unanswered: Array<readonly [string, Name]> } {
  const made = TimedRegexes.create(texts.map(rule));
  if (!made.ok || made.value === undefined) throw new Error('not made');
  const unanswered: Array<readonly [string, Name]> = [];
  made.value.onUnanswered = ({ text }, name) => unanswered.push([text, name]);
  return { made: made.value, unanswered };
}

const SLOW = '^(a+)+$';
const slowName = (i: number): Name => nameFromText(`${'a'.repeat(60)}b${i}`);

describe('regular expressions', () => {
  it("are JavaScript's in full; directories are tried with and without a slash", () => {
    const { made, unanswered } = regexes('(?<!keep)\\.log$', '^(.)\\1$', '(^|/)tmp/', '\\p{Lu}$');
    const hit = (text: string, isDir = false) => made.ruleFor(nameFromText(text), isDir)?.text;
    expect(hit('a.log')).toBe('(?<!keep)\\.log$');
    expect(hit('keep.log')).toBeUndefined();
    expect(hit('xx')).toBe('^(.)\\1$');
    expect([hit('tmp'), hit('tmp', true), hit('tmp/x')]).toEqual([undefined, '(^|/)tmp/', '(^|/)tmp/']);
    expect(hit('a/Ü')).toBe('\\p{Lu}$');
    expect(unanswered).toEqual([]);
  });

  it('with no answer in time leave out what they are about, and only that, told once for each name', async () => {
    const { made, unanswered } = regexes('x$', SLOW, 'y$');
    const entries = Array.from({ length: 30 }, (_, i) => [slowName(i), false] as const);
    const all = [['fine', false], ['x', false], ...entries, ['y', false], ['z', true]] as const;
    await made.learn(ROOT, all);
    await made.learn(ROOT, all);
    expect(unanswered).toEqual(entries.map(([name]) => [`${SLOW}`, name]));
    for (const [name] of entries) expect(made.ruleFor(name, false)?.text).toBe(`${SLOW} (no answer)`);
    const texts = (['fine', 'x', 'y'] as const).map((name) => made.ruleFor(nameFromText(name), false)?.text);
    expect(texts).toEqual([undefined, 'x$', 'y$']);
    expect(made.ruleFor(nameFromText('aaa'), false)?.text).toBe(SLOW);
  });

  it.each(['(?:(?:(?:a?){1000}){1000}){1000}', '[^]'.repeat(100_000)])(
    '%.30s… can not even be run: no answer',
    (text) => {
      const { made, unanswered } = regexes('x', text);
      expect(made.ruleFor(nameFromText('a'.repeat(200)), false)?.text).toBe(`${text} (no answer)`);
      expect(unanswered.length).toBe(1);
      expect(made.ruleFor(nameFromText('x'), false)?.text).toBe('x');
    },
  );

  it.each(['(?<=(a+)+)$b', '^(a|a)*$c', '(.*)(.*)(.*)(.*)(.*)(.*)\\6x', '(?!(a*)*b)a'])('%s ends in time', (text) => {
    const { made } = regexes(text);
    for (let i = 0; i < 5; i++) made.ruleFor(slowName(i), false);
    expect(made.ruleFor(nameFromText('b'), false)?.text).toBeUndefined();
  });

  it('let others have a turn while they think about many names', async () => {
    const { made } = regexes(SLOW);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await made.learn(
      ROOT,
      Array.from({ length: 50 }, (_, i) => [slowName(i), false] as const),
    );
    clearInterval(timer);
    expect(turns).toBeGreaterThan(20);
  });

  it('are asked about what was never learnt, too', () => {
    const { made, unanswered } = regexes(SLOW);
    expect(made.ruleFor(slowName(1), true)?.text).toMatch(/no answer/);
    expect(made.ruleFor(slowName(1), true)?.text).toMatch(/no answer/);
    expect(unanswered.length).toBe(1);
  });

  it('remember all of a directory, however large, until the next one', async () => {
    const { made } = regexes('7$');
    const entries = Array.from({ length: 30_000 }, (_, i) => [`f${i}`, false] as const);
    await made.learn(ROOT, entries);
    expect(made.learn(ROOT, entries)).toBeUndefined();
    expect(entries.filter(([name]) => made.ruleFor(nameFromText(name), false) !== undefined).length).toBe(3_000);
  });
});
