import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, realpathSync, rmdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { nameFromBytes, nameFromText } from '../../src/core/name.js';
import { type PlaceOptions, refusalOf } from '../../src/core/place/guard.js';
import { isSeenIn, readMounts, regionOf } from '../../src/core/place/mounts.js';
import {
  type Here,
  hostFrom,
  type Identity,
  isHere,
  type Look,
  type Place,
  placeKey,
  targetAt,
} from '../../src/core/place/place.js';
import { placeScript, readPlace } from '../../src/core/place/script.js';
import { strictAt } from '../../src/core/place/strict.js';
import { parseTarget } from '../../src/core/target.js';
import { trashFrom } from '../../src/options/trash.js';
import { lookBy } from '../../src/place/look.js';
import { say } from '../../src/spawn.js';
import { fill, temporaryDir } from '../support/tree.js';

const target = (text: string) => {
  const parsed = parseTarget(text);
  if (!parsed.ok) throw new Error(parsed.failure.message);
  return parsed.value;
};

const SHELL = { file: '/bin/sh', env: { HOME: '/', PATH: process.env['PATH'] } };

const MARKS = ['one', 'two'] as const;
const ASK = { path: '/x', marks: MARKS };

/** Runs the script as it is run there. */
function look(
  path: string,
  { home = '/', cwd = '/', trash }: { home?: string; cwd?: string; trash?: string } = {},
): Look {
  const script = placeScript({ path, trash, marks: MARKS, rsync: undefined });
  const said = execFileSync('sh', ['-s'], {
    input: script,
    cwd,
    env: { ...process.env, HOME: home, CDPATH: tmpdir() },
  });
  return readPlace(said.toString('latin1'), { path, marks: MARKS }).look;
}

const placeIn = (seen: Look): Place => {
  if (seen.kind !== 'place') throw new Error(JSON.stringify(seen));
  return seen.place;
};

describe('a look at a place', () => {
  it('says where a path really is, from where it is meant', () => {
    const dir = temporaryDir();
    fill(dir, {
      'home/a b/c': '',
      "home/it's/": '',
      'home/-n/': '',
      'home/*/': '',
      'home/$(x)/': '',
      'login/a b/': '',
    });
    symlinkSync('a b', join(dir, 'home/link'));
    symlinkSync('../home/link', join(dir, 'login/other'));
    const from = { home: join(dir, 'home'), cwd: join(dir, 'login') };
    for (const [path, where] of [
      ['', 'login'],
      ['.', 'login'],
      ['~', 'home'],
      ['~/', 'home'],
      ['~/link/.', 'home/a b'],
      ['~/link/..', 'home'],
      ['other/..', 'home'],
      ['other', 'home/a b'],
      ['a b', 'login/a b'],
      ["~//it's", "home/it's"],
      ['~/-n', 'home/-n'],
      ['~/*', 'home/*'],
      ['~/$(x)', 'home/$(x)'],
      [`${dir}//home/./link`, 'home/a b'],
    ] as const)
      expect(placeIn(look(path, from)), path).toMatchObject({ path: join(dir, where), exists: true });
    for (const [path, where] of [
      ['new', 'login/new'],
      ['-x', 'login/-x'],
      ['~/new//', 'home/new'],
      ['~/link/new', 'home/a b/new'],
      ['other/../new', 'home/new'],
      [`${dir}/*`, '*'],
    ] as const)
      expect(placeIn(look(path, from)), path).toMatchObject({ path: join(dir, where), exists: false });
    for (const path of ['no/such', 'no/..', '~/no/.', `${dir}/no/such`]) expect(look(path, from).kind).toBe('unknown');
    expect(look('~/a b/c', from)).toEqual({ kind: 'unknown', why: 'it may not be entered' });
    expect(look('~nobody-of-that-name', from)).toEqual({ kind: 'noUser', user: '~nobody-of-that-name' });
    expect(placeIn(look(`~${userInfo().username}`)).path).toBe(realpathSync(userInfo().homedir));
    expect(placeIn(look('/proc/self/cwd/../../..')).path).toBe('/');
  });

  it('keeps bytes that are no text, and line breaks at the end', () => {
    const dir = temporaryDir();
    execFileSync('sh', [
      '-c',
      `cd "$1" && mkdir "$(printf 'x\\377')" 'end\n' && ln -s x* bytes && ln -s e* end`,
      '',
      dir,
    ]);
    expect(placeIn(look(`${dir}/bytes`)).path).toBe(nameFromBytes(Buffer.from(`${dir}/x\xff`, 'latin1')));
    expect(targetAt(target(`h:${dir}/bytes`), look(`${dir}/bytes`)).path).toBe(`${dir}/bytes`);
    expect(placeIn(look(`${dir}/end`)).path).toBe(`${dir}/end\n`);
  });

  it('knows directories as the system does', () => {
    const dir = temporaryDir();
    const { chain, boot } = placeIn(look(dir));
    const stats = statSync(dir, { bigint: true });
    expect(chain[0]).toEqual({ device: `${stats.dev}`, inode: `${stats.ino}`, changedNs: stats.ctimeNs });
    expect(chain).toHaveLength(dir.split('/').length);
    expect(chain.at(-1)?.inode).toBe(`${statSync('/').ino}`);
    if (process.platform === 'linux') expect(boot).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('does without stat, and without rsync', () => {
    const dir = temporaryDir();
    const bin = temporaryDir();
    for (const name of ['ls', 'df', 'tail', 'cut', 'grep', 'sed'])
      symlinkSync(execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim(), join(bin, name));
    const script = placeScript({ path: dir, trash: undefined, marks: MARKS, rsync: 'rsync' });
    const said = execFileSync('/bin/sh', ['-s'], { input: script, env: { PATH: bin, HOME: dir } }).toString('latin1');
    const told = readPlace(said, { path: dir, marks: MARKS });
    expect(told.rsync?.code).toBe(127);
    const { chain, homes } = placeIn(told.look);
    expect(chain.map(({ inode }) => inode)).toContain(`${statSync(dir).ino}`);
    expect(homes[1]?.itself[0]).toEqual(chain[0]);
  });

  it('is not misled by what the environment makes of its words', () => {
    const dir = temporaryDir();
    fill(dir, { 'elsewhere/': '', 'it/': '' });
    const script = placeScript({ path: `${dir}/it`, trash: undefined, marks: MARKS, rsync: undefined });
    const env = {
      PATH: process.env['PATH'],
      HOME: dir,
      CDPATH: `${dir}/elsewhere`,
      IFS: '/',
      GREP_OPTIONS: '--color=always',
      'BASH_FUNC_cd%%': `() { builtin cd ${dir}/elsewhere; echo moved; }`,
      'BASH_FUNC_printf%%': '() { echo printed; }',
      'BASH_FUNC_stat%%': '() { echo 1 1; }',
    };
    const said = execFileSync('bash', ['--posix', '-s'], { input: script, env }).toString('latin1');
    const { path, chain } = placeIn(readPlace(said, { path: dir, marks: MARKS }).look);
    expect(path).toBe(`${dir}/it`);
    expect(chain[0]?.inode).toBe(`${statSync(`${dir}/it`).ino}`);
  });

  it('takes nothing for a place that is not where its path leads', async () => {
    const said = (again: string) =>
      readPlace(`onetwo\0state\0there\0path\0/x\0chain\x001 2\n1 1\0again\0${again}\0onetwo\0`, ASK).look;
    expect(said('1 2').kind).toBe('place');
    for (const other of ['1 3', '2 2', '']) expect(said(other)).toMatchObject({ kind: 'unknown' });
    if (process.platform !== 'linux') return;
    const dir = temporaryDir();
    mkdirSync(join(dir, 'gone'));
    const sleeper = spawn('sleep', ['60'], { cwd: join(dir, 'gone') });
    onTestFinished(() => void sleeper.kill());
    await new Promise((resolve) => sleeper.once('spawn', resolve));
    rmdirSync(join(dir, 'gone'));
    expect(look(`/proc/${sleeper.pid}/cwd`)).toEqual({ kind: 'unknown', why: 'it has no path there' });
  });

  it('may not be entered: that is not said to be anywhere', () => {
    if (userInfo().uid === 0) return; // root may
    const dir = temporaryDir();
    fill(dir, { 'closed/in/': '' });
    chmodSync(join(dir, 'closed'), 0);
    expect(look(`${dir}/closed/in`).kind).toBe('unknown');
  });

  it('is no link that leads nowhere yet: it might lead into DIR, once that is there', () => {
    const dir = temporaryDir();
    fill(dir, { file: '' });
    symlinkSync('dir/later', join(dir, 'dead'));
    symlinkSync('file', join(dir, 'to-a-file'));
    symlinkSync('round', join(dir, 'round'));
    symlinkSync('dead', join(dir, 'two'));
    for (const path of ['dead', 'dead/', 'dead//', 'to-a-file', 'round', 'two']) {
      const seen = look(`${dir}/${path}`);
      expect(seen, path).toEqual({ kind: 'deadLink' });
      for (const isMirror of [false, true])
        expect(refusalOf(seen, options({ isMirror })), path).toMatchObject({
          kind: 'guard',
          message: expect.stringMatching(/^h:app is a link that leads to no directory/),
        });
    }
    expect(look(`${dir}/dead/below`).kind).toBe('unknown');
  });

  it('hears nothing but what stands between its marks', () => {
    const script = placeScript({ path: '/tmp', trash: undefined, marks: MARKS, rsync: undefined });
    const said = execFileSync('sh', ['-s'], { input: script }).toString('latin1');
    const ask = { path: '/tmp', marks: MARKS };
    const plain = readPlace(said, ask);
    expect(plain.look.kind).toBe('place');
    for (const noise of ['Welcome!\n', 'path\0/etc\0', script, `state\0there\0path\0/\0chain\x000 0\0`])
      expect(readPlace(`${noise}${said}${noise}`, ask)).toEqual(plain);
    for (const bad of ['', script, 'onetwo\0', 'onetwo\0onetwo\0', said.slice(0, -5)])
      expect(readPlace(bad, ask).look.kind).toBe('unknown');
  });

  it('of this machine is the same', async () => {
    const dir = temporaryDir();
    fill(dir, { 'there/.trash/x/': '' });
    symlinkSync('there', join(dir, 'link'));
    const lookAt = (path: string, trash: string) =>
      lookBy({ path, trash, rsync: undefined }, (input) => say(SHELL, ['-s'], { ownSession: true, input }));
    const { look: seen } = await lookAt(join(dir, 'link'), '.trash/x/y');
    expect(placeIn(seen)).toMatchObject({
      path: `${dir}/there`,
      trash: { part: '.trash/x', at: `${dir}/there/.trash/x` },
    });
    writeFileSync(join(dir, 'there/file'), '');
    const blocked = await lookAt(`${dir}/there`, 'file/x');
    expect(placeIn(blocked.look).trash).toEqual({ part: 'file', at: '' });
  });
});

const id = (inode: number, changedNs?: bigint, device = 'd'): Identity => ({ device, inode: `${inode}`, changedNs });
const span = (inode: number, before?: bigint, after = before) => ({
  before: id(inode, before),
  after: id(inode, after),
});

describe('names that differ in case only', () => {
  it('are two here, as far as something is there to tell', () => {
    const dir = temporaryDir();
    fill(dir, { 'empty/': '', 'digits/1': '', 'one/a B.c': '', 'two/x': '', 'two/X': '', 'below/sub/': '' });
    for (const [path, spelling] of [
      ['empty', 'unknown'],
      ['digits', 'unknown'],
      ['one', 'exact'],
      ['one/new', 'exact'],
      ['two', 'unknown'],
      ['below', 'exact'],
    ] as const)
      expect(placeIn(look(`${dir}/${path}`)).spelling, path).toBe(spelling);
    symlinkSync('nowhere', join(dir, 'one/AB'));
    symlinkSync('nowhere', join(dir, 'one/ab'));
    expect(placeIn(look(`${dir}/one`)).spelling).toBe('exact');
  });

  it('are one where the other case finds what is not called so', () => {
    // As a file system would have it: a test that finds whatever is asked for.
    const dir = temporaryDir();
    fill(dir, { 'User.ts': '' });
    const script = placeScript({ path: dir, trash: undefined, marks: MARKS, rsync: undefined });
    const folding = script.replace('[ ! -e "$e" ] && [ ! -L "$e" ]', 'false');
    expect(folding).not.toBe(script);
    const said = execFileSync('sh', ['-s'], { input: folding });
    expect(placeIn(readPlace(said.toString('latin1'), { path: dir, marks: MARKS }).look).spelling).toBe('folded');
  });
});

describe('how exactly times are kept there', () => {
  /** What a script says where the change times of a directory, of what is in it, and of a process are these. */
  const windowBy = (dir: string, inside: readonly string[], now: string): number => {
    const line = (device: number, time: string, i = 0): string => `${device} ${i + 2} 1700000000${time}`;
    const facts = {
      ...{ state: 'there', path: '/x', chain: `${line(7, dir)}\n${line(8, now)}`, again: line(7, dir) },
      ...{ inside: inside.map((time, i) => line(7, time, i)).join('\n'), now: line(9, now) },
    };
    const said = Object.entries(facts).map(([key, value]) => `${key}\0${value}\0`);
    return placeIn(readPlace(`onetwo\0${said.join('')}onetwo\0`, ASK).look).window;
  };
  const gnu = (fraction: string): string => ` 2023-11-14 22:13:20.${fraction} +0000`;

  it('is seen by the change times of what is there already', () => {
    const [whole, some, ntfs] = [gnu('000000000'), gnu('123456789'), gnu('123456700')];
    expect(windowBy(some, [], some)).toBe(-1);
    expect(windowBy(whole, [], some)).toBe(1);
    expect(windowBy(whole, [whole, whole], some)).toBe(1);
    expect(windowBy('.000000000', ['.000000000'], '.000000001')).toBe(1);
    expect(windowBy(whole, [some], some)).toBe(-1); // whole by chance
    expect(windowBy(whole, [whole], whole)).toBe(-1); // a stat that knows no better
    expect(windowBy('', [''], '')).toBe(-1);
    expect(windowBy(ntfs, [], some)).toBe(-1); // too few to say
    expect(windowBy(ntfs, [gnu('000000100'), gnu('990000000')], some)).toBe(0);
    expect(windowBy(ntfs, [gnu('000000100'), some], some)).toBe(-1);
  });

  it('is as exact as can be here', () => {
    const dir = temporaryDir();
    fill(dir, { a: '', 'b c': '', '-n': '' });
    expect(placeIn(look(dir)).window).toBe(-1);
    expect(placeIn(look(`${dir}/new`)).window).toBe(-1);
  });
});

describe('a directory there and one here', () => {
  it('of one kernel are the same by device and inode', () => {
    expect(isHere(id(5, 7n), span(5, 7n), true)).toBe(true);
    expect(isHere(id(5), span(5, 7n), true)).toBe(true);
    expect(isHere(id(5), span(5), true)).toBe(true);
    expect(isHere(id(6, 7n), span(5, 7n), true)).toBe(false);
    expect(isHere(id(5, undefined, 'e'), span(5, 7n), true)).toBe(false);
  });

  it('of two machines that share a file system by inode and the time of their last change', () => {
    expect(isHere(id(5, 7n, 'nfs'), span(5, 7n), false)).toBe(true);
    expect(isHere(id(5, 8n, 'nfs'), span(5, 7n, 9n), false)).toBe(true);
    expect(isHere(id(5, 6n, 'nfs'), span(5, 7n, 9n), false)).toBe(false);
    expect(isHere(id(5, 10n, 'nfs'), span(5, 7n, 9n), false)).toBe(false);
    expect(isHere(id(5, undefined), span(5, 7n), false)).toBe(false);
    expect(isHere(id(5, 7n), span(5, undefined), false)).toBe(false);
  });
});

const mounts = (text: string) => readMounts(text);
const at = (path: string, table: string) => ({ path: nameFromText(path), mounts: mounts(table) });

describe('mounts', () => {
  it('tell where in its file system a path is', () => {
    const table = mounts('8:1 / /\n8:2 /sub /home\n8:3 / /mnt/with\\040space\n8:4 / /home\nnonsense');
    const region = (path: string) => regionOf(nameFromText(path), table);
    expect(region('/etc/x')).toEqual({ device: '8:1', path: '/etc/x' });
    expect(region('/home/me')).toEqual({ device: '8:4', path: '/me' });
    expect(region('/home')).toEqual({ device: '8:4', path: '/' });
    expect(region('/homes')).toEqual({ device: '8:1', path: '/homes' });
    expect(region('/mnt/with space/x')).toEqual({ device: '8:3', path: '/x' });
    expect(region('relative')).toBe(undefined);
  });

  it('show a directory elsewhere', () => {
    const plain = '8:1 / /';
    expect(isSeenIn(at('/a/b', plain), at('/a', plain))).toBe(true);
    expect(isSeenIn(at('/a', plain), at('/a/b', plain))).toBe(false);
    expect(isSeenIn(at('/ab', plain), at('/a', plain))).toBe(false);
    expect(isSeenIn(at('/a/b', plain), at('/x', `${plain}\n8:1 /a /x`))).toBe(true);
    expect(isSeenIn(at('/a/b', plain), at('/x', `${plain}\n8:1 /a /x/y`))).toBe(true);
    expect(isSeenIn(at('/a/b', plain), at('/x', `${plain}\n8:1 /a/b/c /x/y`))).toBe(false);
    expect(isSeenIn(at('/x/y', `${plain}\n8:1 /a/b /x`), at('/a', plain))).toBe(true);
    expect(isSeenIn(at('/a/b', plain), at('/x', `${plain}\n8:2 /a /x`))).toBe(false);
    expect(isSeenIn(at('/a', ''), at('/a', ''))).toBe(false);
  });
});

const here: Here = {
  path: nameFromText('/dir'),
  chain: [span(50, 500n), span(2, 20n)],
  mounts: [],
  boot: 'here',
  mode: 0o755,
};
const options = (more: Partial<PlaceOptions> = {}): PlaceOptions => ({
  target: target('h:app'),
  dir: '.',
  here,
  isMirror: true,
  trash: undefined,
  modeThere: ({ mode }) => mode,
  ...more,
});
const there = (more: Partial<Place> = {}): Look => ({
  kind: 'place',
  place: {
    path: nameFromText('/home/me/app'),
    exists: true,
    chain: [id(12), id(11), id(10), id(2)],
    mounts: [],
    boot: 'there',
    homes: [{ whose: undefined, path: nameFromText('/home/me'), itself: [id(11)], above: [id(10), id(2)] }],
    users: [],
    spelling: 'unknown',
    window: -1,
    trash: undefined,
    ...more,
  },
});

describe('a place', () => {
  it.each<[string, Partial<Place>, Partial<PlaceOptions>, RegExp | undefined]>([
    ['below the home', {}, {}, undefined],
    ['the home by another path', { path: nameFromText('/x'), chain: [id(11)] }, {}, /home directory \(h:app \(\/x\)\)/],
    ['the same, not by a mirror', { path: nameFromText('/x'), chain: [id(11)] }, { isMirror: false }, undefined],
    ['above the home', { path: nameFromText('/x'), chain: [id(10)] }, {}, /home directory is in it/],
    [
      'where the home is mounted',
      { mounts: mounts('1:1 / /\n1:1 /home /home/me/app/h') },
      {},
      /home directory is in it/,
    ],
    ['not there yet', { exists: false, chain: [id(11), id(10), id(2)] }, {}, undefined],
    [
      'the home of somebody else',
      { users: [{ name: 'ann', home: nameFromText('/home/me/app') }] },
      {},
      /the home directory of ann \(/,
    ],
    [
      'above the home of somebody else',
      { users: [{ name: 'ann', home: nameFromText('/home/me/app/ann') }] },
      {},
      /home directory of ann is in it/,
    ],
    ['beside it', { users: [{ name: 'ann', home: nameFromText('/home/me/application') }] }, {}, undefined],
    ['everything', { path: nameFromText('/'), chain: [id(2)] }, { isMirror: false }, /whole file system/],
    ['DIR', { boot: 'here', chain: [id(50, 500n)] }, { isMirror: false }, /is DIR itself/],
    ['DIR, shared', { chain: [id(50, 500n, 'nfs'), id(3)] }, { isMirror: false }, /is DIR itself/],
    ['in DIR, shared', { chain: [id(7), id(50, 500n, 'nfs')] }, { isMirror: false }, /is inside DIR/],
    ['to be made in DIR', { exists: false, boot: 'here', chain: [id(50)] }, { isMirror: false }, /is inside DIR/],
    ['around DIR, shared', { chain: [id(2, 20n, 'nfs')] }, { isMirror: false }, /DIR \(\.\) is inside/],
    ['not DIR, but with its inode', { chain: [id(50, 501n)] }, { isMirror: false }, undefined],
    ['not DIR, on another machine with the same numbers', { chain: [id(50)] }, { isMirror: false }, undefined],
  ])('%s', (_, place, more, why) => {
    const refusal = refusalOf(there(place), options(more));
    if (why === undefined) expect(refusal).toBe(undefined);
    else
      expect(refusal).toMatchObject({ kind: 'guard', message: expect.stringMatching(why), hint: expect.any(String) });
  });

  const ann = { users: [{ name: 'ann', home: nameFromText('/srv/ann') }] };
  it.each<[string, Partial<Place>, string | undefined]>([
    ['the home by another path', { path: nameFromText('/x'), chain: [id(11)] }, 'the home directory (/x on h:app)'],
    ['the home', { path: nameFromText('/home/me'), chain: [id(99)] }, 'the home directory (/home/me on h:app)'],
    ['below it', {}, undefined],
    ['around it', { path: nameFromText('/home'), chain: [id(10), id(2)] }, undefined],
    [
      'the home of somebody else',
      { ...ann, path: nameFromText('/srv/ann') },
      'the home directory of ann (/srv/ann on h:app)',
    ],
    [
      '.ssh by another path',
      { path: nameFromText('/x/.ssh'), chain: [id(12), id(11)] },
      '.ssh in the home directory (/x/.ssh on h:app)',
    ],
    [
      '.ssh, not there yet',
      { exists: false, path: nameFromText('/x/.ssh'), chain: [id(11)] },
      '.ssh in the home directory (/x/.ssh on h:app)',
    ],
    ['of the same name elsewhere', { path: nameFromText('/home/me/app/.ssh'), chain: [id(13), id(12)] }, undefined],
  ])('that gets the mode of DIR, to which others may write: %s', (_, place, what) => {
    for (const mode of [0o775, 0o757, 0o2777]) {
      const refusal = refusalOf(there(place), options({ isMirror: false, here: { ...here, mode } }));
      if (what === undefined) expect(refusal).toBe(undefined);
      else
        expect(refusal).toMatchObject({
          kind: 'guard',
          message: `others may write to . (mode ${mode.toString(8)}), and could to ${what}, too: sshd would take no key of its user any more`,
          hint: expect.stringMatching(/^chmod go-w \., /),
        });
    }
    for (const more of [{}, { here: { ...here, mode: 0o775 }, modeThere: () => undefined }])
      expect(refusalOf(there(place), options({ isMirror: false, ...more }))).toBe(undefined);
  });

  it('has names that sshd is strict about where it is a home, one’s .ssh, or around one', () => {
    const strict = (path: string, chain: readonly Identity[]) =>
      strictAt(there({ path: nameFromText(path), chain }), target('h:app')).map(({ name }) => name);
    expect(strict('/x', [id(11)])).toEqual(expect.arrayContaining(['.', '.ssh', '.ssh/authorized_keys']));
    expect(strict('/x/.ssh', [id(12), id(11)])).toEqual(expect.arrayContaining(['.', 'authorized_keys']));
    expect(strict('/home', [id(10)])).toEqual(expect.arrayContaining(['me', 'me/.ssh', 'me/.ssh/authorized_keys']));
    expect(strict('/home/me/app', [id(12), id(11)])).toEqual([]);
    expect(strictAt({ kind: 'unknown', why: '' }, target('h:'))).toEqual([]);
  });

  it('is one, however it is spelled', () => {
    const key = (text: string, seen = there()) =>
      placeKey(target(text), seen, target(text).kind === 'local' ? undefined : 'me@box:22');
    expect(new Set(['h:app', 'h:app/', 'me@h:./app', 'h:~/app', 'h://home/me/app'].map((text) => key(text))).size).toBe(
      1,
    );
    expect(key('h:app', there({ path: nameFromText('/x') }))).not.toBe(key('h:app'));
    expect(key('/home/me/app')).not.toBe(key('h:app'));
    expect(key('h:app', { kind: 'unknown', why: '' })).not.toBe(key('h:./app', { kind: 'unknown', why: '' }));
  });
});

describe('a host', () => {
  it('is what ssh makes of it', () => {
    const config = (more = '') => `host b\nuser me\nhostname box.lan\nport 2222\nproxycommand none\n${more}`;
    const alias = { host: 'b', user: undefined };
    expect(hostFrom(config(), alias)).toBe('me@box.lan:2222');
    expect(hostFrom(config('proxyjump gate\n'), alias)).toBe('me@box.lan:2222 via gate');
    expect(hostFrom(config('hostkeyalias x\n'), alias)).toBe('me@box.lan:2222 via x');
    expect(hostFrom('', { host: 'b', user: 'me' })).toBe('me@b:');
  });
});

describe('--trash', () => {
  it.each([
    ['.trash', '.trash'],
    ['./.trash/', '.trash'],
    ['a//b/./c', 'a/b/c'],
    ['...', '...'],
    ['..a', '..a'],
    ['a b', 'a b'],
  ])('%s is %s', (given, plain) => {
    expect(trashFrom(given)).toEqual({ ok: true, value: plain });
  });

  it.each([
    '.',
    './',
    './/.',
    '',
    '..',
    '../x',
    'a/..',
    'a/../..',
    'a/..//b',
    '/',
    '/x',
    '~',
    '~/x',
    '~me',
    'a\nb',
    'a\0b',
  ])('%j is refused', (given) => {
    expect(trashFrom(given)).toMatchObject({ ok: false, failure: { kind: 'usage' } });
  });
});
