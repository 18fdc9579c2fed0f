import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { place, run } from '../support/cli.js';
import { setImmutable, withoutOverride } from '../support/rights.js';
import { fill, names, temporaryDir } from '../support/tree.js';

/** A short line for people: what, where, and what to do; never a stack trace. */
function expectForPeople(stderr: string): void {
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(4);
}

describe('bad input is refused before anything is touched', () => {
  it.each([
    { what: 'no target', args: [], code: 2, says: /--to is missing/ },
    { what: 'an empty target', args: ['--to', ''], code: 2, says: /empty|Not enough arguments/ },
    { what: 'a target like an option', args: ['--to=-oProxyCommand=x:y'], code: 2, says: /may not begin with a dash/ },
    {
      what: 'a host like an option',
      args: ['--to', 'u@-oProxyCommand=x:y'],
      code: 2,
      says: /may not begin with a dash/,
    },
    { what: 'the whole host', args: ['--to', 'host:/'], code: 2, says: /whole file system/ },
    { what: 'a daemon', args: ['--to', 'host::module'], code: 2, says: /daemons/ },
    { what: 'a path that is missing', args: ['--to', 'user@host'], code: 2, says: /path is missing/ },
    { what: 'a target twice', args: ['--to', 'a:b', '--to', 'a:b'], code: 2, says: /a:b is the same target as a:b/ },
    { what: 'a misspelled option', args: ['--to', 'a:b', '--exlude', 'x'], code: 2, says: /Did you mean --exclude\?/ },
    {
      what: 'an option of rsync before the --',
      args: ['--to', 'a:b', '-z'],
      code: 2,
      says: /unknown option -z\n {2}Options for rsync come at the end, after --: -- -z/,
    },
    { what: 'a letter that is no option', args: ['--to', 'a:b', '-Z'], code: 2, says: /-Z\n {2}See syncwatch --help/ },
    {
      what: 'two options of rsync in one word',
      args: ['--to', 'a:b', '--', '-z -X'],
      code: 2,
      says: /each option, and each value, is a word of its own/,
    },
    {
      what: 'an option of rsync and its value in one word',
      args: ['--to', 'a:b', '--', '--bwlimit 100'],
      code: 2,
      says: /each option, and each value, is a word of its own/,
    },
    {
      what: 'an invalid pattern',
      args: ['--to', 'a:b', '-x', 'a[b'],
      code: 2,
      says: /--exclude: 'a\[b' can't be used: a \[ has no closing \]/,
    },
    { what: 'an empty pattern', args: ['--to', 'a:b', '--exclude='], code: 2, says: /empty|Not enough arguments/ },
    {
      what: 'an invalid regular expression',
      args: ['--to', 'a:b', '--exclude-regex', '(x'],
      code: 2,
      says: /--exclude-regex: '\(x' can't be used/,
    },
    {
      what: 'a missing pattern file',
      args: ['--to', 'a:b', '--exclude-from', '/no/such/file'],
      code: 2,
      says: /\/no\/such\/file can't be read: it is not there/,
    },
    {
      what: 'a port out of range',
      args: ['--to', 'a:b', '-p', '70000'],
      code: 2,
      says: /--port takes a whole number from 1 to 65535/,
    },
    {
      what: 'a port that is no number',
      args: ['--to', 'a:b', '-p', 'ssh'],
      code: 2,
      says: /--port takes a whole number/,
    },
    {
      what: 'a rescan that is no number of minutes',
      args: ['--to', 'a:b', '--rescan', 'often'],
      code: 2,
      says: /--rescan takes a number of minutes from 0 \(never\) to 10080/,
    },
    {
      what: 'a negative debounce',
      args: ['--to', 'a:b', '--debounce=-1'],
      code: 2,
      says: /--debounce takes a whole number from 0 to 60000/,
    },
    {
      what: 'a broken max-delete',
      args: ['--to', 'a:b', '--max-delete', '1.5'],
      code: 2,
      says: /--max-delete takes a whole number/,
    },
    { what: 'an unknown delete mode', args: ['--to', 'a:b', '--delete', 'all'], code: 2, says: /seen.*mirror.*never/ },
    { what: 'a bad bwlimit', args: ['--to', 'a:b', '--bwlimit', 'fast'], code: 2, says: /--bwlimit/ },
    { what: 'a bad chmod', args: ['--to', 'a:b', '--chmod', 'zzz'], code: 2, says: /--chmod/ },
    {
      what: 'a key file that is not there',
      args: ['--to', 'a:b', '-i', '/no/key'],
      code: 2,
      says: /no file \/no\/key/,
    },
    {
      what: 'an rsync option that breaks things',
      args: ['--to', 'a:b', '--', '--delete'],
      code: 2,
      says: /use --delete=mirror/,
    },
    {
      what: 'an rsync option that would leave things out',
      args: ['--to', 'a:b', '--', '-X', '--max-size=1m'],
      code: 2,
      says: /--max-size can't be given to rsync: it would leave files out.* use --exclude/,
    },
    {
      what: 'an rsync option hidden among letters',
      args: ['--to', 'a:b', '--', '-ze/prog'],
      code: 2,
      says: /-e \(in -ze\/prog\) can't be given to rsync: use -p, -i, -F or -o/,
    },
    {
      what: 'an rsync option that sends nothing',
      args: ['--to', 'a:b', '--once', '--', '--version'],
      code: 2,
      says: /--version can't be given to rsync: it sends nothing/,
    },
    {
      what: 'a value that this rsync does not know',
      args: ['--to', 'a:b', '--once', '--', '--compress-choice=best'],
      code: 2,
      says: /does not take what it was given after the --: unknown compress name: best/,
    },
    { what: 'a path after --', args: ['--to', 'a:b', '--', 'path'], code: 2, says: /only options of rsync/ },
    {
      what: 'both --once and --dry-run',
      args: ['--to', 'a:b', '--once', '--dry-run'],
      code: 2,
      says: /can't go together/,
    },
    { what: 'two DIRs', args: ['--to', 'a:b', 'x', 'y'], code: 2, says: /one DIR at most/ },
    {
      what: 'a DIR that is not there',
      args: ['--to', 'a:b', '/no/such/dir'],
      code: 3,
      says: /\/no\/such\/dir is not there/,
    },
    {
      what: 'a DIR that is a file',
      args: ['--to', 'a:b', '/etc/passwd'],
      code: 3,
      says: /\/etc\/passwd is not a directory/,
    },
    { what: 'the root as DIR', args: ['--to', 'a:b', '/'], code: 3, says: /whole file system/ },
  ])('$what', async ({ args, code, says }) => {
    const result = await run(args);
    expect(result.stderr).toMatch(says);
    expect(result.code).toBe(code);
    expect(result.stdout).toBe('');
    expectForPeople(result.stderr);
  });

  it('a bad line in a pattern file is named with its number', async () => {
    const dir = temporaryDir();
    writeFileSync(join(dir, 'patterns'), '# comment\n*.o\n\n[broken\n');
    const { code, stderr } = await run(['--to', 'a:b', '--exclude-from', join(dir, 'patterns')]);
    expect(stderr).toMatch(/patterns, line 4: '\[broken' can't be used/);
    expect(code).toBe(2);
  });

  it('a local target inside DIR, around it, or DIR itself, through links too', async () => {
    const dir = temporaryDir();
    fill(dir, { 'a/b/': '' });
    symlinkSync('a', join(dir, 'link'));
    for (const [to, from] of [
      ['a/b', 'a'],
      ['a/new', 'a'],
      ['a', 'a'],
      ['a', 'a/b'],
      ['link/new', 'a'],
      ['a/b', 'link'],
    ] as const) {
      const { code, stderr } = await run(['--to', join(dir, to), join(dir, from)]);
      expect(stderr).toMatch(/inside|DIR itself/);
      expect(code).toBe(2);
    }
    expect(names(dir)).toEqual(['a', 'a/b', 'link']);
  });

  it('no rsync here, an old one, openrsync', async () => {
    const bin = temporaryDir();
    const { local, args, env, remote } = place();
    for (const tool of ['sh', 'ssh', 'cat'])
      symlinkSync(execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim(), join(bin, tool));
    const path = { ...env, PATH: bin };
    const none = await run([...args, '--once', local], { env: path });
    expect(none.stderr).toMatch(/there is no rsync here\n.*apt install rsync/);
    expect(none.code).toBe(3);
    for (const [says, expected] of [
      ['rsync  version 3.0.9  protocol version 30', /the rsync here is too old \(3\.0\.9\)/],
      ['rsync  version 2.6.9  protocol version 29', /the rsync here is too old \(2\.6\.9\)/],
      ['openrsync: protocol version 29\nrsync version 2.6.9 compatible', /the rsync here is openrsync/],
    ] as const) {
      writeFileSync(join(bin, 'rsync'), `#!/bin/sh\ncat <<'END'\n${says}\nEND\n`);
      chmodSync(join(bin, 'rsync'), 0o755);
      const old = await run([...args, '--once', local], { env: path });
      expect(old.stderr).toMatch(expected);
      expect(old.stderr).toMatch(/brew install rsync/);
      expect(old.code).toBe(3);
    }
    expect(existsSync(remote)).toBe(false);
  });

  it('rsync missing or too old there', async () => {
    const { run: once, remote, program } = place();
    const missing = await once(['--once', '--', '--rsync-path=/no/such/rsync']);
    expect(missing.stderr).toMatch(/there is no rsync on there\n.*apt install rsync/);
    expect(missing.code).toBe(3);
    const fake = program('#!/bin/sh\necho "rsync  version 3.0.6  protocol version 30"\n');
    const old = await once(['--once', '--', `--rsync-path=${fake}`]);
    expect(old.stderr).toMatch(/the rsync on there is too old \(3\.0\.6\)/);
    expect(old.code).toBe(3);
    expect(existsSync(remote)).toBe(false);
  });

  it('the parent directory missing there, or the target is a file', async () => {
    const { local, server, env, to, remote, run: once } = place();
    const missing = await run(['-F', server.sshConfig, '--to', `${to}/deeper/still`, '--once', local], { env });
    expect(missing.stderr).toMatch(/there is no directory .*deeper on there\n.*Make it there/);
    expect(missing.code).toBe(3);
    expect(existsSync(remote)).toBe(false);
    writeFileSync(remote, 'a file');
    const file = await once(['--once']);
    expect(file.stderr).toMatch(/is not a directory/);
    expect(file.code).toBe(3);
  });

  it('a path that can’t be looked at, here: a target, keys, settings', async () => {
    const { local, env, remote } = place();
    const loop = join(temporaryDir(), 'loop');
    symlinkSync(loop, loop);
    for (const args of [
      ['--once', local, '--to', `${loop}/target`],
      ['--once', local, '--to', `${loop}/above/target`],
      ['doctor', local, '--to', `${loop}/target`],
      ['--once', local, '--to', remote, '-i', loop],
      ['--once', local, '--to', 'there:x', '-F', loop],
      ['--once', local, '--to', remote, '--exclude-from', loop],
      ['--once', local, '--to', remote, '--settings', loop],
      ['allow', loop],
    ]) {
      const { code, stdout, stderr } = await run(args, { env });
      expect(stderr + stdout).toMatch(/loop\S*( here)? can't be (looked at|read).*ELOOP/);
      expect([1, 2, 3]).toContain(code);
      expectForPeople(stderr);
    }
    expect(existsSync(remote)).toBe(false);
  });

  it('host unknown, refused, wrong key, host key unknown, host key changed', async () => {
    const { local, env, server, remote } = place();
    const dir = temporaryDir();
    const go = (args: readonly string[]) => run([...args, '--once', local], { env });
    const unknown = await go(['--to', 'no-such-host.invalid:x']);
    expect(unknown.stderr).toMatch(/no such host: no-such-host\.invalid/);
    expect(unknown.code).toBe(3);

    const refused = await go(['-F', '/dev/null', '--to', '127.0.0.1:x', '-p', '1']);
    expect(refused.stderr).toMatch(/127\.0\.0\.1 port 1 refused the connection\n.*Is sshd running/);
    expect(refused.code).toBe(3);

    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(dir, 'wrong')]);
    const base = [
      '-F',
      '/dev/null',
      '-p',
      String(server.port),
      '-o',
      'IdentitiesOnly=yes',
      '-o',
      'GlobalKnownHostsFile=/dev/null',
    ];
    const to = ['--to', `${server.user}@127.0.0.1:${server.thereBase}/x`];
    const known = ['-o', `UserKnownHostsFile=${server.knownHosts}`];
    const wrong = await go([...base, ...known, ...to, '-i', join(dir, 'wrong')]);
    expect(wrong.stderr).toMatch(
      /the login to 127\.0\.0\.1 port \d+ as \S+ was refused \(it takes publickey\)\n.*ssh .*-p \d+/,
    );
    expect(wrong.code).toBe(3);

    const noKey = await go([...base, '-o', 'UserKnownHostsFile=/dev/null', ...to, '-i', server.userKey]);
    expect(noKey.stderr).toMatch(/the host key of 127\.0\.0\.1 port \d+ is not known here\n.*accept it: ssh /);
    expect(noKey.code).toBe(3);

    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(dir, 'other')]);
    writeFileSync(
      join(dir, 'changed'),
      `[127.0.0.1]:${server.port} ${execFileSync('cut', ['-d', ' ', '-f1,2', join(dir, 'other.pub')], { encoding: 'utf8' })}`,
    );
    const changed = await go([
      ...base,
      '-o',
      `UserKnownHostsFile=${join(dir, 'changed')}`,
      ...to,
      '-i',
      server.userKey,
    ]);
    expect(changed.stderr).toMatch(/the host key of 127\.0\.0\.1 port \d+ has changed/);
    expect(changed.code).toBe(3);

    // and with everything right the same options do log in
    const right = await go([
      ...base,
      ...known,
      '--to',
      `${server.user}@127.0.0.1:${remote.replace(server.hereBase, server.thereBase)}`,
      '-i',
      server.userKey,
    ]);
    expect(right.code, right.stderr).toBe(0);
    expectForPeople(unknown.stderr + refused.stderr);
  });

  it("two on the same DIR and target: the second names the first one's pid", async () => {
    const { start, run: once, local } = place();
    writeFileSync(join(local, 'a'), '');
    const first = start();
    await first.inSync();
    const second = await once(['--once']);
    expect(second.stderr).toMatch(new RegExp(`another syncwatch \\(pid ${first.child.pid}\\) already syncs`));
    expect(second.code).toBe(3);
    first.child.kill('SIGKILL');
    await first.ended;
    const third = await once(['--once']);
    expect(third.code, third.stderr).toBe(0);
  });
});

describe('one path that fails never stops the others', () => {
  it('a directory that can not be entered any more: what is in it is not taken for deleted', async () => {
    const { local, remote, start, same } = place();
    fill(local, { a: 'a', 'd/f': 'f', 'd/e/g': 'g' });
    const running = start([], { wrapper: withoutOverride() });
    await running.inSync();
    writeFileSync(join(local, 'd/f'), 'changed');
    writeFileSync(join(local, 'd/e/g'), 'changed');
    chmodSync(join(local, 'd'), 0o600);
    onTestFinished(() => chmodSync(join(local, 'd'), 0o755));
    writeFileSync(join(local, 'a'), 'changed');
    await running.until('a', () => readFileSync(join(remote, 'a'), 'utf8') === 'changed');
    await running.event('pathFailed');
    expect(running.events.filter(({ action }) => action === 'delete')).toEqual([]);
    chmodSync(join(local, 'd'), 0o755);
    await same(running);
  });

  it('unreadable here: said once, the others go, exit code 1', async () => {
    const { local, remote, run: once, start, same } = place();
    fill(local, { good: 'g', secret: 's', 'd/also good': 'a' });
    chmodSync(join(local, 'secret'), 0);
    const result = await once(['--once'], { wrapper: withoutOverride() });
    expect(result.code).toBe(1);
    expect(result.stderr.match(/secret FAILED: permission denied here/g)?.length).toBe(1);
    expect(result.stderr).toMatch(/1 NOT there yet:\n.*secret: permission denied here/);
    expect(names(remote)).toEqual(['d', 'd/also good', 'good']);

    const running = start([], { wrapper: withoutOverride() });
    await running.event('pathFailed', (e) => e.path === 'secret');
    writeFileSync(join(local, 'more'), 'm');
    await running.event('delivered', (e) => JSON.stringify(e['items']).includes('"more"'));
    chmodSync(join(local, 'secret'), 0o644);
    await same(running);
    await running.event('inSync');
    expect(running.events.filter((e) => e.event === 'pathFailed').length).toBe(1);
  });

  it('a directory that nobody may look into: said with each full sync, exit code 1', async () => {
    const { local, remote, run: once } = place();
    fill(local, { good: 'g', 'closed/in': 'i' });
    chmodSync(join(local, 'closed'), 0);
    onTestFinished(() => chmodSync(join(local, 'closed'), 0o755));
    for (let time = 0; time < 2; time++) {
      const result = await once(['--once'], { wrapper: withoutOverride() });
      expect(result.code, result.stderr).toBe(1);
      expect(result.stderr).toMatch(/1 NOT there yet:\n.*closed: permission denied here/);
    }
    expect(names(remote)).toContain('good');
  });

  it('no permission there', async ({ skip }) => {
    const { local, remote, start, same } = place();
    fill(local, { 'd/a': 'a', 'e/b': 'b' });
    const running = start();
    await running.inSync();
    const fixed = setImmutable(join(remote, 'd/a'), true);
    if (!fixed && process.env['CI'] === undefined) skip('chattr +i is not to be had here');
    expect(fixed).toBe(true);
    try {
      writeFileSync(join(local, 'd/a'), 'changed');
      writeFileSync(join(local, 'e/b'), 'changed');
      const failed = await running.event('pathFailed', (e) => e.path === 'd/a');
      expect(failed['failure']).toMatchObject({ message: 'permission denied there' });
      await running.event('delivered', (e) => JSON.stringify(e['items']).includes('"e/b"'));
    } finally {
      setImmutable(join(remote, 'd/a'), false);
    }
    await same(running);
    expect(running.events.filter((e) => e.event === 'pathFailed').length).toBe(1);
  });

  it('what is not ours is in the way of a file: said, nothing of it is deleted', async () => {
    const { local, remote, start } = place();
    fill(local, { 'd/a': 'a', z: 'z' });
    const running = start();
    await running.inSync();
    mkdirSync(join(remote, 'd/foreign'));
    execFileSync('rm', ['-r', join(local, 'd')]);
    writeFileSync(join(local, 'd'), 'a file now');
    await running.event('pathFailed', (e) => e.path === 'd');
    expect(names(remote)).toContain('d/foreign');
    expect(running.events.find((e) => e.event === 'pathFailed')?.['failure']).toMatchObject({
      message: expect.stringMatching(/in the way/),
    });
    expect(inject('server').port).toBeGreaterThan(0);
  });
});
