import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nameFromBytes, nameFromText, ROOT } from '../../src/core/name.js';
import type { Entry } from '../../src/core/sync/entry.js';
import { NameIndex } from '../../src/core/sync/name-index.js';
import { runtimeFolder, stateFolder } from '../../src/state/folders.js';
import { type IndexOwner, loadIndex, writeIndex } from '../../src/state/index-file.js';
import { keyOf } from '../../src/state/key.js';
import { beginFresh } from '../../src/state/own-file.js';

let dir = '';
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'sw-')));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const owner = { root: '/r', identity: '1:2', target: 'h:p' };
const entry: Entry = {
  type: 'file',
  mode: 0o644,
  size: 2 ** 40,
  mtimeS: 1_700_000_000,
  mtimeNs: 999_999_999,
  ino: 2 ** 33,
  born: 7,
  ctime: 2 ** 30 - 1,
  link: '',
};

const { uid } = userInfo();

const save = async (path: string, index: NameIndex): Promise<void> => {
  const file = beginFresh(path);
  await writeIndex(file.fd, owner, 1, index);
  file.settle();
  closeSync(file.fd);
};
const load = (path: string, whose: IndexOwner = owner) => loadIndex(path, whose, uid);

/** The file of that index with other lines, and a checksum that is right. */
function write(path: string, head: object, lines: readonly unknown[]): void {
  const text = [head, ...lines].map((line) => `${JSON.stringify(line)}\n`).join('');
  writeFileSync(path, `${text}${createHash('sha256').update(text).digest('hex')}\n`);
}

describe('the saved index', () => {
  it('comes back as it was, odd names too', async () => {
    const index = new NameIndex();
    index.set(ROOT, { ...entry, type: 'dir' });
    index.set(nameFromText('a\n"b'), entry);
    index.set(nameFromBytes(Buffer.from([0xff, 0x80, 0x2f, 0x41])), { ...entry, type: 'link', link: '\xff/x' });
    await save(join(dir, 'i'), index);
    const loaded = await load(join(dir, 'i'));
    expect(loaded.kind === 'loaded' && [...loaded.index.entries()]).toEqual([...index.entries()]);
    expect([...index.entries()]).toHaveLength(3); // what is in a directory that is not ours too
    expect(statSync(join(dir, 'i')).mode & 0o777).toBe(0o600);
  });

  it('keeps what is left alone there apart', async () => {
    const index = new NameIndex();
    for (const name of ['a', 'd', 'd/b', 'c'])
      index.set(nameFromText(name), { ...entry, type: name === 'd' ? 'dir' : 'file' });
    for (const name of ['d', 'd/b', 'c']) index.setAside(nameFromText(name));
    index.delete(nameFromText('c'));
    await save(join(dir, 'i'), index);
    const loaded = await load(join(dir, 'i'));
    if (loaded.kind !== 'loaded') throw new Error(loaded.kind);
    const namesIn = (of: { entries(): Iterable<[string, Entry]> }) =>
      [...of.entries()].map(([name, { type }]) => [name, type]);
    expect(namesIn(loaded.index)).toEqual([['a', 'file']]);
    expect(namesIn(loaded.index.aside)).toEqual([
      ['d', 'dir'],
      ['d/b', 'file'],
    ]);
    for (const name of ['d', 'd/b', 'c']) loaded.index.takeUp(nameFromText(name));
    expect(namesIn(loaded.index).map(([name]) => name)).toEqual(['a', 'd', 'd/b']);
    expect(loaded.index.get(nameFromText('d/b'))?.mtimeNs).toBe(-1); // unsure
    expect([loaded.index.size, loaded.index.aside.size]).toEqual([3, 0]);
  });

  it('is not used when it is missing, damaged, cut, of another version or foreign', async () => {
    const path = join(dir, 'i');
    expect(await load(path)).toEqual({ kind: 'none' });
    const index = new NameIndex();
    index.set(nameFromText('a'), entry);
    await save(path, index);
    expect(await load(path, { ...owner, identity: '1:3' })).toMatchObject({
      kind: 'unusable',
      why: expect.stringMatching(/another directory/),
    });
    const good = readFileSync(path, 'utf8');
    for (const bad of [
      '',
      'x',
      good.slice(0, -10),
      good.replace('"a"', '"b"'),
      good.slice(0, good.lastIndexOf('\n', good.length - 2)),
      good.replace('"version":5', '"version":4'),
      `${good}\n`,
      '\0'.repeat(good.length),
    ]) {
      writeFileSync(path, bad);
      expect((await load(path)).kind).toBe('unusable');
    }
    writeFileSync(path, good);
    expect((await load(path)).kind).toBe('loaded');
  });

  it('is not used if it is no such thing, whoever made its checksum', async () => {
    const path = join(dir, 'i');
    const head = { version: 5, number: 1, ...owner };
    const line: readonly unknown[] = ['a', 0, 0o644, 5, 1, 2, 3, 6, 4, ''];
    write(path, head, [line]);
    expect((await load(path)).kind).toBe('loaded');
    for (const name of ['../a', 'a/../../b', '/etc/passwd', 'a/', 'a//b', '', './a', 'a\0b', '\u0416', 7, null]) {
      write(path, head, [[name, ...line.slice(1)]]);
      expect(await load(path), String(name)).toMatchObject({ kind: 'unusable', why: 'it is damaged' });
    }
    const odd: readonly unknown[] = [
      line.with(1, 3),
      line.with(1, 'file'),
      line.with(2, '0644'),
      line.with(3, 1.5),
      line.with(4, null),
      line.with(5, {}),
      line.with(6, []),
      line.with(7, '4'),
      line.with(8, '4'),
      line.with(9, 0),
      line.slice(1),
      [...line, 1],
      { ...line, length: 10 },
      'a',
      null,
    ];
    for (const each of odd) {
      write(path, head, [line, each]);
      expect(await (await load(path)).kind, JSON.stringify(each)).toBe('unusable');
    }
    for (const other of [7, [], null, { ...head, number: '1' }, { version: 5, number: 1 }]) {
      write(path, Object(other), [line]);
      expect(await (await load(path)).kind, JSON.stringify(other)).toBe('unusable');
    }
  });

  it("is read from no link, no FIFO and nobody else's file", async () => {
    const path = join(dir, 'i');
    await save(join(dir, 'real'), new NameIndex());
    symlinkSync('real', path);
    expect(await load(path)).toMatchObject({ kind: 'unusable', why: `${path} is a symbolic link, not a file` });
    await save(path, new NameIndex()); // takes the place of the link
    expect((await load(path)).kind).toBe('loaded');
    expect(await (await load(join(dir, 'real'))).kind).toBe('loaded');
    if (uid === 0) chownSync(path, 1, 1);
    expect(await loadIndex(path, owner, uid === 0 ? uid : uid + 1)).toMatchObject({
      kind: 'unusable',
      why: expect.stringMatching(/belongs to another user/),
    });
    await save(path, new NameIndex());
    chmodSync(path, 0o666);
    expect(await load(path)).toMatchObject({ kind: 'unusable', why: expect.stringMatching(/written by other users/) });
    rmSync(path);
    execFileSync('mkfifo', ['-m', '600', path]);
    expect(await load(path)).toMatchObject({ kind: 'unusable', why: `${path} is a FIFO, not a file` });
  });
});

describe('folders', () => {
  const around = () => ({
    home: dir,
    uid: userInfo().uid,
    runtimeDir: undefined,
    stateHome: undefined,
    configHome: '/none',
    tmpDir: dir,
  });

  it('are made for the user alone', async () => {
    const runtime = runtimeFolder(around());
    expect(runtime).toEqual({ ok: true, value: join(dir, `syncwatch-${userInfo().uid}`) });
    expect(statSync(join(dir, `syncwatch-${userInfo().uid}`)).mode & 0o777).toBe(0o700);
    expect(stateFolder(around())).toEqual({ ok: true, value: join(dir, '.local/state/syncwatch') });
    // Where nothing can be made: Node's own way to make folders never ends there.
    if (process.platform === 'linux')
      expect(stateFolder({ ...around(), stateHome: '/proc/none/s' })).toMatchObject({ ok: false });
    expect(stateFolder({ ...around(), stateHome: join(dir, 's') })).toEqual({
      ok: true,
      value: join(dir, 's/syncwatch'),
    });
  });

  it('too long for a socket: the next one', async () => {
    const runtime = runtimeFolder({
      ...around(),
      runtimeDir: `${dir}/${'x'.repeat(90)}`,
      configHome: '/none',
      tmpDir: dir,
    });
    expect(runtime).toEqual({ ok: true, value: join(dir, `syncwatch-${userInfo().uid}`) });
  });

  it('that others may write, or a link, are refused', async () => {
    const state = { ...around(), stateHome: join(dir, 's') };
    stateFolder(state);
    chmodSync(join(dir, 's/syncwatch'), 0o755);
    expect(stateFolder(state)).toMatchObject({ ok: false, failure: { hint: expect.stringMatching(/chmod 700/) } });
    rmSync(join(dir, 's/syncwatch'), { recursive: true });
    symlinkSync(dir, join(dir, 's/syncwatch'));
    expect(stateFolder(state).ok).toBe(false);
  });

  it('keys are short and of their own for each DIR and target', async () => {
    expect(keyOf('/a', 'h:b')).toMatch(/^[0-9a-f]{16}$/);
    expect(keyOf('/a', 'h:b')).not.toBe(keyOf('/a', 'h:c'));
  });
});
