import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Filter } from '../../src/core/filter/filter.js';
import { rulesFromIgnoreFile } from '../../src/core/filter/ignore-lines.js';
import { DEFAULT_EXCLUDES, type RegexRule } from '../../src/core/filter/rule.js';
import { type Name, nameFromText, ROOT, textOf } from '../../src/core/name.js';
import { CheckIgnore } from '../../src/git/check-ignore.js';
import { RuleFiles } from '../../src/rules/rule-files.js';
import { Disk } from '../../src/scan/disk.js';
import { walkAll } from '../../src/scan/shared-walk.js';
import { fullPass } from '../../src/sync/full-pass.js';
import { bringWaiting, deliverAll, deliverHints, localWork, noteAll, passOptions } from '../support/deliver.js';
import { NO_REST, PROGRAMS, there, USERS_GIT } from '../support/programs.js';
import { filterOf } from '../support/settings.js';
import { fill, names, temporaryDir } from '../support/tree.js';

const git = (cwd: string, ...args: string[]): string => execFileSync('git', args, { cwd, encoding: 'utf8' });

function repository(files: Readonly<Record<string, string>>): string {
  const root = join(temporaryDir(), 'here');
  mkdirSync(root);
  git(root, 'init', '-q');
  fill(root, files);
  return root;
}

async function rulesFor(root: string, filter: Filter): Promise<RuleFiles> {
  const rules = await RuleFiles.open({ root, dir: root, filter, gitignore: true, rest: NO_REST }, USERS_GIT, () => {});
  onTestFinished(() => rules.close());
  return rules;
}

const REGEX: RegexRule = { text: 'skip', source: { kind: 'option', option: '--exclude-regex' } };

describe('where DIR itself is gone', () => {
  const setUp = async (rootIsThere: (root: string) => boolean) => {
    const root = repository({ '.gitignore': '*.log\n', a: '', 'x.log': '' });
    const filter = filterOf();
    const told: string[] = [];
    const options = { root, dir: root, filter, gitignore: true, rest: NO_REST, rootIsThere: () => rootIsThere(root) };
    const rules = await RuleFiles.open(options, USERS_GIT, ({ kind }) => told.push(kind));
    onTestFinished(() => rules.close());
    for await (const _ of walkAll(new Disk(root), filter));
    return { root, rules, told, syncs: (name: string) => filter.decideDeep(nameFromText(name), false).synced };
  };

  it('git is not said to refuse, and its rules stay as they are', async () => {
    const { root, rules, told, syncs } = await setUp(existsSync);
    renameSync(root, `${root}-away`);
    for (let i = 0; i < 3; i++) expect(await rules.refresh()).toBe(undefined);
    expect(rules.trouble).toBe(undefined);
    renameSync(`${root}-away`, root);
    expect(await rules.refresh()).toBe(undefined);
    expect([syncs('x.log'), syncs('a')]).toEqual([false, true]);
    expect(told).toEqual([]);
  });

  it('nor where it goes just while git is asked: what still refuses when it is back is told then', async () => {
    const looks = [true, false, false];
    const { root, rules, told } = await setUp(() => looks.shift() ?? true);
    writeFileSync(join(root, '.git/config'), '[broken\n');
    await rules.refresh();
    expect(rules.trouble).toMatchObject({ newNames: 'wait' });
    expect(told).toEqual([]);
    await rules.refresh();
    expect(told).toEqual(['rulesUnsure']);
    await rules.refresh();
    expect(told).toEqual(['rulesUnsure']);
  });
});

describe('git check-ignore, kept open', () => {
  it('answers in order, also for odd names, and goes on after one that ends it', async () => {
    const root = repository({ '.gitignore': '*.log\n!keep.log\n', 'd/x': '' });
    symlinkSync('d', join(root, 'link'));
    const check = new CheckIgnore(there(PROGRAMS.git), root, { patienceMs: 30_000 });
    onTestFinished(() => check.close());
    const odd = ['a.log', 'keep.log', ':x', 'new\nline.log', '-n.log', 'd/x', '*.log', 'ü.log', '!a', '#b.log'];
    const ignored = (answers: Awaited<ReturnType<CheckIgnore['ask']>>): boolean[] =>
      answers.map((answer) => typeof answer === 'object');
    const expected = odd.map((name) => name.endsWith('.log') && name !== 'keep.log');
    expect(ignored(await check.ask(odd.map(nameFromText)))).toEqual(expected);
    const [first, ended, last] = await check.ask(['a.log', 'link/x', 'd/b.log'].map(nameFromText));
    expect(first).toMatchObject({ text: '*.log', source: { path: '.gitignore', line: 1 } });
    expect(ended).toBe('unanswered');
    expect(last).toMatchObject({ text: '*.log' });
  });

  it('says so where git can not answer at all', async () => {
    const check = new CheckIgnore(there(PROGRAMS.git), temporaryDir(), { patienceMs: 30_000 }); // no repository
    onTestFinished(() => check.close());
    const some = ['a', 'b', 'c', 'd', 'e'].map(nameFromText);
    expect(await check.ask(some)).toEqual(some.map(() => 'unanswered'));
  });
});

describe('what changes what is ignored', () => {
  it.each<[string, (root: string) => void, boolean]>([
    ['nothing', () => {}, false],
    ['a .gitignore is edited', (root) => writeFileSync(join(root, '.gitignore'), '*.b\n'), true],
    ['a .gitignore goes', (root) => rmSync(join(root, 'd/.gitignore')), true],
    ['info/exclude is edited', (root) => writeFileSync(join(root, '.git/info/exclude'), 'x\n'), true],
    ['an ignored file is tracked', (root) => void git(root, 'add', '-f', 'x.log'), true],
    ['a file is tracked that was not ignored', (root) => void git(root, 'add', 'y'), false],
    ['a tracked file is not any more', (root) => void git(root, 'rm', '-q', '--cached', 't.log'), true],
    ['a tracked file is removed', (root) => void git(root, 'rm', '-q', '-f', 't.log'), false],
  ])('%s', async (_what, change, isChange) => {
    const root = repository({
      '.gitignore': '*.log\n',
      'd/.gitignore': 'z\n',
      'x.log': '',
      't.log': '',
      y: '',
      'd/w': '',
    });
    git(root, 'add', '-f', 't.log');
    const filter = filterOf();
    const rules = await rulesFor(root, filter);
    const wanted = async (): Promise<Name[]> => {
      const found: Name[] = [];
      for await (const { dir, entries } of walkAll(new Disk(root), filter))
        for (const base of entries.keys()) found.push((dir === ROOT ? base : `${dir}/${base}`) as Name);
      return found.filter((name) => !name.startsWith('.git/')).sort();
    };
    await wanted();
    expect(await rules.refresh()).toBeUndefined();
    change(root);
    expect((await rules.refresh()) !== undefined).toBe(isChange);
    expect(await rules.refresh()).toBeUndefined();
    const listed = git(root, 'ls-files', '-z', '--cached', '--others', '--exclude-standard').split('\0');
    expect((await wanted()).filter((name) => !['.git', 'd'].includes(name))).toEqual(
      listed.filter((each) => each !== '' && existsSync(join(root, each))).sort(),
    );
  });

  it('a new .gitignore that a listing meets counts from the next look at the rules on', async () => {
    const root = repository({ 'd/a.tmp': '' });
    const filter = filterOf();
    const rules = await rulesFor(root, filter);
    for await (const _ of walkAll(new Disk(root), filter));
    expect(filter.decideDeep(nameFromText('d/a.tmp'), false).synced).toBe(true);
    fill(root, { 'd/.gitignore': '*.tmp\n' });
    for await (const _ of walkAll(new Disk(root), filter));
    expect(await rules.refresh()).toBe('what git ignores');
    for await (const _ of walkAll(new Disk(root), filter));
    expect(filter.decideDeep(nameFromText('d/a.tmp'), false).synced).toBe(false);
  });
});

describe('--gitignore in no repository', () => {
  it('reads the .gitignore files, edits and new ones too; a clone further down has its own rules', async () => {
    const root = join(temporaryDir(), 'here');
    fill(root, {
      '.gitignore': '*.log\n/build/\n!keep.log\n',
      'x.log': '',
      'keep.log': '',
      'build/out': '',
      'd/.gitignore': '*.tmp\n',
      'd/build/out': '',
      'd/a.tmp': '',
      'e/b.tmp': '',
    });
    fill(join(root, 'clone'), { '.gitignore': '*.own\n', 'x.log': '', 'a.own': '', 'tracked.own': '' });
    git(join(root, 'clone'), 'init', '-q');
    git(join(root, 'clone'), 'add', '-f', 'tracked.own');
    const filter = filterOf();
    const rules = await rulesFor(root, filter);
    const synced = async (): Promise<string[]> => {
      const found: string[] = [];
      for await (const { dir, entries } of walkAll(new Disk(root), filter))
        for (const [base, { type }] of entries)
          if (type === 'file') found.push(dir === ROOT ? base : `${textOf(dir)}/${base}`);
      return found.filter((name) => !name.startsWith('clone/.git/')).sort();
    };
    const inClone = ['clone/.gitignore', 'clone/tracked.own', 'clone/x.log'];
    const inTree = ['d/.gitignore', 'd/build/out', 'e/b.tmp', 'keep.log'];
    expect(await synced()).toEqual(['.gitignore', ...inClone, ...inTree].sort());
    expect(rules.gitInWords).toBe('3 .gitignore files, read without git, 1 more repositories below it');
    fill(root, { 'e/.gitignore': 'b.*\n', '.gitignore': '*.log\n' });
    await synced(); // it meets the new one
    expect(await rules.refresh()).toBe('what git ignores');
    expect(await synced()).toEqual([
      '.gitignore',
      'build/out',
      ...inClone,
      'd/.gitignore',
      'd/build/out',
      'e/.gitignore',
    ]);
  });
});

describe('git is being asked', () => {
  it('while the rules change: what it said of the old ones does not count', async () => {
    const root = repository({ '.gitignore': '*.log\n', 'x.log': '', y: '' });
    const filter = filterOf();
    const rules = await rulesFor(root, filter);
    for await (const _ of walkAll(new Disk(root), filter));
    fill(root, { 'z.log': '' });
    const asking = filter.learn(ROOT, [['z.log', false]]);
    writeFileSync(join(root, '.gitignore'), 'y\n');
    expect(await rules.refresh()).toBe('what git ignores');
    await asking;
    expect(filter.decide(nameFromText('z.log'), false).synced).toBe(true);
  });

  it.each(['.git/info/exclude', '.gitignore', 'd/.gitignore'])(
    'while %s is empty for a moment: what it has read then it is not asked about again, and others get their answer',
    async (file) => {
      const root = repository({ [file]: '*.secret\n', 'd/a.secret': '', 'e/b': '' });
      const path = join(root, file);
      const empties = join(temporaryDir(), 'git');
      const real = there(PROGRAMS.git).file;
      const once = `case "$*" in *check-ignore*) [ -s ${empties}.done ] || { echo 1 >${empties}.done; : >${path}; } ;; esac`;
      writeFileSync(empties, `#!/bin/sh\n${once}\nexec ${real} "$@"\n`, { mode: 0o755 });
      const filter = filterOf();
      const notes: unknown[] = [];
      const rules = await RuleFiles.open(
        { root, dir: root, filter, gitignore: true, rest: NO_REST },
        { ...USERS_GIT, git: { ...there(PROGRAMS.git), file: empties } },
        (event) => notes.push(event),
      );
      onTestFinished(() => rules.close());
      const [secret, other] = ['d/a.secret', 'e/b'].map(nameFromText) as [Name, Name];
      const many = Array.from({ length: 5_000 }, (_, i) => [i === 0 ? 'b' : `b${i}`, false] as const);
      const ask = () =>
        Promise.all([
          filter.learn(nameFromText('d'), [['a.secret', false]]),
          filter.learn(nameFromText('e'), many), // more than comes in one piece
        ]);
      await ask();
      expect(readFileSync(path, 'utf8')).toBe('');
      expect(filter.decide(secret, false)).toMatchObject({ synced: false, isUnsure: true });
      if (file === 'd/.gitignore') expect(filter.decide(other, false)).toMatchObject({ synced: true });
      writeFileSync(path, '*.secret\n');
      expect(await rules.refresh()).toBe('');
      await ask();
      expect(filter.decide(secret, false)).toMatchObject({ synced: false, rule: { text: '*.secret' } });
      expect(filter.decide(other, false)).toMatchObject({ synced: true });
      expect(notes).toEqual([]);
    },
  );
});

describe('a full pass', () => {
  const pass = async (root: string, there: string, filter: Filter, afterTheWalk: () => void) => {
    const work = localWork(root, there, filter);
    const guard = async (): Promise<undefined> => {
      afterTheWalk();
    };
    const end = await fullPass(work, passOptions({ guard }));
    expect(end.kind).toBe('done');
    await bringWaiting(work);
    return work;
  };

  it('deletes there again what came after the walk and only our own filter excludes, but nothing that was there', async () => {
    const root = repository({ '.gitignore': '*.log\n', a: '' });
    const there = `${root}-there`;
    fill(there, { 'theirs.log': 'theirs', 'both.log': 'theirs too' });
    const filter = filterOf({
      regexes: [REGEX],
      defaults: [{ action: 'exclude', pattern: '.git', source: { kind: 'default' } }],
    });
    await rulesFor(root, filter);
    const work = await pass(root, there, filter, () =>
      fill(root, { 'new.log': '', 'skip/x/y': '', 'd/skip': '', b: '', 'both.log': '' }),
    );
    expect(names(there)).toEqual(['.gitignore', 'a', 'b', 'both.log', 'd', 'theirs.log']);
    expect([...work.ledger.index.entries()].map(([name]) => name).sort()).toEqual(['.', '.gitignore', 'a', 'b', 'd']);
  });
});

describe('a .syncignore with broad lines that bring back', () => {
  const FILES = [
    'a.py',
    'd/b.py',
    '.git/hooks/h.py',
    '.idea/w.py',
    'd/__pycache__/b.py',
    'd/__pycache__/b.pyc',
    'd/x.txt',
  ];
  const SYNCED = ['a.py', 'd', 'd/b.py'];

  it.each<[string, readonly string[], readonly string[], readonly string[]]>([
    ['none names what is left out by default', ['*', '!*/', '!*.py'], [], FILES],
    ['some do', ['*', '!*/', '!*.py', '!.idea/', '!*.pyc'], ['.idea', '.idea/w.py'], FILES],
  ])('tells rsync the same as it decides itself: %s', async (_what, lines, also, files) => {
    const root = join(temporaryDir(), 'here');
    fill(root, Object.fromEntries(files.map((name) => [name, ''])));
    const filter = filterOf({
      syncignore: rulesFromIgnoreFile(lines.join('\n'), (line) => ({ kind: 'ignoreFile', path: '.syncignore', line })),
      defaults: DEFAULT_EXCLUDES.map((pattern) => ({ action: 'exclude', pattern, source: { kind: 'default' } })),
    });
    await deliverAll(root, `${root}-there`, filter);
    expect(names(`${root}-there`)).toEqual([...SYNCED, ...also].sort());
    const hinted = `${root}-hinted`;
    await deliverHints(root, hinted, filter, files);
    expect(names(hinted)).toEqual([...SYNCED, ...also].sort());
  });
});

describe('a batch', () => {
  it('leaves out what is excluded by the time its turn comes; what took the place of another kind clears it', async () => {
    const root = join(temporaryDir(), 'here');
    const there = `${root}-there`;
    fill(root, { a: 'a', b: 'b', c: 'c' });
    const filter = filterOf();
    const work = localWork(root, there, filter);
    await noteAll(work);
    await bringWaiting(work);
    expect(names(there)).toEqual(['a', 'b', 'c']);
    const rule = (pattern: string) =>
      ({ action: 'exclude', pattern, source: { kind: 'ignoreFile', path: '.syncignore', line: 1 } }) as const;
    expect(filter.replace('syncignore', [rule('a'), rule('b/')]).ok).toBe(true);
    writeFileSync(join(root, 'a'), 'excluded by now');
    rmSync(join(root, 'b'));
    fill(root, { 'b/in': 'an excluded directory' });
    for (const name of ['a', 'b', 'b/in', 'c']) work.ledger.note(nameFromText(name));
    await bringWaiting(work);
    expect(names(there)).toEqual(['a', 'c']);
    expect(readFileSync(join(there, 'a'), 'utf8')).toBe('a');
    expect(work.ledger.pending.size).toBe(0);
    expect(work.ledger.index.get(nameFromText('a'))).toBeUndefined();
  });
});
