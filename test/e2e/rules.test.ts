import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Place, place, type Running, run } from '../support/cli.js';
import { fill, names, temporaryDir } from '../support/tree.js';

const IDENTITY = ['-c', 'user.name=nobody', '-c', 'user.email=nobody@localhost'];

const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', [...IDENTITY, ...args], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** What git does not ignore, tracked or not, as long as it is there. */
const wantedBy = (cwd: string): string[] =>
  git(cwd, 'ls-files', '--cached', '--others', '--exclude-standard', '-z')
    .split('\0')
    .filter((each) => each !== '' && existsSync(join(cwd, each)))
    .sort();

/** What must never be there, at no moment: nothing of it may even be begun. */
const SECRET = /(^|\/)(\.env[^/]*|node_modules|[^/]*\.secret\d?)(\/|$)/;

const RULES = '.env*\nnode_modules/\n*.secret\n';

/** All that rsync ever turned to, and what is there now, of what must not be. */
const leaked = (running: Running, { remote }: Place): string[] => [
  ...running.events.flatMap(({ event, path }) =>
    event === 'started' && SECRET.test(path ?? '') ? [String(path)] : [],
  ),
  ...(existsSync(remote) ? names(remote).filter((name) => SECRET.test(name)) : []),
];

/** For so long a file of rules may be away, empty or cut short, in milliseconds; the tests mean to take far less. */
const COMES_BACK_MS = 2_000;

/**
 * What must not have leaked after a file was away for `awayMs`: nothing at all; or, where this machine stood still for so long that the
 * file was believed to be gone, nothing that is there still.
 */
const leakedAfter = (awayMs: number, running: Running, there: Place): string[] =>
  leaked(running, there).filter((name) => awayMs < COMES_BACK_MS || existsSync(join(there.remote, name)));

const says = (running: Running, text: RegExp): boolean =>
  running.events.some(({ event, text: said }) => event === 'note' && text.test(String(said)));

const flush = ({ local, env }: Place) => run(['flush', local, '--timeout', '40'], { env });

/** A work tree with rules, and what they leave out. */
function project({ local }: Place): void {
  fill(local, { '.gitignore': RULES, 'main.c': 'm', 'src/a.c': 'a', '.env': 'secret', 'node_modules/x/y.js': 'y' });
  git(local, 'init', '-q');
}

describe('a file of rules that is being rewritten', () => {
  it.each<[string, (path: string, round: number) => Promise<void>]>([
    [
      'emptied and written a moment later',
      async (path) => {
        writeFileSync(path, '');
        await sleep(120);
        writeFileSync(path, RULES);
      },
    ],
    [
      'away for a moment',
      async (path) => {
        renameSync(path, `${path}.away.secret`);
        await sleep(200);
        renameSync(`${path}.away.secret`, path);
      },
    ],
    [
      'written in two pieces, with more in it than before',
      async (path, round) => {
        writeFileSync(path, '# nothing yet\n');
        await sleep(60);
        writeFileSync(path, `${RULES}# ${round}\n`);
      },
    ],
  ])('lets no secret out: .gitignore %s', async (_what, rewrite) => {
    const there = place();
    const { local, remote } = there;
    project(there);
    const running = there.start();
    await running.inSync();
    let awayMs = 0;
    for (let round = 0; round < 5; round++) {
      const begun = performance.now();
      const rewriting = rewrite(join(local, '.gitignore'), round);
      await sleep(10 * round); // somewhere in the gap
      fill(local, { '.env': `secret ${round}`, [`.env.${round}`]: 'secret', [`node_modules/m${round}/a.js`]: '' });
      fill(local, { [`src/b${round}.c`]: 'b' });
      await rewriting;
      awayMs = Math.max(awayMs, performance.now() - begun);
    }
    expect(await flush(there)).toMatchObject({ code: 0 });
    expect(existsSync(join(remote, 'src/b4.c'))).toBe(true);
    expect(leakedAfter(awayMs, running, there)).toEqual([]);
  });

  it('the same for .syncignore, info/exclude, the user’s own excludes file and a .gitignore further down', async () => {
    const there = place();
    const { local, remote } = there;
    git(local, 'init', '-q');
    const excludes = join(temporaryDir(), 'excludes');
    git(local, 'config', 'core.excludesFile', excludes);
    const files: ReadonlyArray<readonly [string, string]> = [
      [join(local, '.syncignore'), 'a.secret'],
      [join(local, '.git/info/exclude'), 'b.secret'],
      [excludes, 'c.secret'],
      [join(local, 'src/.gitignore'), 'd.secret'],
    ];
    fill(local, { 'src/a.c': '' });
    for (const [path, rule] of files) writeFileSync(path, `${rule}*\n`);
    const running = there.start();
    await running.inSync();
    let awayMs = 0;
    for (const [path, rule] of files) {
      const begun = performance.now();
      writeFileSync(path, '');
      fill(local, { [`src/${rule}`]: 'secret', [`src/of-${rule.charAt(0)}`]: '' });
      await sleep(130);
      rmSync(path);
      fill(local, { [`src/${rule}2`]: 'secret' });
      await sleep(130);
      writeFileSync(path, `${rule}*\n`);
      awayMs = Math.max(awayMs, performance.now() - begun);
    }
    expect(await flush(there)).toMatchObject({ code: 0 });
    for (const each of 'abcd') expect(existsSync(join(remote, `src/of-${each}`))).toBe(true);
    expect(leakedAfter(awayMs, running, there)).toEqual([]);
  });

  it('that is empty in the very moment of the start, or away though git tracks it, is waited for', async () => {
    for (const away of [true, false]) {
      const there = place();
      const { local, remote } = there;
      project(there);
      git(local, 'add', '.gitignore');
      if (away) rmSync(join(local, '.gitignore'));
      else writeFileSync(join(local, '.gitignore'), '');
      const begun = performance.now();
      const running = there.start();
      await running.event('connected');
      await sleep(150);
      writeFileSync(join(local, '.gitignore'), RULES);
      const awayMs = performance.now() - begun;
      await running.inSync();
      expect(await flush(there)).toMatchObject({ code: 0 });
      expect(existsSync(join(remote, 'main.c'))).toBe(true);
      expect(leakedAfter(awayMs, running, there)).toEqual([]);
    }
  });

  it('is believed when it stays away; back within a minute, what went over meanwhile is deleted there again', async () => {
    const there = place();
    const { local, remote } = there;
    project(there);
    fill(local, { 'keep.txt': '', 'src/.gitignore': '*.o\n', 'src/a.o': '' });
    const running = there.start();
    await running.inSync();
    rmSync(join(local, 'src/.gitignore'));
    await running.until('what is no longer ignored', () => existsSync(join(remote, 'src/a.o')));
    fill(local, { 'src/.gitignore': '*.o\nlate.c\n', 'src/late.c': '' });
    await running.until('deleted there again', () => !existsSync(join(remote, 'src/a.o')));
    expect(existsSync(join(local, 'src/a.o'))).toBe(true);
    // What was there before is left alone there, as ever.
    writeFileSync(join(local, '.gitignore'), `${RULES}keep.txt\n`);
    await running.until('the change', () => says(running, /what git ignores has changed/));
    expect(await flush(there)).toMatchObject({ code: 0 });
    expect(existsSync(join(remote, 'keep.txt'))).toBe(true);
    expect(leaked(running, there)).toEqual([]);
  });

  it('core.excludesFile, set while it runs, counts, and later edits to it too', async () => {
    const there = place();
    const { local, remote } = there;
    project(there);
    const running = there.start();
    await running.inSync();
    const excludes = join(temporaryDir(), 'excludes');
    writeFileSync(excludes, 'one\n');
    git(local, 'config', 'core.excludesFile', excludes);
    fill(local, { one: '', two: '' });
    await running.until('two', () => existsSync(join(remote, 'two')));
    expect(await flush(there)).toMatchObject({ code: 0 });
    expect(existsSync(join(remote, 'one'))).toBe(false);
    writeFileSync(excludes, 'one\nthree\n');
    fill(local, { three: '', four: '' });
    await running.until('four', () => existsSync(join(remote, 'four')));
    expect(await flush(there)).toMatchObject({ code: 0 });
    expect(names(remote)).not.toEqual(expect.arrayContaining(['three']));
  });
});

describe('git itself', () => {
  it('that comes after the start counts from then on', async () => {
    for (const how of ['init', 'clone']) {
      const there = place();
      const { local, remote } = there;
      if (how === 'init') fill(local, { 'main.c': 'm' });
      const other = join(temporaryDir(), 'other');
      fill(other, { '.gitignore': RULES, 'lib.c': 'l' });
      git(other, 'init', '-q');
      git(other, 'add', '.');
      git(other, 'commit', '-qm', 'all');
      const running = there.start();
      await running.inSync();
      if (how === 'init') {
        git(local, 'init', '-q');
        fill(local, { '.gitignore': RULES });
      } else git(local, 'clone', '-q', other, '.');
      fill(local, { '.env': 'secret', 'node_modules/a/b.js': '', 'src/new.c': 'n' });
      await running.until('what is new', () => existsSync(join(remote, 'src/new.c')));
      expect(await flush(there)).toMatchObject({ code: 0 });
      expect(leaked(running, there)).toEqual([]);
    }
  });

  it('that fails is said; what was synced goes on, deletions too; what is new waits; and it recovers by itself', async () => {
    const there = place();
    const { local, remote, env } = there;
    project(there);
    const running = there.start();
    await running.inSync();
    const config = readFileSync(join(local, '.git/config'), 'utf8');
    writeFileSync(join(local, '.git/config'), `${config}[broken\n`);
    const unsure = await running.event('rulesUnsure');
    expect(unsure).toMatchObject({ newNames: 'wait', why: expect.stringMatching(/bad config/) });
    fill(local, { 'main.c': 'changed', 'src/new.c': 'n', '.env.new': 'secret' });
    rmSync(join(local, 'src/a.c'));
    await running.until('the change', () => readFileSync(join(remote, 'main.c'), 'utf8') === 'changed');
    await running.until('the deletion', () => !existsSync(join(remote, 'src/a.c')));
    const waiting = await flush(there);
    expect(waiting.code).toBe(1);
    expect(waiting.stderr + waiting.stdout).toMatch(/src\/new\.c.*whether git ignores it/);
    expect(existsSync(join(remote, 'src/new.c'))).toBe(false);
    expect((await run(['status', local], { env })).stdout).toMatch(
      /git can't be asked .*bad config.*what is new waits/,
    );
    writeFileSync(join(local, '.git/config'), config);
    await running.event('rulesSure');
    await running.until('what waited', () => existsSync(join(remote, 'src/new.c')));
    expect(await flush(there)).toMatchObject({ code: 0 });
    expect((await run(['status', local], { env })).stdout).not.toMatch(/git can't/);
    expect(leaked(running, there)).toEqual([]);
  });

  it('that dies, whatever it is asked, is the same', async () => {
    const there = place();
    const { local, remote } = there;
    project(there);
    const bin = temporaryDir();
    const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
    const dies = join(bin, 'dies');
    writeFileSync(join(bin, 'git'), `#!/bin/sh\n[ -e ${dies} ] && kill -9 $$\nexec ${real} "$@"\n`);
    chmodSync(join(bin, 'git'), 0o755);
    const running = there.start([], { env: { ...there.env, PATH: `${bin}${delimiter}${process.env['PATH']}` } });
    await running.inSync();
    writeFileSync(dies, '');
    // It is kept open: what it is asked next it still answers, so it has to be asked anew.
    fill(local, { '.gitignore': `${RULES}more\n` });
    await running.until('that', () => says(running, /what git ignores has changed/));
    fill(local, { 'src/new.c': 'n', '.env.new': 'secret', 'main.c': 'changed' });
    await running.event('rulesUnsure');
    await running.until('the change', () => readFileSync(join(remote, 'main.c'), 'utf8') === 'changed');
    expect(existsSync(join(remote, 'src/new.c'))).toBe(false);
    rmSync(dies);
    await running.until('what waited', () => existsSync(join(remote, 'src/new.c')));
    expect(leaked(running, there)).toEqual([]);
  });

  it('whose .git is removed: said; ignore files count on, what is tracked too, and nothing stops', async () => {
    const there = place();
    const { local, remote } = there;
    project(there);
    fill(local, { 'tracked.secret': 'in spite of it', 'hidden/x': '' });
    writeFileSync(join(local, '.git/info/exclude'), 'hidden/\n');
    git(local, 'add', '-f', 'tracked.secret');
    const running = there.start();
    await running.inSync();
    expect(existsSync(join(remote, 'tracked.secret'))).toBe(true);
    renameSync(join(local, '.git'), `${local}.git`);
    fill(local, { 'src/early.c': '', '.env.early': 'secret' });
    const unsure = await running.event('rulesUnsure');
    expect(unsure).toMatchObject({ newNames: 'byFiles' });
    fill(local, {
      'main.c': 'changed',
      'tracked.secret': 'changed',
      'src/new.c': 'n',
      'hidden/y': '',
      '.env.new': 's',
    });
    rmSync(join(local, 'src/a.c'));
    expect(await flush(there)).toMatchObject({ code: 0 });
    for (const name of ['main.c', 'tracked.secret']) expect(readFileSync(join(remote, name), 'utf8')).toBe('changed');
    expect(
      names(remote)
        .filter((name) => name.startsWith('src/'))
        .sort(),
    ).toEqual(['src/early.c', 'src/new.c']);
    expect(existsSync(join(remote, 'hidden'))).toBe(false);
    renameSync(`${local}.git`, join(local, '.git'));
    await running.event('rulesSure');
    fill(local, { 'src/last.c': '', 'last.secret': '' });
    expect(await flush(there)).toMatchObject({ code: 0 });
    expect(existsSync(join(remote, 'src/last.c'))).toBe(true);
    expect(leaked(running, there).filter((name) => name !== 'tracked.secret')).toEqual([]);
  });
});

describe('what was sent, then ignored and deleted here', () => {
  it('stays there as long as it is ignored, and goes when it no longer is, over a restart too', async () => {
    const there = place();
    const { local, remote } = there;
    project(there);
    fill(local, { one: '', two: '', 'dir/in/three': '', 'dir/four': '', five: '' });
    const first = there.start();
    await first.inSync();
    writeFileSync(join(local, '.gitignore'), `${RULES}one\ntwo\nin/\nfive\n`);
    await first.until('the change', () => says(first, /what git ignores has changed/));
    for (const name of ['one', 'two', 'dir']) rmSync(join(local, name), { recursive: true });
    expect(await flush(there)).toMatchObject({ code: 0 });
    const left = ['dir', 'dir/in', 'dir/in/three', 'five', 'one', 'two'];
    const others = ['.gitignore', 'main.c', 'src', 'src/a.c'];
    expect(names(remote)).toEqual([...others, ...left].sort());
    // One of them while it runs, the others after a restart.
    writeFileSync(join(local, '.gitignore'), `${RULES}# no longer: one\ntwo\nin/\nfive\n`);
    await first.until('one', () => !existsSync(join(remote, 'one')));
    await first.stop();
    const second = there.start();
    await second.inSync();
    expect(names(remote)).toEqual([...others, ...left.filter((name) => name !== 'one')].sort());
    await second.stop();
    writeFileSync(join(local, '.gitignore'), RULES);
    const third = there.start();
    await third.until('the rest', () => names(remote).join() === [...others, 'five'].sort().join());
    await third.event('started', ({ path, action }) => path === 'two' && action === 'delete');
  });
});

it('--why says which line is too broad to bring back what is left out by default', async () => {
  const { local, env } = place();
  fill(local, { '.syncignore': '*\n!*/\n!*.py\n', '.git/x': '', 'a.py': '' });
  const { code, stdout } = await run(['--why', '.git/', '--why', 'a.py'], { cwd: local, env });
  expect(code).toBe(1);
  expect(stdout).toMatch(
    /^\.git: not synced; default excludes: \.git; \.syncignore, line 2: !\*\/ is too broad .*: !\.git$/m,
  );
  expect(stdout).toMatch(/^a\.py: synced; \.syncignore, line 3: !\*\.py$/m);
});

describe('files of rules at unusual places', () => {
  it('that are links: edits of what they lead to count, and leading elsewhere too', async () => {
    const there = place();
    const { local, remote, env } = there;
    git(local, 'init', '-q');
    const away = temporaryDir();
    fill(away, { user: 'a0\n', info: 'b0\n', sync: 'c0\n', other: 'a2\n', tree: 'd*\n' });
    const home = join(env['HOME'] ?? '', '.config/git');
    fill(home, { './': '' });
    const links = {
      user: join(home, 'ignore'),
      info: join(local, '.git/info/exclude'),
      sync: join(local, '.syncignore'),
    };
    for (const [name, path] of Object.entries(links)) {
      rmSync(path, { force: true });
      symlinkSync(join(away, name), path);
    }
    symlinkSync(join(away, 'tree'), join(local, '.gitignore')); // git does not follow one in the tree
    const names = ['a0', 'a1', 'a2', 'b0', 'b1', 'c0', 'c1', 'd0'];
    const write = (): void => fill(local, Object.fromEntries(names.map((name) => [name, ''])));
    const missing = async (): Promise<string[]> => {
      expect(await flush(there)).toMatchObject({ code: 0 });
      return names.filter((name) => !existsSync(join(remote, name)));
    };
    const running = there.start();
    await running.inSync();
    fill(away, { user: 'a1\n', info: 'b1\n', sync: 'c1\n' });
    write();
    expect(await missing()).toEqual(['a1', 'b1', 'c1']);
    rmSync(links.user);
    symlinkSync(join(away, 'other'), links.user);
    rmSync(join(local, 'a2'));
    await running.until('a1', () => existsSync(join(remote, 'a1')));
    write();
    expect(await missing()).toEqual(['a2', 'b1', 'c1']);
  });

  it('that a sparse checkout leaves out: git takes what is in its index, and so do we', async () => {
    const there = place();
    const { local, remote } = there;
    fill(local, { '.gitignore': '*.secret\n', 'd/.gitignore': 'x\n', 'd/a.c': 'a', 'main.c': 'm' });
    git(local, 'init', '-q');
    git(local, 'add', '.');
    git(local, 'commit', '-qm', 'all');
    for (const file of ['.gitignore', 'd/.gitignore']) {
      git(local, 'update-index', '--skip-worktree', file);
      rmSync(join(local, file));
    }
    fill(local, { 'a.secret': '', 'd/x': '', 'd/b.secret': '', 'd/b.c': '' });
    const running = there.start();
    await running.inSync();
    fill(local, { 'late.secret': '', 'd/late.secret': '', 'd/late.c': '' });
    expect(await flush(there)).toMatchObject({ code: 0 });
    expect(wantedBy(local)).not.toContain('late.secret');
    expect(names(remote).filter((name) => name.includes('.') && name !== 'd')).toEqual(wantedBy(local));
  });

  it.runIf(process.platform === 'linux')('of a clone below a directory whose name is no UTF-8', async () => {
    const { local, remote, run: once } = place();
    git(local, 'init', '-q');
    fill(local, {
      '.gitignore': '*.outer\n',
      'clone/.gitignore': 'x\n',
      'clone/x': '',
      'clone/b.outer': '',
      'clone/z': '',
    });
    git(join(local, 'clone'), 'init', '-q');
    writeFileSync(join(local, 'clone/.git/info/exclude'), 'z\n');
    const odd = Buffer.concat([Buffer.from(`${local}/`), Buffer.from([0xff, 0xe4])]);
    mkdirSync(odd);
    renameSync(join(local, 'clone'), Buffer.concat([odd, Buffer.from('/clone')]));
    expect((await once(['--once'])).code).toBe(0);
    const [dir] = readdirSync(remote, { encoding: 'buffer' }).filter((name) => name[0] === 0xff);
    const clone = Buffer.concat([Buffer.from(`${remote}/`), dir ?? Buffer.alloc(0), Buffer.from('/clone')]);
    expect(readdirSync(clone).sort()).toEqual(['.gitignore', 'b.outer']);
  });
});
