import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { control } from '../../src/commands/control.js';
import { askFound, askOnce, findRunning, isUsable } from '../../src/control/client.js';
import { firstLine } from '../../src/control/line.js';
import { isSomeMissing, takeLock } from '../../src/control/lock.js';
import { PROTOCOL, type Question, readAnswer, readQuestion, written } from '../../src/control/protocol.js';
import { type Control, type ControlOptions, openControl } from '../../src/control/server.js';
import { wallMs } from '../../src/core/clock.js';
import { nameFromText } from '../../src/core/name.js';
import type { RemoteReach } from '../../src/core/reach.js';
import { afterEvent, NO_FACTS, type Status } from '../../src/core/status.js';
import { statusInALine, statusInWords } from '../../src/report/status.js';
import { keyOf } from '../../src/state/key.js';
import { fakePeer } from '../support/fake-peer.js';
import { temporaryDir } from '../support/tree.js';
import { wordsOf } from '../support/words.js';

const { uid } = userInfo();
let dir = '';
let open: Control[] = [];
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'sw-')));
  open = [];
});
afterEach(async () => {
  for (const control of open) await control.release();
  rmSync(dir, { recursive: true });
});

const SESSION = { forwardAgent: false, x11: 'no', sendEnv: ['LANG', 'LC_*'], escapeChar: '~' } as const;
const REACH: RemoteReach = {
  ...{ kind: 'remote', host: 'h', user: 'me', path: 'p', controlPath: '/run/x.ssh', session: SESSION },
};

const who = (pid: number, root = '/p', target = 'host:p') => ({ pid, root, target, place: target });

const optionsFor = (base: string, about = who(1), what = 'x'): ControlOptions => ({
  paths: () => [join(dir, base)],
  key: keyOf(dir, base),
  uid: uid,
  who: about,
  what,
});

async function opened(base: string, pid = 1, root?: string, target?: string): Promise<Control> {
  const made = await openControl(optionsFor(base, who(pid, root, target)));
  if (!made.ok) throw new Error(made.failure.message);
  open.push(made.value);
  return made.value;
}

/** One that is looked for in `dir`. */
async function visible(base: string): Promise<Control> {
  const made = await openControl({ ...optionsFor(base), folder: dir });
  if (!made.ok) throw new Error(made.failure.message);
  open.push(made.value);
  return made.value;
}

/** What comes back for raw bytes. */
const say = (base: string, text: string): Promise<string> =>
  new Promise((resolve) => {
    let said = '';
    const socket = connect(join(dir, base), () => socket.write(text));
    socket.on('data', (chunk) => {
      said += chunk.toString();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(said));
  });

describe('the socket of a syncwatch', () => {
  it('is held by one, named by its pid, and free afterwards', async () => {
    const first = await opened('l.sock', 4711);
    expect(statSync(join(dir, 'l.sock')).mode & 0o777).toBe(0o600);
    const other = { ...optionsFor('l.sock', who(4712), 'x to y'), key: keyOf(dir, 'another') };
    expect(await openControl(other)).toMatchObject({
      ok: false,
      failure: {
        message: 'another syncwatch (pid 4711) already syncs x to y',
        hint: expect.stringMatching(/kill 4711/),
      },
    });
    await first.release();
    open = [];
    await opened('l.sock', 4713);
  });

  it('of a dead process is taken over; a silent one is respected', async () => {
    writeFileSync(join(dir, 'l.sock'), '');
    const taken = await opened('l.sock');
    await taken.release();
    open = [];
    const silent = createServer(() => {}).listen(join(dir, 'l.sock'));
    await new Promise((resolve) => silent.once('listening', resolve));
    expect(await openControl(optionsFor('l.sock', who(2)))).toMatchObject({
      ok: false,
      failure: { message: 'another syncwatch already syncs x' },
    });
    silent.close();
  });

  it('is made again where it was removed, or elsewhere, and nobody who is being answered is cut off', async () => {
    let folder = 'a';
    mkdirSync(join(dir, 'a'), { mode: 0o700 });
    mkdirSync(join(dir, 'b'), { mode: 0o700 });
    const made = await openControl({ ...optionsFor('x'), paths: () => [join(dir, folder, 's.sock')] });
    if (!made.ok) throw new Error(made.failure.message);
    const control = made.value;
    open.push(control);
    let answer = (): void => {};
    const answering = new Promise<void>((resolve) => {
      answer = resolve;
    });
    control.serve(async ({ ask }) => {
      if (ask === 'flush') await answering;
      return { answer: 'done' };
    });
    const waiting = say('a/s.sock', '{"v":1,"ask":"flush"}\n');
    await new Promise((resolve) => setTimeout(resolve, 50)); // connected by then; if not, it would say nothing
    const before = statSync(join(dir, 'a/s.sock')).ino;
    await control.keep();
    expect(statSync(join(dir, 'a/s.sock')).ino).toBe(before);
    rmSync(join(dir, 'a/s.sock'));
    expect(await say('a/s.sock', '{"v":1,"ask":"pause"}\n')).toBe('');
    await control.keep();
    expect(await say('a/s.sock', '{"v":1,"ask":"pause"}\n')).toBe('{"v":1,"answer":"done"}\n');
    rmSync(join(dir, 'a'), { recursive: true });
    await control.keep(); // nowhere to go
    folder = 'b';
    await control.keep();
    expect(statSync(join(dir, 'b/s.sock')).mode & 0o777).toBe(0o600);
    expect(await say('b/s.sock', '{"v":1,"ask":"pause"}\n')).toBe('{"v":1,"answer":"done"}\n');
    answer();
    expect(await waiting).toBe('{"v":1,"answer":"done"}\n');
  });

  it('has a lock beside it that nobody can remove: no second one gets in', async () => {
    const first = await visible('l.sock');
    rmSync(join(dir, 'l.sock'));
    for (const base of ['l.sock', 'elsewhere.sock'])
      expect(await openControl({ ...optionsFor('l.sock'), paths: () => [join(dir, base)] })).toMatchObject({
        ok: false,
        failure: { message: `another syncwatch (pid ${process.pid}) already syncs x` },
      });
    const { pid } = process;
    const one = { pid, key: 'not known' };
    expect(isSomeMissing(dir, [], uid)).toBe(true);
    expect(isSomeMissing(dir, [one], uid)).toBe(false);
    expect(isSomeMissing('/another/folder', [], uid)).toBe(false);
    await visible('m.sock');
    expect(isSomeMissing(dir, [one], uid)).toBe(true);
    expect(isSomeMissing(dir, [one, one], uid)).toBe(false);
    // By their keys nobody has to be looked for.
    const [l, m] = ['l.sock', 'm.sock'].map((base) => ({ pid: 0, key: optionsFor(base).key }));
    expect(
      isSomeMissing(
        dir,
        [l, m].flatMap((each) => each ?? []),
        uid,
      ),
    ).toBe(false);
    expect(
      isSomeMissing(
        dir,
        [l, l].flatMap((each) => each ?? []),
        uid,
      ),
    ).toBe(true);
    await open.pop()?.release();
    await first.release();
    open = [];
    await opened('l.sock');
  });

  it("counts nobody else's lock", async () => {
    const key = keyOf(dir, 'x');
    const mine = await takeLock(key, uid);
    expect(await takeLock(key, uid)).toEqual({ kind: 'taken', pid: process.pid });
    // As another user would see it: held by a process that is not of theirs.
    const held = await takeLock(key, uid + 1);
    expect(held.kind).toBe('held');
    expect(await takeLock(key, uid + 1)).toEqual({ kind: 'none' });
    for (const lock of [mine, held]) if (lock.kind === 'held') lock.release();
    await vi.waitFor(async () => {
      const again = await takeLock(key, uid);
      expect(again.kind).toBe('held');
      if (again.kind === 'held') again.release();
    });
  });

  it.each([
    ['no JSON', 'hello\n', /no JSON object/],
    ['an array', '[]\n', /no JSON object/],
    ['another version', '{"v":0,"ask":"stop"}\n', /speaks version 1 of its protocol, not 0/],
    ['no version', '{"ask":"stop"}\n', /not undefined/],
    ['an unknown question', '{"v":1,"ask":"explode"}\n', /unknown question "explode"/],
    ['one that is too long', `${'x'.repeat(5_000)}`, /no question came/],
    ['bytes that are no text', '\u0000\u0001\n', /no JSON object/],
  ])('%s gets an error and changes nothing', async (_what, text, says) => {
    const control = await opened('l.sock');
    const asked: Question[] = [];
    control.serve(async (question) => {
      asked.push(question);
      return { answer: 'done' };
    });
    const answer = readAnswer(await say('l.sock', text));
    expect(answer).toMatchObject({ answer: 'error', message: expect.stringMatching(says) });
    expect(asked).toEqual([]);
  });

  it('says who it is from the beginning, the rest when it is ready; whoever hangs up is told as gone', async () => {
    const control = await opened('l.sock', 7, '/a/b', 'host:x');
    const path = join(dir, 'l.sock');
    expect(await askOnce(path, { ask: 'who' }, 1_000)).toMatchObject({ answer: { who: who(7, '/a/b', 'host:x') } });
    expect(await askOnce(path, { ask: 'flush' }, 1_000)).toMatchObject({ answer: { answer: 'error' } });
    const gone = new Promise<void>((resolve) => {
      control.serve((_question, signal) => new Promise(() => signal.addEventListener('abort', () => resolve())));
    });
    expect(await askOnce(path, { ask: 'flush' }, 50)).toEqual({ kind: 'late' });
    await gone;
  });

  it('is found from DIR and below it, the nearest one first, with all its targets', async () => {
    const folder = join(dir, 'none');
    mkdirSync(join(dir, 'other'));
    await opened('a.sock', 1, '/p', 'one:');
    await opened('b.sock', 2, '/p', 'two:');
    await opened('c.sock', 3, '/p/inner', 'three:');
    writeFileSync(join(dir, 'dead.sock'), '');
    const targets = async (at: string) =>
      (await findRunning([folder, dir, dir], uid, at)).map(({ target }) => target).sort();
    expect(await targets('/p')).toEqual(['one:', 'two:']);
    expect(await targets('/p/src/deep')).toEqual(['one:', 'two:']);
    expect(await targets('/p/inner/x')).toEqual(['three:']);
    expect(await targets('/pq')).toEqual([]);
    expect(await targets('/')).toEqual([]);
  });

  it('does not see a socket that others may use, nor anything in a folder that is open', async () => {
    await opened('a.sock', 1, '/p', 'one:');
    await opened('b.sock', 2, '/p', 'two:');
    const targets = async () => (await findRunning([dir], uid, '/p')).map(({ target }) => target);
    chmodSync(join(dir, 'a.sock'), 0o666);
    expect(await targets()).toEqual(['two:']);
    chmodSync(join(dir, 'a.sock'), 0o600);
    symlinkSync(dir, `${dir}-link`);
    onTestFinished(() => rmSync(`${dir}-link`));
    expect(await findRunning([`${dir}-link`], uid, '/p')).toEqual([]);
    chmodSync(dir, 0o777);
    expect(await targets()).toEqual([]);
    chmodSync(dir, 0o700);
    expect(await targets()).toEqual(['one:', 'two:']);
  });

  it('cuts off whoever says nothing, too much or too slowly', async () => {
    const control = await opened('l.sock');
    control.serve(() => new Promise(() => {}));
    const socket = connect(join(dir, 'l.sock'));
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    socket.resume();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    // A question, and then more and more.
    socket.write(`{"v":1,"ask":"flush"}\n`);
    const timer = setInterval(() => socket.write('x'.repeat(1_000)), 5);
    await closed;
    clearInterval(timer);
    const patient = { maxBytes: 10, withinMs: 60_000, onceBegunMs: 60_000 };
    const heard = async (how: (socket: Socket) => unknown, limits = patient) => {
      const server = createServer((peer) => void how(peer.on('error', () => {}))).listen(join(dir, 'x.sock'));
      await new Promise((resolve) => server.once('listening', resolve));
      const line = await firstLine(connect(join(dir, 'x.sock')), limits);
      server.close();
      return line.kind === 'line' ? line.text : line.kind;
    };
    expect(await heard(() => {}, { ...patient, withinMs: 20 })).toBe('late');
    expect(await heard((peer) => peer.end())).toBe('ended');
    expect(await heard((peer) => peer.end('no line'))).toBe('ended');
    expect(await heard((peer) => peer.write('12345678901'))).toBe('senseless');
    expect(await heard((peer) => peer.write('12345678901\n'))).toBe('senseless');
    expect(await heard((peer) => peer.write('begun'), { ...patient, onceBegunMs: 20 })).toBe('senseless');
    expect(await heard((peer) => peer.end('1234567890\nmore and more'))).toBe('1234567890');
    // A character that comes in two parts is one.
    expect(
      await heard((peer) =>
        [Buffer.from('ü').subarray(0, 1), Buffer.from('ü').subarray(1), '\n'].map((part) => peer.write(part)),
      ),
    ).toBe('ü');
  });
});

describe('whoever answers', () => {
  const path = () => join(dir, 'peer.sock');
  const status = { ...who(1), sinceMs: 1, state: { kind: 'inSync' }, waiting: 0, sent: 0, bytes: 0, deleted: 0 };

  it.each<[string, (socket: Socket) => unknown, string]>([
    ['nothing, and hangs up', (socket) => socket.end(), 'silent'],
    ['no line', (socket) => socket.end('{"v":1,"answer":"done"}'), 'silent'],
    ['no JSON', (socket) => socket.write('done\n'), 'senseless'],
    ['another version', (socket) => socket.write('{"v":2,"answer":"done"}\n'), 'senseless'],
    ['a list', (socket) => socket.write('[{"v":1,"answer":"done"}]\n'), 'senseless'],
    ['deep lists', (socket) => socket.write(`${'['.repeat(500_000)}\n`), 'senseless'],
    [
      'without an end',
      (socket) => setInterval(() => socket.writable && socket.write('x'.repeat(65_536)), 1).unref(),
      'senseless',
    ],
    [
      'a line that is too long',
      (socket) => socket.write(`${JSON.stringify({ v: 1, answer: 'error', message: 'x'.repeat(1_100_000) })}\n`),
      'senseless',
    ],
    ['something, and hangs', (socket) => socket.write('{"v":1,'), 'late'],
  ])('%s', async (_what, answer, kind) => {
    await fakePeer(path(), answer);
    expect((await askOnce(path(), { ask: 'status' }, 2_000)).kind).toBe(kind);
  });

  it('a byte at a time is not waited for', async () => {
    await fakePeer(path(), (socket) => {
      const timer = setInterval(() => socket.write(' '), 20);
      socket.once('close', () => clearInterval(timer));
    });
    expect((await askOnce(path(), { ask: 'who' }, 300)).kind).toBe('late');
    expect(await findRunning([dir], uid, '/p')).toEqual([]);
  });

  it('is waited for as long as it takes only while it is alive', async () => {
    let isFrozen = false;
    const peer = await fakePeer(path(), (socket, question) => {
      if (question.includes('who') && !isFrozen) socket.end(written({ answer: 'who', who: who(1) }));
      if (question.includes('flush') && !isFrozen)
        setTimeout(() => socket.end(written({ answer: 'flush', flushed: { end: 'flushed' } })), 300);
    });
    const patience = { everyMs: 20, withinMs: 100, misses: 2 };
    const ask = () => askOnce(path(), { ask: 'flush' }, undefined, patience);
    expect(await ask()).toMatchObject({ answer: { flushed: { end: 'flushed' } } });
    expect(peer.asked.length).toBeGreaterThan(2);
    isFrozen = true;
    expect(await ask()).toEqual({ kind: 'frozen' });
    // Twice in vain, and the flush itself.
    const last = peer.asked.map((question) => question.includes('flush')).lastIndexOf(true);
    expect(peer.asked.slice(last)).toHaveLength(3);
  });

  it.each<[string, object]>([
    ['a DIR that is relative', { answer: 'who', who: { ...who(1), root: 'p' } }],
    ['a DIR with .. in it', { answer: 'who', who: { ...who(1), root: '/p/../q' } }],
    ['a DIR with a slash at its end', { answer: 'who', who: { ...who(1), root: '/p/' } }],
    ['a DIR that is no text', { answer: 'who', who: { ...who(1), root: ['/p'] } }],
    ['no pid', { answer: 'who', who: { ...who(0) } }],
    ['a state that is none', { answer: 'status', status: { ...status, state: { kind: 'explode' } } }],
    ['a time that is none', { answer: 'status', status: { ...status, sinceMs: '1' } }],
    ['a count below zero', { answer: 'status', status: { ...status, sent: -1 } }],
    ['a count that is too large', { answer: 'status', status: { ...status, sent: 1e300 } }],
    ['a message that is none', { answer: 'error', message: { toString: 'x' } }],
    ['paths that are none', { answer: 'flush', flushed: { end: 'failed', paths: 'all', more: 0 } }],
    ['no answer at all', { answer: '__proto__' }],
    ...[
      { host: undefined, client: ['sh', '-c', 'id'], login: 'h' },
      { host: '-oProxyCommand=id' },
      { user: '-l' },
      { host: 'h o' },
      { controlPath: 'relative.ssh' },
      { controlPath: '/run/../tmp/x.ssh' },
      { controlPath: '/tmp/%C' },
      { controlPath: '/tmp/a b' },
      { path: 'a\u001bb' },
      { session: { ...SESSION, sendEnv: ['LANG -oProxyCommand=id'] } },
      { session: { ...SESSION, escapeChar: 'ab' } },
      { session: { ...SESSION, x11: 'xauth' } },
      { session: undefined },
    ].map((more): [string, object] => [JSON.stringify(more), { answer: 'reach', reach: { ...REACH, ...more } }]),
    ['a local place that is relative', { answer: 'reach', reach: { kind: 'local', path: '.' } }],
  ])('with %s makes no sense', (_what, answer) => {
    expect(readAnswer(JSON.stringify({ v: 1, ...answer }))).toBeUndefined();
  });

  it('is taken by its word where all is as it must be, without what is not known', () => {
    for (const answer of [
      { answer: 'who', who: who(1, '/') },
      { answer: 'status', status },
      {
        answer: 'status',
        status: { ...status, state: { kind: 'reconnecting', untilMs: 1.5 }, lastError: { ms: 1, message: '' } },
      },
      { answer: 'reach', reach: REACH },
      { answer: 'reach', reach: { kind: 'local', path: '/p' } },
      { answer: 'flush', flushed: { end: 'failed', paths: [{ path: 'a', message: 'b' }], more: 3 } },
    ])
      expect(readAnswer(JSON.stringify({ v: 1, more: 1, ...answer }))).toEqual({ v: 1, ...answer });
  });

  it('is no other one than before: what it says of another DIR, process or kind of target is not obeyed', async () => {
    const one = { ...who(1), place: 'me@h:p' };
    let reach: object = REACH;
    let told: object = { ...status, ...one };
    await fakePeer(path(), (socket, question) => {
      const said = question.includes('reach')
        ? { answer: 'reach', reach }
        : question.includes('status')
          ? { answer: 'status', status: told }
          : { answer: 'who', who: one };
      socket.end(`${JSON.stringify({ v: 1, ...said })}\n`);
    });
    const [found] = await findRunning([dir], uid, '/p');
    if (found === undefined) throw new Error('not found');
    const asked = async (ask: 'status' | 'reach') => (await askFound(found, { ask }, 1_000)).kind;
    expect([await asked('status'), await asked('reach')]).toEqual(['answered', 'answered']);
    for (const more of [{ root: '/q' }, { pid: 2 }, { target: 'x' }]) {
      told = { ...status, ...one, ...more };
      expect(await asked('status')).toBe('senseless');
    }
    for (const other of [
      { ...REACH, host: 'other' },
      { ...REACH, user: undefined },
      { kind: 'local', path: '/' },
    ]) {
      reach = other;
      expect(await asked('reach')).toBe('senseless');
    }
    // Its connection is where its socket is, and ours.
    const master = join(dir, 'peer.ssh');
    expect(isUsable(found, { ...REACH, controlPath: master }, uid)).toBe(false);
    await fakePeer(master, () => {});
    expect(isUsable(found, { ...REACH, controlPath: master }, uid)).toBe(true);
    chmodSync(master, 0o666);
    expect(isUsable(found, { ...REACH, controlPath: master }, uid)).toBe(false);
    // Or one that the user has opened, anywhere: as much theirs.
    const theirs = join(temporaryDir(), 'cm');
    await fakePeer(theirs, () => {});
    expect(isUsable(found, { ...REACH, controlPath: theirs }, uid)).toBe(true);
    chmodSync(theirs, 0o660);
    expect(isUsable(found, { ...REACH, controlPath: theirs }, uid)).toBe(false);
    chmodSync(theirs, 0o600);
    chmodSync(dirname(theirs), 0o777);
    expect(isUsable(found, { ...REACH, controlPath: theirs }, uid)).toBe(false);
  });

  const RAW = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
  /** Text as an attacker would have it. */
  const nasty = fc.string({
    unit: fc.constantFrom('a', '\x1b[2J', '\u009b1m', '\n', '\r', '\u202e', '\u2028', '\x00', '\x7f', '"'),
  });
  const count = fc.oneof(fc.nat(), fc.double(), fc.constant(-1));
  const failure = fc.record({ path: nasty, message: nasty });
  const state = fc.oneof(
    fc.record({ kind: fc.constantFrom('inSync', 'paused', 'sending', 'rootGone', 'connecting', 'explode') }),
    fc.record({ kind: fc.constant('halted'), message: nasty }),
    fc.record({ kind: fc.constant('reconnecting'), untilMs: count }, { requiredKeys: ['kind'] }),
  );
  /** Right, nearly right, or anything. */
  const anyAnswer = fc.oneof(
    fc.record({ answer: fc.constant('error'), message: nasty }),
    fc.record({ answer: fc.constantFrom('done', 'who', 'reach', 'status') }),
    fc.record({
      answer: fc.constant('flush'),
      flushed: fc.oneof(
        fc.record({ end: fc.constantFrom('flushed', 'paused', 'stopped') }),
        fc.record({ end: fc.constant('failed'), paths: fc.array(failure, { maxLength: 3 }), more: fc.nat() }),
      ),
    }),
    fc.record({
      answer: fc.constant('status'),
      status: fc.record(
        {
          ...{
            pid: fc.constant(1),
            root: fc.constant('\x1b/p'),
            target: fc.constant('t\x1b'),
            place: fc.constant('h:\x1b'),
          },
          ...{ sinceMs: fc.nat(), state, waiting: fc.nat(), sent: fc.nat(), bytes: fc.nat(), deleted: fc.nat() },
          ...{ lastError: fc.record({ ms: fc.nat(), path: nasty, message: nasty }), directories: fc.nat() },
        },
        { requiredKeys: ['pid', 'root', 'target', 'place', 'sinceMs', 'state', 'waiting', 'sent', 'bytes', 'deleted'] },
      ),
    }),
    fc.jsonValue(),
  );

  it('says whatever it likes: nothing is thrown, and nothing raw is printed', async () => {
    const root = join(dir, 'p\x1b');
    mkdirSync(root);
    let answer: unknown;
    await fakePeer(path(), (socket, question) => {
      const me = { answer: 'who', who: { pid: 1, root, target: 't\x1b', place: 'h:\x1b' } };
      const said = question.includes('"who"') ? me : answer;
      socket.end(`${JSON.stringify(typeof said === 'object' && !Array.isArray(said) ? { v: 1, ...said } : said)}\n`);
    });
    const around = { home: dir, uid, runtimeDir: undefined, stateHome: undefined, tmpDir: dir, configHome: dir };
    renameSync(path(), join(dir, 'own.sock'));
    mkdirSync(join(dir, `syncwatch-${uid}`), { mode: 0o700 });
    renameSync(join(dir, 'own.sock'), join(dir, `syncwatch-${uid}`, 'own.sock'));
    const commands = [
      ['flush'],
      ['status'],
      ['status', '--json'],
      ['pause'],
      ['restart'],
      ['exec', '--no-flush'],
    ] as const;
    let answered = 0;
    await fc.assert(
      fc.asyncProperty(anyAnswer, fc.constantFrom(...commands), async (given, [command, ...flags]) => {
        answer =
          typeof given === 'object' && given !== null && 'status' in given
            ? { ...given, status: { ...(given.status as object), root } }
            : given;
        const said: string[] = [];
        const words = await wordsOf(command, [...flags, root, ...(command === 'exec' ? ['--', 'false'] : [])]);
        const code = await control(command, words, {
          ...{ out: (text: string) => void said.push(text), err: (text: string) => void said.push(text) },
          ...{
            around,
            isTerminal: false,
            sharesTerminal: false,
            stdin: undefined,
            drawing: undefined,
            now: () => new Date(0),
            stopped: () => new Promise<never>(() => {}),
            lookUp: { env: {}, home: dir, nodePath: '/none' },
          },
        });
        expect([0, 1, 3]).toContain(code);
        answered += code === 3 ? 0 : 1;
        expect(said.flatMap((text) => text.split('\n')).filter((text) => RAW.test(text))).toEqual([]);
      }),
      { numRuns: 150 },
    );
    expect(answered).toBeGreaterThan(3);
  }, 180_000);

  it('or asks a live one: it gets an answer that can be read, and nothing happens', async () => {
    const asked: Question[] = [];
    const live = await opened('l.sock', 7);
    live.serve(async (question) => {
      asked.push(question);
      return { answer: 'done' };
    });
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 6_000 }).map((some) => Buffer.from(some).toString('latin1')),
      fc.jsonValue().map((value) => JSON.stringify(value)),
      fc.jsonValue().map((value) => JSON.stringify({ v: value, ask: 'stop' })),
      fc.jsonValue().map((value) => JSON.stringify({ v: 1, ask: value })),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (text) => {
        expect(readAnswer(await say('l.sock', `${text}\n`))).toMatchObject({ answer: 'error' });
      }),
      { numRuns: 100 },
    );
    expect(asked).toEqual([]);
    expect(await askOnce(join(dir, 'l.sock'), { ask: 'status' }, 1_000)).toMatchObject({ answer: { answer: 'done' } });
  });

  it('or asks, says whatever it likes: nothing is thrown', () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.jsonValue().map((value) => JSON.stringify({ v: 1, ask: value })),
    );
    fc.assert(
      fc.property(line, (text) => {
        const question = readQuestion(text);
        if (typeof question === 'string') expect(question.length).toBeLessThan(200);
        else expect(Object.keys(question)).toEqual(['ask']);
        readAnswer(text);
      }),
      { numRuns: 500 },
    );
  });

  it('reads what it may be asked', () => {
    expect(readQuestion(`{"v":${PROTOCOL},"ask":"flush","more":1}`)).toEqual({ ask: 'flush' });
    expect(readAnswer('{"v":2,"answer":"done"}')).toBeUndefined();
    expect(readAnswer('')).toBeUndefined();
  });
});

describe('status', () => {
  const failure = { kind: 'path', message: 'no permission' } as const;

  it('is what events tell', () => {
    const target = 't';
    let told = NO_FACTS;
    const then = (event: Parameters<typeof afterEvent>[1], ms: number) => {
      told = afterEvent(told, event, wallMs(ms));
      return told;
    };
    expect(then({ kind: 'watching', root: '/r', directories: 3 }, 1).directories).toBe(3);
    expect(then({ kind: 'passStarted', target, names: 1 }, 2).lastPassMs).toBe(2);
    expect(then({ kind: 'delivered', target, items: [], ms: 1 }, 3).lastDeliveredMs).toBe(3);
    expect(then({ kind: 'rootGone', root: '/r' }, 4).rootIsGone).toBe(true);
    expect(then({ kind: 'rootBack', root: '/r', replaced: false }, 5).rootIsGone).toBe(false);
    then({ kind: 'pathFailed', target, name: nameFromText('a\nb'), failure }, 6);
    expect(told.lastError).toEqual({ ms: 6, path: 'a\\nb', message: 'no permission' });
    then({ kind: 'trouble', target, failure: { kind: 'connection', message: 'lost' }, waiting: 1, retryMs: 1 }, 7);
    expect(told.lastError).toEqual({ ms: 7, path: undefined, message: 'lost' });
    expect(then({ kind: 'inSync', target, names: 1, ms: 1 }, 8)).toBe(told);
  });

  it.each<[Status['state'], RegExp]>([
    [{ kind: 'inSync' }, /^\/r → h:p: in sync$/],
    [{ kind: 'sending' }, /: sending$/],
    [{ kind: 'paused' }, /: paused$/],
    [{ kind: 'rootGone' }, /directory is gone/],
    [{ kind: 'connecting' }, /: connecting$/],
    [{ kind: 'halted', message: 'no rsync' }, /: has ended: no rsync$/],
    [{ kind: 'reconnecting', untilMs: undefined }, /not connected, logging in/],
    [{ kind: 'reconnecting', untilMs: wallMs(15_000) }, /not connected, next try in 5\.0 s/],
  ])('in words: %j', (state, says) => {
    const status: Status = {
      ...who(9, '/r', 'h:p'),
      sinceMs: wallMs(4_000),
      state,
      waiting: 2,
      waitingSinceMs: wallMs(9_000),
      sent: 1,
      bytes: 10,
      deleted: 3,
      lastDeliveredMs: wallMs(9_500),
      lastPassMs: undefined,
      lastError: { ms: wallMs(8_000), path: 'x', message: 'no\x1bpermission' },
      directories: 5,
    };
    const [first, ...rest] = statusInWords(status, wallMs(10_000));
    expect(first).toMatch(says);
    expect(rest).toEqual([
      '  2 paths waiting, the first since 1.0 s',
      '  1 file sent (10 B), 3 deleted since 6.0 s ago (pid 9)',
      '  last delivery 500 ms ago',
      '  5 directories watched',
      '  last error 2.0 s ago: x: no\\epermission',
    ]);
    expect(statusInWords({ ...status, failed: 1 }, wallMs(10_000))).toContain(
      '  2 paths waiting (1 failed), the first since 1.0 s',
    );
  });

  it('is not sending where all that waits has failed', () => {
    const status: Status = {
      ...who(9, '/r', 'h:p'),
      sinceMs: wallMs(4_000),
      state: { kind: 'sending' },
      waiting: 2,
      failed: 2,
      ...{ sent: 0, bytes: 0, deleted: 0 },
    };
    expect(statusInWords(status, wallMs(10_000)).slice(0, 2)).toEqual([
      '/r → h:p: 2 paths failed, to be tried again',
      '  2 paths waiting',
    ]);
    expect(statusInALine(status, wallMs(10_000))).toContain('h:p: 2 paths failed, to be tried again (pid 9');
  });
});

it('list says that none is running, which is no failure; what belongs to others is not theirs to tell', async () => {
  await opened('others.sock');
  const somebody = { home: dir, uid: uid + 4_242, runtimeDir: dir, stateHome: dir, tmpDir: dir, configHome: dir };
  for (const [flags, expected] of [
    [[], ['none is running\n']],
    [['--json'], []],
  ] as const) {
    const said: string[] = [];
    const code = await control('list', await wordsOf('list', flags), {
      ...{ out: (text: string) => void said.push(text), err: (text: string) => void said.push(text) },
      ...{
        around: somebody,
        isTerminal: false,
        sharesTerminal: false,
        stdin: undefined,
        drawing: undefined,
        now: () => new Date(0),
      },
      ...{ lookUp: { env: {}, home: dir, nodePath: '/none' }, stopped: () => new Promise<never>(() => {}) },
    });
    expect([code, said]).toEqual([0, expected]);
  }
});
