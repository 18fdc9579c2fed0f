import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Place, place, type Running, run } from '../support/cli.js';
import { fill, names, temporaryDir } from '../support/tree.js';
import { directories, watchedInodes } from '../support/watches.js';

const IDENTITY = ['-c', 'user.name=nobody', '-c', 'user.email=nobody@localhost', '-c', 'protocol.file.allow=always'];

const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', [...IDENTITY, ...args], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** What git does not ignore, tracked or not, as long as it is there. */
const wantedBy = (cwd: string): string[] =>
  git(cwd, 'ls-files', '--cached', '--others', '--exclude-standard', '-z')
    .split('\0')
    .filter((each) => each !== '' && existsSync(join(cwd, each)));

/** Files and links only: git knows no directories. */
const filesIn = (root: string): string[] =>
  existsSync(root) ? names(root).filter((name) => !lstatSync(join(root, name)).isDirectory()) : [];

const notes = (running: Running): string =>
  running.events.flatMap(({ event, text }) => (event === 'note' ? [String(text)] : [])).join('\n');

/** A project with what projects have. */
function project(local: string): void {
  fill(local, {
    '.gitignore': 'node_modules/\n/build/\n*.log\n',
    'package.json': '{}',
    'src/main.c': 'int main() {}',
    'src/.gitignore': '*.o\n!keep.o\n',
    'src/main.o': 'o',
    'src/keep.o': 'o',
    'build/out': 'o',
    'build/tracked': 'in spite of it',
    'node_modules/a/index.js': 'x',
    'node_modules/a/node_modules/b/index.js': 'x',
    'debug.log': 'x',
    'mine/secret': 'x',
  });
  git(local, 'init', '-q');
  appendFileSync(join(local, '.git/info/exclude'), '/mine/\n');
  git(local, 'add', '.');
  git(local, 'add', '-f', 'build/tracked');
  git(local, 'commit', '-qm', 'all');
  fill(local, { 'notes.txt': 'not tracked' });
}

/** Waits until there is exactly what git does not ignore. */
const asGitSays = ({ local, remote }: Place, running: Running, also: readonly string[] = []): Promise<unknown> =>
  running.until('what git does not ignore, and nothing else', () => {
    const wanted = [...new Set([...wantedBy(local), ...also])].sort();
    return JSON.stringify(filesIn(remote).sort()) === JSON.stringify(wanted);
  });

describe('in a git work tree', () => {
  it('what git ignores stays here, tracked files and untracked ones go', async () => {
    const there = place();
    project(there.local);
    const running = there.start();
    await asGitSays(there, running);
    expect(filesIn(there.remote)).toEqual(expect.arrayContaining(['build/tracked', 'notes.txt', 'src/keep.o']));
    fill(there.local, {
      'src/new.c': 'n',
      'src/new.o': 'n',
      'src/deep/er/x.log': 'x',
      'src/deep/er/y': 'y',
      'build/z': 'z',
    });
    await asGitSays(there, running);
  });

  it('edits to the rules take effect while it runs; what is newly ignored is left alone there', async () => {
    const there = place();
    const { local, remote } = there;
    project(local);
    const running = there.start();
    await asGitSays(there, running);
    writeFileSync(join(local, '.gitignore'), 'node_modules/\n/build/\n'); // logs are wanted now
    await asGitSays(there, running);
    expect(filesIn(remote)).toContain('debug.log');
    writeFileSync(join(local, '.gitignore'), 'node_modules/\n/build/\nnotes.txt\n');
    const changes = (): number => notes(running).split('what git ignores has changed').length - 1;
    await running.until('both changes', () => changes() === 2);
    await asGitSays(there, running, ['notes.txt']);
    writeFileSync(join(local, 'notes.txt'), 'no longer sent');
    rmSync(join(local, 'notes.txt'));
    writeFileSync(join(local, 'src/later.c'), ''); // what comes after it is there
    await asGitSays(there, running, ['notes.txt']);
    // A new file of rules together with what it ignores.
    mkdirSync(join(local, 'gen'));
    fill(local, { 'gen/.gitignore': '*.tmp\n', 'gen/a.tmp': '', 'gen/b': '' });
    await asGitSays(there, running, ['notes.txt']);
    rmSync(join(local, 'gen/.gitignore'));
    await asGitSays(there, running, ['notes.txt']);
    expect(filesIn(remote)).toContain('gen/a.tmp');
    // Outside of the tree that is watched.
    appendFileSync(join(local, '.git/info/exclude'), 'gen/b\n');
    git(local, 'add', '-f', 'build/out');
    await asGitSays(there, running, ['notes.txt', 'gen/b']);
    expect(filesIn(remote)).toContain('build/out');
  });

  it('a submodule, a clone and a worktree below it have their own rules', async () => {
    const there = place();
    const { local, remote } = there;
    project(local);
    const other = join(temporaryDir(), 'other');
    fill(other, { '.gitignore': '*.tmp\n', lib: 'l' });
    git(other, 'init', '-q');
    git(other, 'add', '.');
    git(other, 'commit', '-qm', 'lib');
    git(local, 'submodule', '--quiet', 'add', other, 'sub');
    git(local, 'clone', '-q', other, 'clone');
    git(other, 'worktree', 'add', '-q', join(local, 'tree'), '-b', 'tree');
    for (const dir of ['sub', 'clone', 'tree']) fill(local, { [`${dir}/a.tmp`]: '', [`${dir}/b.log`]: '' });
    const running = there.start();
    const inside = ['sub', 'clone', 'tree'].flatMap((dir) =>
      wantedBy(join(local, dir)).map((each) => `${dir}/${each}`),
    );
    expect(inside).toEqual(expect.arrayContaining(['sub/lib', 'clone/b.log', 'tree/b.log']));
    const outside = wantedBy(local).filter((each) => !['sub', 'clone/', 'tree/'].includes(each));
    const wanted = JSON.stringify([...outside, ...inside].sort());
    await running.until('all of it', () => JSON.stringify(filesIn(remote)) === wanted);
    // One that comes while it runs.
    git(local, 'clone', '-q', other, 'late');
    fill(local, { 'late/a.tmp': '', 'late/b.log': '' });
    const late = wantedBy(join(local, 'late')).map((each) => `late/${each}`);
    const all = JSON.stringify([...outside, ...inside, ...late].sort());
    await running.until('that too', () => JSON.stringify(filesIn(remote)) === all);
  });

  it('DIR may be a part of the work tree, or a worktree', async () => {
    const there = place();
    const { local, remote } = there;
    const base = temporaryDir();
    project(base);
    git(base, 'worktree', 'add', '-q', '--force', local, '-b', 'other');
    fill(local, { 'x.log': '', 'src/y': '', 'src/z.o': '' });
    const running = there.start();
    await asGitSays(there, running);
    expect(filesIn(remote)).not.toContain('.git');
    const part = place();
    const src = join(local, 'src');
    const { code } = await run([...part.args, '--once', src], { env: part.env });
    expect(code).toBe(0);
    expect(filesIn(part.remote)).toEqual(wantedBy(src).sort());
    fill(src, { 'x.log': '' });
    expect(filesIn(part.remote)).not.toContain('x.log'); // by a .gitignore above DIR
  });

  it("the user's own excludes file, and --no-gitignore", async () => {
    const there = place();
    project(there.local);
    fill(join(there.env['HOME'] ?? ''), { '.config/git/ignore': 'notes.txt\n' });
    expect((await there.run(['--once'])).code).toBe(0);
    expect(filesIn(there.remote)).toEqual(
      wantedBy(there.local)
        .filter((each) => each !== 'notes.txt')
        .sort(),
    );
    expect((await there.run(['--once', '--no-gitignore'])).code).toBe(0);
    expect(filesIn(there.remote)).toEqual(filesIn(there.local).filter((each) => !each.startsWith('.git/')));
  });

  it('--include and .syncignore bring back what git ignores, a directory with all that is in it', async () => {
    const { local, remote, run: once } = place();
    project(local);
    fill(local, { '.syncignore': '!/node_modules/\n/src/main.c\n', 'build/deep/x.log': '' });
    expect((await once(['--once', '--include', '/build/', '--exclude', 'deep/'])).code).toBe(0);
    expect(filesIn(remote)).toEqual(
      [
        ...wantedBy(local).filter((each) => each !== 'src/main.c'),
        'build/out',
        'node_modules/a/index.js',
        'node_modules/a/node_modules/b/index.js',
      ].sort(),
    );
  });

  it('a mirror leaves alone there what git ignores, unless --delete-excluded is given', async () => {
    const { local, remote, run: once, fillRemote } = place();
    project(local);
    expect((await once(['--once'])).code).toBe(0);
    fillRemote({ 'core.log': '', 'build/theirs': '', 'node_modules/x/y': '', extra: '', 'gone/y.log': '' });
    const mirror = ['--once', '--delete', 'mirror', '--max-delete', '100'];
    const first = await once(mirror);
    expect(first.stderr).toBe('');
    const theirs = ['core.log', 'build/theirs', 'node_modules/x/y', 'gone/y.log'];
    expect(filesIn(remote)).toEqual([...wantedBy(local), ...theirs].sort());
    const second = await once([...mirror, '--delete-excluded']);
    expect(second.code).toBe(0);
    expect(filesIn(remote)).toEqual(wantedBy(local).sort());
    const refused = await once(['--once', '--delete-excluded']);
    expect(refused.code).toBe(2);
  });

  it('ignored directories take no watches, new ones neither, but one with a tracked file does', async () => {
    const { local, remote, start } = place();
    project(local);
    const running = start();
    await running.inSync();
    const unwatchedBelow = (dir: string): string[] => {
      const watched = watchedInodes(running);
      return directories(join(local, dir)).filter((each) => !watched.has(lstatSync(each).ino));
    };
    expect(unwatchedBelow('node_modules').length).toBe(directories(join(local, 'node_modules')).length);
    expect(unwatchedBelow('build')).toEqual([]);
    expect(unwatchedBelow('src')).toEqual([]);
    for (let i = 0; i < 300; i++) fill(local, { [`src/node_modules/m${i}/index.js`]: '' });
    // As long as something goes on in there: hints that come before it is known to be ignored do not count.
    let round = 0;
    await running.until('none on the new ones', () => {
      if (round++ % 40 === 0)
        for (let i = 0; i < 300; i++) writeFileSync(join(local, `src/node_modules/m${i}/more${round}`), '');
      return unwatchedBelow('src/node_modules').length === 301;
    });
    writeFileSync(join(local, 'src/last.c'), '');
    await running.until('what comes after', () => existsSync(join(remote, 'src/last.c')));
    expect(names(remote).filter((name) => name.includes('node_modules'))).toEqual([]);
    const hidden = running.events.filter((e) => JSON.stringify(e).includes('node_modules'));
    expect(hidden).toEqual([]);
  });
});

describe('where git can not be asked', () => {
  /** A PATH with all that is needed but git. */
  function withoutGit(): string {
    const dir = temporaryDir();
    for (const folder of (process.env['PATH'] ?? '').split(delimiter).reverse()) {
      for (const tool of ['rsync', 'ssh', 'ssh-keygen', 'setpriv', 'sh', 'node', 'ps', 'env', 'true', 'false']) {
        if (!existsSync(join(folder, tool))) continue;
        rmSync(join(dir, tool), { force: true });
        symlinkSync(join(folder, tool), join(dir, tool));
      }
    }
    return dir;
  }

  it('no git at all: said, and .gitignore files count all the same, edits too', async () => {
    const { local, remote, start, env } = place();
    project(local);
    const running = start([], { env: { ...env, PATH: withoutGit() } });
    await running.inSync();
    expect(notes(running)).toMatch(/git is not installed/);
    const wanted = [
      '.gitignore',
      'mine/secret',
      'notes.txt',
      'package.json',
      'src/.gitignore',
      'src/keep.o',
      'src/main.c',
    ];
    expect(filesIn(remote)).toEqual(wanted);
    writeFileSync(join(local, '.gitignore'), 'node_modules/\n/build/\n');
    await running.until('the log', () => existsSync(join(remote, 'debug.log')));
  });

  it('a repository that git refuses: said, with its reason', async () => {
    const { local, remote, run: once } = place();
    project(local);
    writeFileSync(join(local, '.git/config'), '[broken\n');
    const { code, stdout } = await once(['--once']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/git can't be asked about .*bad config/);
    expect(filesIn(remote)).not.toContain('node_modules/a/index.js');
  });

  it('no work tree: .gitignore files do not count, unless --gitignore asks for them, and git for the clones below it', async () => {
    const there = place();
    fill(there.local, { '.gitignore': '*.log\n', 'a.log': '' });
    project(join(there.local, 'clone'));
    expect((await there.run(['--once', '--dry-run'].slice(1))).stdout).toMatch(/a\.log/);
    expect((await there.run(['--once', '--gitignore'])).code).toBe(0);
    const inside = wantedBy(join(there.local, 'clone')).map((each) => `clone/${each}`);
    expect(filesIn(there.remote)).toEqual(['.gitignore', ...inside].sort());
  });
});

describe('files of rules that are none', () => {
  it('a FIFO or a link to /dev/zero at the start: .syncignore is refused, .gitignore is skipped in words', async () => {
    const { local, remote, run: once } = place();
    project(local);
    rmSync(join(local, '.gitignore'));
    symlinkSync('/dev/zero', join(local, '.gitignore'));
    rmSync(join(local, 'src/.gitignore'));
    execFileSync('mkfifo', [join(local, 'src/.gitignore')]);
    const skipped = await once(['--once']);
    expect(skipped, skipped.stderr).toMatchObject({ code: 0 });
    expect(skipped.stdout).toMatch(/^[\d:-]+ [\d:]+ \.gitignore is a device, not a file: it does not count/m);
    expect(skipped.stdout).toMatch(/^[\d:-]+ [\d:]+ src\/\.gitignore is a FIFO, not a file: it does not count/m);
    expect(filesIn(remote)).toContain('src/main.o');
    expect(filesIn(remote)).not.toContain('mine/secret');
    for (const make of ['mkfifo .syncignore', 'ln -s /dev/zero .syncignore']) {
      execFileSync('sh', ['-c', `rm -f .syncignore; ${make}`], { cwd: local });
      const refused = await once(['--once']);
      expect(refused.code).toBe(2);
      expect(refused.stderr).toMatch(/\.syncignore is a (FIFO|device), not a file\n {2}Make it a file/);
    }
  });

  it('swapped in while it runs: said, everything else goes on, and they count again when they are back', async () => {
    const { local, remote, start, env } = place();
    project(local);
    fill(local, { '.syncignore': '*.tmp\n' });
    const running = start();
    await running.inSync();
    for (const file of ['.gitignore', '.syncignore']) {
      renameSync(join(local, file), join(local, '.git', file));
      execFileSync('mkfifo', [join(local, file)]);
    }
    fill(local, { 'a.tmp': '', 'new.txt': '', 'src/b.o': '' });
    await running.until('what git ignored by it', () => existsSync(join(remote, 'node_modules/a/index.js')));
    expect(await run(['flush', local], { env })).toMatchObject({ code: 0, stderr: '' });
    expect(notes(running)).toMatch(/\.gitignore is a FIFO, not a file: it does not count/);
    expect(notes(running)).toMatch(/\.syncignore is a FIFO, not a file; the rules before it stay/);
    expect(filesIn(remote)).toContain('new.txt');
    for (const left of ['a.tmp', 'src/b.o', 'mine/secret']) expect(filesIn(remote)).not.toContain(left);
    for (const file of ['.gitignore', '.syncignore']) renameSync(join(local, '.git', file), join(local, file));
    fill(local, { 'later.txt': '' });
    await running.until('it counts again', () =>
      /what git ignores has changed/.test(notes(running).split('FIFO')[2] ?? ''),
    );
    expect(await run(['flush', local], { env })).toMatchObject({ code: 0 });
    expect(filesIn(remote)).toContain('later.txt');
  });
});

describe('.syncignore', () => {
  it('is read as a .gitignore; edits take effect, and a wrong line is said and changes nothing', async () => {
    const { local, remote, start } = place();
    fill(local, { '.syncignore': '*.log\n!keep.log\nout/\n', 'a.log': '', 'keep.log': '', 'out/x': '', 'd/out': '' });
    const running = start();
    await running.inSync();
    expect(filesIn(remote)).toEqual(['.syncignore', 'd/out', 'keep.log']);
    writeFileSync(join(local, '.syncignore'), '*.log\nx[\n');
    await running.until('the complaint', () =>
      /\.syncignore, line 2: 'x\['.*the rules before it stay/.test(notes(running)),
    );
    fill(local, { 'b.log': '', 'out/y': '', c: '' });
    await running.until('c', () => existsSync(join(remote, 'c')));
    expect(filesIn(remote)).toEqual(['.syncignore', 'c', 'd/out', 'keep.log']);
    writeFileSync(join(local, '.syncignore'), '*.tmp\n');
    await running.until('the rest', () => existsSync(join(remote, 'out/y')) && existsSync(join(remote, 'b.log')));
  });

  it('a wrong line at the start is refused before anything is touched', async () => {
    const { local, remote, run: once } = place();
    fill(local, { '.syncignore': 'fine\n[[:nope:]]\n', a: '' });
    const { code, stderr } = await once(['--once']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/\.syncignore, line 2: '\[\[:nope:\]\]' can't be used: unknown character class/);
    expect(existsSync(remote)).toBe(false);
  });
});

describe('--why', () => {
  it('says which rule of which source decides; exit code 1 if one of them is not synced', async () => {
    const { local, env } = place();
    project(local);
    fill(local, { '.syncignore': '/tmp/\n', 'tmp/x': '' });
    const all = ['--exclude-regex', '\\.bak$', '-x', '*.iso', '--include', '/debug.log'];
    const asked = [
      'src/main.o',
      'src/main.c',
      'tmp/x',
      'a.bak',
      'b.iso',
      'debug.log',
      '.git',
      'node_modules/a',
      'build/tracked',
    ];
    const { code, stdout } = await run([...all, ...asked.flatMap((path) => ['--why', path]), local], { env });
    expect(code).toBe(1);
    expect(stdout.trimEnd().split('\n')).toEqual([
      'src/main.o: not synced; src/.gitignore, line 1: *.o',
      'src/main.c: synced; git: tracked',
      'tmp/x: not synced; .syncignore, line 1: /tmp/ (about tmp/)',
      'a.bak: nothing of that name is here; it would not be synced; --exclude-regex: \\.bak$',
      'b.iso: nothing of that name is here; it would not be synced; --exclude: *.iso',
      'debug.log: synced; --include: /debug.log',
      '.git: not synced; default excludes: .git',
      'node_modules/a: not synced; .gitignore, line 1: node_modules/ (about node_modules/)',
      'build/tracked: synced; git: tracked',
    ]);
    expect((await run(['--why', 'src/main.c', local], { env })).code).toBe(0);
    expect((await run(['--why', '../x', local], { env })).code).toBe(2);
  });

  it('knows what no rule leaves out and still stays here: a FIFO, and what is beyond a link', async () => {
    const { local, env } = place();
    project(local);
    execFileSync('mkfifo', [join(local, 'fifo')]);
    symlinkSync('src', join(local, 'link'));
    const asked = ['fifo', 'link', 'link/main.c', 'src/main.c/x'].flatMap((path) => ['--why', path]);
    expect(await run([...asked, local], { env })).toMatchObject({
      code: 1,
      stdout: [
        'fifo: not synced; syncwatch: it is neither a file, a directory nor a link\n',
        'link: synced; no rule matches it\n',
        'link/main.c: not synced; syncwatch: what it is in is no directory here\n',
        'src/main.c/x: not synced; syncwatch: what it is in is no directory here\n',
      ].join(''),
    });
  });

  it('says that nothing of that name is here, and what the rules would say of it', async () => {
    const { local, env } = place();
    project(local);
    const asked = ['src/mian.c', 'src/mian.o', 'no/such', 'node_modules/', 'src/'].flatMap((path) => ['--why', path]);
    const { code, stdout } = await run([...asked, local], { env });
    expect(stdout.trimEnd().split('\n')).toEqual([
      'src/mian.c: nothing of that name is here; it would be synced; no rule matches it',
      'src/mian.o: nothing of that name is here; it would not be synced; src/.gitignore, line 1: *.o',
      'no/such: nothing of that name is here; it would be synced; no rule matches it',
      'node_modules: not synced; .gitignore, line 1: node_modules/',
      'src: synced; git: tracked',
    ]);
    expect(code).toBe(1);
    const json = await run(['--why', 'src/mian.c', '--why', 'src/main.c', '--json', local], { env });
    expect(json.code).toBe(0);
    expect(
      json.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).missing),
    ).toEqual([true, undefined]);
  });

  it('-v says how many rules came from where', async () => {
    const { local, start } = place();
    project(local);
    fill(local, { '.syncignore': 'a/**/b\nc\n' });
    const running = start(['-v', '-x', 'd', '--exclude-regex', 'e']);
    await running.inSync();
    expect(notes(running)).toMatch(
      /1 of the command line and the settings; 2 of \.syncignore; git \(2 \.gitignore files\); 1 regular expressions; \d+ by default; \d excluded directories are not watched/,
    );
  });
});
