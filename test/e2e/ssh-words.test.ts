import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { type Place, place, Running, run } from '../support/cli.js';
import { startTestServer, type TestServer } from '../support/server-setup.js';
import { fill, temporaryDir } from '../support/tree.js';

/** A place whose ssh config has more lines for its host. */
function configured(server: TestServer, ...more: readonly string[]): Place {
  const file = join(temporaryDir(), 'config');
  writeFileSync(file, `${readFileSync(server.sshConfig, 'utf8')}${more.map((line) => `  ${line}\n`).join('')}`);
  const there = place({ ...server, sshConfig: file });
  fill(there.local, { a: 'a' });
  return there;
}

/** A place whose server runs each command through this shell text; `$SSH_ORIGINAL_COMMAND` is the command. */
async function through(
  command: string,
): Promise<Place & { sshd: Awaited<ReturnType<typeof startTestServer>>['sshd'] }> {
  const { server, sshd, stop } = await startTestServer([`ForceCommand ${command}`]);
  onTestFinished(stop);
  return { ...place(server), sshd };
}

describe("what the user's ssh config says for a person's ssh", () => {
  it.each([
    [
      ['RemoteCommand echo hello', 'StdinNull yes', 'ForkAfterAuthentication yes', 'RequestTTY force', 'Tunnel yes'],
      ['ControlPersist 10', 'LogLevel QUIET'],
    ],
    [['ForkAfterAuthentication yes'], ['SessionType subsystem', 'LogLevel DEBUG3']],
    [['SessionType none'], ['RemoteCommand echo hello']],
  ])('%j, %j: not in the way', async (some, more) => {
    const there = configured(inject('server'), ...some, ...more);
    const { code, stderr } = await there.run(['--once']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringMatching(/hello|debug/) });
    expect(readFileSync(join(there.remote, 'a'), 'utf8')).toBe('a');
  });

  it('nor is a command of its own here, or a port that is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    onTestFinished(() => void taken.close());
    const address = taken.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const made = join(temporaryDir(), 'made');
    const there = configured(
      inject('server'),
      `LocalForward ${port} 127.0.0.1:9`,
      'ExitOnForwardFailure yes',
      'PermitLocalCommand yes',
      `LocalCommand touch ${made}; echo said; echo 'line 3: Bad configuration option' >&2`,
    );
    expect(await there.run(['--once'])).toMatchObject({ code: 0 });
    expect(() => readFileSync(made)).toThrow();
  });

  it('a login that fails says why, however quiet or talkative', async () => {
    for (const level of ['QUIET', 'DEBUG3']) {
      const there = configured(inject('server'), `LogLevel ${level}`);
      const { code, stderr } = await there.run(['-o', 'User=nosuch', '--once']);
      expect(code).toBe(3);
      expect(stderr).toMatch(/the login to .* was refused/);
    }
  });

  it('options that ssh refuses end it before anybody logs in', async () => {
    const there = configured(inject('server'), 'Nonsense yes');
    const { code, stderr } = await there.run(['--once']);
    expect(code).toBe(3);
    expect(stderr).toMatch(/ssh refused its options: .*terminating, 1 bad configuration options/);
  });
});

const LIES = [
  'line 3: Bad configuration option: x',
  'there: Permission denied (publickey).',
  'Host key verification failed.',
  'there prints text: is your shell clean?',
];

describe('what others say on the way is theirs', () => {
  it('a ProxyCommand, and a shell that complains at each start: a broken connection comes back', async () => {
    const lies = join(temporaryDir(), 'lies');
    writeFileSync(lies, `${LIES.join('\n')}\n`);
    const { sshd, ...far } = await through(`cat ${lies} >&2; eval "$SSH_ORIGINAL_COMMAND"`);
    const proxy = join(temporaryDir(), 'proxy');
    const connect = `require("net").connect(${far.server.port},"127.0.0.1",function(){process.stdin.pipe(this).pipe(process.stdout)}).on("error",()=>process.exit(1))`;
    writeFileSync(proxy, `#!/bin/sh\ncat ${lies} >&2\nexec ${process.execPath} -e '${connect}'\n`);
    chmodSync(proxy, 0o755);
    const there = configured(far.server, `ProxyCommand ${proxy}`);
    const running = there.start();
    await running.inSync();
    for (let round = 0; round < 2; round++) {
      const from = running.events.length;
      await sshd.crash();
      await running.event('trouble', () => true, from);
      writeFileSync(join(there.local, 'a'), `${round}`);
      await sshd.again();
      await running.event('connected', () => true, from);
      await running.until('a', () => readFileSync(join(there.remote, 'a'), 'utf8') === `${round}`);
    }
    expect(running.stdout).not.toMatch(/refused|host key of|prints text at login/);
  });

  it('what a shell complains of each time leaves no doubt about what failed', async () => {
    const there = await through(`echo 'sh: line 3: x: No such file' >&2; eval "$SSH_ORIGINAL_COMMAND"`);
    fill(there.local, Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`f${i}`, 'x'])));
    mkdirSync(join(there.remote, 'f3/theirs'), { recursive: true });
    const running = new Running([...there.args, there.local, '--debug'], { env: there.env });
    const failed = (): number => running.stdout.split('rsync ended: 23').length - 1;
    await running.until('the first failure', () => failed() > 0 && existsSync(join(there.remote, 'f19')));
    const before = failed();
    fill(there.local, Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`f${i}`, 'again'])));
    await running.until('the second time', () => readFileSync(join(there.remote, 'f19'), 'utf8') === 'again');
    await running.until('the second failure', () => failed() > before);
    await running.stop();
    expect(running.stdout).not.toMatch(/names may have failed/);
  });

  it('a ProxyCommand that fails is quoted', async () => {
    const there = configured(inject('server'), "ProxyCommand sh -c 'echo no way through >&2; exit 1'");
    const { code, stderr } = await there.run(['--once']);
    expect(code).toBe(3);
    expect(stderr).toMatch(/the connection to .* failed: no way through/);
  });
});

describe('no rsync there', () => {
  it.each(['bash', 'dash', 'zsh', 'fish', 'tcsh'])('is said under %s', async (shell) => {
    const login = execFileSync('sh', ['-c', `command -v ${shell}`], { encoding: 'utf8' }).trim();
    const there = await through(`exec ${login} -c "$SSH_ORIGINAL_COMMAND"`);
    fill(there.local, { a: 'a' });
    const ends = ['/nowhere/rsync', 'sudo-of-nowhere rsync'].map((path, i) => {
      const args = [...there.args.slice(0, -1), `${there.to}${i}`];
      return run([...args, there.local, '--once', '--', `--rsync-path=${path}`], { env: there.env });
    });
    for (const { code, stderr } of await Promise.all(ends)) {
      expect(code).toBe(3);
      expect(stderr).toMatch(/there is no rsync on there\n.*not found/);
    }
  });

  it('or why it can not be started', async () => {
    const there = place();
    fill(there.local, { a: 'a' });
    const unfit = there.program('#!/bin/sh\necho "a password is required" >&2\nexit 1\n');
    const refused = await there.run(['--once', '--', `--rsync-path=${unfit}`]);
    expect(refused.stderr).toMatch(/rsync can't be started on there: a password is required/);
  });

  it.each(['exit 3', 'exit 0'])('or that the shell ends before it is started: %s', async (command) => {
    const there = await through(command);
    const { code, stderr } = await there.run(['--once']);
    expect(code).toBe(3);
    expect(stderr).toMatch(/the shell on there ends before it starts anything \(exit code [03]\)\n.*\.bashrc/);
  });

  it('or that it does nothing', async () => {
    const there = place();
    const idle = there.program('#!/bin/sh\nexit 0\n');
    const { code, stderr } = await there.run(['--once', '--', `--rsync-path=${idle}`]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/what is started as rsync on there ends without a word/);
  });

  it('text at each login is found at the login, and quoted', async () => {
    const there = await through('echo Welcome to the machine; eval "$SSH_ORIGINAL_COMMAND"');
    fill(there.local, { a: 'a' });
    const { code, stderr } = await there.run(['--once']);
    expect(code).toBe(3);
    expect(stderr).toMatch(/prints text at login, which breaks rsync: Welcome to the machine/);
  });
});
