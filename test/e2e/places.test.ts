import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { basename, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startServer } from '../../fixtures/sshd/throwaway.mjs';
import { type JsonEvent, place, Running, run } from '../support/cli.js';
import { canMount } from '../support/mount.js';
import { withoutOverride } from '../support/rights.js';
import { fill, names, temporaryDir, tree } from '../support/tree.js';

/** A command prefix that makes directories appear at other places too, for what it starts alone. */
const withMounts = (mounts: ReadonlyArray<readonly [string, string]>): string[] => [
  ...['unshare', '--mount', '--propagation', 'private', 'sh', '-c'],
  'while [ "$1" != -- ]; do mount --bind "$1" "$2" || exit; shift 2; done; shift; exec "$@"',
  'sh',
  ...mounts.flat(),
  '--',
];

/** Why each of several targets has ended, by its name. */
const refusals = (stdout: string): Map<unknown, string> =>
  new Map(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as JsonEvent & { failure: { message: string } })
      .filter(({ event }) => event === 'halted')
      .map(({ target, failure }) => [target, failure.message]),
  );

/**
 * A server whose user has a home that nobody will miss: login directory and $HOME are two of them, and both are mounted
 * elsewhere too.
 */
describe.skipIf(!canMount())('a mirror', () => {
  const { homedir: loginDir, username } = userInfo();
  let base: string;
  let server: Awaited<ReturnType<typeof startServer>>;
  let before: string[];

  beforeAll(async () => {
    base = realpathSync(mkdtempSync(join(tmpdir(), 'syncwatch-homes-')));
    fill(base, {
      'login/canary': '',
      'login/app/old': '',
      'homes/me/canary': '',
      'homes/me/app/old': '',
      'bound/home/': '',
      'bound/login/': '',
      'bound/homes/': '',
      'around/deep/er/': '',
      'around/canary': '',
      'fine/old': '',
      'fine/a': '',
      'fine/b': '',
    });
    symlinkSync('homes/me', join(base, 'link-to-home'));
    symlinkSync('.', join(base, 'homes/me/self'));
    symlinkSync('/', join(base, 'link-to-root'));
    symlinkSync('../app', join(base, 'homes/link-and-up'));
    const mounts = [
      [join(base, 'login'), loginDir],
      [join(base, 'login'), join(base, 'bound/login')],
      [join(base, 'homes/me'), join(base, 'bound/home')],
      [join(base, 'homes'), join(base, 'bound/homes')],
      [join(base, 'homes/me'), join(base, 'around/deep/er')],
    ] as const;
    server = await startServer({
      wrapper: [...withMounts(mounts), ...withoutOverride()],
      startFiles: true,
      config: [`SetEnv HOME=${base}/homes/me`],
    });
    before = tree(base);
  });

  afterAll(async () => {
    await server.stop();
    rmSync(base, { recursive: true });
  });

  const mirrorArgs = ['-F', '', '--delete', 'mirror', '--max-delete', '1000'];
  const mirror = async (paths: readonly string[], more: readonly string[]) => {
    const { env, local } = place();
    fill(local, { a: '', b: '', c: '' });
    mirrorArgs[1] = server.sshConfig;
    return run([...mirrorArgs, ...paths.flatMap((path) => ['--to', `there:${path}`]), ...more, local], { env });
  };

  const refused: ReadonlyArray<readonly [string, () => string, RegExp]> = [
    ['the login directory', () => '', /the home directory \(there: \(/],
    ['a dot', () => './.', /the home directory/],
    ['itself by its full name', () => `${loginDir}/.`, /the home directory/],
    ['through another way to the root', () => `/proc/self/root${loginDir}//`, /the home directory/],
    ['through the working directory of a process', () => '/proc/self/cwd', /the home directory/],
    ['down and up again', () => 'app/..', /the home directory/],
    ['where it is mounted too', () => `${base}/bound/login`, /the home directory/],
    ['$HOME', () => '~', /the home directory/],
    ['$HOME, with a dot', () => '~/./', /the home directory/],
    ['$HOME, by its full name', () => `${base}/homes/me`, /the home directory/],
    ['$HOME, through a link', () => `${base}/link-to-home/`, /the home directory/],
    ['$HOME, through a link in it', () => '~/self/self', /the home directory/],
    ['$HOME, where it is mounted too', () => `${base}/bound/home`, /the home directory/],
    ['the user’s own name', () => `~${username}`, /the home directory/],
    ['the same with a dot', () => `~${username}/.`, /the home directory/],
    ['what $HOME is in', () => '~/..', /the home directory is in it/],
    ['the same by its full name', () => `${base}/homes`, /the home directory is in it/],
    ['the same where it is mounted too', () => `${base}/bound/homes`, /the home directory is in it/],
    ['a directory in which $HOME is mounted', () => `${base}/around`, /the home directory is in it/],
    ['everything', () => '..', /whole file system/],
    ['everything, through a link', () => `${base}/link-to-root`, /whole file system/],
    ['everything, through a process', () => '/proc/self/root', /whole file system/],
    ['somebody who is not there', () => '~nobody-of-that-name/app', /there is no user nobody-of-that-name/],
  ];

  it('to a home, or to what holds one, is refused, however it is spelled', async () => {
    const paths = refused.map(([, path]) => path());
    const { code, stdout, stderr } = await mirror(paths, ['--once', '--json']);
    expect(code).toBe(3);
    const said = refusals(stdout);
    for (const [what, path, why] of refused) expect(said.get(`there:${path()}`), `${what}\n${stderr}`).toMatch(why);
    expect(said.size).toBe(refused.length);
    expect(tree(base)).toEqual(before);
  });

  it('elsewhere is none of that; the real path is said, by doctor too', async () => {
    const fine = await mirror([`${base}/homes/me/../../fine`], ['--once', '-v']);
    expect(fine.code, fine.stderr).toBe(0);
    expect(fine.stdout).toContain(`the target is there:${base}/homes/me/../../fine (${base}/fine)`);
    expect(names(join(base, 'fine'))).toEqual(['a', 'b', 'c']);
    const dry = await mirror([`${base}/bound/home`], ['--dry-run']);
    expect(dry.code).toBe(3);

    const { env, local } = place();
    const doctor = async (path: string, ...more: string[]) =>
      run(['doctor', '-F', server.sshConfig, '--to', `there:${path}`, ...more, local], { env });
    expect((await doctor('~/app')).stdout).toContain(`ok       place: ~/app (${base}/homes/me/app) is there`);
    const refused = await doctor('~/.', '--delete', 'mirror');
    expect(refused.code).toBe(1);
    expect(refused.stdout).toMatch(/ERROR {4}place: --delete mirror would delete everything else in the home/);
  });

  it('and without --delete mirror a home may be synced to', async () => {
    const { env, local } = place();
    fill(local, { brought: '' });
    const { code, stderr } = await run(['-F', server.sshConfig, '--to', 'there:~', '--once', local], { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(names(join(base, 'homes/me'))).toEqual(expect.arrayContaining(['brought', 'canary', 'app/old']));
    rmSync(join(base, 'homes/me/brought'));
  });
});

describe.skipIf(!canMount())('a target that is DIR, lies in it or holds it', () => {
  const setUp = () => {
    const base = temporaryDir();
    fill(base, {
      'in/dir/sub/a': 'a',
      'in/dir-too/': '',
      'bound/dir/': '',
      'bound/sub/': '',
      'holds/deep/er/': '',
      'holds/a': '',
    });
    const dir = join(base, 'in/dir');
    symlinkSync('dir/sub/..', join(base, 'in/link'));
    const mounts = [
      [dir, join(base, 'bound/dir')],
      [join(dir, 'sub'), join(base, 'bound/sub')],
      [join(base, 'in'), join(base, 'holds/deep/er')],
    ] as const;
    const cases: ReadonlyArray<readonly [string, RegExp]> = [
      ['in/dir', /is DIR itself/],
      ['in/dir/sub/../.', /is DIR itself/],
      ['in/link/', /is DIR itself/],
      ['bound/dir', /is DIR itself/],
      ['in/dir/sub', /is inside DIR/],
      ['in/dir/new', /is inside DIR/],
      ['in/link/sub/new', /is inside DIR/],
      ['bound/dir/sub', /is inside DIR/],
      ['bound/sub', /is inside DIR/],
      ['bound/sub/new', /is inside DIR/],
      ['in', /DIR .* is inside/],
      ['holds/deep/er', /DIR .* is inside/],
      ['holds', /DIR .* is inside/],
      ['bound/dir/../../in', /DIR .* is inside/],
    ];
    return { base, dir, mounts, cases };
  };

  it('is refused through ssh to the same machine, by every way; its neighbour is not', async () => {
    const { base, dir, mounts, cases } = setUp();
    const server = await startServer({ wrapper: [...withMounts(mounts), ...withoutOverride()] });
    onTestFinished(() => server.stop());
    const { env } = place();
    const before = tree(base);
    const to = cases.flatMap(([path]) => ['--to', `there:${base}/${path}`]);
    const neighbour = ['--to', `there:${base}/in/dir-too`];
    const { code, stdout } = await run(['-F', server.sshConfig, ...to, ...neighbour, '--once', '--json', dir], { env });
    const said = refusals(stdout);
    for (const [path, why] of cases) expect(said.get(`there:${base}/${path}`), path).toMatch(why);
    expect(code).toBe(3);
    expect(said.size).toBe(cases.length);
    expect(names(join(base, 'in/dir-too'))).toEqual(['sub', 'sub/a']);
    const others = (lines: readonly string[]) => lines.filter((line) => !line.includes('dir-too'));
    expect(others(tree(base))).toEqual(others(before));
  });

  it('is refused without ssh where it is mounted elsewhere', async () => {
    const { base, dir, mounts, cases } = setUp();
    const { env } = place();
    const before = tree(base);
    const bound = cases.filter(([path]) => /^(bound|holds)/.test(path) && !path.includes('..'));
    const to = bound.flatMap(([path]) => ['--to', `${base}/${path}`]);
    // Of what is mounted below DIR, too: `sub` here is another directory than elsewhere.
    const mounted = [...mounts, [join(base, 'in/dir-too'), join(dir, 'sub')] as const];
    const more = ['--to', `${base}/in/dir-too`];
    const { code, stdout } = await run([...to, ...more, '--once', '--json', dir], {
      env,
      wrapper: withMounts(mounted),
    });
    const said = refusals(stdout);
    for (const [path, why] of bound) expect(said.get(`${base}/${path}`), path).toMatch(why);
    expect(said.get(`${base}/in/dir-too`)).toMatch(/is inside DIR/);
    expect(code).toBe(3);
    expect(tree(base)).toEqual(before);
  });
});

it('a mirror without ssh: to the home directory, or to what holds it, is refused too', async () => {
  const { local, env } = place();
  const base = temporaryDir();
  fill(local, { a: 'a' });
  fill(base, { 'homes/me/canary': '' });
  symlinkSync('homes/me', join(base, 'link'));
  const before = tree(base);
  const to = ['link/.', 'homes'].flatMap((path) => ['--to', `${base}/${path}`]);
  const args = [...to, '--delete', 'mirror', '--max-delete', '100', '--once', '--json', local];
  const { code, stdout } = await run(args, { env: { ...env, HOME: `${base}/homes/me` } });
  expect([...refusals(stdout).values()].sort()).toEqual([
    expect.stringMatching(/would delete everything else in \S+\/homes, and the home directory is in it/),
    expect.stringMatching(/would delete everything else in the home directory/),
  ]);
  expect(code).toBe(3);
  expect(tree(base)).toEqual(before);
});

describe('what sshd wants nobody else to be able to write to', () => {
  const setUp = async () => {
    const base = temporaryDir();
    fill(base, { 'me/.ssh/authorized_keys': 'key', 'me/app/old': '' });
    const home = join(base, 'me');
    chmodSync(home, 0o750);
    const server = await startServer({
      wrapper: withoutOverride(),
      startFiles: true,
      config: [`SetEnv HOME=${home}`],
    });
    onTestFinished(() => server.stop());
    const { env, local } = place();
    fill(local, { a: 'a' });
    const args = (to: string) => ['-F', server.sshConfig, '--to', `there:${to}`, local];
    const modeOf = (...parts: string[]): number => statSync(join(home, ...parts)).mode & 0o7777;
    return { home, local, env, args, modeOf };
  };
  const WHY =
    /^others may write to \S+ \(mode 775\), and could to (.*), too: sshd would take no key of its user any more$/;

  it('gets no such mode from DIR at the start, and nothing is touched; other modes go there', async () => {
    const { home, local, env, args, modeOf } = await setUp();
    chmodSync(local, 0o775);
    const before = tree(home);
    for (const [to, what] of [
      ['~', 'the home directory'],
      ['~/app/..', 'the home directory'],
      [home, 'the home directory'],
      ['~/.ssh', '.ssh in the home directory'],
    ] as const) {
      for (const more of [['--once'], ['--once', '--delete', 'never'], ['--dry-run']]) {
        const { code, stdout } = await run([...args(to), ...more, '--json'], { env });
        const [why = ''] = refusals(stdout).values();
        expect(WHY.exec(why)?.[1], why).toMatch(new RegExp(`^${what} \\(`));
        expect(code).toBe(3);
      }
    }
    const { stdout } = await run(['doctor', ...args('~')], { env });
    expect(stdout).toMatch(/ERROR {4}place: others may write to/);
    expect(tree(home)).toEqual(before);
    const fine = await run([...args('~/app'), '--once'], { env });
    expect(fine.code, fine.stderr).toBe(0);
    const told = await run([...args('~'), '--once', '--chmod', 'Dgo-w'], { env });
    expect(told.code, told.stderr).toBe(0);
    expect(modeOf()).toBe(0o755);
    chmodSync(local, 0o700);
    const own = await run([...args('~'), '--once'], { env });
    expect(own.code, own.stderr).toBe(0);
    expect(modeOf()).toBe(0o700);
  });

  it('gets none from what is in DIR, unless that is left out', async () => {
    const { home, local, env, args, modeOf } = await setUp();
    fill(local, { '.ssh/config': 'Host x' });
    chmodSync(join(local, '.ssh'), 0o775);
    chmodSync(local, 0o755);
    const strict = modeOf('.ssh');
    const { code, stdout } = await run([...args('~'), '--once', '--json'], { env });
    const [why = ''] = refusals(stdout).values();
    expect(WHY.exec(why)?.[1]).toMatch(/^\.ssh in the home directory \(/);
    expect(code).toBe(3);
    expect([existsSync(join(home, 'a')), modeOf(), modeOf('.ssh')]).toEqual([false, 0o750, strict]);
    const without = await run([...args('~'), '--once', '-x', '/.ssh/'], { env });
    expect(without.code, without.stderr).toBe(0);
    expect([existsSync(join(home, 'a')), modeOf(), modeOf('.ssh')]).toEqual([true, 0o755, strict]);
  });

  it('gets none while it runs: it ends instead', async () => {
    const { home, local, env, args, modeOf } = await setUp();
    chmodSync(local, 0o755);
    const running = new Running([...args('~'), '--json'], { env });
    await running.inSync();
    expect(modeOf()).toBe(0o755);
    chmodSync(local, 0o775);
    writeFileSync(join(local, 'b'), '');
    expect(await running.ended).toBe(3);
    expect(running.events.findLast(({ event }) => event === 'halted')?.['failure']).toMatchObject({
      kind: 'guard',
      message: expect.stringMatching(WHY),
    });
    expect(modeOf()).toBe(0o755);
    expect(existsSync(join(home, 'b'))).toBe(false);
  });
});

describe('a directory there that makes way for a link', () => {
  it('ends a mirror before it deletes anything', async () => {
    const { local, remote, server, start } = place();
    fill(local, { a: '', b: '', c: '', d: '' });
    const running = start(['--delete', 'mirror']);
    await running.inSync();
    fill(`${remote}-other`, { theirs: '' });
    renameSync(remote, `${remote}-away`);
    symlinkSync(`${server.thereBase}${remote.slice(server.hereBase.length)}-other`, remote);
    // It finds what it knows missing there, and would make all the same again.
    writeFileSync(join(local, 'a'), 'new');
    expect(await running.ended).toBe(3);
    expect(running.events.findLast(({ event }) => event === 'halted')?.['failure']).toMatchObject({
      message: expect.stringMatching(/-other\) is another directory than before/),
    });
    expect(names(`${remote}-other`)).toContain('theirs');
  });
});

describe('a place that is spelled otherwise', () => {
  const setUp = () => {
    const { server, to, env, local, remote } = place();
    const path = to.slice('there:'.length);
    symlinkSync(basename(path), `${remote}-link`);
    const config = join(env['HOME'] ?? '', 'ssh_config');
    writeFileSync(config, readFileSync(server.sshConfig, 'utf8').replace('Host there', 'Host there also'));
    const login = server.kind === 'docker' ? '/home/tester' : userInfo().homedir;
    const spellings = [
      to,
      `${to}/`,
      `there:/${path}//.`,
      `there:${relative(login, path)}`,
      `there:${path}-link`,
      `${server.user}@there:${path}`,
      `also:${path}`,
    ] as const;
    return {
      spellings,
      local,
      remote,
      env,
      args: (...to: string[]) => ['-F', config, ...to.flatMap((each) => ['--to', each]), local],
    };
  };

  it('is remembered as one: what is deleted here goes there too', async () => {
    const { spellings, local, remote, env, args } = setUp();
    for (const i of spellings.keys()) fill(local, { [`file${i}`]: '' });
    for (const [i, to] of spellings.entries()) {
      if (i > 0) rmSync(join(local, `file${i}`));
      const { code, stderr } = await run([...args(to), '--once'], { env });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(names(remote), to).toEqual(names(local));
    }
  });

  it('is locked as one, in another runtime folder too; several targets are not to be the same', async () => {
    const { spellings, local, env, args } = setUp();
    const [first, second, third] = spellings;
    fill(local, { a: 'a' });
    const running = new Running([...args(first), '--json'], { env });
    await running.inSync();
    const other = join(temporaryDir(), 'run');
    mkdirSync(other, { mode: 0o700 });
    for (const runtime of [env['XDG_RUNTIME_DIR'] ?? '', other]) {
      const { code, stderr } = await run(args(second), { env: { ...env, XDG_RUNTIME_DIR: runtime } });
      expect(stderr).toMatch(new RegExp(`another syncwatch \\(pid ${running.child.pid}\\) already syncs`));
      expect(code).toBe(3);
    }
    expect(await running.stop()).toBe(130);
    const both = await run([...args(second, third), '--once'], { env });
    expect(both.stderr).toMatch(/there:\S+ is the same place as there:\S+\n {2}Name it once/);
    expect(both.code).toBe(3);
  });
});

describe('a link there that is pointed elsewhere', () => {
  it('leads nowhere else while it is connected; after the next login it ends', async () => {
    const server = await startServer({ wrapper: withoutOverride() });
    onTestFinished(() => server.stop());
    const { env, local } = place();
    const there = temporaryDir();
    fill(local, { a: 'a' });
    fill(there, { 'one/': '', 'two/theirs': '' });
    const point = (to: string): void => {
      symlinkSync(to, join(there, 'new'));
      renameSync(join(there, 'new'), join(there, 'current'));
    };
    point('one');
    const to = ['-F', server.sshConfig, '--to', `there:${there}/current`, '--delete', 'mirror'];
    const running = new Running([...to, '--json', local], { env });
    await running.inSync();
    point('two');
    const from = running.events.length;
    fill(local, { b: 'b' });
    await running.event('inSync', () => true, from);
    expect(names(join(there, 'one'))).toEqual(['a', 'b']);
    await server.crash();
    await server.again();
    expect(await running.ended).toBe(3);
    expect(running.events.findLast(({ event }) => event === 'halted')?.['failure']).toMatchObject({
      kind: 'remote',
      message: expect.stringMatching(/current \(\S+\/two\) is another directory than before \(\S+\/one\)/),
    });
    expect(names(join(there, 'two'))).toEqual(['theirs']);
  });
});

describe('where the place can not be seen', () => {
  const only = async (command: string) => {
    const server = await startServer({ wrapper: withoutOverride(), config: [`ForceCommand ${command}`] });
    onTestFinished(() => server.stop());
    const { env, local } = place();
    fill(local, { a: 'a' });
    const there = temporaryDir();
    fill(there, { 'app/old': '' });
    const args = ['-F', server.sshConfig, '--to', `there:${there}/app`, '--once', local];
    return { app: join(there, 'app'), sync: (...more: string[]) => run([...args, ...more], { env }) };
  };
  const RSYNC_ONLY = `case $SSH_ORIGINAL_COMMAND in rsync\\ --server*) eval "$SSH_ORIGINAL_COMMAND" ;; *) exit 1 ;; esac`;

  it('it is taken as given, but not by a mirror', async () => {
    const { app, sync } = await only(RSYNC_ONLY);
    const mirror = await sync('--delete', 'mirror');
    expect(mirror.stderr).toMatch(/where that is can't be seen: no command but rsync can be run there/);
    expect(mirror.code).toBe(3);
    expect(names(app)).toEqual(['old']);
    const seen = await sync();
    expect(names(app)).toEqual(['a', 'old']);
    expect(seen).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('--trash', () => {
  it('that leaves the target, is it, or would hold what is synced, is refused before anything is touched', async () => {
    const { local, remote, run: sync, fillRemote } = place();
    fill(local, { 'src/a': 'a', file: '', 'logs/x': '' });
    fillRemote({ 'src/a': 'older', 'src/old': '' });
    const before = tree(remote);
    for (const [trash, why] of [
      ['.', /target itself/],
      ['a/../..', /may not lead out/],
      ['/tmp/trash', /has to be below the target/],
      ['src', /DIR has "src" too/],
      ['./src//trash', /DIR has "src" too/],
      ['file/trash', /DIR has "file" too/],
    ] as const) {
      const { code, stderr } = await sync(['--once', '--trash', trash, '--delete', 'mirror']);
      expect(stderr).toMatch(why);
      expect(code, trash).toBe(2);
    }
    expect(tree(remote)).toEqual(before);
    const fine = await sync(['--once', '--trash', 'logs/old', '-x', '/logs']);
    expect(fine.code, fine.stderr).toBe(0);
    expect(names(remote)).toEqual([
      'file',
      'logs',
      'logs/old',
      'logs/old/src',
      'logs/old/src/a',
      'src',
      'src/a',
      'src/old',
    ]);
  });

  it('that is a link there, or no directory, is refused', async () => {
    const { local, remote, server, run: sync, fillRemote, args, env } = place();
    fill(local, { a: 'new' });
    fillRemote({ a: 'old', file: '', 'dir/': '', 'inside/': '' });
    const at = (name: string) => `${server.thereBase}${remote.slice(server.hereBase.length)}/${name}`;
    symlinkSync('/tmp', join(remote, 'out'));
    symlinkSync(at('dir'), join(remote, 'inside/back'));
    const before = tree(remote);
    for (const [trash, why] of [
      ['out', /out on there:\S+ is a link to \/tmp$/m],
      ['inside/back/deep', /inside\/back on there:\S+ is a link to \/\S+\/dir$/m],
      ['file/deep', /file on there:\S+ is not a directory/],
    ] as const) {
      const { code, stderr } = await sync(['--once', '--trash', trash]);
      expect(stderr).toMatch(why);
      expect(code).toBe(3);
    }
    expect(tree(remote)).toEqual(before);
    const doctor = await run(['doctor', ...args, '--trash', 'out', local], { env });
    expect(doctor.stdout).toMatch(/ERROR {4}place: --trash out: out on \S+ is a link/);
  });

  it('is spared by a mirror, whatever other rules say', async () => {
    const { local, remote, run: sync, fillRemote } = place();
    fill(local, { a: 'new', b: '' });
    fillRemote({ a: 'old', '.trash/kept': '', x: '' });
    const more = [
      '--once',
      '--trash',
      '.trash',
      '--delete',
      'mirror',
      '--delete-excluded',
      '-x',
      '!',
      '--include',
      '*',
    ];
    const { code, stderr } = await sync(more);
    expect(code, stderr).toBe(0);
    expect(names(remote)).toEqual(['.trash', '.trash/a', '.trash/kept', '.trash/x', 'a', 'b']);
  });
});

describe('a path with wildcards', () => {
  it('is that path: nothing that it matches is touched', async () => {
    const { local, remote, args, env, server, fillRemote } = place();
    fill(local, { 'a*/x': 'x', y: 'y' });
    fillRemote({ 'own [1]/keep': '', 'own1/keep': '', 'own*/keep': '', ownX: '' });
    const [F = '', config = ''] = args;
    for (const name of ['own [1]', 'own?', 'own*']) {
      const to = `there:${server.thereBase}${remote.slice(server.hereBase.length)}/${name}`;
      const { code, stderr } = await run([F, config, '--to', to, '--once', local], { env });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(names(join(remote, name))).toEqual(expect.arrayContaining(['a*/x', 'y']));
    }
    expect(names(join(remote, 'own1'))).toEqual(['keep']);
    expect(existsSync(join(remote, 'own?/keep'))).toBe(false);
  });
});
