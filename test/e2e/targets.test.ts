import { appendFileSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Place, place, Running, run } from '../support/cli.js';
import { startRelay } from '../support/relay.mjs';
import { fill, tree } from '../support/tree.js';

/** A second remote directory on the same server; its host may have another port, as host `wired`. */
interface Two extends Place {
  readonly second: string;
  readonly toSecond: string;
  start(args?: readonly string[]): Running;
}

function two(wiredPort?: number): Two {
  const there = place();
  const { server, remote, to, local, env } = there;
  const second = `${remote}-2`;
  const config = join(local, '../ssh_config');
  copyFileSync(server.sshConfig, config);
  if (wiredPort !== undefined) {
    const own = readFileSync(config, 'utf8').replace(/^Host there/m, 'Host wired');
    const wired = own.replace(/Port \d+/, `Port ${wiredPort}\n  HostKeyAlias [127.0.0.1]:${server.port}`);
    appendFileSync(config, `\n${wired}`);
  }
  const toSecond = `${to.replace(/^there/, wiredPort === undefined ? 'there' : 'wired')}-2`;
  const args = ['-F', config, '--to', to, '--to', toSecond];
  return {
    ...there,
    second,
    toSecond,
    args,
    start: (more = []) => new Running([...args, '--json', local, ...more], { env }),
  };
}

/** Waits until a directory there is as the one here. */
const same = (running: Running, here: string, there: string): Promise<unknown> =>
  running.until(`${there} is the same`, () => {
    const [a, b] = [tree(here), tree(there)];
    return a.length === b.length && a.every((line, i) => line === b[i]);
  });

const inSync = (running: Running, target: string, from = 0) =>
  running.event('inSync', (e) => e['target'] === target, from);

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

describe('several targets', () => {
  it('all get everything, over one watcher; flush, status and exit codes speak of all, or of one', async () => {
    const { local, remote, second, to, toSecond, env, start } = two();
    fill(local, { a: 'a', 'd/e': 'e' });
    const running = start();
    await inSync(running, to);
    await inSync(running, toSecond);
    expect(running.events.filter(({ event }) => event === 'watching').length).toBe(1);
    fill(local, { 'd/new': 'n' });
    rmSync(join(local, 'a'));
    expect(await run(['flush', local], { env })).toMatchObject({ code: 0, stderr: '' });
    expect(tree(remote)).toEqual(tree(local));
    expect(tree(second)).toEqual(tree(local));
    writeFileSync(join(local, 'd/e'), 'changed');
    await Promise.all([same(running, local, remote), same(running, local, second)]);
    const { stdout } = await run(['status', local], { env });
    expect(stdout).toContain(`→ ${to}: in sync`);
    expect(stdout).toContain(`→ ${toSecond}: in sync`);
    expect((await run(['exec', local, '--', 'true'], { env })).stderr).toMatch(/there are several targets\n.*--to/);
    expect((await run(['exec', '--to', toSecond, local, '--', 'cat', 'd/e'], { env })).stdout).toBe('changed');

    // One of them ends, the other goes on.
    expect((await run(['stop', '--to', to, local], { env })).code).toBe(0);
    writeFileSync(join(local, 'd/e'), 'only there');
    expect(await run(['flush', local], { env })).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(join(second, 'd/e'), 'utf8')).toBe('only there');
    expect(readFileSync(join(remote, 'd/e'), 'utf8')).toBe('changed');
    expect(await running.stop()).toBe(130);
  });

  it('a frozen one delays nobody; it gets everything when it is back', async () => {
    const port = place().server.port;
    const relay = await startRelay(port);
    onTestFinished(() => relay.close());
    const { local, remote, second, to, toSecond, env, start } = two(relay.port);
    fill(local, { a: 'a' });
    const running = start();
    await inSync(running, to);
    await inSync(running, toSecond);
    relay.freeze(true);
    for (const content of ['one', 'two', 'three']) {
      writeFileSync(join(local, 'a'), content);
      expect(await run(['flush', '--to', to, local], { env })).toMatchObject({ code: 0, stderr: '' });
      expect(readFileSync(join(remote, 'a'), 'utf8')).toBe(content);
      expect(readFileSync(join(second, 'a'), 'utf8')).toBe('a');
    }
    const late = await run(['flush', '--timeout', '0.3', local], { env });
    expect(late.code).toBe(4);
    expect(late.stderr).toContain(`${toSecond}: not everything is there after 0.3 s`);
    expect(late.stderr).not.toContain(`${to}: not`);
    relay.freeze(false);
    await same(running, local, second);
  });

  it('one that can not be reached at the start is tried again, the others are in no need of it', async () => {
    const wiredPort = await freePort();
    const { local, remote, second, to, toSecond, env, server, start } = two(wiredPort);
    fill(local, { a: 'a' });
    const running = start();
    await inSync(running, to);
    await running.event('trouble', (e) => e['target'] === toSecond);
    await same(running, local, remote);
    expect((await run(['status', '--to', toSecond, local], { env })).stdout).toContain(`→ ${toSecond}: connecting`);
    expect((await run(['flush', '--timeout', '0.3', local], { env })).code).toBe(4);
    const relay = await startRelay(server.port, 0, wiredPort);
    onTestFinished(() => relay.close());
    await inSync(running, toSecond);
    await same(running, local, second);
    expect(await run(['flush', local], { env })).toMatchObject({ code: 0, stderr: '' });
  });

  it('one that can not be used ends alone, and is not forgotten', async () => {
    const there = two();
    const { local, remote, second, to, toSecond, env, start, fillRemote } = there;
    fill(local, { a: 'a' });
    fillRemote({});
    rmSync(remote, { recursive: true });
    writeFileSync(second, 'no directory');
    const running = start();
    await inSync(running, to);
    const halted = await running.event('halted');
    expect(halted['target']).toBe(toSecond);
    writeFileSync(join(local, 'a'), 'b');
    await same(running, local, remote);
    const flushed = await run(['flush', local], { env });
    expect(flushed.code).toBe(3);
    expect(flushed.stderr).toMatch(/-2: it has ended: .* is not a directory/);
    expect(await run(['flush', '--to', to, local], { env })).toMatchObject({ code: 0, stderr: '' });
    expect((await run(['status', local], { env })).stdout).toMatch(/-2: has ended: .* is not a directory/);
    expect((await run(['stop', local], { env })).code).toBe(0);
    expect(await running.ended).toBe(3);
    const once = await run([...there.args, '--once', local], { env });
    expect(once.code).toBe(3);
    expect(once.stdout).toContain(`${to}: in sync`);
  });

  it('by their names from the settings, which lines and hooks speak of', async () => {
    const { local, second, to, toSecond, env, args, remote } = two();
    const out = join(local, '../hooks.log');
    fill(local, {
      'src/a.py': '',
      'b.txt': '',
      'syncwatch.json': JSON.stringify({
        targets: { one: to, two: toSecond },
        to: ['one', 'two'],
        'ssh-config': args[1],
        'on-sync': { '*.py': `echo "$SYNCWATCH_TARGET $SYNCWATCH_PATH $SYNCWATCH_COUNT" >> ${out}`, 'none/': 'false' },
      }),
    });
    mkdirSync(join(local, 'src/deep'));
    expect(await run(['allow'], { cwd: join(local, 'src'), env })).toMatchObject({ code: 0, stderr: '' });
    const running = new Running([], { cwd: join(local, 'src/deep'), env });
    await running.until('both', () => /one: in sync/.test(running.stdout) && /two: in sync/.test(running.stdout));
    await Promise.all([same(running, local, remote), same(running, local, second)]);
    expect(running.stdout).toContain(`connecting to one (${to})`);
    expect(running.stdout).toMatch(/ two: in sync: .*src\/a\.py/);
    const log = (): string[] => {
      try {
        return readFileSync(out, 'utf8').trimEnd().split('\n').sort();
      } catch {
        return [];
      }
    };
    await running.until('both hooks', () => log().length === 2);
    expect(log()).toEqual(['one src/a.py 1', 'two src/a.py 1']);
    writeFileSync(join(local, 'b.txt'), 'no hook for this');
    expect((await run(['flush', '--to', 'two'], { cwd: join(local, 'src'), env })).code).toBe(0);
    writeFileSync(join(local, 'src/a.py'), 'but for this');
    await running.until('both once more', () => log().length === 4);
    expect((await run(['flush', '--to', 'three', local], { env })).stderr).toMatch(/It is to: (one, two|two, one)/);
  });
});
