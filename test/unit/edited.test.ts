import { renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { failed, success } from '../../src/core/failure.js';
import { pathsFrom, SettingsWatch } from '../../src/options/edited.js';
import { findSettings } from '../../src/options/settings-file.js';
import type { Invocation } from '../../src/settings.js';
import { Restart } from '../../src/sync/restart.js';
import { temporaryDir } from '../support/tree.js';

const uid = process.getuid?.() ?? 0;

/** A project with these settings, and who looks whether they have changed. */
function project(settings: object | undefined, base = 'syncwatch.json') {
  const dir = temporaryDir();
  const path = join(dir, base);
  const write = (value: unknown, at = path): void => {
    // As an editor does, so that no look sees half of it.
    writeFileSync(`${at}~`, typeof value === 'string' ? value : JSON.stringify(value));
    renameSync(`${at}~`, at);
  };
  if (settings !== undefined) write(settings);
  const read = () => findSettings(dir, uid);
  const first = read();
  if (!first.ok) throw new Error(first.failure.message);
  const watch = new SettingsWatch({ paths: pathsFrom(dir), read }, first.value);
  return { dir, path, write, look: () => watch.look() };
}

describe('settings that are edited', () => {
  it('are told of once, and again when they say yet something else', () => {
    const { path, write, look } = project({ to: 'h:p' });
    expect(look()).toBeUndefined();
    write({ to: 'h:q' });
    expect([look(), look()]).toEqual([{ source: path, failure: undefined }, undefined]);
    write({ to: 'h:r' });
    expect(look()).toEqual({ source: path, failure: undefined });
  });

  it('are not told of where they say the same, or the same again', () => {
    const { path, write, look } = project({ to: 'h:p', exclude: ['a'] });
    write('{ "to": "h:p",\n "exclude": ["a"] }');
    expect(look()).toBeUndefined();
    utimesSync(path, 1, 1);
    expect(look()).toBeUndefined();
    write({ to: 'h:q' });
    look();
    write({ to: 'h:p', exclude: ['a'] });
    expect(look()).toBeUndefined();
  });

  it('in a package.json are not told of where anything else in it changes', () => {
    const { path, write, look } = project({ name: 'x', syncwatch: { to: 'h:p' } }, 'package.json');
    write({ name: 'y', syncwatch: { to: 'h:p' } });
    expect(look()).toBeUndefined();
    write({ name: 'y', syncwatch: { to: 'h:q' } });
    expect(look()).toEqual({ source: path, failure: undefined });
  });

  it('are told of where they come, or go', () => {
    const { dir, write, look } = project(undefined);
    expect(look()).toBeUndefined();
    write({ exclude: ['a'] });
    expect(look()).toMatchObject({ source: join(dir, 'syncwatch.json') });
    const other = project({ to: 'h:p' });
    rmSync(other.path);
    expect(other.look()).toMatchObject({ source: other.path });
  });

  it('that can not be read are told of at the second look: they may just be being written', () => {
    const { path, write, look } = project({ to: 'h:p' });
    write('{ "to": "h:p",\n\n');
    expect(look()).toBeUndefined();
    expect(look()).toMatchObject({ source: path, failure: { message: expect.stringMatching(/line 3/) } });
    expect(look()).toBeUndefined();
    write({ to: 'h:p' });
    expect(look()).toBeUndefined();
    write('{');
    look();
    write({ to: 'h:q' });
    expect(look()).toEqual({ source: path, failure: undefined });
  });
});

describe('a new start', () => {
  const now = { settings: { root: '/d', dir: 'd', mode: 'watch' } } as Invocation;
  const how = { mayAsk: false, wantsPass: false };
  const restartWith = (read: Parameters<typeof success<Invocation>>[0] | string, from = now) => {
    const asked: boolean[] = [];
    const restart = new Restart(from, {
      begins: () => {},
      changed: () => undefined,
      read: async (mayAsk) => {
        asked.push(mayAsk);
        return typeof read === 'string' ? failed({ kind: 'usage', message: read }) : success(read);
      },
    });
    return { restart, asked };
  };

  it('takes the settings as they are, once, whoever asks meanwhile', async () => {
    const other = { settings: { root: '/d', dir: 'd', mode: 'watch' } } as Invocation;
    const { restart, asked } = restartWith(other);
    expect(await Promise.all([restart.ask({ ...how, wantsPass: true }), restart.ask(how)])).toEqual([
      undefined,
      undefined,
    ]);
    expect([restart.asked.aborted, restart.next, asked]).toEqual([
      true,
      { invocation: other, wantsPass: true },
      [false],
    ]);
  });

  it('is not made where they are wrong, and can be asked for again', async () => {
    const { restart, asked } = restartWith('wrong, line 3');
    expect(await restart.ask(how)).toMatchObject({ message: 'wrong, line 3' });
    expect(await restart.ask({ ...how, mayAsk: true })).toMatchObject({ message: 'wrong, line 3' });
    expect([restart.asked.aborted, restart.next, asked]).toEqual([false, undefined, [false, true]]);
  });

  it('is not made for another DIR, nor where it ends by itself', async () => {
    const elsewhere = { settings: { root: '/e', dir: 'e', mode: 'watch' } } as Invocation;
    const { restart } = restartWith(elsewhere);
    expect(await restart.ask(how)).toMatchObject({ message: expect.stringMatching(/about e by now/) });
    const once = { settings: { ...now.settings, mode: 'once' } } as Invocation;
    expect(await restartWith(now, once).restart.ask(how)).toMatchObject({ kind: 'usage' });
  });
});
