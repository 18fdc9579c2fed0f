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
import { pack } from '../../src/core/sync/packed.js';
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

/** The file of an index with this header and these records, and a checksum that is right. */
function write(path: string, head: object, records: readonly Buffer[]): void {
  const bytes = Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...records, Buffer.from('\n')]);
  const sum = createHash('sha256').update(bytes).digest('hex');
  writeFileSync(path, Buffer.concat([bytes, Buffer.from(`${sum}\n`)]));
}

/** A record as it is written; `longer`: by how much more it says that it is long. */
function record(inDir: string, body: string | Buffer, mark = 0, longer = 0): Buffer {
  const rest = Buffer.concat([
    Buffer.from(inDir, 'latin1'),
    typeof body === 'string' ? Buffer.from(body, 'latin1') : body,
  ]);
  const begin = Buffer.alloc(9);
  begin.writeUInt32LE(rest.length + 5 + longer);
  begin.writeUInt32LE(inDir.length, 4);
  begin[8] = mark;
  return Buffer.concat([begin, rest]);
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
    index.set(nameFromText('b.txt'), entry);
    await save(path, index);
    expect(await load(path, { ...owner, identity: '1:3' })).toMatchObject({
      kind: 'unusable',
      why: expect.stringMatching(/another directory/),
    });
    const good = readFileSync(path, 'latin1');
    for (const bad of [
      '',
      'x',
      good.slice(0, -10),
      good.replace('b.txt', 'c.txt'),
      good.slice(0, good.lastIndexOf('\n', good.length - 2)),
      good.replace('"version":6', '"version":5'),
      `${good}\n`,
      '\0'.repeat(good.length),
    ]) {
      writeFileSync(path, bad, 'latin1');
      expect((await load(path)).kind).toBe('unusable');
    }
    writeFileSync(path, good, 'latin1');
    expect((await load(path)).kind).toBe('loaded');
    // As the one before it wrote: one JSON line for each name.
    const text = `{"version":5,"number":1,"root":"/r","identity":"1:2","target":"h:p"}\n["a",0,420,5,1,2,3,6,4,""]\n`;
    writeFileSync(path, `${text}${createHash('sha256').update(text).digest('hex')}\n`);
    expect(await load(path)).toEqual({ kind: 'unusable', why: 'another version wrote it' });
  });

  it('is told from another version by its first line, as the ones before it did', async () => {
    const path = join(dir, 'i');
    await save(path, new NameIndex());
    const [head = '', ...rest] = readFileSync(path, 'latin1').split('\n');
    expect(JSON.parse(head)).toEqual({ version: 6, number: 1, ...owner });
    expect(rest.at(-1)).toBe('');
    expect(rest.at(-2)).toMatch(/^[0-9a-f]{64}$/);
  });

  it('is not used if it is no such thing, whoever made its checksum', async () => {
    const path = join(dir, 'i');
    const head = { version: 6, number: 1, ...owner };
    const a = pack([['a', entry]]);
    const kindOf = async (...records: readonly Buffer[]): Promise<string> => {
      write(path, head, records);
      return (await load(path)).kind;
    };
    expect(await kindOf(record('.', a), record('', pack([['.', entry]])), record('d', a), record('d', a, 1))).toBe(
      'loaded',
    );
    for (const name of ['../a', 'a/../../b', '/etc/passwd', 'a/', 'a//b', '', './a', 'a\0b', '..', 'a/b', '.'])
      expect(await kindOf(record('.', pack([[name, entry]]))), name).toBe('unusable');
    for (const name of ['../a', '/etc', 'a/', 'a//b', './a', 'a\0b', '..'])
      expect(await kindOf(record(name, a)), name).toBe('unusable');
    expect(await kindOf(record('', a))).toBe('unusable'); // in no directory there is the root only
    const link = pack([['l', { ...entry, type: 'link', link: 'to' }]]);
    for (const whole of [
      a,
      link,
      pack([
        ['a', entry],
        ['b', entry],
      ]),
    ])
      for (let length = 1; length < whole.length; length++)
        if (length !== a.length)
          expect(await kindOf(record('.', whole.slice(0, length))), String(length)).toBe('unusable');
    expect(await kindOf(record('.', `\x03${a.slice(1)}`))).toBe('unusable');
    expect(await kindOf(record('.', `${a.slice(0, 39)}\xff\xff${a.slice(41)}`))).toBe('unusable');
    for (const longer of [-6, -1, 1, 2, 60, 1_000_000])
      expect(await kindOf(record('.', a, 0, longer))).toBe('unusable');
    for (const other of [7, [], null, { ...head, number: '1' }, { version: 6, number: 1 }]) {
      write(path, Object(other), [record('.', a)]);
      expect((await load(path)).kind, JSON.stringify(other)).toBe('unusable');
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
