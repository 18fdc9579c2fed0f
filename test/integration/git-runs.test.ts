import { existsSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Event } from '../../src/core/event.js';
import { nameFromText } from '../../src/core/name.js';
import { RuleFiles } from '../../src/rules/rule-files.js';
import { Disk } from '../../src/scan/disk.js';
import { walkAll } from '../../src/scan/shared-walk.js';
import { NO_REST, USERS_GIT } from '../support/programs.js';
import { filterOf } from '../support/settings.js';
import { git, Spies } from '../support/spies.js';
import { fill, temporaryDir } from '../support/tree.js';

let spies: Spies;
let dir: string;

beforeEach(() => {
  spies = new Spies();
  dir = join(temporaryDir(), 'dir');
  mkdirSync(dir);
});

/** All that is ever asked of git about a directory. Gives what was said, and what says whether a path is synced. */
async function askAll(root: string): Promise<{ said: string; syncs: (path: string) => boolean }> {
  const filter = filterOf();
  const notes: Event[] = [];
  const options = { root, dir: root, filter, gitignore: true, rest: NO_REST };
  const rules = await RuleFiles.open(options, USERS_GIT, (event) => notes.push(event));
  onTestFinished(() => rules.close());
  const walk = async (): Promise<void> => {
    for await (const _ of walkAll(new Disk(root), filter));
  };
  await walk();
  for (const file of ['.gitignore', '.git/config', '.git/index'])
    if (existsSync(join(root, file))) utimesSync(join(root, file), 1, 1);
  await rules.refresh();
  await walk();
  return {
    said: notes.map((event) => ('text' in event ? event.text : '')).join('\n'),
    syncs: (path) => filter.decideDeep(nameFromText(path), false).synced,
  };
}

/** Makes a repository in `at` with git itself. */
function init(at: string, ...args: readonly string[]): void {
  mkdirSync(at, { recursive: true });
  git(at, 'init', '-q', ...args);
  if (!args.includes('--bare')) fill(at, { '.gitignore': '*.log\n', tracked: '', 'x.log': '', 'kept.log': '' });
}

function commit(at: string): void {
  git(at, 'add', '.gitignore', 'tracked');
  git(at, 'add', '-f', 'kept.log');
  git(at, 'commit', '-q', '-m', 'one');
}

const evil = (config: string, more?: readonly string[]): void =>
  writeFileSync(config, spies.config(more), { flag: 'a' });

describe('nothing is started that a repository’s config names', () => {
  /** Each gives the DIR, and where in it the repository is. */
  const cases: Readonly<Record<string, () => readonly [root: string, at: string]>> = {
    'an unpacked .git': () => {
      spies.plant(join(dir, '.git'), dir);
      return [dir, dir];
    },
    'DIR is a part of the work tree': () => {
      spies.plant(join(dir, '.git'), dir);
      fill(join(dir, 'below'), { tracked: '', 'x.log': '', 'kept.log': '' });
      return [join(dir, 'below'), join(dir, 'below')];
    },
    'an included config': () => {
      init(dir);
      writeFileSync(join(dir, 'more.inc'), spies.config());
      git(dir, 'config', 'include.path', '../more.inc');
      return [dir, dir];
    },
    'a config that is included for this place': () => {
      init(dir);
      writeFileSync(join(dir, 'more.inc'), spies.config());
      git(dir, 'config', `includeIf.gitdir:${dir}/.path`, '../more.inc');
      return [dir, dir];
    },
    'the config of a worktree': () => {
      init(dir);
      git(dir, 'config', 'extensions.worktreeConfig', 'true');
      writeFileSync(join(dir, '.git/config.worktree'), spies.config());
      return [dir, dir];
    },
    'a .git that leads to a repository in the tree': () => {
      spies.plant(join(dir, 'x.git'), dir, ['core.bare=false', `core.worktree=${dir}`]);
      writeFileSync(join(dir, '.git'), 'gitdir: x.git\n');
      return [dir, dir];
    },
    'a worktree of another repository': () => {
      const main = join(temporaryDir(), 'main');
      init(main);
      commit(main);
      rmSync(dir, { recursive: true });
      git(main, 'worktree', 'add', '-q', dir);
      fill(dir, { 'x.log': '' });
      evil(join(main, '.git/config'));
      return [dir, dir];
    },
    'a repository in one that is none': () => {
      spies.plant(join(dir, 'sub/.git'), join(dir, 'sub'));
      return [dir, join(dir, 'sub')];
    },
    'a repository in a good one': () => {
      init(dir);
      commit(dir);
      spies.plant(join(dir, 'a/sub/.git'), join(dir, 'a/sub'));
      return [dir, join(dir, 'a/sub')];
    },
    'a submodule': () => {
      const other = join(temporaryDir(), 'other');
      init(other);
      commit(other);
      init(dir);
      git(dir, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', other, 'sub');
      fill(dir, { 'sub/x.log': '' });
      evil(join(dir, '.git/modules/sub/config'), ['core.worktree=../../../sub']);
      return [dir, join(dir, 'sub')];
    },
    'what a partial clone lacks': () => {
      init(dir);
      fill(dir, { 'in/a': '', 'out/b': '' });
      git(dir, 'add', '.');
      commit(dir);
      git(dir, 'sparse-checkout', 'set', '--cone', '--sparse-index', 'in');
      const tree = git(dir, 'rev-parse', 'HEAD:out').trim();
      rmSync(join(dir, '.git/objects', tree.slice(0, 2), tree.slice(2)));
      const remote = ['remote.origin.promisor=true', 'remote.origin.partialclonefilter=tree:0'];
      const url = `remote.origin.url=ext::${join(spies.folder, 'core.sshCommand')} %S`;
      evil(join(dir, '.git/config'), ['core.fsmonitor=', 'protocol.ext.allow=always', url, ...remote]);
      git(dir, 'config', 'core.repositoryFormatVersion', '1');
      git(dir, 'config', 'extensions.partialClone', 'origin');
      return [dir, dir];
    },
  };

  it.each(Object.entries(cases))('%s', async (_what, plant) => {
    const [root, at] = plant();
    expect(spies.isArmed(at)).toBe(true);
    const { syncs } = await askAll(root);
    expect(spies.sprung()).toBe('');
    // And what git says of its own counts as ever.
    const path = (name: string): string => join(at, name).slice(root.length + 1);
    expect([syncs(path('tracked')), syncs(path('x.log'))]).toEqual([true, false]);
  });

  it.each([
    ['DIR', ''],
    ['a directory above DIR', 'below'],
  ])('%s looks like a repository without a work tree: not obeyed, and that is said', async (_what, below) => {
    spies.plant(dir, dir, ['core.bare=false', `core.worktree=${dir}`]);
    const root = join(dir, below);
    fill(root, { '.gitignore': '*.log\n', tracked: '', 'x.log': '' });
    expect(spies.isArmed(root)).toBe(true);
    const { said, syncs } = await askAll(root);
    expect(spies.sprung()).toBe('');
    expect(said).toMatch(/git can't be asked about .*cannot use bare repository/);
    expect([syncs('tracked'), syncs('x.log')]).toEqual([true, false]);
  });

  it('one like that further down is a directory like any other', async () => {
    init(dir);
    commit(dir);
    spies.plant(join(dir, 'x.git'), join(dir, 'x.git'), ['core.bare=false', 'core.worktree=.']);
    expect(spies.isArmed(join(dir, 'x.git'))).toBe(true);
    const { said, syncs } = await askAll(dir);
    expect(spies.sprung()).toBe('');
    expect(said).toBe('');
    expect([syncs('x.git/HEAD'), syncs('x.git/x.log')]).toEqual([true, false]);
  });
});

it.each([
  ['DIR', ''],
  ['a directory above DIR', 'below'],
])(
  '%s has a .git that is said to be bare by mistake: what it ignores stays here, and that is said',
  async (_what, below) => {
    init(dir);
    git(dir, 'config', 'core.bare', 'true');
    const root = join(dir, below);
    fill(root, { '.gitignore': '*.log\n', tracked: '', 'x.log': '' });
    const { said, syncs } = await askAll(root);
    expect(said).toMatch(/git can't be asked about .*must be run in a work tree/);
    expect([syncs('tracked'), syncs('x.log')]).toEqual([true, false]);
  },
);

it('worktrees of a bare repository are asked as ever', async () => {
  const main = join(temporaryDir(), 'main');
  init(main);
  commit(main);
  git(main, 'clone', '-q', '--bare', main, join(dir, '.bare'));
  writeFileSync(join(dir, '.git'), 'gitdir: ./.bare\n');
  git(dir, 'worktree', 'add', '-q', 'tree');
  fill(join(dir, 'tree'), { 'x.log': '' });
  for (const [root, path] of [
    [dir, 'tree/'],
    [join(dir, 'tree'), ''],
  ] as const) {
    const { said, syncs } = await askAll(root);
    expect(said).toBe('');
    expect([syncs(`${path}kept.log`), syncs(`${path}x.log`)]).toEqual([true, false]);
  }
});
