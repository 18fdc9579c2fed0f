import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { runtimeFolder, runtimeFolders, type Surroundings, takenFolders } from '../../src/state/folders.js';
import { isOurSocket, isWayOurs, removeForeign, standingOf } from '../../src/state/ours.js';
import { makeShortFolder, shortFolders } from '../../src/state/short-folder.js';

// With another user, who needs root: test/integration/other-user.test.ts.

const { uid } = userInfo();
let dir = '';
beforeEach(() => {
  dir = realpathSync(mkdtempSync('/tmp/sw-')); // short enough for sockets everywhere
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const why = (path: string): string => {
  const standing = standingOf(path, uid);
  return standing.kind === 'foreign' ? standing.why : standing.kind;
};

describe('a folder', () => {
  it('is ours only with rights for nobody else', () => {
    mkdirSync(join(dir, 'f'), { mode: 0o700 });
    expect(why(join(dir, 'f'))).toBe('ours');
    for (const mode of [0o755, 0o770, 0o710, 0o701, 0o777, 0o1777]) {
      chmodSync(join(dir, 'f'), mode);
      expect(why(join(dir, 'f'))).toMatch(/is open to other users \(mode \d{4}\)/);
    }
    expect(why(join(dir, 'none'))).toBe('missing');
    expect(why(join(dir, 'none/deeper'))).toBe('missing');
    writeFileSync(join(dir, 'file'), '');
    expect(why(join(dir, 'file'))).toMatch(/is no directory/);
    expect(why(join(dir, 'file/x'))).toMatch(/file is no directory/);
    expect(standingOf(join(dir, 'f'), uid + 1)).toMatchObject({
      why: expect.stringMatching(/belongs to another user/),
    });
  });

  it('is not reached by a link, nor through a directory that others may write to', () => {
    mkdirSync(join(dir, 'a/b/c'), { recursive: true, mode: 0o700 });
    symlinkSync('b', join(dir, 'a/link'));
    symlinkSync('loop', join(dir, 'loop'));
    expect(why(join(dir, 'a/link'))).toMatch(/a\/link is a symbolic link/);
    expect(why(join(dir, 'a/link/c'))).toMatch(/a\/link is a symbolic link/);
    expect(why(join(dir, 'loop/x'))).toMatch(/loop is a symbolic link/);
    for (const [mode, says] of [
      [0o777, /other users may write to .*\/b \(mode 0777\)/],
      [0o770, /other users may write/],
      [0o755, /^ours$/],
      [0o1777, /^ours$/], // as /tmp: what is ours there stays
    ] as const) {
      chmodSync(join(dir, 'a/b'), mode);
      expect(why(join(dir, 'a/b/c'))).toMatch(says);
    }
  });

  it('may be reached by a link that the system has made', () => {
    // /var/run, /bin and the like; /tmp and /var on macOS.
    const links = ['/var/run', '/var/lock', '/bin', '/lib', '/tmp', '/var'].filter((path) =>
      lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink(),
    );
    expect(links.length).toBeGreaterThan(0);
    for (const link of links)
      expect([link, isWayOurs(join(link, 'x'), uid)]).toEqual([link, isWayOurs(join(realpathSync(link), 'x'), uid)]);
    expect(isWayOurs('/none/x', uid)).toBe(false);
  });
});

describe('a socket', () => {
  it('is ours with rights for nobody else, in a folder that is ours', async () => {
    const path = join(dir, 's.sock');
    const server = createServer().listen(path);
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    for (const [mode, ours] of [
      [0o755, false],
      [0o666, false],
      [0o660, false],
      [0o600, true],
    ] as const) {
      chmodSync(path, mode);
      expect(isOurSocket(path, uid)).toBe(ours);
    }
    symlinkSync('s.sock', join(dir, 'link.sock'));
    writeFileSync(join(dir, 'file.sock'), '', { mode: 0o600 });
    for (const other of ['link.sock', 'file.sock', 'none.sock']) expect(isOurSocket(join(dir, other), uid)).toBe(false);
    expect(isOurSocket(path, uid + 1)).toBe(false);
    chmodSync(dir, 0o777);
    expect(isOurSocket(path, uid)).toBe(false);
  });

  it('a link in its place is removed, what is ours stays', () => {
    symlinkSync('/', join(dir, 'link'));
    mkdirSync(join(dir, 'ours'));
    for (const name of ['link', 'ours', 'none']) removeForeign(join(dir, name));
    expect(why(join(dir, 'link'))).toBe('missing');
    expect(lstatSync(join(dir, 'ours')).isDirectory()).toBe(true);
  });
});

describe('the folder for sockets', () => {
  const around = (more: Partial<Surroundings> = {}): Surroundings => ({
    ...{ home: dir, uid, runtimeDir: join(dir, 'run'), stateHome: join(dir, 'state'), tmpDir: dir },
    ...{ configHome: join(dir, 'config'), ...more },
  });
  const chosen = (more?: Partial<Surroundings>): string => {
    const made = runtimeFolder(around(more));
    return made.ok ? made.value.replace(dir, '~') : made.failure.message;
  };

  it('is the first that is ours or can be made so', () => {
    expect(chosen()).toBe(`~/syncwatch-${uid}`); // XDG_RUNTIME_DIR is not there, and is not ours to make
    mkdirSync(join(dir, 'run'), { mode: 0o700 });
    expect(chosen()).toBe('~/run/syncwatch');
    expect(standingOf(join(dir, 'run/syncwatch'), uid)).toEqual({ kind: 'ours' });
    chmodSync(join(dir, 'run/syncwatch'), 0o755); // somebody may have put things there since
    expect(chosen()).toBe(`~/syncwatch-${uid}`);
    expect(takenFolders(around())).toEqual([`${dir}/run/syncwatch is open to other users (mode 0755)`]);
    chmodSync(join(dir, 'run/syncwatch'), 0o700);
    chmodSync(join(dir, 'run'), 0o777);
    expect(chosen()).toBe(`~/syncwatch-${uid}`);
    expect(takenFolders(around())).toEqual([]); // not for us to tell of
    chmodSync(join(dir, 'run'), 0o700);
    symlinkSync('run', join(dir, 'linked'));
    expect(chosen({ runtimeDir: join(dir, 'linked') })).toBe(`~/syncwatch-${uid}`);
  });

  it('the client looks in all of them, wherever that is', () => {
    expect(runtimeFolders(around({ tmpDir: '/tmp' }))).toEqual([
      `${dir}/run/syncwatch`,
      `/tmp/syncwatch-${uid}`,
      `${dir}/state/syncwatch/run`,
    ]);
  });

  it.each([
    ['of a path that is too long', 'x'.repeat(90)],
    ['of a path that is too long in bytes', 'é'.repeat(25)],
    ['that ssh would read something into', 'a b'],
    ['with a token of ssh’s', 'a%C'],
  ])('%s is not taken', (_what, name) => {
    const runtimeDir = join(dir, name);
    mkdirSync(runtimeDir, { mode: 0o700 });
    expect(chosen({ runtimeDir })).toBe(`~/syncwatch-${uid}`);
  });

  it('is made in /tmp under a name of its own where all others are no use, and the same one every time', () => {
    const state = join(dir, 's');
    mkdirSync(state, { mode: 0o700 });
    const first = makeShortFolder(state, uid);
    expect(first).toMatch(new RegExp(`^/tmp/syncwatch-${uid}-.{6}$`));
    const made = first ?? '';
    onTestFinished(() => rmSync(made, { recursive: true }));
    expect(standingOf(made, uid)).toEqual({ kind: 'ours' });
    expect(makeShortFolder(state, uid)).toBe(made);
    expect(shortFolders(state)).toEqual([made]);
    rmSync(made, { recursive: true }); // the machine was started again
    expect(makeShortFolder(state, uid)).toBe(made);
    chmodSync(made, 0o777); // or it is somebody else's
    const second = makeShortFolder(state, uid);
    onTestFinished(() => rmSync(second ?? '', { recursive: true }));
    expect(second).not.toBe(made);
    expect(standingOf(second ?? '', uid)).toEqual({ kind: 'ours' });
    expect(makeShortFolder(state, uid)).toBe(second);
    expect(shortFolders(state)).toEqual([made, second]);
    rmSync(join(state, 'run.2'));
    symlinkSync('/etc', join(state, 'run.2')); // none of ours
    expect(shortFolders(state)).toEqual([made]);
    expect(readlinkSync(join(state, 'run.1'))).toBe(made);
  });
});
