import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { nameFromText } from '../../src/core/name.js';
import { CheckIgnore } from '../../src/git/check-ignore.js';
import { PlainIgnores } from '../../src/ignores/plain-ignores.js';
import { RuleFiles } from '../../src/rules/rule-files.js';
import { NO_REST, PROGRAMS, there, USERS_GIT } from '../support/programs.js';
import { filterOf } from '../support/settings.js';
import { fill, temporaryDir } from '../support/tree.js';

const git = (cwd: string, ...args: string[]): string => execFileSync('git', args, { cwd, encoding: 'utf8' });

/** Less than git's own patience: a test that waits for it has failed. */
const TIMEOUT_MS = 20_000;

/** A work tree with rules at several places, a tracked file that they ignore, and DIR, which is a part of it. */
function workTree(): { top: string; root: string } {
  const top = temporaryDir();
  const root = join(top, 'here');
  fill(top, {
    '.gitignore': '*.top\n',
    'here/.gitignore': '*.log\n',
    'here/d/.gitignore': '!keep.log\n/z\n',
    'here/d/tracked.log': '',
  });
  git(top, 'init', '-q');
  git(top, 'add', '-f', 'here/d/tracked.log');
  writeFileSync(join(top, '.git/info/exclude'), '*.info\n');
  return { top, root };
}

const fifo = (path: string): void => {
  rmSync(path, { force: true, recursive: true });
  execFileSync('mkfifo', [path]);
};

async function open(root: string, git = USERS_GIT) {
  const notes: string[] = [];
  const filter = filterOf();
  const rules = await RuleFiles.open({ root, dir: root, filter, gitignore: true, rest: NO_REST }, git, (event) => {
    if (event.kind === 'note' && event.level === 'normal') notes.push(event.text);
  });
  onTestFinished(() => rules.close());
  /** Those of the names that are left out. */
  const excluded = async (...names: string[]): Promise<string[]> => {
    const found: string[] = [];
    for (const text of names) {
      await filter.learnDeep(nameFromText(text), false);
      if (!filter.decideDeep(nameFromText(text), false).synced) found.push(text);
    }
    return found;
  };
  return { rules, notes, excluded };
}

const ALL = ['a.top', 'a.log', 'a.info', 'd/b.log', 'd/keep.log', 'd/z', 'd/tracked.log', 'e/f/c.log', 'plain'];
const BY_ALL = ['a.top', 'a.log', 'a.info', 'd/b.log', 'd/z', 'e/f/c.log'];

describe('a file that git would wait at for ever does not count, the others do, and it is said', () => {
  it.each<[string, string, (path: string) => void, string[]]>([
    ['a FIFO in place of DIR’s .gitignore', 'here/.gitignore', fifo, ['a.top', 'a.info', 'd/z']],
    [
      'a FIFO in place of one further down',
      'here/d/.gitignore',
      fifo,
      [...BY_ALL.slice(0, 4), 'd/keep.log', 'e/f/c.log'],
    ],
    ['a FIFO in place of one above DIR', '.gitignore', fifo, BY_ALL.slice(1)],
    [
      'a link to /dev/zero',
      'here/.gitignore',
      (path) => {
        rmSync(path);
        symlinkSync('/dev/zero', path);
      },
      ['a.top', 'a.info', 'd/z'],
    ],
    ['one of 50 GB', 'here/.gitignore', (path) => truncateSync(path, 50e9), ['a.top', 'a.info', 'd/z']],
    [
      'a directory in place of info/exclude, at which git ends',
      '.git/info/exclude',
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
      BY_ALL.filter((name) => name !== 'a.info'),
    ],
    ['a FIFO in place of info/exclude', '.git/info/exclude', fifo, BY_ALL.filter((name) => name !== 'a.info')],
  ])(
    '%s',
    async (_what, file, spoil, expected) => {
      const { top, root } = workTree();
      spoil(join(top, file));
      const { notes, excluded } = await open(root);
      expect(await excluded(...ALL)).toEqual(expected);
      expect(notes).toEqual([
        expect.stringMatching(
          /gitignore|exclude (is a FIFO, not a file|is a device|is a directory, not a file|is larger).*: it does not count, and/,
        ),
      ]);
    },
    TIMEOUT_MS,
  );

  it.each(['HEAD', 'config'])(
    'a FIFO in place of .git/%s: as where git refuses',
    async (file) => {
      const { top, root } = workTree();
      fifo(join(top, '.git', file));
      const { notes, excluded } = await open(root);
      expect(await excluded(...ALL)).toEqual(['a.log', 'd/b.log', 'd/z', 'd/tracked.log', 'e/f/c.log']);
      expect(notes).toEqual([expect.stringMatching(/git can't be asked about .* \(.*is a FIFO, not a file\): /)]);
    },
    TIMEOUT_MS,
  );

  it(
    'the user’s own excludes file',
    async () => {
      const { top, root } = workTree();
      fifo(join(top, 'mine'));
      git(top, 'config', 'core.excludesFile', join(top, 'mine'));
      const { notes, excluded } = await open(root);
      expect(await excluded(...ALL)).toEqual(BY_ALL);
      expect(notes).toEqual([expect.stringMatching(/mine is a FIFO, not a file: it does not count/)]);
    },
    TIMEOUT_MS,
  );

  it(
    'the index: what was tracked is not known',
    async () => {
      const { top, root } = workTree();
      fifo(join(top, '.git/index'));
      const { notes, excluded } = await open(root);
      expect(await excluded('d/tracked.log', 'a.log')).toEqual(['d/tracked.log', 'a.log']);
      expect(notes).toEqual([expect.stringMatching(/index is a FIFO/)]);
    },
    TIMEOUT_MS,
  );

  it(
    'a clone below DIR, whose .git is one, or a file that leads to one',
    async () => {
      const { root } = workTree();
      for (const name of ['clone', 'linked']) {
        fill(root, { [`${name}/.gitignore`]: '*.own\n' });
        git(join(root, name), 'init', '-q');
      }
      renameSync(join(root, 'linked/.git'), join(root, 'elsewhere'));
      writeFileSync(join(root, 'linked/.git'), 'gitdir: ../elsewhere\n');
      for (const path of ['clone/.git/HEAD', 'elsewhere/config']) fifo(join(root, path));
      const { notes, excluded } = await open(root);
      expect(await excluded('clone/a.own', 'clone/a.log', 'linked/a.own', 'linked/b')).toEqual([
        'clone/a.own',
        'clone/a.log',
        'linked/a.own',
      ]);
      expect(notes).toHaveLength(2);
    },
    TIMEOUT_MS,
  );

  it(
    'one that is swapped in while it runs, and back again',
    async () => {
      const { top, root } = workTree();
      const { rules, notes, excluded } = await open(root);
      expect(await excluded(...ALL)).toEqual(BY_ALL);
      const files = ['here/.gitignore', '.git/info/exclude', '.git/index', '.git/HEAD'].map((file) => join(top, file));
      for (const file of files) {
        renameSync(file, `${file}.kept`);
        fifo(file);
      }
      expect(await rules.refresh()).toBe('what git ignores');
      expect(await excluded(...ALL)).toEqual(['a.top', 'd/z']);
      expect(notes).not.toEqual([]);
      for (const file of files) renameSync(`${file}.kept`, file);
      expect(await rules.refresh()).toBe('what git ignores');
      expect(await excluded(...ALL)).toEqual(BY_ALL);
    },
    TIMEOUT_MS,
  );
});

describe('read without git', () => {
  it('the same: a FIFO and a link to a device do not count, which is said; nor does any link, as git has it', () => {
    const { root } = workTree();
    const skipped: string[] = [];
    fifo(join(root, '.gitignore'));
    fill(root, { 'e/x': '', 'f/x': '', 'f/real': '*.real\n' });
    symlinkSync('/dev/zero', join(root, 'e/.gitignore'));
    symlinkSync('real', join(root, 'f/.gitignore'));
    const plain = new PlainIgnores(root, (text) => void skipped.push(text));
    for (const dir of ['d', 'e', 'f']) plain.learn(nameFromText(dir), []);
    expect(plain.ruleFor(nameFromText('d/z'), false)).toMatchObject({ text: '/z' });
    for (const name of ['a.log', 'e/x', 'f/a.real']) expect(plain.ruleFor(nameFromText(name), false)).toBeUndefined();
    expect(skipped).toEqual([
      '.gitignore is a FIFO, not a file: it does not count',
      'e/.gitignore is a symbolic link, not a file: it does not count',
      'f/.gitignore is a symbolic link, not a file: it does not count',
    ]);
  });

  it('/dev/null for a file of patterns is as none at all', async () => {
    const { top, root } = workTree();
    git(top, 'config', 'core.excludesFile', '/dev/null');
    const { notes, excluded } = await open(root);
    expect(await excluded(...ALL)).toEqual(BY_ALL);
    expect(notes).toEqual([]);
  });
});

describe('a git that keeps silent all the same', () => {
  it(
    'is asked no more until its rules change: ignore files are read without it, and it is said',
    async () => {
      const { root } = workTree();
      const slow = join(temporaryDir(), 'git');
      const real = there(PROGRAMS.git).file;
      writeFileSync(slow, `#!/bin/sh\ncase "$*" in *check-ignore*) exec sleep 60 ;; esac\nexec ${real} "$@"\n`, {
        mode: 0o755,
      });
      const { notes, excluded } = await open(root, {
        ...USERS_GIT,
        git: { ...there(PROGRAMS.git), file: slow },
        patienceMs: 300,
      });
      expect(await excluded(...ALL)).toEqual(BY_ALL);
      expect(notes).toEqual([
        expect.stringMatching(/git does not come to an end .*: until that changes, ignore files/),
      ]);
    },
    TIMEOUT_MS,
  );

  it(
    'as an old one does about rules with many ** and a deep path',
    async () => {
      const root = temporaryDir();
      git(root, 'init', '-q');
      const deep = 'a/'.repeat(60);
      fill(root, { '.gitignore': `${'**/a/'.repeat(8)}b\n*.log\n`, [`${deep}c`]: '', [`${deep}c.log`]: '' });
      const { excluded } = await open(root, { ...USERS_GIT, patienceMs: 1_000 });
      expect(await excluded(`${deep}c`, `${deep}c.log`, `${deep}b`)).toEqual([`${deep}c.log`, `${deep}b`]);
    },
    2 * TIMEOUT_MS,
  );

  it('is ended, and nothing is answered', async () => {
    const root = temporaryDir();
    git(root, 'init', '-q');
    mkdirSync(join(root, 'd'));
    fifo(join(root, 'd/.gitignore'));
    const check = new CheckIgnore(there(PROGRAMS.git), root, { patienceMs: 200 });
    onTestFinished(() => check.close());
    const answers = await check.ask(['a', 'd/b', 'd/c', 'e'].map(nameFromText));
    expect(answers).toEqual(['notIgnored', 'unanswered', 'unanswered', 'unanswered']);
    rmSync(join(root, 'd/.gitignore'));
    expect(await check.ask(['d/b', 'e'].map(nameFromText))).toEqual(['notIgnored', 'notIgnored']);
  });

  it(
    'is ended where what it waits at is found by a look, and that is asked without it',
    async () => {
      const { root } = workTree();
      const { rules, excluded } = await open(root);
      await excluded('a');
      fifo(join(root, '.gitignore'));
      const waiting = excluded('new/x.top', 'new/y.log'); // git is asked, and waits
      expect(await rules.refresh()).toBe('what git ignores');
      expect(await waiting).toEqual(['new/x.top']);
    },
    TIMEOUT_MS,
  );
});
