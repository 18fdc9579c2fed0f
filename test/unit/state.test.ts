import {
  chmodSync,
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
import type { Entry } from '../../src/core/entry.js';
import { nameFromBytes, nameFromText, ROOT } from '../../src/core/name.js';
import { NameIndex } from '../../src/core/name-index.js';
import { keyOf, runtimeFolder, stateFolder } from '../../src/state/folders.js';
import { loadIndex, saveIndex } from '../../src/state/index-file.js';
import { Memory } from '../../src/state/memory.js';

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
  ctime: 0,
  link: '',
};

describe('the saved index', () => {
  it('comes back as it was, odd names too', () => {
    const index = new NameIndex();
    index.set(ROOT, { ...entry, type: 'dir' });
    index.set(nameFromText('a\n"b'), entry);
    index.set(nameFromBytes(Buffer.from([0xff, 0x80, 0x2f, 0x41])), { ...entry, type: 'link', link: '\xff/x' });
    saveIndex(join(dir, 'i'), owner, index);
    const loaded = loadIndex(join(dir, 'i'), owner);
    expect(loaded.kind === 'loaded' && [...loaded.index.entries()]).toEqual([...index.entries()]);
    expect(statSync(join(dir, 'i')).mode & 0o777).toBe(0o600);
  });

  it('is not used when it is missing, damaged, cut, of another version or foreign', () => {
    const path = join(dir, 'i');
    expect(loadIndex(path, owner)).toEqual({ kind: 'none' });
    const index = new NameIndex();
    index.set(nameFromText('a'), entry);
    saveIndex(path, owner, index);
    expect(loadIndex(path, { ...owner, identity: '1:3' })).toMatchObject({
      kind: 'unusable',
      why: expect.stringMatching(/another directory/),
    });
    const good = readFileSync(path, 'utf8');
    for (const bad of [
      '',
      'x',
      good.slice(0, -10),
      good.replace('"a"', '"b"'),
      good.replace('"version":1', '"version":2'),
    ]) {
      writeFileSync(path, bad);
      expect(loadIndex(path, owner).kind).toBe('unusable');
    }
    writeFileSync(path, good);
    expect(loadIndex(path, owner).kind).toBe('loaded');
  });
});

describe('what is remembered between runs', () => {
  const a = nameFromText('a');
  const b = nameFromText('b\n"');
  const d = nameFromText('d');
  const open = (problems: string[] = []): Memory =>
    new Memory(
      join(dir, 'm'),
      () => owner,
      (text) => problems.push(text),
    );

  it('is the saved index and what was begun since, even after a kill', () => {
    const index = new NameIndex();
    index.set(a, entry);
    const memory = open();
    memory.keep(() => index);
    memory.willBring([
      [a, 'file'],
      [b, 'file'],
      [d, 'dir'],
    ]); // the first time: the index is saved before
    memory.isGone(d);
    const { index: again, problem } = open().load();
    expect(problem).toBeUndefined();
    expect(again.get(a)).toMatchObject({ size: entry.size, mtimeNs: -1 }); // in any state by now
    expect(again.get(b)).toMatchObject({ type: 'file', mtimeNs: -1 });
    expect(again.get(d)).toBeUndefined();
    memory.save();
    expect([...open().load().index.entries()]).toEqual([[a, entry]]);
  });

  it('keeps a log of an index that is not there yet, and none of another one', () => {
    const index = new NameIndex();
    const memory = open();
    memory.keep(() => index);
    memory.willBring([[a, 'file']]);
    const log = readFileSync(join(dir, 'm.log'), 'utf8');
    memory.save(); // by now nothing is there
    writeFileSync(join(dir, 'm.log'), log.replace(/"base":"[^"]*"/, '"base":"another"'));
    expect(open().load().index.size).toBe(0);
  });

  it('that can not be written is said once, and does not stop anything', () => {
    const problems: string[] = [];
    const memory = new Memory(
      join(dir, 'nowhere', 'm'),
      () => owner,
      (text) => problems.push(text),
    );
    for (let n = 0; n < 3; n++) memory.willBring([[a, 'file']]);
    memory.save();
    expect(problems).toEqual([expect.stringMatching(/can't write .*ENOENT/)]);
  });

  it('is saved anew when the log has grown long, not before', () => {
    const index = new NameIndex();
    const memory = open();
    memory.keep(() => index);
    const lines = (): number => readFileSync(join(dir, 'm.log'), 'utf8').split('\n').length - 2;
    memory.willBring([[a, 'file']]);
    memory.tidy();
    expect(lines()).toBe(1);
    for (let n = 0; n < 10_000; n++) memory.willBring([[b, 'file']]);
    expect(lines()).toBe(10_001);
    memory.tidy();
    expect(lines()).toBe(0);
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

  it('are made for the user alone', () => {
    const runtime = runtimeFolder(around());
    expect(runtime).toEqual({ ok: true, value: join(dir, `syncwatch-${userInfo().uid}`) });
    expect(statSync(join(dir, `syncwatch-${userInfo().uid}`)).mode & 0o777).toBe(0o700);
    expect(stateFolder(around())).toEqual({ ok: true, value: join(dir, '.local/state/syncwatch') });
    expect(stateFolder({ ...around(), stateHome: join(dir, 's') })).toEqual({
      ok: true,
      value: join(dir, 's/syncwatch'),
    });
  });

  it('too long for a socket: the next one', () => {
    const runtime = runtimeFolder({
      ...around(),
      runtimeDir: `${dir}/${'x'.repeat(90)}`,
      configHome: '/none',
      tmpDir: dir,
    });
    expect(runtime).toEqual({ ok: true, value: join(dir, `syncwatch-${userInfo().uid}`) });
  });

  it('that others may write, or a link, are refused', () => {
    const state = { ...around(), stateHome: join(dir, 's') };
    stateFolder(state);
    chmodSync(join(dir, 's/syncwatch'), 0o755);
    expect(stateFolder(state)).toMatchObject({ ok: false, failure: { hint: expect.stringMatching(/chmod 700/) } });
    rmSync(join(dir, 's/syncwatch'), { recursive: true });
    symlinkSync(dir, join(dir, 's/syncwatch'));
    expect(stateFolder(state).ok).toBe(false);
  });

  it('keys are short and of their own for each DIR and target', () => {
    expect(keyOf('/a', 'h:b')).toMatch(/^[0-9a-f]{16}$/);
    expect(keyOf('/a', 'h:b')).not.toBe(keyOf('/a', 'h:c'));
  });
});
