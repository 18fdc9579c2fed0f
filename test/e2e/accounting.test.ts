import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { place, Running, run } from '../support/cli.js';
import { setImmutable, withoutOverride } from '../support/rights.js';
import { fill, names, temporaryDir } from '../support/tree.js';

/** Two directories here, and a syncwatch between them that may not do what modes forbid. */
function localPlace(files: Readonly<Record<string, string>>, there: Readonly<Record<string, string>> = {}) {
  const base = temporaryDir();
  const local = join(base, 'here');
  const remote = join(base, 'there');
  fill(local, files);
  fill(remote, { './': '', ...there });
  mkdirSync(join(base, 'run'), { mode: 0o700 });
  const env = { XDG_STATE_HOME: join(base, 'state'), XDG_RUNTIME_DIR: join(base, 'run'), HOME: base };
  const options = { env, wrapper: withoutOverride() };
  const args = ['--to', remote, local];
  return {
    base,
    local,
    remote,
    env,
    start: () => new Running([...args, '--json'], options),
    once: (more: Readonly<Record<string, string>> = {}) =>
      run([...args, '--once'], { ...options, env: { ...env, ...more } }),
    flush: () => run(['flush', '--timeout', '30', local], { env }),
  };
}

const many = (dir: string, count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`${dir}/${i % 3 === 0 ? 'sub/' : ''}f${i}`, `${i}`]));

describe('a name is there when rsync accounts for it', () => {
  it('a directory that could not be made: what is in it waits too, until it can', async () => {
    const { remote, start, flush, local } = localPlace({ ...many('d', 20), good: 'g' });
    expect(setImmutable(remote, true)).toBe(true);
    onTestFinished(() => void setImmutable(remote, false));
    const running = start();
    await running.event('pathFailed', (e) => e.path === 'd');
    await running.event('pathFailed', (e) => e.path === 'd/sub/f0');
    expect((await flush()).code).toBe(1);
    expect(running.events.some((e) => e.event === 'inSync')).toBe(false);
    setImmutable(remote, false);
    await running.event('inSync');
    expect(names(remote)).toEqual(names(local));
    expect((await flush()).code).toBe(0);
  });

  it('the same there, behind ssh, for a new directory below one that refuses', async () => {
    const { local, remote, start, same } = place();
    fill(local, { 'p/a': 'a' });
    const running = start();
    await running.inSync();
    expect(setImmutable(join(remote, 'p'), true)).toBe(true);
    try {
      fill(local, many('p/new', 20));
      await running.event('pathFailed', (e) => e.path === 'p/new/f1');
      const from = running.events.length;
      writeFileSync(join(local, 'q'), 'q');
      await running.event('delivered', (e) => JSON.stringify(e['items']).includes('"q"'), from);
      expect(running.events.slice(from).some((e) => e.event === 'inSync')).toBe(false);
    } finally {
      setImmutable(join(remote, 'p'), false);
    }
    await same(running);
  });

  it('a dotfile, next to its namesake without the dot, and a name of 250 bytes', async () => {
    const long = 'n'.repeat(250);
    const { remote, once, local } = localPlace(
      { 'conf/.env': 'e', [`conf/${long}`]: 'l', '.x': 'x', 'both/.env': 'b', 'both/env': 'c' },
      { 'conf/': '', 'both/': '' },
    );
    chmodSync(join(remote, 'conf'), 0o555);
    chmodSync(join(remote, 'both'), 0o555);
    // The directories themselves are as they are here.
    chmodSync(join(local, 'conf'), 0o555);
    chmodSync(join(local, 'both'), 0o555);
    const { code, stdout, stderr } = await once();
    expect(code).toBe(1);
    for (const name of ['conf/.env', `conf/${long}`, 'both/.env', 'both/env']) {
      expect(stderr).toContain(`${name} FAILED: permission denied there`);
      expect(stdout).not.toContain(`${name} .`);
    }
    expect(stderr).toContain('1 file sent');
    expect(names(remote).filter((name) => !name.endsWith('/'))).toContain('.x');
  });

  it('names that read like trouble are names', async () => {
    const odd = [
      'unknown option.md',
      'No space left on device.log',
      'is your shell clean?',
      'a": b',
      'mkdir',
      'x: not found',
    ];
    const { local, remote, once } = localPlace(Object.fromEntries([...odd, 'a', 'good'].map((name) => [name, name])));
    for (const name of odd) chmodSync(join(local, name), 0);
    const { code, stderr } = await once();
    expect(code).toBe(1);
    for (const name of odd) expect(stderr).toContain(`${name} FAILED: permission denied here`);
    expect(stderr).not.toMatch(/too old|no room|prints text/);
    expect(names(remote)).toEqual(['a', 'good']);
  });

  it('what nobody understands is tried again alone, then told; the rest is proven', async () => {
    const { base, local, remote, once, env } = localPlace(many('d', 12));
    fill(local, { odd: 'o', good: 'g' });
    // rsync itself, but for one name it says what no version has ever said, and does not send it.
    const bin = join(base, 'bin');
    fill(bin, {
      rsync: `#!/bin/sh
real=$(PATH=/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin command -v rsync)
case " $* " in
  *" --files-from=- "*) cat >"$HOME/list.$$"; grep -qz '^./odd$' "$HOME/list.$$" && bad=1 ;;
  *" --recursive "*) cat >"$HOME/list.$$"; bad=1 ;;
  *) exec "$real" "$@" ;;
esac
if [ -n "$bad" ]; then set -- --exclude=/odd "$@"; fi
"$real" "$@" <"$HOME/list.$$"; code=$?
rm -f "$HOME/list.$$"
[ -z "$bad" ] || { echo "rsync: [receiver] the moon is in the way" >&2; exit 23; }
exit $code
`,
    });
    chmodSync(join(bin, 'rsync'), 0o755);
    const { code, stdout, stderr } = await once({ PATH: `${bin}:${process.env['PATH']}` });
    expect(stderr).toContain('odd FAILED: the moon is in the way');
    expect(stderr.match(/FAILED/g)?.length).toBe(1);
    expect(code).toBe(1);
    expect(stdout).not.toContain('odd .');
    expect(names(remote)).toEqual(names(local).filter((name) => name !== 'odd'));
    rmSync(bin, { recursive: true });
    expect((await run(['--to', remote, local, '--once'], { env })).code).toBe(0);
    expect(names(remote)).toEqual(names(local));
  });
});

describe('a directory that may not be read here', () => {
  it('is a failed path with --once: exit code 1, the rest is there', async () => {
    const { local, remote, once } = localPlace({ 'd/a': 'a', good: 'g' });
    chmodSync(join(local, 'd'), 0);
    const { code, stderr } = await once();
    chmodSync(join(local, 'd'), 0o755);
    expect(stderr).toMatch(/d FAILED: /);
    expect(stderr).toMatch(/1 NOT there yet/);
    expect(code).toBe(1);
    expect(names(remote)).toContain('good');
  });

  it('waits, at the start and later, until it can be read', async () => {
    const { local, remote, start, flush } = localPlace({ 'd/a': 'a', 'e/b': 'b', good: 'g' });
    chmodSync(join(local, 'd'), 0);
    const running = start();
    await running.event('pathFailed', (e) => e.path === 'd');
    expect(await flush()).toMatchObject({ code: 1, stderr: expect.stringMatching(/\bd\b/) });
    expect(running.events.some((e) => e.event === 'inSync')).toBe(false);
    chmodSync(join(local, 'd'), 0o755);
    await running.event('inSync');
    expect(names(remote)).toEqual(names(local));

    chmodSync(join(local, 'e'), 0);
    await running.event('pathFailed', (e) => e.path === 'e');
    expect((await flush()).code).toBe(1);
    const from = running.events.length;
    chmodSync(join(local, 'e'), 0o755);
    writeFileSync(join(local, 'e/c'), 'c');
    await running.event('inSync', () => true, from);
    expect((await flush()).code).toBe(0);
    expect(names(remote)).toEqual(names(local));
  });
});

it('stopped at once in the first upload, it says what went over', async () => {
  const { local, args, env } = place();
  fill(local, Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`f${i}`, 'x'.repeat(50_000)])));
  const running = new Running([...args, local, '--bwlimit', '500', '--json'], { env });
  await running.until('some files', () => running.events.filter(({ event }) => event === 'started').length > 8);
  running.child.kill('SIGINT');
  running.child.kill('SIGTERM');
  await running.ended;
  const summary = running.events.find(({ event }) => event === 'stopped')?.['summary'];
  const sent = Number(/"sent":(\d+)/.exec(JSON.stringify(summary))?.[1]);
  expect(sent).toBeGreaterThan(3);
  expect(sent).toBeLessThan(40);
});
