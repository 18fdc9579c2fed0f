import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { OutputLine } from '../../src/core/rsync/output.js';
import { canRewrite, isFar, readerCommand } from '../../src/core/rsync/rewrite.js';
import type { Version } from '../../src/core/rsync/version.js';
import { type Seen, unsure } from '../../src/core/sync/entry.js';
import { NameIndex } from '../../src/core/sync/name-index.js';
import { REWRITE_BYTES, REWRITE_NAMES, rewritesOf } from '../../src/core/sync/rewrites.js';
import { isProven, itemsOf } from '../../src/sync/rewrite.js';
import { FakeDisk } from '../support/fake-disk.js';
import { n, seenOn } from '../support/fake-work.js';
import { plainSettings } from '../support/settings.js';

/** What is known there, and what has become of it here. */
function world(): { disk: FakeDisk; index: NameIndex } {
  const disk = new FakeDisk();
  for (const file of ['a', 'd/b', 'd/e/c']) disk.write(file);
  const index = new NameIndex();
  for (const [name, entry] of disk.entries()) index.set(name, entry);
  for (const file of ['a', 'd/b', 'd/e/c']) disk.write(file);
  return { disk, index };
}

function filesOf({ disk, index }: ReturnType<typeof world>, texts: readonly string[], more: [string, Seen][] = []) {
  const names = texts.map(n);
  const seen = seenOn(disk, names);
  for (const [text, one] of more) seen.set(n(text), one);
  return rewritesOf(names, seen, index);
}

describe('what can go as a rewrite', () => {
  it('is known files, and directories above them', () => {
    const known = world();
    expect(filesOf(known, ['a'])).toEqual(['a']);
    expect(filesOf(known, ['a', 'd/e/c', 'd/e', 'd'])).toEqual(['a', 'd/e/c']);
  });

  it('is nothing that is new, gone, something else, or has nothing to send', () => {
    const known = world();
    known.disk.write('new');
    known.disk.write('new-dir/f');
    expect(filesOf(known, ['new'])).toBeUndefined();
    expect(filesOf(known, ['a', 'new'])).toBeUndefined();
    expect(filesOf(known, ['new-dir/f'])).toBeUndefined();
    expect(filesOf(known, ['d'])).toBeUndefined();
    expect(filesOf(known, ['a', 'd'])).toBeUndefined(); // of it nothing that comes would be a proof
    for (const gone of ['missing', 'blocked', 'unreadable', 'away'] as const)
      expect(filesOf(known, ['a', 'd/b'], [['d/b', gone]])).toBeUndefined();
    const file = known.disk.get(n('a'));
    if (file === undefined) throw new Error('a is there');
    expect(filesOf(known, ['d/b'], [['d/b', { ...file, type: 'link', link: 'a' }]])).toBeUndefined();
    expect(filesOf(known, ['d'], [['d', file]])).toBeUndefined();
    known.index.delete(n('d'));
    expect(filesOf(known, ['d/b'])).toBeUndefined();
  });

  it('is nothing that may have the content that it had', () => {
    const known = world();
    const [was, now] = [known.index.get(n('a')), known.disk.get(n('a'))];
    if (was === undefined || now === undefined) throw new Error('a is there');
    expect(filesOf(known, ['a'], [['a', { ...was, mode: 0o600, ctime: was.ctime + 1 }]])).toBeUndefined();
    expect(filesOf(known, ['a'], [['a', { ...was, mtimeNs: was.mtimeNs + 1 }]])).toEqual(['a']);
    expect(filesOf(known, ['a'], [['a', { ...was, size: was.size + 1 }]])).toEqual(['a']);
    // Unsure: a run may have brought just this.
    known.index.set(n('a'), unsure(was));
    expect(filesOf(known, ['a'], [['a', was]])).toBeUndefined();
    expect(filesOf(known, ['a'], [['a', { ...was, mtimeNs: was.mtimeNs + 1 }]])).toBeUndefined();
    expect(filesOf(known, ['a'], [['a', { ...was, mtimeS: was.mtimeS + 1 }]])).toEqual(['a']);
  });

  it('is small, all of it together', () => {
    const known = world();
    const file = known.disk.get(n('a'));
    if (file === undefined) throw new Error('a is there');
    const sized = (a: number, b: number) =>
      filesOf(
        known,
        ['a', 'd/b'],
        [
          ['a', { ...file, size: a }],
          ['d/b', { ...file, size: b }],
        ],
      );
    expect(sized(REWRITE_BYTES, 0)).toEqual(['a', 'd/b']);
    expect(sized(REWRITE_BYTES, 1)).toBeUndefined();
    const many = Array.from({ length: REWRITE_NAMES + 1 }, (_, i) => `many${i}`);
    for (const name of many) known.index.set(n(name), { ...file, size: 1 });
    const seen = new Map(many.map((name) => [n(name), { ...file, size: 0 }] as const));
    expect(rewritesOf(many.map(n), seen, known.index)).toBeUndefined();
    expect(rewritesOf(many.slice(1).map(n), seen, known.index)).toHaveLength(REWRITE_NAMES);
  });
});

const REMOTE = { kind: 'remote', host: 'there', user: undefined, path: '/srv/a b', label: 'l', place: 'p' } as const;
const V = (...version: Version): Version => version;

describe('a target', () => {
  const settings = plainSettings({ target: REMOTE, root: '/r' });

  it('has rewrites where nothing was asked of rsync, both are new enough, and it is one of two at most', () => {
    const can = (more = {}, here = V(3, 5, 0), there: Version | undefined = V(3, 2, 3)) =>
      canRewrite({ ...settings, ...more }, here, there, 2);
    expect(can()).toBe(true);
    expect(can({ flags: ['--compress'] })).toBe(false);
    expect(can({ extras: [{ name: '--xattrs', value: undefined, runs: 'sending' }] })).toBe(false);
    expect(can({ trash: '/trash' })).toBe(false);
    expect(can({ target: { ...REMOTE, path: 'srv' } })).toBe(false);
    expect(can({ target: { kind: 'local', path: '/srv', label: 'l', place: 'p' } })).toBe(false);
    expect(can({}, V(3, 1, 3))).toBe(false);
    expect(can({}, V(3, 5, 0), V(3, 1, 3))).toBe(false);
    expect(canRewrite(settings, V(3, 5, 0), undefined, 1)).toBe(false);
    expect(canRewrite(settings, V(3, 5, 0), V(3, 2, 3), 3)).toBe(false);
  });

  it('is far away or not', () => {
    expect([undefined, 0.3, 7, 20, 100].map(isFar)).toEqual([false, false, false, true, true]);
  });

  it('gets the names of its place exactly, by whatever shell', () => {
    for (const path of ["/srv/it's", '/srv/a b', '/srv/ü', '/srv/$(x)`y`', '/srv/new\nline', '/srv/!$%^&*?[x]']) {
      const command = readerCommand({ ...settings, target: { ...REMOTE, path } });
      expect(command).not.toMatch(/[!\n]/);
      const said = execFileSync('sh', ['-c', command.replace(' exec "$@"', ' printf %s "$@"; exit')], {
        input: '\ngo\nrest',
        encoding: 'utf8',
      });
      expect(said.startsWith('\n\n')).toBe(true);
      expect(said.endsWith(`${path}/`)).toBe(true);
    }
  });
});

describe('a rewrite', () => {
  const item = (name: string, more = {}): OutputLine => ({
    kind: 'item',
    action: 'send',
    name: n(name),
    bytes: 5,
    isNew: true,
    isDir: false,
    ...more,
  });

  it('is proven by an item for each file, an exit with 0, and not a word beside it', () => {
    const files = [n('a'), n('b')];
    const lines = [item('a'), item('b')];
    expect(isProven({ code: 0, stderr: '' }, lines, files)).toBe(true);
    expect(isProven({ code: 0, stderr: '' }, [item('a')], files)).toBe(false);
    expect(isProven({ code: 0, stderr: 'WARNING: a failed verification -- update discarded.\n' }, lines, files)).toBe(
      false,
    );
    expect(isProven({ code: 23, stderr: '' }, lines, files)).toBe(false);
    expect(isProven({ code: undefined, stderr: '' }, lines, files)).toBe(false);
    expect(isProven({ code: 0, stderr: '' }, [item('a'), item('b', { action: 'attributes' })], files)).toBe(false);
  });

  it('tells of what it was asked for, and of nothing as new', () => {
    const dir = (name: string) => item(name, { action: 'mkdir', isDir: true });
    const lines = [dir('.'), dir('d'), dir('d/e'), item('d/e/f'), { kind: 'other', text: 'x' } as const];
    expect(itemsOf(lines, [n('d/e/f'), n('d/e')])).toEqual([
      { ...dir('d/e'), action: 'attributes', isNew: false },
      { ...item('d/e/f'), isNew: false },
    ]);
  });
});
