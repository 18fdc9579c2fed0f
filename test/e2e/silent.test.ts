import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { place, type Running, run } from '../support/cli.js';
import { canMount } from '../support/mount.js';
import { fill, names, temporaryDir } from '../support/tree.js';

/** An overlay at `dir`. Gives its lower layer: what changes there changes in it, and nobody is told. */
function overlayAt(dir: string): string {
  const base = temporaryDir();
  mkdirSync(join(base, 'tmp'));
  // On a file system of its own: one overlay can't be the upper layer of another one, as in a container.
  execFileSync('mount', ['-t', 'tmpfs', 'syncwatch-test', join(base, 'tmp')]);
  const [lower, upper, work] = ['lower', 'upper', 'work'].map((part) => join(base, 'tmp', part)) as [
    string,
    string,
    string,
  ];
  for (const part of [lower, upper, work]) mkdirSync(part);
  mkdirSync(dir, { recursive: true });
  execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', `lowerdir=${lower},upperdir=${upper},workdir=${work}`, dir]);
  onTestFinished(() => {
    for (const at of [dir, join(base, 'tmp')]) spawnSync('umount', ['--lazy', at]);
  });
  return lower;
}

const notes = (running: Running): string[] =>
  running.events.filter(({ event }) => event === 'note').map(({ text }) => String(text));

describe('a file system that does not tell of all that changes', () => {
  it('below DIR is told, and looked through every now and then; doctor says so', async ({ skip }) => {
    if (!canMount() && process.env['CI'] === undefined) skip('this needs root');
    const { local, remote, args, env, start } = place();
    const lower = overlayAt(join(local, 'over'));
    fill(lower, { 'd/f': 'one' });
    fill(local, { a: 'a' });
    const running = start();
    await running.inSync();
    expect(notes(running).filter((text) => text.includes(`${local}/over is on overlay`))).toHaveLength(1);
    writeFileSync(join(lower, 'd/f'), 'other');
    fill(lower, { 'd/new': 'new' });
    await running.until('what changed below', () => {
      const there = names(remote);
      return there.includes('over/d/new') && readFileSync(join(remote, 'over/d/f'), 'utf8') === 'other';
    });
    expect(await running.stop()).toBe(130);
    const { stdout } = await run(['doctor', ...args, '--json', local], { env });
    const findings = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(findings.filter(({ check }) => check === 'events')).toMatchObject([
      {
        state: 'warning',
        message: expect.stringContaining('over is on overlay'),
        hint: expect.stringContaining('--poll'),
      },
    ]);
  });

  it('as DIR is looked through as often as --poll says, which is never with 0', async ({ skip }) => {
    if (!canMount() && process.env['CI'] === undefined) skip('this needs root');
    const { local, remote, start } = place();
    const lower = overlayAt(local);
    fill(lower, { f: 'one' });
    const never = start(['--poll', '0']);
    await never.inSync();
    expect(notes(never).join()).toContain(
      `${local} is on overlay, which does not tell of all that changes; with --poll 0`,
    );
    expect(await never.stop()).toBe(130);
    const running = start(['--poll', '1']);
    await running.inSync();
    expect(notes(running).join()).toContain('it is looked through every 1 s');
    writeFileSync(join(lower, 'f'), 'two');
    await running.until('f', () => readFileSync(join(remote, 'f'), 'utf8') === 'two');
  });
});
