import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askOnce, findRunning } from '../../src/control/client.js';
import { PROTOCOL, type Question, readAnswer, readQuestion } from '../../src/control/protocol.js';
import { type Control, openControl } from '../../src/control/server.js';
import { nameFromText } from '../../src/core/name.js';
import { afterEvent, NOTHING_TOLD, type Status } from '../../src/core/status.js';
import { statusInWords } from '../../src/report/status.js';

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

const who = (pid: number, root = '/p', target = 'host:p') => ({ pid, root, target, place: target });

async function opened(base: string, pid = 1, root?: string, target?: string): Promise<Control> {
  const made = await openControl(join(dir, base), who(pid, root, target), 'x');
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
    expect(await openControl(join(dir, 'l.sock'), who(4712), 'x to y')).toMatchObject({
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
    expect(await openControl(join(dir, 'l.sock'), who(2), 'x')).toMatchObject({
      ok: false,
      failure: { message: 'another syncwatch already syncs x' },
    });
    silent.close();
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
      (await findRunning([folder, dir, dir], at)).map(({ target }) => target).sort();
    expect(await targets('/p')).toEqual(['one:', 'two:']);
    expect(await targets('/p/src/deep')).toEqual(['one:', 'two:']);
    expect(await targets('/p/inner/x')).toEqual(['three:']);
    expect(await targets('/pq')).toEqual([]);
    expect(await targets('/')).toEqual([]);
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
    let told = NOTHING_TOLD;
    const then = (event: Parameters<typeof afterEvent>[1], ms: number) => {
      told = afterEvent(told, event, ms);
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
    [{ kind: 'reconnecting', untilMs: 15_000 }, /not connected, next try in 5\.0 s/],
  ])('in words: %j', (state, says) => {
    const status: Status = {
      ...who(9, '/r', 'h:p'),
      sinceMs: 4_000,
      state,
      waiting: 2,
      waitingSinceMs: 9_000,
      sent: 1,
      bytes: 10,
      deleted: 3,
      lastDeliveredMs: 9_500,
      lastPassMs: undefined,
      lastError: { ms: 8_000, path: 'x', message: 'no\x1bpermission' },
      directories: 5,
    };
    const [first, ...rest] = statusInWords(status, 10_000);
    expect(first).toMatch(says);
    expect(rest).toEqual([
      '  2 paths waiting, the first since 1.0 s',
      '  1 file sent (10 B), 3 deleted since 6.0 s ago (pid 9)',
      '  last delivery 500 ms ago',
      '  5 directories watched',
      '  last error 2.0 s ago: x: no\\epermission',
    ]);
  });
});
