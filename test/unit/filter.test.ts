import { describe, expect, it } from 'vitest';
import { Filter } from '../../src/core/filter/filter.js';
import { rulesFromIgnoreFile } from '../../src/core/filter/ignore-lines.js';
import { compilePattern } from '../../src/core/filter/pattern.js';
import { addRule, addRulesFromFile, DEFAULT_EXCLUDES, type RawRule } from '../../src/core/filter/rule.js';
import { nameFromText } from '../../src/core/name.js';
import { TimedRegexes } from '../../src/rules/regexes.js';
import { filterOf as makeFilter } from '../support/settings.js';

/** From man rsync, "PATTERN MATCHING RULES", and exclude.c. `/` at a path's end: it is a directory. */
const MATCHES: ReadonlyArray<readonly [pattern: string, yes: readonly string[], no: readonly string[]]> = [
  ['foo', ['foo', 'foo/', 'a/foo', 'a/b/foo/'], ['foo2', 'xfoo', 'foo/bar']],
  ['/foo', ['foo', 'foo/'], ['a/foo']],
  ['foo/', ['foo/', 'a/foo/'], ['foo', 'a/foo']],
  ['/foo/', ['foo/'], ['foo', 'a/foo/']],
  ['*.o', ['a.o', 'b/a.o', '.o'], ['a.oo', 'a.o/b']],
  ['a?c', ['abc', 'x/axc'], ['ac', 'abbc', 'a/c']],
  ['foo/*/bar', ['foo/x/bar', 'y/foo/x/bar'], ['foo/bar', 'foo/x/y/bar']],
  ['/foo/*/bar', ['foo/x/bar'], ['y/foo/x/bar']],
  ['foo/**/bar', ['foo/x/bar', 'foo/x/y/bar', 'z/foo/x/bar'], ['foo/bar']],
  ['/**/bar', ['a/bar', 'a/b/bar'], ['bar']],
  ['**/bar', ['bar', 'a/bar', 'a/b/bar'], ['xbar']],
  ['foo**', ['foo', 'foobar', 'foo/bar', 'a/foo/b'], ['xfoo']],
  ['/dir/***', ['dir/', 'dir/a', 'dir/a/b'], ['dir', 'x/dir/a']],
  ['dir/***', ['dir/', 'x/dir/', 'x/dir/a'], ['dir', 'xdir/a']],
  ['[a-c]x', ['ax', 'cx', 'd/bx'], ['dx', '-x']],
  ['[!a-c]x', ['dx'], ['ax', '/x']],
  ['[^a]x', ['bx'], ['ax']],
  ['[]a]x', [']x', 'ax'], ['bx']],
  ['[a\\]b]x', [']x', 'ax', 'bx'], ['\\x']],
  ['[[:digit:]]*', ['1', '2x'], ['x1']],
  ['a\\*b', ['a\\*b'.replace('\\', '')], ['axb', 'a\\xb']],
  ['a\\b', ['a\\b'], ['ab']], // no wildcard: the backslash is itself
  ['a\\b*', ['abc'], ['a\\bc']], // with one it escapes
  ['x.y(z)+{1}', ['x.y(z)+{1}'], ['xay(z)+{1}']],
];

describe('patterns match as in rsync', () => {
  for (const [pattern, yes, no] of MATCHES) {
    it(pattern, () => {
      const compiled = compilePattern(pattern);
      if (typeof compiled === 'string') throw new Error(compiled);
      const matches = (path: string): boolean =>
        compiled.matches(nameFromText(path.replace(/\/$/, '')), path.endsWith('/'));
      expect(yes.filter((path) => !matches(path))).toEqual([]);
      expect(no.filter(matches)).toEqual([]);
    });
  }

  it.each(['', '/', 'a[b', 'a[[:nope:]]', 'a\nb', '*\\'])('%j is refused', (text) => {
    expect(compilePattern(text)).toBeTypeOf('string');
  });
});

const filterOf = (
  user: readonly RawRule[],
  regexes: readonly string[] = [],
  defaults: readonly string[] = [],
): Filter =>
  makeFilter({
    user,
    regexes: regexes.map((text) => ({ text, source: { kind: 'option', option: '--exclude-regex' } })),
    defaults: defaults.map((pattern) => ({ action: 'exclude', pattern, source: { kind: 'default' } })),
  });
const rule = (action: 'include' | 'exclude', pattern: string): RawRule => ({
  action,
  pattern,
  source: { kind: 'option', option: `--${action}` },
});
const synced = (filter: Filter, path: string): boolean =>
  filter.decideDeep(nameFromText(path.replace(/\/$/, '')), path.endsWith('/')).synced;

describe('the filter', () => {
  it('takes the first match', () => {
    const filter = filterOf([rule('include', 'a.log'), rule('exclude', '*.log'), rule('include', 'b.log')]);
    expect(synced(filter, 'a.log')).toBe(true);
    expect(synced(filter, 'b.log')).toBe(false);
    expect(synced(filter, 'c.txt')).toBe(true);
  });

  it('leaves out what is below an excluded directory, even if a rule would include it', () => {
    const filter = filterOf([rule('exclude', '/nm/'), rule('include', '*.js')]);
    expect(synced(filter, 'nm/x.js')).toBe(false);
    expect(synced(filter, 'nm/a/b/x.js')).toBe(false);
    expect(synced(filter, 'nm')).toBe(true); // a file of that name
  });

  it('holds regular expressions against the path, a directory with and without its slash', () => {
    const filter = filterOf([rule('include', 'keep.tmp')], ['\\.tmp$', '(^|/)cache/', '^build$']);
    expect(synced(filter, 'a/b.tmp')).toBe(false);
    expect(synced(filter, 'a/keep.tmp')).toBe(true);
    expect(synced(filter, 'x/cache/')).toBe(false);
    expect(synced(filter, 'x/cache/y')).toBe(false);
    expect(synced(filter, 'x/cache')).toBe(true);
    expect(synced(filter, 'build/')).toBe(false);
  });

  it('has default excludes, which an include brings back', () => {
    const filter = filterOf([rule('include', '*.pyc')], [], DEFAULT_EXCLUDES);
    for (const path of [
      '.git/',
      'x/.git/config',
      '.idea/w',
      '.a.swp',
      'a~',
      '#a#',
      '.#a',
      'x/__pycache__/',
      'f___jb_tmp___',
    ]) {
      expect(synced(filter, path), path).toBe(false);
    }
    for (const path of ['a.pyc', '.gitignore', 'swp', 'a.swp']) expect(synced(filter, path), path).toBe(true);
  });

  it.each<[string, readonly string[], readonly string[], readonly string[]]>([
    [
      'brings back by a broad line only what the same file left out',
      ['*', '!*/', '!*.py'],
      ['a.py', 'd/', 'd/a.py', 'd/e/b.py'],
      ['.git/', 'd/.git', '.idea/', '.idea/x.py', 'd/__pycache__/', 'd/__pycache__/a.py', 'a.txt', '.#a.py', 'd/a.py~'],
    ],
    [
      'brings back by a line that names it what the defaults leave out, whatever the broad ones are',
      ['!.idea/', '!*.pyc', '*.pyc', '!/d/x.pyc', '*', '!*/', '!*.py', '!d/*', '!*.pyc'],
      ['.idea/', 'x/.idea/', 'a.pyc', 'd/x.pyc', 'd/a'],
      ['.idea/a.txt', '.git/', '__pycache__/', 'd/a~', 'd/.DS_Store'],
    ],
    ['as the last matching line says', ['!.idea/', '.idea/'], ['a'], ['.idea/']],
    ['even every name', ['!*', '!**', '!.*'], ['a', '.a'], ['.git', '.vscode/', 'a.pyc', '.DS_Store']],
    ['without naming', ['*.log', '!keep.log'], ['keep.log'], ['a.log', '.git/']],
  ])('in .syncignore: %s', (_what, lines, yes, no) => {
    const source = (line: number) => ({ kind: 'ignoreFile', path: '.syncignore', line }) as const;
    const filter = makeFilter({
      syncignore: rulesFromIgnoreFile(lines.join('\n'), source),
      defaults: DEFAULT_EXCLUDES.map((pattern) => ({ action: 'exclude', pattern, source: { kind: 'default' } })),
    });
    expect(yes.filter((path) => !synced(filter, path))).toEqual([]);
    expect(no.filter((path) => synced(filter, path))).toEqual([]);
  });

  it('never leaves out the root', () => {
    expect(filterOf([rule('exclude', '*')]).decide('.' as never, true).synced).toBe(true);
  });

  it('says which rule is wrong and where it is', () => {
    const none = { user: [], syncignore: [], regexes: undefined, defaults: [] };
    const made = Filter.create({
      ...none,
      user: [{ action: 'exclude', pattern: 'a[', source: { kind: 'file', path: 'rules', line: 3 } }],
    });
    expect(made).toMatchObject({
      ok: false,
      failure: { kind: 'usage', message: expect.stringMatching(/^rules, line 3: 'a\['/) },
    });
    const regex = TimedRegexes.create([{ text: '(', source: { kind: 'option', option: '--exclude-regex' } }]);
    expect(regex).toMatchObject({ ok: false, failure: { message: expect.stringMatching(/^--exclude-regex: '\('/) } });
  });

  it('reads rules as rsync does: prefixes, comments, a lone !', () => {
    const rules: RawRule[] = [];
    addRule(rules, 'exclude', '+ a', { kind: 'default' });
    addRule(rules, 'include', '- b', { kind: 'default' });
    addRulesFromFile(rules, 'f', '# no\n; no\n\nc\r\n+ d\n');
    expect(rules.map(({ action, pattern }) => `${action} ${pattern}`)).toEqual([
      'include a',
      'exclude b',
      'exclude c',
      'include d',
    ]);
    expect(rules[2]?.source).toEqual({ kind: 'file', path: 'f', line: 4 });
    addRule(rules, 'exclude', '!', { kind: 'default' });
    expect(rules).toEqual([]);
  });
});
