import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { kill } from 'node:process';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { nameFromText } from '../../src/core/name.js';
import type { Target } from '../../src/core/target.js';
import { transportTo } from '../../src/link/adapters.js';
import type { Connection, Transport } from '../../src/link/transport.js';
import { runRsync } from '../../src/rsync/run.js';
import { PROGRAMS, there } from '../support/programs.js';
import { plainSettings } from '../support/settings.js';
import { fill, names, temporaryDir } from '../support/tree.js';
import { openUsersMaster } from '../support/users-master.js';

/** A transport to a directory (`target`), which is seen from here (`here`) and by itself (`path`). */
interface Bench {
  readonly transport: (below?: string) => Transport;
  readonly target: (below?: string) => Target;
  readonly here: string;
  readonly path: string;
  /** Where what it starts can be told by, in a command line. */
  readonly mark: string;
}

/** `users`: through a master that the user has opened by hand. */
type Kind = Target['kind'] | 'users';

const HERE = { program: there(PROGRAMS.rsync), version: [3, 5, 0] } as const;
const NEVER = new AbortController().signal;
const UID = userInfo().uid;

function bench(kind: Kind): Bench {
  const server = inject('server');
  const base = kind === 'local' ? undefined : server;
  const here = base === undefined ? temporaryDir() : mkdtempSync(join(base.hereBase, 'transport-'));
  chmodSync(here, 0o777);
  if (base !== undefined) onTestFinished(() => rmSync(here, { recursive: true, force: true }));
  const path = base === undefined ? here : here.replace(base.hereBase, base.thereBase);
  const dir = temporaryDir();
  let turn = 0;
  const configFile = kind === 'users' ? openUsersMaster(server.sshConfig).configFile : server.sshConfig;
  const ssh = { port: undefined, identities: [], configFile, options: [], ownMaster: false };
  const target = (below = ''): Target => {
    const at = { path: `${path}${below}`, label: `${path}${below}`, place: `${path}${below}` };
    return kind === 'local' ? { kind, ...at } : { kind: 'remote', host: 'there', user: undefined, ...at };
  };
  const controlPath = (): string => join(dir, `c${turn++}`);
  const options = { programs: PROGRAMS, uid: UID, here: HERE, ssh, controlPath, report: () => {} };
  return { target, here, path, mark: dir, transport: (below) => transportTo(target(below), options) };
}

async function opened(transport: Transport): Promise<Connection> {
  const connection = await transport.open(NEVER);
  if (!connection.ok) throw new Error(connection.failure.message);
  onTestFinished(() => connection.value.close());
  return connection.value;
}

/** The processes in whose command line a word is. */
function running(mark: string): number[] {
  try {
    const found = execFileSync('pgrep', ['-f', '--', mark], { encoding: 'utf8' });
    return found.split('\n').flatMap((pid) => (pid === '' ? [] : [Number(pid)]));
  } catch {
    return []; // none
  }
}

/** Whether it comes within so many milliseconds. */
const comes = (promise: Promise<unknown>, ms: number): Promise<boolean> =>
  Promise.race([promise.then(() => true), new Promise<boolean>((resolve) => setTimeout(() => resolve(false), ms))]);

const exit = (code: number) => ({ ended: { kind: 'exited', code } });

describe.each<Kind>(['remote', 'local', 'users'])('a transport to a target: %s', (kind) => {
  it('runs commands there, in the login directory: their words, stdin, stdout, stderr and exit codes as they are', async () => {
    const connection = await opened(bench(kind).transport());
    expect(await connection.run(['cat'], 'one\ntwo')).toMatchObject({ stdout: 'one\ntwo', ...exit(0) });
    expect(await connection.run(['false'])).toMatchObject({ ...exit(1), isLate: false });
    expect((await connection.run(['ls', '/there-is-nothing'])).stderr).toMatch(/there-is-nothing/);
    const { look } = await connection.look({ path: '.', trash: undefined, rsync: undefined });
    const at = look.kind === 'place' ? look.place.path : look;
    expect((await connection.run(['pwd', '-P'])).stdout).toBe(`${String(at)}\n`);
  });

  it('sees where a target really is, and changes nothing', async () => {
    const { transport, here, path } = bench(kind);
    fill(here, { 'dir/f': 'f', file: '' });
    symlinkSync('dir', join(here, 'link'));
    symlinkSync('nowhere', join(here, 'dead'));
    const before = names(here);
    const connection = await opened(transport());
    const look = async (below: string) =>
      (await connection.look({ path: `${path}/${below}`, trash: undefined, rsync: undefined })).look;
    expect(await look('link')).toMatchObject({ kind: 'place', place: { path: `${path}/dir`, exists: true } });
    expect(await look('dir/new')).toMatchObject({ kind: 'place', place: { path: `${path}/dir/new`, exists: false } });
    expect(await look('dead')).toMatchObject({ kind: 'deadLink' });
    expect(names(here)).toEqual(before);
  });

  it('checks rsync and the place, changes nothing, and says what is in the way', async () => {
    const { transport, here } = bench(kind);
    fill(here, { 'dir/f': 'f', file: '' });
    const before = names(here);
    const probe = async (below: string) => {
      const connection = await opened(transport(`/${below}`));
      const probed = await connection.probe({ extras: [], trash: undefined });
      await connection.close();
      return probed;
    };
    expect(await probe('dir')).toMatchObject({ ok: true, value: { exists: true, takes: { deletions: 'marks' } } });
    expect(await probe('new')).toMatchObject({ ok: true, value: { exists: false, look: { kind: 'place' } } });
    expect(await probe('no/parent')).toMatchObject({ ok: false, failure: { kind: 'remote', hint: /./ } });
    expect(await probe('file')).toMatchObject({ ok: false, failure: { kind: 'remote', hint: /./ } });
    expect(names(here)).toEqual(before);
  });

  it('is the way of rsync', async () => {
    const { transport, target, here } = bench(kind);
    const root = temporaryDir();
    fill(root, { 'd/a b': 'content' });
    const { remoteShell } = await opened(transport());
    const run = {
      kind: 'names',
      names: ['d', 'd/a b'].map(nameFromText),
      comparesContent: false,
      deleteMissing: true,
    } as const;
    const settings = plainSettings({ target: target('/new'), root, remoteShell });
    const { code, stderr } = await runRsync(settings, run, () => {}, { abort: NEVER });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(readFileSync(join(here, 'new/d/a b'), 'utf8')).toBe('content');
  });

  it('has connections of which each is its own; closed, nothing is left of one, and it does not count as lost', async () => {
    const { transport, mark } = bench(kind);
    const one = await opened(transport());
    const other = await opened(transport());
    let isLost = false;
    for (const { lost } of [one, other])
      void lost.then(() => {
        isLost = true;
      });
    await one.close();
    await one.close();
    expect(other.isReachable()).toBe(true);
    expect(await other.run(['true'])).toMatchObject(exit(0));
    await other.close();
    await vi.waitFor(() => expect(running(mark)).toEqual([]), { timeout: 20_000 });
    expect(isLost).toBe(false);
  });

  it('gives a way in to others, with the real place; a sign of life is given', async () => {
    const { transport, target } = bench(kind);
    const connection = await opened(transport());
    const at = target('/real');
    expect(connection.reach(at)).toMatchObject({ kind: at.kind, path: at.path });
    let isLost = false;
    void connection.lost.then(() => {
      isLost = true;
    });
    await connection.prove(20_000);
    expect(isLost).toBe(false);
    expect(await connection.run(['true'])).toMatchObject(exit(0));
  });

  it('ends at once when it is aborted while it opens, and leaves nothing', async () => {
    const { transport, mark } = bench(kind);
    const abort = new AbortController();
    const opening = transport().open(abort.signal);
    abort.abort();
    const result = await opening;
    if (result.ok) await result.value.close();
    await vi.waitFor(() => expect(running(mark)).toEqual([]), { timeout: 20_000 });
  });
});

/** What only a transport with somebody in between can meet; `cut` ends the connection from outside. */
describe('a transport whose connection can be lost', () => {
  async function up() {
    const { transport, mark, here, path } = bench('remote');
    const way = transport();
    const connection = await opened(way);
    const [master = 0] = running(mark);
    expect(master).toBeGreaterThan(1);
    return { way, connection, mark, master, here, path };
  }

  it('tells of the loss by itself, in its own words; nothing goes through it any more, nor logs in anew', async () => {
    const { way, connection, mark, master } = await up();
    kill(master, 'SIGKILL');
    expect(await connection.lost).toMatchObject({ kind: 'connection', message: expect.stringContaining('there') });
    const { ended, stderr } = await connection.run(['true']);
    expect(ended).toEqual({ kind: 'exited', code: 255 });
    expect(stderr).not.toMatch(/password|passphrase/i);
    expect(running(mark)).toEqual([]);
    expect(await (await opened(way)).run(['true'])).toMatchObject(exit(0));
  });

  it('whose peer is frozen gives no sign of life in time, and counts as lost', async () => {
    const { connection, mark, master } = await up();
    kill(master, 'SIGSTOP');
    await connection.prove(300);
    expect(await connection.lost).toMatchObject({ kind: 'connection', message: 'there does not answer any more' });
    expect(running(mark).filter((pid) => pid === master)).toEqual([]);
  });

  it.each(['ended', 'frozen'] as const)('that is the user’s own, %s: told, and nothing is done to it', async (how) => {
    const theirs = openUsersMaster(inject('server').sshConfig);
    const { configFile, pid } = theirs;
    const master = pid() ?? 0;
    const ssh = { port: undefined, identities: [], configFile, options: [], ownMaster: false };
    const target: Target = {
      kind: 'remote',
      host: 'there',
      user: undefined,
      path: '.',
      label: 'there:',
      place: 'there:',
    };
    const controlPath = (): string => '/nowhere/at/all';
    const options = { programs: PROGRAMS, uid: UID, here: HERE, ssh, controlPath, report: () => {} };
    const connection = await opened(transportTo(target, options));
    expect(await connection.run(['true'])).toMatchObject(exit(0));
    if (how === 'ended') theirs.exit();
    else {
      kill(master, 'SIGSTOP');
      onTestFinished(() => void kill(master, 'SIGCONT'));
      await connection.prove(300);
    }
    const message = `your own ssh connection to there ${how === 'ended' ? 'has ended' : 'does not answer any more'}`;
    expect(await connection.lost).toMatchObject({ kind: 'connection', message });
    if (how === 'frozen') kill(master, 0);
  });

  it('whose socket was removed takes nothing new, and is not lost: what goes through already goes on', async () => {
    const { connection, mark, here, path } = await up();
    const waiting = connection.run(['sh', '-s'], `: > ${path}/begun; sleep 1`);
    await vi.waitFor(() => expect(existsSync(join(here, 'begun'))).toBe(true), { timeout: 20_000 });
    expect(connection.isReachable()).toBe(true);
    rmSync(join(mark, 'c0'));
    expect(connection.isReachable()).toBe(false);
    expect(await comes(connection.lost, 300)).toBe(false);
    expect(await waiting).toMatchObject(exit(0));
  });
});
