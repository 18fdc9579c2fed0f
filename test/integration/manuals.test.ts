import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Filter } from '../../src/core/filter/filter.js';
import { rulesFromIgnoreFile } from '../../src/core/filter/ignore-lines.js';
import { addRule, type RawRule } from '../../src/core/filter/rule.js';
import { PlainIgnores } from '../../src/ignores/plain-ignores.js';
import { RuleFiles } from '../../src/rules/rule-files.js';
import { deliverAll, deliverHints, everything, plant } from '../support/deliver.js';
import { NO_REST, USERS_GIT } from '../support/programs.js';
import { filterOf } from '../support/settings.js';
import { fill, temporaryDir } from '../support/tree.js';

/** Both ways of delivering bring exactly these. */
async function brings(root: string, filter: Filter, expected: readonly string[], only = (_: string) => true) {
  await deliverAll(root, `${root}-pass`, filter);
  expect(everything(`${root}-pass`).filter(only)).toEqual(expected);
  const hints = everything(root).map((each) => each.replace(/\/$/, ''));
  await deliverHints(root, `${root}-hints`, filter, hints.reverse());
  expect(everything(`${root}-hints`).filter(only)).toEqual(expected);
}

/** man rsync, "PATTERN MATCHING RULES" and "FILTER RULES IN DEPTH": the rules, what is there, and what of it is sent. */
const RSYNC: ReadonlyArray<readonly [string, readonly string[], readonly string[], readonly string[]]> = [
  [
    'a parent that is excluded hides what is included',
    ['+ /some/path/this-file-will-not-be-found', '+ /file-is-included', '- *'],
    ['some/path/this-file-will-not-be-found', 'file-is-included', 'other'],
    ['file-is-included'],
  ],
  [
    'each parent asked for by name',
    ['+ /some/', '+ /some/path/', '+ /some/path/this-file-is-found', '+ /file-also-included', '- *'],
    ['some/path/this-file-is-found', 'some/other', 'file-also-included', 'other'],
    ['file-also-included', 'some/', 'some/path/', 'some/path/this-file-is-found'],
  ],
  ['- *.o', ['- *.o'], ['a.o', 'b/c.o', 'b/c.oo'], ['b/', 'b/c.oo']],
  ['- /foo: in the root only', ['- /foo'], ['foo', 'a/foo'], ['a/', 'a/foo']],
  ['- foo/: directories only', ['- foo/'], ['foo/x', 'a/foo'], ['a/', 'a/foo']],
  [
    '- /foo/*/bar: two levels below',
    ['- /foo/*/bar'],
    ['foo/a/bar', 'foo/a/b/bar', 'foo/bar'],
    ['foo/', 'foo/a/', 'foo/a/b/', 'foo/a/b/bar', 'foo/bar'],
  ],
  [
    '- /foo/**/bar: two or more levels below',
    ['- /foo/**/bar'],
    ['foo/a/bar', 'foo/a/b/bar', 'foo/bar'],
    ['foo/', 'foo/a/', 'foo/a/b/', 'foo/bar'],
  ],
  [
    'all directories and C files, nothing else',
    ['+ */', '+ *.c', '- *'],
    ['a.c', 'a.h', 'd/b.c', 'd/b.h'],
    ['a.c', 'd/', 'd/b.c'],
  ],
  [
    'only one directory and one file in it',
    ['+ foo/', '+ foo/bar.c', '- *'],
    ['foo/bar.c', 'foo/x', 'y'],
    ['foo/', 'foo/bar.c'],
  ],
  [
    'a trailing /***: the directory and all in it',
    ['+ /dir/***', '- *'],
    ['dir/a/b', 'other'],
    ['dir/', 'dir/a/', 'dir/a/b'],
  ],
  ['a trailing /**: not the directory', ['+ /dir/**', '- *'], ['dir/a'], []],
  [
    'unanchored with a slash: the end of the path',
    ['- foo/bar'],
    ['foo/bar', 'a/foo/bar', 'bar'],
    ['a/', 'a/foo/', 'bar', 'foo/'],
  ],
  ['first match wins', ['+ a', '- a'], ['a'], ['a']],
  ['a lone ! forgets what was before it', ['- a', '!', '- b'], ['a', 'b'], ['a']],
  ['a backslash without a wildcard is itself', ['- a\\b'], ['a\\b', 'ab'], ['ab']],
  ['with one it escapes', ['- a\\*'], ['a*', 'ab'], ['ab']],
  ['a class never matches a slash', ['- a[!x]b'], ['a/b', 'ayb'], ['a/', 'a/b']],
];

describe("rsync's manual", () => {
  it.each(RSYNC)('%s', async (_what, lines, paths, expected) => {
    const root = join(temporaryDir(), 'here');
    plant(root, paths);
    const rules: RawRule[] = [];
    for (const line of lines) addRule(rules, 'exclude', line, { kind: 'option', option: '--exclude' });
    execFileSync('rsync', ['-a', ...lines.map((line) => `--exclude=${line}`), `${root}/`, `${root}-rsync/`]);
    expect(everything(`${root}-rsync`)).toEqual(expected);
    await brings(root, filterOf({ user: rules }), expected);
  });
});

/** man gitignore, "PATTERN FORMAT" and "EXAMPLES": the files of rules, what is ignored, and what is not. */
const GIT: ReadonlyArray<
  readonly [string, Readonly<Record<string, string>>, ignored: readonly string[], others: readonly string[]]
> = [
  ['a blank line matches nothing', { '.gitignore': '\n\n' }, [], ['a']],
  ['a comment', { '.gitignore': '#a\n\\#b' }, ['#b'], ['#a', 'a']],
  ['trailing spaces do not count', { '.gitignore': 'a  \nb\\ ' }, ['a', 'b '], ['b']],
  ['! negates', { '.gitignore': '*.a\n!keep.a' }, ['x.a'], ['keep.a']],
  ['! can not bring back what is below an ignored directory', { '.gitignore': 'd/\n!d/keep' }, ['d/keep'], ['e']],
  ['a literal !', { '.gitignore': '\\!a' }, ['!a'], ['a']],
  ['a slash in the middle: from this directory', { '.gitignore': 'doc/frotz' }, ['doc/frotz/x'], ['a/doc/frotz/x']],
  ['doc/frotz/ is a directory there', { '.gitignore': 'doc/frotz/' }, ['doc/frotz/x'], ['a/doc/frotz/x']],
  ['frotz/ is one anywhere', { '.gitignore': 'frotz/' }, ['frotz/x', 'a/frotz/x'], ['b/frotz']],
  ['an asterisk matches anything but a slash', { '.gitignore': 'a/*c' }, ['a/c', 'a/bc'], ['a/b/c']],
  ['a question mark is one character', { '.gitignore': 'a?' }, ['ab'], ['a', 'abc']],
  ['a range', { '.gitignore': 'x[a-c]\ny[!a-c]' }, ['xa', 'yd'], ['xd', 'ya']],
  ['**/foo is foo anywhere', { '.gitignore': '**/foo' }, ['foo', 'a/foo', 'a/b/foo'], ['afoo']],
  ['**/foo/bar: bar directly under foo', { '.gitignore': '**/foo/bar' }, ['foo/bar', 'a/foo/bar'], ['foo/a/bar']],
  ['abc/** is all that is inside', { '.gitignore': 'abc/**' }, ['abc/x', 'abc/y/z'], ['a/abc/x']],
  ['a/**/b: none or more directories', { '.gitignore': 'a/**/b' }, ['a/b', 'a/x/b', 'a/x/y/b'], ['b', 'c/a/b', 'ab']],
  ['a/**/b/**/c', { '.gitignore': 'a/**/b/**/c' }, ['a/b/c', 'a/x/b/c', 'a/b/y/c', 'a/x/b/y/z/c'], ['a/c', 'a/b/d']],
  ['other consecutive asterisks are regular ones', { '.gitignore': '/**a' }, ['a', 'ba'], ['x/a']],
  ['hello.* anywhere', { '.gitignore': 'hello.*' }, ['hello.txt', 'a/hello.java'], ['hello']],
  ['/hello.* here only', { '.gitignore': '/hello.*' }, ['hello.txt', 'hello.c'], ['a/hello.java']],
  ['foo/ is no file', { '.gitignore': 'foo/' }, ['a/foo/x'], ['foo']],
  ['doc/frotz and /doc/frotz are the same', { '.gitignore': '/doc/frotz' }, ['doc/frotz'], ['a/doc/frotz']],
  ['foo/* is one level', { '.gitignore': 'foo/*\n!foo/bar' }, ['foo/test.json'], ['foo/bar/hello.c']],
  [
    'several files of rules',
    { '.git/info/exclude': '*.[oa]', 'Documentation/.gitignore': '*.html\n!foo.html' },
    ['Documentation/gitignore.html', 'file.o', 'lib.a', 'src/internal.o'],
    ['Documentation/foo.html', 'index.html'],
  ],
  [
    'a file further down overrides',
    { '.gitignore': 'vmlinux*', 'arch/foo/kernel/.gitignore': '!/vmlinux*' },
    ['vmlinux', 'a/vmlinux.bin'],
    ['arch/foo/kernel/vmlinux.lds.S'],
  ],
  [
    'everything except one directory',
    { '.gitignore': '/*\n!/foo\n/foo/*\n!/foo/bar\n!/.gitignore' },
    ['a', 'b/c', 'foo/x'],
    ['foo/bar/y'],
  ],
  ['CR LF and a byte order mark', { '.gitignore': '\ufeffa\r\nb\r\n' }, ['a', 'b'], ['c']],
  ['a character class by name', { '.gitignore': '[[:digit:]]x' }, ['1x'], ['ax']],
];

const isFile = (each: string): boolean => !each.endsWith('/') && !/(^|\/)\.git/.test(each);
const NO_GIT: RawRule = { action: 'exclude', pattern: '.git', source: { kind: 'default' } };

describe("git's manual", () => {
  const made = (rules: Readonly<Record<string, string>>, paths: readonly string[]): string => {
    const root = join(temporaryDir(), 'here');
    plant(root, paths);
    execFileSync('git', ['init', '-q'], { cwd: root });
    fill(root, rules);
    return root;
  };

  it.each(GIT)('%s', async (_what, rules, ignored, others) => {
    const root = made(rules, [...ignored, ...others]);
    const expected = [...others].sort();
    const listed = execFileSync('git', ['ls-files', '-z', '--others', '--exclude-standard'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(
      listed
        .split('\0')
        .filter((each) => each !== '' && isFile(each))
        .sort(),
    ).toEqual(expected);
    const filter = filterOf({ defaults: [NO_GIT] });
    const options = { root, dir: root, filter, gitignore: true, rest: NO_REST };
    const files = await RuleFiles.open(options, USERS_GIT, () => {});
    try {
      await brings(root, filter, expected, isFile);
    } finally {
      files.close();
    }
  });

  // What the fallback can't know is told where it is used.
  it.each(GIT.filter(([, rules]) => rules['.git/info/exclude'] === undefined))(
    'without git: %s',
    async (_what, rules, ignored, others) => {
      const root = made(rules, [...ignored, ...others]);
      const filter = filterOf({ defaults: [NO_GIT] });
      filter.useIgnores(new PlainIgnores(root, () => {}));
      await brings(root, filter, [...others].sort(), isFile);
    },
  );

  it.each(GIT.filter(([, rules]) => Object.keys(rules).join() === '.gitignore'))(
    'in .syncignore: %s',
    async (_what, rules, ignored, others) => {
      const root = made({}, [...ignored, ...others]);
      const content = Buffer.from(rules['.gitignore'] ?? '').toString('latin1');
      const syncignore = rulesFromIgnoreFile(content, (line) => ({ kind: 'ignoreFile', path: '.syncignore', line }));
      await brings(root, filterOf({ syncignore, defaults: [NO_GIT] }), [...others].sort(), isFile);
    },
  );

  it.each([
    ['a[', /no closing/],
    ['a\\', /lone backslash/],
    ['[[:nope:]]', /character class/],
  ])('in .syncignore %s is refused, with its line', (line, says) => {
    const [rule] = rulesFromIgnoreFile(`fine\n${line}\n`, (n) => ({
      kind: 'ignoreFile',
      path: '.syncignore',
      line: n,
    }));
    expect(() => filterOf({ syncignore: rule === undefined ? [] : [rule] })).toThrow(/^\.syncignore, line 2: /);
    expect(() => filterOf({ syncignore: rule === undefined ? [] : [rule] })).toThrow(says);
  });
});
