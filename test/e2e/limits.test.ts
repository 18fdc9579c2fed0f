import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type JsonEvent, place, Running, run } from '../support/cli.js';
import { asOrdinary, OTHER_UID } from '../support/other-user.js';
import { fill, temporaryDir, tree } from '../support/tree.js';

/** A command prefix with such a limit of open files. */
const withDescriptors = (most: number): string[] => ['sh', '-c', `ulimit -n ${most}; exec "$@"`, 'sh'];

/** Sets the soft limit of a process that runs, as its user; to the hard one where no other is given. */
function setLimit(
  { child }: Running,
  which: 'nofile' | 'nproc',
  given?: number,
  wrapper: readonly string[] = [],
): void {
  const limits = readFileSync(`/proc/${child.pid}/limits`, 'utf8');
  const most = given ?? new RegExp(`Max ${WORDS[which]} +\\S+ +(\\S+)`).exec(limits)?.[1];
  const [file = '', ...args] = [...wrapper, 'prlimit', `--pid=${child.pid}`, `--${which}=${most}:`];
  execFileSync(file, args);
}

const WORDS = { nofile: 'open files', nproc: 'processes' } as const;

const troubles = (running: Running) => running.events.filter(({ event }) => event === 'trouble');

describe('with few descriptors', () => {
  it.each([
    ['48: starts, watches and brings everything, with git too', 48, 1],
    ['56: two targets', 56, 2],
  ])('ulimit -n %s', async (_what, most, targets) => {
    const one = place();
    const others = Array.from({ length: targets - 1 }, () => place());
    const { local, env } = one;
    execFileSync('git', ['init', '-q', local]);
    fill(local, { '.gitignore': 'ignored\n', ignored: '' });
    for (let i = 0; i < 200; i++) fill(local, { [`d${i % 30}/f${i}`]: String(i) });
    const wrapper = withDescriptors(most);
    const running = one.start(
      others.flatMap(({ to }) => ['--to', to]),
      { env, wrapper },
    );
    for (const { to } of [one, ...others]) await running.event('inSync', ({ target }) => target === to);
    for (let i = 0; i < 50; i++) fill(local, { [`d${i % 30}/new/${i}`]: String(i) });
    rmSync(join(local, 'd7'), { recursive: true });
    const isLeftOut = (name: string): boolean => /^(\.git|ignored)$/.test(name);
    const here = JSON.stringify(tree(local, isLeftOut));
    for (const { remote } of [one, ...others])
      await running.until('the same there', () => JSON.stringify(tree(remote)) === here);
    expect(await run(['flush', local], { env, wrapper })).toMatchObject({ code: 0, stderr: '' });
    expect(troubles(running)).toEqual([]);
    expect(await running.stop()).toBe(130);
  });

  it('too few: one clear error that says what to do, and nothing is begun', async () => {
    const { local, args, env } = place();
    const { code, stderr } = await run([...args, local], { env, wrapper: withDescriptors(32) });
    expect(code).toBe(3);
    expect(stderr).toBe(
      'syncwatch: too few files may be open at once here (ulimit -n): syncwatch needs about 48 for a target\n  Raise the limit: ulimit -n 256\n',
    );
  });

  it('none left while it runs: said once, nothing is lost or deleted, and it goes on', async () => {
    const { local, start, same } = place();
    for (let i = 0; i < 30; i++) fill(local, { [`d${i}/a`]: String(i) });
    const running = start();
    await running.inSync();
    setLimit(running, 'nofile', 20);
    let count = 0;
    const change = setInterval(() => fill(local, { [`d${++count % 30}/new${count}/f`]: 'x' }), 100);
    const isOf = (what: string) => (event: JsonEvent) => JSON.stringify(event).includes(`${what} could not be started`);
    await running.event('trouble', isOf('rsync'));
    clearInterval(change);
    rmSync(join(local, 'd3'), { recursive: true, force: true });
    setLimit(running, 'nofile');
    await same(running);
    expect(troubles(running).filter(isOf('rsync')).length).toBe(1);
    expect(await running.stop()).toBe(130);
  });
});

it('with no process left: said once, and it goes on', async () => {
  // Root may start as many as it likes.
  const isRoot = userInfo().uid === 0;
  const wrapper = asOrdinary;
  const base = temporaryDir();
  for (const name of ['', 'local', 'remote', 'home', 'run', 'state', 'tmp']) {
    if (name !== '') mkdirSync(join(base, name), { mode: 0o700 });
    if (isRoot) chownSync(join(base, name), OTHER_UID, OTHER_UID);
  }
  const local = join(base, 'local');
  const env = {
    HOME: join(base, 'home'),
    XDG_RUNTIME_DIR: join(base, 'run'),
    XDG_STATE_HOME: join(base, 'state'),
    TMPDIR: join(base, 'tmp'),
  };
  writeFileSync(join(local, 'a'), 'a');
  const running = new Running(['--to', join(base, 'remote'), '--json', local], { env, wrapper, cwd: base });
  await running.inSync();
  setLimit(running, 'nproc', 1, wrapper);
  let count = 0;
  const change = setInterval(() => writeFileSync(join(local, `f${++count}`), String(count)), 50);
  await running.event('trouble', ({ failure }) => /too few processes may run/.test(JSON.stringify(failure)));
  clearInterval(change);
  setLimit(running, 'nproc', undefined, wrapper);
  await running.until('all there', () => readdirSync(join(base, 'remote')).length === count + 1);
  expect(troubles(running).length).toBe(1);
  expect(await running.stop()).toBe(130);
});
