import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { place, Running, run } from '../support/cli.js';
import { fill } from '../support/tree.js';

/** A watched directory whose target and patterns are in its settings. */
async function project() {
  const made = place();
  const { local, env, args, to } = made;
  const ssh = args.slice(0, 2);
  const write = (settings: object | string): void => {
    const text = typeof settings === 'string' ? settings : JSON.stringify(settings, null, 2);
    writeFileSync(join(local, '..', 'settings'), text);
    renameSync(join(local, '..', 'settings'), join(local, 'syncwatch.json'));
  };
  const first = { to, exclude: ['*.log', 'syncwatch.json'] };
  write(first);
  fill(local, { a: 'a', 'b.log': 'b' });
  const allowed = () => run(['allow', join(local, 'syncwatch.json')], { env });
  await allowed();
  const running = new Running([...ssh, '--json', local], { env });
  await running.inSync();
  const ask = (command: string, ...more: string[]) => run([command, ...more, local], { env });
  return { ...made, running, write, first, ask, allowed };
}

describe('settings that are edited while it runs', () => {
  it('are told of, and taken by `syncwatch restart`, which returns when that is in place', async () => {
    const { running, write, first, ask, same, local, allowed } = await project();
    write({ ...first, exclude: ['syncwatch.json'] });
    const { source } = await running.event('settingsChanged');
    expect(source).toBe(join(local, 'syncwatch.json'));
    await allowed();
    const restarted = await ask('restart');
    expect([restarted.code, restarted.stderr]).toEqual([0, '']);
    const status = await ask('status', '--json');
    expect(['sending', 'inSync']).toContain((JSON.parse(status.stdout) as { state: { kind: string } }).state.kind);
    await same(running, (name) => name === 'syncwatch.json');
    expect(running.events.filter(({ event }) => event === 'stopped')).toEqual([]);
    expect(await running.stop()).toBe(130);
  });

  it('stay as they are where they are wrong or not allowed, with the line, until they are', async () => {
    const { running, write, first, ask, allowed, local } = await project();
    write('{\n  "to": "x:y",\n  "exclude": [,]\n}');
    await running.event('settingsChanged', ({ failure }) => failure !== undefined);
    const wrong = await ask('restart');
    expect([wrong.code, wrong.stderr]).toEqual([
      3,
      expect.stringMatching(/no valid JSON.*It goes on with the settings/s),
    ]);
    write({ ...first, 'on-sync': 'true' });
    const refused = await ask('restart');
    expect([refused.code, refused.stderr]).toEqual([3, expect.stringMatching(/syncwatch allow/)]);
    expect(running.events.filter(({ event }) => event === 'connecting').length).toBe(1);
    await allowed();
    expect((await ask('restart')).code).toBe(0);
    fill(local, { c: 'c' });
    await running.event('hook');
  });

  it('about another DIR are not taken', async () => {
    const { running, write, first, ask, local } = await project();
    fill(local, { 'sub/x': '' });
    write({ ...first, dir: 'sub', to: first.to });
    const refused = await ask('restart');
    expect([refused.code, refused.stderr]).toEqual([3, expect.stringMatching(/sub/)]);
    expect(await running.stop()).toBe(130);
  });
});

it('list says what runs, also what does not answer, until it has ended', async () => {
  const { env, local, to, running } = await project();
  // Those of other tests may be listed, too.
  const listed = async (...more: string[]) => {
    const { code, stdout } = await run(['list', ...more], { env });
    expect(code).toBe(0);
    return stdout.split('\n').find((text) => text.includes(local));
  };
  expect(await listed()).toMatch(`${local} → ${to}: in sync (pid ${running.child.pid}, for `);
  expect(JSON.parse((await listed('--json')) ?? '')).toMatchObject({
    ...{ v: 1, root: local, target: to, state: { kind: 'inSync' } },
  });
  running.child.kill('SIGSTOP');
  const stopped = await listed();
  running.child.kill('SIGCONT');
  expect(stopped).toMatch(/busy, or stopped/);
  await running.stop();
  expect(await listed()).toBeUndefined();
});

it('status --watch on a pipe prints a line for each change, and ends when that syncwatch does', async () => {
  const { env, local, running } = await project();
  const watch = new Running(['status', '--watch', local], { env });
  await watch.until('its state', () => /in sync/.test(watch.stdout));
  await run(['pause', local], { env });
  await watch.until('that it is paused', () => /paused/.test(watch.stdout));
  expect(watch.stdout.trimEnd().split('\n').length).toBeLessThan(5);
  const json = new Running(['status', '--watch', '--json', local], { env });
  await json.until('its state', () => /"paused"/.test(json.stdout));
  expect(await json.stop()).toBe(130);
  await running.stop();
  expect(await watch.ended).toBe(3);
  expect(watch.stderr).toMatch(/none is running any more/);
});
