import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { remoteCommand } from '../../src/core/ssh/remote-command.js';
import { CLI, cleanEnv, type Place, place, Running, run } from '../support/cli.js';
import { MASTER, processesOf, processOf } from '../support/faulty.js';
import { startTestServer } from '../support/server-setup.js';
import { fill } from '../support/tree.js';

const exec = ({ local, env }: Place, words: readonly string[], args: readonly string[] = [], stdin?: string) =>
  run(['exec', ...args, local, '--', ...words], { env, ...(stdin === undefined ? {} : { stdin }) });

/** A command that was begun there, and waits for the word. */
const BEGUN = /ssh .*read -r syncwatch_go/;

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('exec', () => {
  it('runs in the remote directory, after what was saved is there', async () => {
    const there = place();
    fill(there.local, { 'a b': 'one' });
    const running = there.start();
    await running.inSync();
    for (const content of ['two', 'three', 'four']) {
      writeFileSync(join(there.local, 'a b'), content);
      expect(await exec(there, ['cat', 'a b'])).toMatchObject({ code: 0, stdout: content, stderr: '' });
    }
    expect(await exec(there, ['pwd'])).toMatchObject({ code: 0, stdout: `${there.to.replace('there:', '')}\n` });
  });

  it('passes on arguments, stdin, stderr and the exit code exactly', async () => {
    const there = place();
    fill(there.local, { a: '' });
    const running = there.start();
    await running.inSync();
    const words = ['two  spaces', "it's", '"$HOME"', '*', 'a\\b', '', '-n', 'new\nline', '!x', '`id`', 'ü'];
    const said = await exec(there, ['printf', '%s\\0', ...words]);
    expect(said.stdout.split('\0').slice(0, -1)).toEqual(words);
    expect(await exec(there, ['cat'], [], 'from here\n')).toMatchObject({ code: 0, stdout: 'from here\n' });
    expect(await exec(there, ['sh', '-c', 'echo out; echo err >&2; exit 42'])).toMatchObject({
      code: 42,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect((await exec(there, ['sh', '-c', 'kill -TERM $$'])).code).toBe(143);
    expect((await exec(there, ['there-is-no-such-program'])).code).toBe(127);
  });

  it('says that a command is too long, and why none begins', async () => {
    const there = place();
    fill(there.local, { a: '' });
    await there.start().inSync();
    // Linux takes 128 kB in one word, which is what ssh is given.
    const words = Array.from({ length: 3 }, () => 'x'.repeat(70_000));
    for (const args of [[], ['--no-flush']])
      expect(await exec(there, ['touch', 'ran', ...words], args)).toMatchObject({
        code: 126,
        stderr: 'syncwatch: the command is too long: put it into a script, or hand long data over on stdin\n',
      });
    expect(existsSync(join(there.remote, 'ran'))).toBe(false);
    const local = new Running(['--to', join(there.local, '../there'), '--json', there.local], { env: there.env });
    await local.inSync();
    const { code, stderr } = await exec(there, ['a/x'], ['--to', join(there.local, '../there')]);
    expect([code, stderr]).toEqual([126, "syncwatch: a/x can't be started: ENOTDIR\n"]);
  });

  it('has a terminal if there is one here, and the keys pressed there', async () => {
    const there = place();
    fill(there.local, { a: '' });
    const running = there.start();
    await running.inSync();
    // A terminal of ours: ssh -tt to a server of our own, which runs exec.
    const { sshd, stop } = await startTestServer();
    onTestFinished(stop);
    const cli = join(import.meta.dirname, '../../dist/cli.js');
    const env = Object.entries(there.env).map(([name, value]) => `${name}=${value}`);
    const inTerminal = (command: string): Promise<string> => {
      const words = ['env', ...env, process.execPath, cli, 'exec', there.local, '--', 'sh', '-c', command];
      const child = spawn('ssh', ['-tt', '-F', sshd.sshConfig, 'there', remoteCommand('', words)]);
      let said = '';
      return new Promise((resolve) => {
        child.stdout.on('data', (chunk: Buffer) => {
          said += chunk.toString();
          // ssh hands keys on once our terminal adds no \r of its own to a line: it runs the command a moment before.
          if (said.includes('ready\r\n')) child.stdin.end('\x03');
        });
        child.once('close', (code) => resolve(`${said} code ${code}`));
      });
    };
    expect(await inTerminal('tty >/dev/null && echo yes')).toMatch(/yes\s+code 0/);
    expect((await exec(there, ['sh', '-c', 'tty >/dev/null && echo yes || echo no'])).stdout).toBe('no\n');
    // The terminal there shows the ^C that is typed, and hands it on.
    const ready = 'while :; do echo ready; sleep 0.05; done';
    expect(await inTerminal(`trap "echo caught; exit 7" INT; ${ready}`)).toMatch(/caught\s+code 7/);
  });

  it('without a terminal: signals reach the command there, and its end comes back', async () => {
    const there = place();
    fill(there.local, { a: '' });
    const running = there.start();
    await running.inSync();
    for (const [signal, code] of [
      ['SIGTERM', 7],
      ['SIGINT', 8],
      ['SIGHUP', 9],
    ] as const) {
      const traps = `trap "echo bye; exit 7" TERM; trap "exit 8" INT; trap "exit 9" HUP; echo up; while :; do sleep 0.05; done`;
      const words = ['exec', there.local, '--', 'sh', '-c', traps];
      const one = new Running(words, { env: there.env });
      await one.until('it runs', () => one.stdout.includes('up'));
      expect(await one.stop(signal)).toBe(code);
      expect(one.stdout).toBe(code === 7 ? 'up\nbye\n' : 'up\n');
    }
    const sleeping = new Running(['exec', there.local, '--', 'sh', '-c', 'echo up; exec sleep 600'], {
      env: there.env,
    });
    await sleeping.until('it runs', () => sleeping.stdout.includes('up'));
    expect(await sleeping.stop('SIGTERM')).toBe(143);
  });

  it('a signal to all, as timeout sends it, twice, ends it all, the command there too, and a pipe behind it', async () => {
    const there = place();
    fill(there.local, { a: '' });
    const running = there.start();
    await running.inSync();
    const line = 'trap : TERM; "$@" | { trap : TERM; cat; }';
    const words = ['sh', '-c', 'echo $$ > pid; echo up; sleep 600; echo later'];
    const args = ['-c', line, 'sh', process.execPath, CLI, 'exec', there.local, '--', ...words];
    const all = spawn('sh', args, {
      detached: true,
      env: { ...cleanEnv(), ...there.env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const group = -(all.pid ?? Number.NaN);
    onTestFinished(() => void (all.exitCode ?? process.kill(group, 'SIGKILL')));
    let said = '';
    const ended = new Promise((resolve) => all.once('close', resolve));
    await new Promise<void>((resolve) => {
      all.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes('up')) resolve();
      });
    });
    process.kill(group, 'SIGTERM');
    process.kill(group, 'SIGTERM');
    await ended;
    expect(said).toBe('up\n');
    // Signalled, it may take a moment to be gone. What is there if not says more than that something is.
    const look = ['sh', '-c', 'kill -0 "$(cat pid)" && cat pid && ps -A -o pid,ppid,pgid,stat,args'];
    await expect.poll(async () => (await exec(there, look)).stdout, { timeout: 30_000 }).toBe('');
  });

  it('a closed pipe ends what writes to it there', async () => {
    const there = place();
    fill(there.local, { a: '' });
    const running = there.start();
    await running.inSync();
    const line = '"$@" | head -1';
    const words = ['sh', '-c', 'echo $$ > pid; exec yes'];
    const child = ['sh', '-c', line, 'sh', process.execPath, CLI, 'exec', there.local, '--', ...words];
    const [file = '', ...args] = child;
    expect(execFileSync(file, args, { env: { ...cleanEnv(), ...there.env }, encoding: 'utf8' })).toBe('y\n');
    expect((await exec(there, ['sh', '-c', 'kill -0 "$(cat pid)"'])).code).not.toBe(0);
  });

  it('a connection that is lost meanwhile is told, and that the command may still run; 255 alone is its own', async () => {
    const there = place();
    fill(there.local, { a: '' });
    const running = there.start();
    await running.inSync();
    expect(await exec(there, ['sh', '-c', 'exit 255'])).toMatchObject({ code: 255, stderr: '' });
    const one = new Running(['exec', there.local, '--', 'sh', '-c', 'echo $$ > pid; echo up; exec sleep 600'], {
      env: there.env,
    });
    await one.until('it runs', () => one.stdout.includes('up'));
    process.kill(await processOf(running, MASTER), 'SIGKILL');
    expect(await one.ended).toBe(255);
    expect(one.stderr).toBe('syncwatch: the connection to there was lost: the command may still run there\n');
    await running.event('connected', () => true, running.events.length);
    expect((await exec(there, ['sh', '-c', 'kill "$(cat pid)"'])).code).toBe(0);
  });

  it('begun while a save is on its way: stdin comes unchanged, after the save; after a kill or a failure before that it never runs', async () => {
    const there = place();
    fill(there.local, { a: 'one' });
    const running = there.start(['--bwlimit', '50']);
    await running.inSync();
    const stdin = randomBytes(1_000_000);
    writeFileSync(join(there.local, 'a'), 'two');
    const words = [CLI, 'exec', there.local, '--', 'sh', '-c', 'cat a; cat'];
    const said = spawnSync(process.execPath, words, {
      env: { ...cleanEnv(), ...there.env },
      input: stdin,
      maxBuffer: 1e8,
    });
    expect([said.status, said.stderr.toString()]).toEqual([0, '']);
    expect(said.stdout.equals(Buffer.concat([Buffer.from('two'), stdin]))).toBe(true);

    // Takes a minute: the command has to wait all that time.
    writeFileSync(join(there.local, 'large'), randomBytes(3_000_000));
    const touch = ['exec', there.local, '--', 'touch', 'ran'];
    const begin = async (): Promise<Running> => {
      const one = new Running(touch, { env: there.env });
      await processOf(one, BEGUN);
      return one;
    };
    const killed = await begin();
    const [ssh = 0] = processesOf(killed, BEGUN);
    await killed.stop('SIGKILL');
    await expect.poll(() => isAlive(ssh), { timeout: 30_000 }).toBe(false);
    const failing = await begin();
    const pausing = run(['pause', there.local], { env: there.env });
    expect(await failing.ended).toBe(3);
    expect(failing.stderr).toContain('it is paused');
    expect(processesOf(failing, BEGUN)).toEqual([]);
    running.child.kill('SIGTERM');
    await running.stop('SIGINT');
    await pausing;
    expect(existsSync(join(there.remote, 'ran'))).toBe(false);
  });

  it('to a local target: the command here gets the signals', async () => {
    const there = place();
    fill(there.local, { a: '' });
    const running = new Running(['--to', join(there.local, '../there'), '--json', there.local], { env: there.env });
    await running.inSync();
    for (const [signal, code] of [
      ['SIGTERM', 7],
      ['SIGINT', 8],
    ] as const) {
      const traps = `trap "exit 7" TERM; trap "exit 8" INT; echo up; while :; do sleep 0.05; done`;
      const one = new Running(['exec', there.local, '--', 'sh', '-c', traps], { env: there.env });
      await one.until('it runs', () => one.stdout.includes('up'));
      expect(await one.stop(signal)).toBe(code);
    }
  });

  it('takes along what the ssh options of that syncwatch say, and reads no ssh config itself', async () => {
    const { server, stop } = await startTestServer(['AcceptEnv X_*']);
    onTestFinished(stop);
    const there = place(server);
    fill(there.local, { a: '' });
    const running = there.start(['-o', 'SendEnv=X_ONE X_T*', '-o', 'ForwardAgent=yes']);
    await running.inSync();
    // There is none at that address, which is enough for the other side to offer one.
    const env = { ...there.env, X_ONE: '1', X_TWO: '2', X_OTHER: '3', SSH_AUTH_SOCK: join(there.local, 'none') };
    const said = await exec({ ...there, env }, ['sh', '-c', 'echo "$X_ONE,$X_TWO,$X_OTHER"; test -n "$SSH_AUTH_SOCK"']);
    expect(said).toMatchObject({ code: 0, stdout: '1,2,\n' });
  });

  it('a failed path: its command is not run; --no-flush runs it all the same', async () => {
    const there = place();
    fill(there.local, { a: '' });
    const running = there.start();
    await running.inSync();
    expect((await run(['pause', there.local], { env: there.env })).code).toBe(0);
    const refused = await exec(there, ['touch', 'ran']);
    expect(refused.code).toBe(3);
    expect(readFileSync(join(there.remote, 'a'), 'utf8')).toBe('');
    expect((await exec(there, ['ls'], ['--no-flush'])).stdout).toBe('a\n');
  });

  it('wrong use is refused: no command, several targets, a target that is none', async () => {
    const there = place();
    fill(there.local, { a: '' });
    const first = there.start();
    await first.inSync();
    expect((await run(['exec', there.local], { env: there.env })).code).toBe(2);
    expect((await run(['flush', there.local, '--', 'ls'], { env: there.env })).code).toBe(2);
    const other = await exec(there, ['ls'], ['--to', 'nowhere:x']);
    expect(other.code).toBe(2);
    expect(other.stderr).toContain(`It is to: ${there.to}`);
  });
});
