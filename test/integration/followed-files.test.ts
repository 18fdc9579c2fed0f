import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FollowedFiles } from '../../src/ignores/followed-files.js';
import { temporaryDir } from '../support/tree.js';

/** Longer than any of this takes. */
const LONG_MS = 600_000;

/** `at` rest at once, only what is less rests, or everything does. */
const RESTS = {
  none: { quietMs: 0, lessMs: 0 },
  less: { quietMs: 0, lessMs: LONG_MS },
  all: { quietMs: LONG_MS, lessMs: LONG_MS },
};

function followed(content: string | undefined, rest: keyof typeof RESTS, isExpected = false) {
  const dir = join(temporaryDir(), 'dir');
  mkdirSync(dir);
  const path = join(dir, 'rules');
  if (content !== undefined) writeFileSync(path, content);
  const files = new FollowedFiles(RESTS[rest]);
  files.follow(path, 'content', isExpected);
  return { dir, path, files, changed: () => [...files.look().changed] };
}

describe('a file of rules', () => {
  it.each<[string, (path: string, dir: string) => void]>([
    ['is gone', (path) => rmSync(path)],
    ['is empty', (path) => writeFileSync(path, '')],
    ['ends where it went on', (path) => writeFileSync(path, 'a\n')],
    ['has nothing but a comment', (path) => writeFileSync(path, '# made at 10:00\n\n')],
    ['ends where it went on, below another comment', (path) => writeFileSync(path, '# made at 10:00\r\na\r\n')],
    [
      'leads nowhere',
      (path) => {
        rmSync(path);
        symlinkSync('nowhere', path);
      },
    ],
  ])('that %s rests for long, whatever else is at rest', (_what, change) => {
    const { dir, path, files, changed } = followed('a\nb\n', 'less');
    change(path, dir);
    expect(changed()).toEqual([]);
    expect(files.stampOf([path])).toBeUndefined();
    expect([...files.resting()].map(([each]) => each)).toEqual([path]);
    // Back as it was: nothing has happened.
    rmSync(path, { force: true });
    writeFileSync(path, 'a\nb\n');
    expect(changed()).toEqual([]);
    expect(files.restMs).toBe(0);
  });

  it.each<[string, string]>([
    ['says more', 'a\nb\nc\n'],
    ['says something else', 'b\n'],
    ['says the same in fewer bytes', 'a\nb'],
    ['says the first lines in another way', 'A\nb\n'],
  ])('that %s is believed as soon as it is quiet', (_what, content) => {
    const { path, files, changed } = followed('a\nb\n', 'less');
    writeFileSync(path, content);
    expect(changed()).toEqual([path]);
    expect(files.stampOf([path])).toBeDefined();
    const restless = followed('a\nb\n', 'all');
    writeFileSync(restless.path, content);
    expect(restless.changed()).toEqual([]);
  });

  it('says what was lost with it when it is believed to be gone', () => {
    const { path, files } = followed('a\nb\n', 'none');
    rmSync(path);
    const { changed, lost } = files.look();
    expect([[...changed], lost.map(String)]).toEqual([[path], ['a\nb\n']]);
  });

  it('that goes with its directory holds nothing up, but is not believed to be gone before its time', () => {
    const { dir, path, files, changed } = followed('a\n', 'less');
    renameSync(dir, `${dir}-away`);
    expect(changed()).toEqual([]);
    expect(files.restMs).toBe(0);
    mkdirSync(dir);
    expect(changed()).toEqual([]);
    expect([...files.resting()].map(([each]) => each)).toEqual([path]);
    rmSync(dir, { recursive: true });
    renameSync(`${dir}-away`, dir);
    expect([changed(), files.restMs]).toEqual([[], 0]);
  });

  it.each([0, 1, 2])(
    'in a directory that comes and goes is seen to, %i of the directories above it being there',
    (there) => {
      const base = temporaryDir();
      const dirs = [join(base, '.git'), join(base, '.git/info')];
      const inThem = [join(base, '.git/HEAD'), join(base, '.git/info/exclude')];
      for (const dir of dirs.slice(0, there)) mkdirSync(dir);
      const files = new FollowedFiles(RESTS.none);
      for (const path of [...dirs, ...inThem]) files.follow(path, dirs.includes(path) ? 'presence' : 'content');
      const changed = (): string[] => [...files.look().changed];
      expect(changed()).toEqual([]);
      for (const dir of dirs.slice(there)) mkdirSync(dir);
      for (const path of inThem) writeFileSync(path, 'a');
      expect(changed()).toEqual([...dirs.slice(there), ...inThem]);
      rmSync(join(base, '.git'), { recursive: true });
      expect(changed()).toEqual([...dirs, ...inThem]);
      expect(changed()).toEqual([]);
    },
  );

  it('that should be there and is not, or is empty, is waited for from the beginning', () => {
    for (const content of [undefined, '']) {
      const { path, files, changed } = followed(content, 'less', true);
      expect(files.restMs).toBeGreaterThan(0);
      writeFileSync(path, 'a\n');
      expect([changed(), files.restMs]).toEqual([[path], 0]);
    }
    expect(followed(undefined, 'less').files.restMs).toBe(0);
  });

  it('of a time to come is at rest some time after it was seen', () => {
    const { path, files } = followed('a\n', 'none');
    utimesSync(path, 4e9, 4e9);
    expect([...files.look().changed]).toEqual([]);
    expect(files.restMs).toBe(0);
  });
});
