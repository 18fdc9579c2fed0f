import { mkdirSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Event } from '../../src/core/event.js';
import { RootGuard, type RootState } from '../../src/watch/root-guard.js';
import { watchRoot } from '../../src/watch/root-watch.js';
import { temporaryDir } from '../support/tree.js';

/** A root with something in it, and its guard; `way`: what DIR is called. */
function guarded(way?: (root: string, dir: string) => string) {
  const dir = realpathSync(temporaryDir());
  const root = join(dir, 'root');
  const make = (path: string): void => {
    mkdirSync(path);
    writeFileSync(join(path, 'a'), '');
  };
  make(root);
  const guard = new RootGuard(root, way?.(root, dir) ?? root, process.pid);
  onTestFinished(() => guard.close());
  return { dir, root, make, guard };
}

describe('the root', () => {
  it('is gone where nothing, no directory, or an empty other one is in its place', () => {
    const { dir, root, guard } = guarded();
    expect([guard.isThere(), guard.look()]).toEqual([true, 'there']);
    renameSync(root, join(dir, 'away'));
    expect([guard.isThere(), guard.look()]).toEqual([false, 'gone']);
    writeFileSync(root, '');
    expect(guard.look()).toBe('gone');
    rmSync(root);
    mkdirSync(root);
    expect(guard.look()).toBe('gone');
    rmSync(root, { recursive: true });
    renameSync(join(dir, 'away'), root);
    expect(guard.look()).toBe('there');
  });

  it('is replaced where another one has something in it, until that is adopted', () => {
    const { dir, root, make, guard } = guarded();
    const before = guard.identity;
    renameSync(root, join(dir, 'away'));
    make(root);
    expect([guard.look(), guard.identity]).toEqual(['replaced', before]);
    guard.adopt();
    expect(guard.look()).toBe('there');
    expect(guard.identity).not.toBe(before);
  });

  it('is not there where DIR, which is a link, leads elsewhere', () => {
    const { dir, make, guard } = guarded((root, dir) => {
      symlinkSync(root, join(dir, 'link'));
      return join(dir, 'link');
    });
    expect(guard.look()).toBe('there');
    make(join(dir, 'other'));
    rmSync(join(dir, 'link'));
    symlinkSync(join(dir, 'other'), join(dir, 'link'));
    expect([guard.isThere(), guard.look()]).toEqual([false, { leadsTo: join(dir, 'other') }]);
  });

  it('is pinned on Linux: whatever takes its place, that leads to what was adopted', () => {
    const { dir, root, make, guard } = guarded();
    renameSync(root, join(dir, 'away'));
    make(root);
    expect(realpathSync(guard.pinned)).toBe(process.platform === 'linux' ? join(dir, 'away') : root);
  });
});

describe('whoever looks at the root every so often', () => {
  /** Looks once for each of these; what is told, and done. */
  function looked(...states: readonly RootState[]) {
    const told: Event[] = [];
    const done: string[] = [];
    const left = [...states];
    const guard = { look: () => left.shift() ?? 'there', adopt: () => void done.push('adopt') };
    const look = watchRoot(
      guard,
      (event) => told.push(event),
      '/r',
      (isReplaced) => done.push(isReplaced ? 'another' : 'back'),
      () => done.push('moved'),
    );
    for (const _ of states) look();
    return { told: told.map((event) => [event.kind, 'replaced' in event && event.replaced]), done };
  }

  it('tells once that it is gone, and once that it is back', () => {
    expect(looked('there', 'gone', 'gone', 'there', 'there')).toEqual({
      told: [
        ['rootGone', false],
        ['rootBack', false],
      ],
      done: ['adopt', 'back'],
    });
  });

  it('adopts another one in its place, whether it was seen to be away or not', () => {
    for (const states of [['replaced'], ['gone', 'replaced']] as const)
      expect(looked(...states, 'there')).toMatchObject({ done: ['adopt', 'another'] });
  });

  it('is told once that DIR leads elsewhere, and looks no more', () => {
    const { told, done } = looked({ leadsTo: '/x' }, { leadsTo: '/y' }, 'gone');
    expect([told, done]).toEqual([[['rootBack', true]], ['moved']]);
  });
});
