import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Answer, Question } from '../../src/control/protocol.js';
import { steadyMs, wallMs } from '../../src/core/clock.js';
import type { Failure } from '../../src/core/failure.js';
import { ALONE_MS, KEYS, type Key, keyFrom, Presses } from '../../src/core/keys.js';
import type { Status, TargetState } from '../../src/core/status.js';
import { Keys } from '../../src/keys/keys.js';
import { later } from '../../src/later.js';

/** What was pressed of what is typed at these moments, in milliseconds. */
function pressed(typed: ReadonlyArray<readonly [number, string]>): string {
  const presses = new Presses();
  let keys = '';
  const left = [...typed];
  for (let ms = 0; ms <= 10_000; ms++) {
    for (let [next] = left; next !== undefined && next[0] === ms; [next] = left) {
      presses.typed(next[1], steadyMs(ms));
      left.shift();
    }
    keys += presses.due(steadyMs(ms)) ?? '';
  }
  return keys;
}

describe('what is typed', () => {
  it('is a key where one was pressed alone', () => {
    expect(
      pressed([
        [0, 'p'],
        [200, 'r'],
        [400, '?'],
        [600, 'x'],
        [800, 'q'],
      ]),
    ).toBe('prhq');
    expect(Object.keys(KEYS).map(keyFrom)).toEqual(Object.keys(KEYS));
    expect(['P', '', '\r', ' ', 'constructor', '__proto__'].map(keyFrom)).toEqual(Array(6).fill(undefined));
  });

  it('is none where it was pasted, at once or in pieces', () => {
    expect(pressed([[0, 'quit']])).toBe('');
    expect(pressed([...'quit'].map((c, i) => [i * 10, c]))).toBe('');
    expect(
      pressed([
        [0, 'q'],
        [1, 'uit\r'],
        [5, 'p'],
      ]),
    ).toBe('');
    expect(
      pressed([
        [0, 'p'],
        [0, 'p'],
      ]),
    ).toBe('');
  });

  it('is one key where it is held down', () => {
    const held = Array.from({ length: 30 }, (_, i): [number, string] => [500 + i * 33, 'p']);
    expect(pressed([[0, 'p'], ...held])).toBe('p');
  });

  it('is known to be alone only after a while', () => {
    const presses = new Presses();
    presses.typed('q', steadyMs(0));
    expect(presses.due(steadyMs(ALONE_MS - 1))).toBeUndefined();
    expect(presses.due(steadyMs(ALONE_MS))).toBe('q');
    expect(presses.due(steadyMs(ALONE_MS * 9))).toBeUndefined();
  });
});

type Asked = Exclude<Question['ask'], 'who'>;

/** Targets that answer what they are told to, and a terminal; what is asked and shown is noted. */
function world(states: readonly TargetState[], more: Partial<Record<Asked, Answer | Promise<Answer>>> = {}) {
  const asked: string[] = [];
  const shown: string[] = [];
  const did: string[] = [];
  const wanted: object[] = [];
  let refused: Failure | undefined;
  let isChanged = false;
  let type: (text: string) => void = () => {};
  const answer = (state: TargetState, ask: Asked): Answer | Promise<Answer> => {
    const status: Status = {
      ...{ pid: 1, root: '/d', target: 't', place: 't', sinceMs: wallMs(0), state },
      ...{ waiting: 0, sent: 0, bytes: 0, deleted: 0 },
    };
    return more[ask] ?? (ask === 'status' ? { answer: 'status', status } : { answer: 'done' });
  };
  const answerers = new Map(
    states.map((state, i) => [
      `t${i}`,
      async ({ ask }: { ask: Asked }) => {
        if (ask !== 'status') asked.push(`t${i} ${ask}`);
        return answer(state, ask);
      },
    ]),
  );
  const keys = new Keys({
    board: {
      listen: (onTyped) => {
        type = onTyped;
        return () => did.push('closed');
      },
      say: (lines) => shown.push(...lines),
      clear: () => did.push('cleared'),
      interrupt: () => did.push('interrupted'),
    },
    restart: {
      ask: async (how) => {
        wanted.push(how);
        return refused;
      },
    },
    isChanged: () => isChanged,
  });
  for (const [target, answerer] of answerers) keys.offer(target, answerer);
  const change = (why?: Failure): void => {
    isChanged = true;
    refused = why;
  };
  return { keys, asked, shown, did, wanted, change, type: (text: string) => type(text) };
}

const SENDING = { kind: 'sending' } as const;
const press = async (states: readonly TargetState[], keys: readonly Key[], more?: Partial<Record<Asked, Answer>>) => {
  const made = world(states, more);
  for (const key of keys) await made.keys.press(key);
  return made;
};

describe('the key', () => {
  it('p pauses what goes on, and lets all go on where nothing does', async () => {
    const pause = ['t0 pause', 't1 pause'];
    const resume = ['t0 resume', 't1 resume'];
    expect((await press([SENDING, { kind: 'paused' }], ['p'])).asked).toEqual(pause);
    expect((await press([{ kind: 'pausing' }, { kind: 'paused' }], ['p'])).asked).toEqual(resume);
    expect((await press([{ kind: 'halted', message: '' }, { kind: 'paused' }], ['p'])).asked).toEqual(resume);
  });

  it('p says that a pause has to wait for what is under way, and nothing more where it goes on before', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const pausing = later<Answer>();
    const { keys, shown, asked } = world([SENDING], { pause: pausing.promise });
    const first = keys.press('p');
    await vi.advanceTimersByTimeAsync(299);
    expect(shown).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(shown).toEqual(['about to pause: what is under way ends first; p goes on']);
    const second = keys.press('p');
    pausing.resolve({ answer: 'error', message: 'it goes on' });
    await Promise.all([first, second]);
    expect(shown.slice(1)).toEqual(['t0: it goes on']);
    expect(asked).toEqual(['t0 pause', 't0 pause']);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(shown.length).toBe(2);
  });

  it('p says where it can not be done', async () => {
    const { shown } = await press([SENDING], ['p'], { pause: { answer: 'error', message: 'it is still connecting' } });
    expect(shown).toEqual(['t0: it is still connecting']);
  });

  it('r asks for a full sync; after an edit it begins anew with one, or goes on as it is', async () => {
    const made = await press([SENDING, SENDING], ['r']);
    expect([made.asked, made.wanted]).toEqual([['t0 pass', 't1 pass'], []]);
    made.change();
    await made.keys.press('r');
    expect([made.asked.length, made.wanted]).toEqual([2, [{ mayAsk: true, wantsPass: true }]]);
    made.change({ kind: 'usage', message: 'x.json is no valid JSON, line 3', hint: 'Mind commas.' });
    await made.keys.press('r');
    expect(made.shown).toEqual([
      'x.json is no valid JSON, line 3',
      '  Mind commas.',
      '  It goes on with the settings that it has.',
    ]);
  });

  it('f says what failed and why, or that nothing did', async () => {
    const failed = { paths: [{ path: 'a', message: 'no room' }], more: 2, trouble: 'lost' };
    const { shown } = await press([SENDING], ['f'], { failed: { answer: 'failed', failed } });
    expect(shown).toEqual([
      't0: not connected: lost',
      't0: 3 paths failed, and are tried again:',
      '  a: no room',
      '  … and 2 more',
    ]);
    const none = await press([SENDING], ['f'], { failed: { answer: 'failed', failed: { paths: [], more: 0 } } });
    expect(none.shown).toEqual(['t0: nothing failed']);
  });

  it('w says what waits', async () => {
    const says = async (waiting: Extract<Answer, { answer: 'waiting' }>['waiting']) =>
      (await press([SENDING], ['w'], { waiting: { answer: 'waiting', waiting } })).shown;
    expect(await says({ paths: [], more: 0, pass: false })).toEqual(['t0: nothing waits']);
    expect(await says({ paths: ['a'], more: 0, pass: false })).toEqual(['t0: 1 path waits:', '  a']);
    expect(await says({ paths: ['a', 'b'], more: 3, pass: true })).toEqual([
      't0: a full sync is to be done: it finds what there is to send',
      't0: 5 paths wait:',
      '  a',
      '  b',
      '  … and 3 more',
    ]);
  });

  it('q asks all to stop, and once more stops at once', async () => {
    const { asked, did } = await press([SENDING, SENDING], ['q', 'q']);
    expect([asked, did]).toEqual([['t0 stop', 't1 stop'], ['interrupted']]);
  });

  it('c clears, and h shows all keys', async () => {
    const { shown, did } = await press([SENDING], ['c', 'h']);
    expect(did).toEqual(['cleared']);
    for (const key of Object.keys(KEYS)) expect(shown).toContainEqual(expect.stringMatching(`^ {2}${key} {2}`));
  });

  it('is listened to until it is closed: what is pasted is none', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { keys, did, type, asked } = world([SENDING]);
    type('quit\r');
    await vi.advanceTimersByTimeAsync(ALONE_MS * 2);
    expect(asked).toEqual([]);
    type('q');
    await vi.advanceTimersByTimeAsync(ALONE_MS + 2);
    expect(asked).toEqual(['t0 stop']);
    type('r');
    keys.close();
    await vi.advanceTimersByTimeAsync(ALONE_MS * 2);
    expect([did, asked]).toEqual([['closed'], ['t0 stop']]);
  });
});
