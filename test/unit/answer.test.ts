import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Answer, Question } from '../../src/control/protocol.js';
import { EPOCH, steadyMs, wallMs } from '../../src/core/clock.js';
import type { Failure } from '../../src/core/failure.js';
import { nameFromText } from '../../src/core/name.js';
import { NO_FACTS, type StatusFacts } from '../../src/core/status.js';
import { EMPTY_SUMMARY, type Summary } from '../../src/core/summary.js';
import type { Input } from '../../src/core/sync/inputs.js';
import { type Phase, type State, schedule } from '../../src/core/sync/state.js';
import { type Asks, answererFor } from '../../src/sync/answer.js';
import type { FlushEnd } from '../../src/sync/flush.js';
import type { Life, LifeEnd } from '../../src/sync/life.js';

// Of the timers that promise something there are no fake ones.
vi.mock('node:timers/promises', () => ({
  setTimeout: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
}));
beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

const failure: Failure = { kind: 'guard', message: 'too many deletions' };
const HALTED: LifeEnd = { kind: 'halted', failure };
const WAITING: Phase = { is: 'waiting' };
const PAUSED: Phase = { is: 'paused', isUp: true, isTold: true, turn: undefined };

/** A target that answers: its life, and all that it is asked about, set by the test. */
class Target {
  life: Life<Asks>;
  facts: StatusFacts = NO_FACTS;
  readonly taken: Input['kind'][] = [];
  state: State = { ...schedule({ oneByOne: false, rescanMs: 0 }), phase: WAITING };
  isBusy = false;
  link: 'up' | 'lost' = 'up';
  size = 0;
  unsent: Summary['unsent'] = [];
  refused: Failure | undefined;
  oldestMs: number | undefined;
  looks = 0;
  waysGiven = 0;
  /** What becomes of a look at the whole disk. */
  isLooked = true;
  flushed: FlushEnd = { kind: 'flushed' };
  stop = vi.fn(async () => {});
  readonly live: Asks;

  constructor() {
    const target = this;
    this.live = {
      engine: {
        get state() {
          return target.state;
        },
        get isBusy() {
          return target.isBusy;
        },
        take: ({ kind }) => void target.taken.push(kind),
        giveWay: () => void target.waysGiven++,
        lookOnce: async () => {
          target.looks++;
          return target.isLooked;
        },
        flush: async () => target.flushed,
        get summary() {
          return { ...EMPTY_SUMMARY, unsent: target.unsent };
        },
      },
      prepared: {
        link: {
          get state() {
            return { kind: target.link };
          },
          nextTryMs: wallMs(7),
        },
        ledger: {
          sums: { sent: 3, bytes: 30, deleted: 1 },
          failedCount: 1,
          pending: {
            get size() {
              return target.size;
            },
            get oldestMs() {
              return target.oldestMs === undefined ? undefined : steadyMs(target.oldestMs);
            },
            *[Symbol.iterator]() {
              for (let i = 0; i < target.size; i++) yield [nameFromText(`f${i}`), undefined];
            },
          },
        },
        reach: () => ({ kind: 'local', path: '/there' }),
      },
    };
    this.life = { is: 'working', live: this.live };
  }

  set phase(phase: Phase) {
    this.state = { ...this.state, phase };
  }

  ask(ask: Exclude<Question['ask'], 'who'>, gone = new AbortController().signal): Promise<Answer> {
    const who = { pid: 1, root: '/here', target: 't', place: 't' };
    const answerer = answererFor({
      who,
      sinceMs: EPOCH,
      life: () => this.life,
      facts: () => this.facts,
      stop: () => this.stop(),
      restart: async () => this.refused,
    });
    return answerer({ ask }, gone);
  }

  async stateIs(): Promise<unknown> {
    const answer = await this.ask('status');
    return answer.answer === 'status' ? answer.status.state : answer;
  }
}

/** What is said after `ms`; undefined where it is not said by then. */
async function within(ms: number, answer: Promise<Answer>): Promise<Answer | undefined> {
  let said: Answer | undefined;
  void answer.then((one) => {
    said = one;
  });
  await vi.advanceTimersByTimeAsync(ms);
  return said;
}

describe('asked for its status, a target', () => {
  it.each<[string, (target: Target) => void, object]>([
    ['connecting', (target) => void (target.life = { is: 'arriving' }), { kind: 'connecting' }],
    ['connecting', (target) => void (target.life = { is: 'leaving', end: { kind: 'asked' } }), { kind: 'connecting' }],
    [
      'halted, though it was never reached',
      (target) => void (target.life = { is: 'over', live: undefined, end: HALTED }),
      { kind: 'halted', message: failure.message },
    ],
    [
      'halted, from when it is closing on',
      (target) => void (target.life = { is: 'closing', live: target.live, end: HALTED }),
      { kind: 'halted', message: failure.message },
    ],
    [
      'without its root, whatever else',
      (target) => {
        target.facts = { ...NO_FACTS, rootIsGone: true };
        target.link = 'lost';
      },
      { kind: 'rootGone' },
    ],
    ['paused', (target) => void (target.phase = PAUSED), { kind: 'paused' }],
    ['reconnecting', (target) => void (target.link = 'lost'), { kind: 'reconnecting', untilMs: 7 }],
    ['sending: something waits', (target) => void (target.size = 1), { kind: 'sending' }],
    ['sending: something runs', (target) => void (target.isBusy = true), { kind: 'sending' }],
    [
      'sending: a pass is owed',
      (target) => void (target.state = { ...target.state, isProbing: true }),
      { kind: 'sending' },
    ],
    [
      'about to pause until what was under way has ended',
      (target) => {
        target.phase = { ...PAUSED, isTold: false };
        target.isBusy = true;
      },
      { kind: 'pausing' },
    ],
    [
      'sending while its first sync is still to begin',
      (target) => void (target.phase = { is: 'offline', turn: undefined }),
      { kind: 'sending' },
    ],
    ['in sync', () => {}, { kind: 'inSync' }],
  ])('is %s', async (_, set, expected) => {
    const target = new Target();
    set(target);
    expect(await target.stateIs()).toEqual(expected);
  });

  it('tells what it has sent, and since when what waits does', async () => {
    const target = new Target();
    vi.advanceTimersByTime(5_000);
    target.size = 2;
    target.oldestMs = performance.now() - 3_000;
    const answer = await target.ask('status');
    expect(answer).toMatchObject({ status: { pid: 1, sent: 3, bytes: 30, deleted: 1, waiting: 2, failed: 1 } });
    expect(answer).toMatchObject({ status: { waitingSinceMs: Date.now() - 3_000 } });
  });

  it('cuts a message that is too long for an answer', async () => {
    const target = new Target();
    target.life = {
      is: 'over',
      live: undefined,
      end: { kind: 'halted', failure: { ...failure, message: 'x'.repeat(5_000) } },
    };
    expect(await target.stateIs()).toEqual({ kind: 'halted', message: `${'x'.repeat(2_000)} …` });
  });
});

describe('a target that has halted', () => {
  it('says so to all that want something of it, and is ended already', async () => {
    const target = new Target();
    target.life = { is: 'over', live: target.live, end: HALTED };
    for (const ask of ['flush', 'pause', 'resume', 'reach'] as const)
      expect(await target.ask(ask)).toEqual({ answer: 'error', message: `it has ended: ${failure.message}` });
    expect(await target.ask('stop')).toEqual({ answer: 'done' });
    expect([target.stop.mock.calls, target.taken]).toEqual([[], []]);
  });
});

describe('asked to pause, a target', () => {
  it('answers when what was under way has ended', async () => {
    const target = new Target();
    target.phase = { ...PAUSED, isTold: false };
    const asked = target.ask('pause');
    expect(await within(10_000, asked)).toBeUndefined();
    target.phase = PAUSED;
    expect(await within(100, asked)).toEqual({ answer: 'done' });
    expect(target.taken).toEqual(['pause']);
  });

  it('says so where it goes on: it was resumed meanwhile', async () => {
    const target = new Target();
    target.phase = { ...PAUSED, isTold: false };
    const asked = target.ask('pause');
    expect(await within(100, asked)).toBeUndefined();
    target.phase = WAITING;
    expect(await within(100, asked)).toMatchObject({ answer: 'error' });
  });

  it('does not wait for somebody who is gone', async () => {
    const target = new Target();
    target.phase = { ...PAUSED, isTold: false };
    const gone = new AbortController();
    const asked = target.ask('pause', gone.signal);
    gone.abort();
    expect(await within(100, asked)).toEqual({ answer: 'done' });
  });

  it.each(['pause', 'resume'] as const)('can not %s before it has logged in', async (ask) => {
    const target = new Target();
    target.life = { is: 'arriving' };
    expect(await target.ask(ask)).toMatchObject({ answer: 'error' });
  });
});

describe('asked to flush, a target', () => {
  it('looks at the disk, and says what became of what waits', async () => {
    const target = new Target();
    expect(await target.ask('flush')).toEqual({ answer: 'flush', flushed: { end: 'flushed' } });
    expect([target.looks, target.taken]).toEqual([1, ['hurry']]);
  });

  it('gives way to those who ask for the way there, and to no others', async () => {
    const target = new Target();
    for (const ask of ['flush', 'status', 'waiting', 'failed'] as const) await target.ask(ask);
    expect(target.waysGiven).toBe(0);
    expect(await target.ask('reach')).toMatchObject({ answer: 'reach' });
    expect(target.waysGiven).toBe(1);
  });

  it.each<[string, (target: Target) => void, (target: Target) => void]>([
    [
      'it has logged in',
      (target) => void (target.life = { is: 'arriving' }),
      (target) => void (target.life = { is: 'working', live: target.live }),
    ],
    [
      'there is a connection',
      (target) => void (target.phase = { is: 'offline', turn: undefined }),
      (target) => void (target.phase = WAITING),
    ],
    [
      'the pass that is owed is done',
      (target) => void (target.state = { ...target.state, isProbing: true }),
      (target) => void (target.state = { ...target.state, isProbing: false }),
    ],
    [
      'the disk can be looked at',
      (target) => void (target.isLooked = false),
      (target) => void (target.isLooked = true),
    ],
  ])('waits until %s', async (_, set, then) => {
    const target = new Target();
    set(target);
    const asked = target.ask('flush');
    expect(await within(10_000, asked)).toBeUndefined();
    then(target);
    expect(await within(100, asked)).toEqual({ answer: 'flush', flushed: { end: 'flushed' } });
  });

  it('says at once that it is paused', async () => {
    const target = new Target();
    target.phase = PAUSED;
    expect(await target.ask('flush')).toEqual({ answer: 'flush', flushed: { end: 'paused' } });
    expect(target.looks).toBe(0);
  });

  it.each(['draining', 'finishing', 'closing', 'over'] as const)('does nothing more where it is %s', async (is) => {
    const target = new Target();
    target.life = { is, live: target.live, end: { kind: 'asked' } };
    expect(await target.ask('flush')).toEqual({ answer: 'flush', flushed: { end: 'stopped' } });
    expect(target.looks).toBe(0);
  });

  it('names the first few of those that failed, and counts the others', async () => {
    const target = new Target();
    const names = Array.from({ length: 12 }, (_, i) => [nameFromText(`f${i}`), failure] as const);
    target.flushed = { kind: 'failed', names };
    const answer = await target.ask('flush');
    expect(answer).toMatchObject({ flushed: { end: 'failed', more: 2 } });
    expect(answer.answer === 'flush' && answer.flushed.end === 'failed' && answer.flushed.paths).toHaveLength(10);
  });

  it.each([
    ['paused', 'paused'],
    ['gone', 'stopped'],
  ] as const)('says %s as %s', async (kind, end) => {
    const target = new Target();
    target.flushed = { kind };
    expect(await target.ask('flush')).toEqual({ answer: 'flush', flushed: { end } });
  });
});

it('asked to stop, it answers when what waited is there', async () => {
  const target = new Target();
  let through: () => void = () => {};
  target.stop = vi.fn(() => new Promise<void>((resolve) => (through = resolve)));
  const asked = target.ask('stop');
  expect(await within(60_000, asked)).toBeUndefined();
  through();
  expect(await within(0, asked)).toEqual({ answer: 'done' });
});

it('asked for the way there, it gives the one that there is', async () => {
  const target = new Target();
  expect(await target.ask('reach')).toEqual({ answer: 'reach', reach: { kind: 'local', path: '/there' } });
  target.life = { is: 'arriving' };
  expect(await target.ask('reach')).toEqual({ answer: 'reach', reach: { kind: 'none' } });
});

describe('asked what failed', () => {
  it('names the first few that did, with why, and not what only waits', async () => {
    const target = new Target();
    target.unsent = Array.from(
      { length: 13 },
      (_, i) => [nameFromText(`f${i}`), i === 0 ? undefined : failure] as const,
    );
    const answer = await target.ask('failed');
    expect(answer).toMatchObject({ failed: { more: 2 } });
    const paths = answer.answer === 'failed' ? answer.failed.paths : [];
    expect([paths.length, paths[0]]).toEqual([10, { path: 'f1', message: failure.message }]);
  });

  it('says why there is no connection, while there is none', async () => {
    const target = new Target();
    target.facts = { ...NO_FACTS, lastError: { ms: EPOCH, message: 'lost' } };
    expect(await target.ask('failed')).toEqual({ answer: 'failed', failed: { paths: [], more: 0 } });
    target.link = 'lost';
    expect(await target.ask('failed')).toMatchObject({ failed: { trouble: 'lost' } });
    target.life = { is: 'arriving' };
    expect(await target.ask('failed')).toMatchObject({ failed: { paths: [], trouble: 'lost' } });
  });
});

it('asked what waits, it names the first few, and whether a full pass finds more', async () => {
  const target = new Target();
  expect(await target.ask('waiting')).toEqual({ answer: 'waiting', waiting: { paths: [], more: 0, pass: false } });
  target.size = 12;
  target.state = { ...target.state, isProbing: true };
  expect(await target.ask('waiting')).toMatchObject({
    waiting: { paths: expect.arrayContaining(['f0']), more: 2, pass: true },
  });
  target.life = { is: 'arriving' };
  expect(await target.ask('waiting')).toEqual({ answer: 'waiting', waiting: { paths: [], more: 0, pass: true } });
});

it('asked for a full pass, it has one; before its login it begins with one anyway', async () => {
  const target = new Target();
  expect(await target.ask('pass')).toEqual({ answer: 'done' });
  expect(target.taken).toEqual(['passWanted']);
  target.life = { is: 'arriving' };
  expect(await target.ask('pass')).toEqual({ answer: 'done' });
});

it('asked to begin anew, it says why not, with what to do', async () => {
  const target = new Target();
  expect(await target.ask('restart')).toEqual({ answer: 'done' });
  target.refused = { kind: 'usage', message: 'x.json is no valid JSON, line 3', hint: 'Mind commas.' };
  expect(await target.ask('restart')).toEqual({
    answer: 'error',
    message: 'x.json is no valid JSON, line 3. Mind commas.',
  });
});
