import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileIgnorePattern } from '../../src/core/filter/ignore-pattern.js';
import { compilePattern, LONGEST_PATTERN, type Pattern } from '../../src/core/filter/pattern.js';
import { RuleList } from '../../src/core/filter/rule-list.js';
import { runsOf } from '../../src/core/filter/wildcards.js';
import type { Name } from '../../src/core/name.js';

const compiled = (pattern: Pattern | string): Pattern => {
  if (typeof pattern === 'string') throw new Error(pattern);
  return pattern;
};
const pattern = (text: string): Pattern => compiled(compilePattern(text));

const bits = fc.constantFrom(
  ...[
    'a',
    'b',
    'ab',
    '/',
    '/',
    '*',
    '**',
    '***',
    '?',
    '[ab]',
    '[!a]',
    '[a-c]',
    '[^b-]',
    '[[:alpha:]]',
    '\\*',
    '\\[',
    '[',
  ],
  ...['\\', ']', '-', '[]a]', '[\\]a]', '[z-a]', '\xe9', '**/', '/**/'],
);
const texts = fc.array(bits, { minLength: 1, maxLength: 8 }).map((all) => all.join(''));
const names = fc.array(
  fc
    .array(fc.constantFrom('a', 'b', 'c', '/', '*', '[', ']', '\\', '-', 'ab', '\xe9'), { minLength: 1, maxLength: 9 })
    .map(
      (all) =>
        all
          .join('')
          .replace(/\/+/g, '/')
          .replace(/^\/|\/$/g, '') as Name,
    )
    .filter((name) => name !== ''),
  { minLength: 5, maxLength: 10 },
);

describe('patterns', () => {
  it('of a gitignore say the same as the patterns that rsync is told in their place', () => {
    fc.assert(
      fc.property(texts, names, fc.boolean(), (text, all, isDir) => {
        const git = compileIgnorePattern(text);
        if (typeof git === 'string' || git.forRsync === undefined || text === '/') return;
        const ways = git.forRsync.map(pattern);
        for (const name of all)
          expect([text, name, git.matches(name, isDir)]).toEqual([
            ...[text, name],
            ways.some((way) => way.matches(name, isDir)),
          ]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('of a gitignore with a slash in a set are not told to rsync, which counts it', () => {
    for (const text of ['**/[/[ab]', 'x/[a/b]', '[!/]y'])
      expect(compiled(compileIgnorePattern(text)).forRsync).toBeUndefined();
    expect(compiled(compileIgnorePattern('**/[/[ab]')).matches('x/a' as Name, false)).toBe(true);
  });

  it('in a list of any length match as they do one by one, the first first', () => {
    fc.assert(
      fc.property(fc.array(texts, { maxLength: 40 }), names, fc.boolean(), (list, all, isDir) => {
        const rules = list.flatMap((text) =>
          [compilePattern(text), compileIgnorePattern(text)].flatMap((one) =>
            typeof one === 'string' ? [] : [{ pattern: one }],
          ),
        );
        const made = new RuleList(rules);
        for (const name of all)
          expect(made.firstMatch(name, isDir)).toBe(rules.find((rule) => rule.pattern.matches(name, isDir)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('have their runs in every name that they match', () => {
    fc.assert(
      fc.property(texts, names, (text, all) => {
        const one = compilePattern(text);
        if (typeof one === 'string' || 'literal' in one.what) return;
        for (const name of all.filter((each) => one.matches(each, true)))
          for (const run of runsOf(one.what.tokens)) expect(`/${name}/`).toContain(run);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    [LONGEST_PATTERN, undefined],
    [LONGEST_PATTERN + 1, 'it is 4,096 bytes long, and no path is longer than 4,095'],
    [140_000, 'it is 140,000 bytes long, and no path is longer than 4,095'],
  ])('of %d bytes', (length, problem) => {
    for (const compile of [compilePattern, compileIgnorePattern])
      for (const char of ['a', '*', '[', '/**']) {
        const made = compile(char === 'a' || problem !== undefined ? char.repeat(length).slice(0, length) : 'a');
        expect(typeof made === 'string' ? made : undefined).toBe(problem);
      }
  });
});

/** What makes a matcher that tries one way after the other take for ever: as patterns, and names that they nearly match. */
const KILLERS: ReadonlyArray<readonly [string, string]> = [
  ['*a*a*a*a*b', 'a'.repeat(200)],
  [`${'*a'.repeat(100)}b`, 'a'.repeat(255)],
  [`${'**a'.repeat(100)}b`, 'a'.repeat(255)],
  [`${'?*'.repeat(100)}b`, 'a'.repeat(255)],
  [`${'*[ab]'.repeat(400)}c`, 'ab'.repeat(127)],
  [`${'**/'.repeat(50)}b`, 'a/'.repeat(500).slice(0, -1)],
  [`a/${'**/*a/'.repeat(50)}b`, 'a/'.repeat(2_000).slice(0, -1)],
  [`${'*/**a*'.repeat(500)}b`, `${'a'.repeat(250)}/`.repeat(16).slice(0, -1)],
  [`${'*/'.repeat(1_000)}b`, 'a/'.repeat(2_000).slice(0, -1)],
  [`/**${'a*'.repeat(2_000)}b`, `${'a'.repeat(250)}/`.repeat(16).slice(0, -1)],
];

describe('no pattern takes for ever', () => {
  it.each(KILLERS)('%.20s…', (text, name) => {
    for (const one of [pattern(text), compiled(compileIgnorePattern(text))]) {
      for (let i = 0; i < 50; i++) expect(one.matches(`${name}${i}` as Name, false)).toBe(false);
    }
  });

  it('and ten thousand of them, all in the way of every name, are held against it together', () => {
    const rules = Array.from({ length: 10_000 }, (_, i) => ({
      pattern: pattern(`*[a-z]*[a-z]*[a-z]?[${String.fromCharCode(97 + (i % 25))}]*[0-9]`),
    }));
    rules.push({ pattern: pattern('*z*z*') });
    const list = new RuleList(rules);
    for (let i = 0; i < 50; i++)
      expect(list.firstMatch(`${'z'.repeat(199)}${'a'.repeat(i % 2)}` as Name, false)).toBe(rules.at(-1));
  });
});
