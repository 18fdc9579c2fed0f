import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Event } from '../../src/core/event.js';
import type { Failure } from '../../src/core/failure.js';
import { type FakeConnection, fakeLink } from '../support/fake-transport.js';

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0.999_999); // the longest delays
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const CUT: Failure = { kind: 'connection', message: 'there can not be reached' };
const REFUSED: Failure = { kind: 'login', message: 'the login was refused' };
const OTHER_KEY: Failure = { kind: 'hostKey', message: 'another machine answers' };

/** What is to be done now is done. */
const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

const kinds = (events: readonly Event[]): string[] =>
  events.flatMap((event) =>
    event.kind === 'trouble'
      ? [`trouble ${event.failure.kind}`]
      : event.kind === 'note' || event.kind === 'loggingIn'
        ? []
        : [event.kind],
  );

/** A link that is up, and used. */
async function up(options: Parameters<typeof fakeLink>[0] = {}) {
  const all = fakeLink(options);
  const connecting = all.link.connect();
  const connection = all.login().through();
  expect(await connecting).toEqual({ ok: true, value: 'the place' });
  let runsEnd: () => void = () => {};
  const runs = new Promise<void>((resolve) => {
    runsEnd = resolve;
  });
  all.link.attach({ handleLink: (event) => void all.heard.push(event), waiting: 7, runsUnderWay: () => runs });
  return { ...all, connection, runsEnd: () => runsEnd() };
}

/** The same, and then the connection was lost. */
async function lost(options: Parameters<typeof fakeLink>[0] = {}) {
  const all = await up(options);
  all.connection.lose(CUT);
  await settled();
  expect(all.link.state.kind).toBe('lost');
  return all;
}

describe('the first login', () => {
  it('is told, and gives what the first look found', async () => {
    const { link, told, connection } = await up();
    expect(kinds(told)).toEqual(['connecting', 'connected']);
    expect(link.state).toEqual({ kind: 'up', connection });
    expect(link.remoteShell).toBe('fake');
  });

  it('fails at once where nobody is patient', async () => {
    const { link, login, logins, told } = fakeLink();
    const connecting = link.connect();
    login().fail(CUT);
    expect(await connecting).toEqual({ ok: false, failure: CUT });
    expect(link.state).toEqual({ kind: 'closed' });
    expect(logins).toHaveLength(1);
    expect(kinds(told)).toEqual(['connecting']); // the caller tells
  });

  it('is tried again where there is patience, with the same back off as any other', async () => {
    const { link, login, logins, told } = fakeLink({ mostFirst: Number.POSITIVE_INFINITY });
    const connecting = link.connect();
    for (const [i, ms] of [1_000, 2_000, 4_000].entries()) {
      login().fail(CUT);
      await vi.advanceTimersByTimeAsync(ms - 1);
      expect(logins).toHaveLength(i + 1);
      expect(link.nextTryMs).toBe(Date.now() + 1);
      await vi.advanceTimersByTimeAsync(1);
      expect(logins).toHaveLength(i + 2);
      expect(link.nextTryMs).toBeUndefined();
    }
    login().through();
    expect((await connecting).ok).toBe(true);
    expect(kinds(told)).toEqual(['connecting', 'trouble connection', 'connected']);
  });

  it.each([REFUSED, OTHER_KEY])('that is refused ($kind) ends it, however patient', async (failure) => {
    const { link, login } = fakeLink({ mostFirst: Number.POSITIVE_INFINITY });
    const connecting = link.connect();
    login().fail(failure);
    expect(await connecting).toEqual({ ok: false, failure });
  });

  it('to a place that may not be used is closed again', async () => {
    const refusal: Failure = { kind: 'guard', message: 'that is your home directory' };
    const { link, login } = fakeLink({ look: async () => ({ ok: false, failure: refusal }) });
    const connecting = link.connect();
    const connection = login().through();
    expect(await connecting).toEqual({ ok: false, failure: refusal });
    expect(connection.closed()).toBe(true);
  });

  it('ends at once when it is stopped, while it goes on, while the place is looked at, and while it waits', async () => {
    const going = fakeLink();
    const first = going.link.connect();
    going.link.stopLogins();
    expect(await first).toMatchObject({ ok: false, failure: { kind: 'connection' } });

    const looking = fakeLink({ look: () => new Promise(() => {}) });
    void looking.link.connect();
    const connection = looking.login().through();
    await settled();
    looking.link.stopLogins();
    expect(connection.closed()).toBe(true); // with which a look comes to its end

    const waiting = fakeLink({ mostFirst: Number.POSITIVE_INFINITY });
    const third = waiting.link.connect();
    waiting.login().fail(CUT);
    await settled();
    waiting.link.stopLogins();
    expect(await third).toEqual({ ok: false, failure: CUT });
    expect(waiting.logins).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a connection that was lost', () => {
  it('is said once, and logged in again, longer each time up to half a minute', async () => {
    const { login, logins, heard, told } = await lost();
    expect(heard).toEqual([{ kind: 'lost' }]);
    for (const [i, ms] of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000].entries()) {
      await vi.advanceTimersByTimeAsync(ms - 1);
      expect(logins).toHaveLength(i + 1);
      await vi.advanceTimersByTimeAsync(1);
      expect(logins).toHaveLength(i + 2);
      login().fail(CUT);
      await settled();
    }
    expect(told.filter(({ kind }) => kind === 'trouble')).toMatchObject([{ failure: CUT, waiting: 7, retryMs: 1_000 }]);
  });

  it('is used again when it is there, and the back off begins anew', async () => {
    const { link, login, logins, heard, told } = await lost();
    await vi.advanceTimersByTimeAsync(1_000);
    login().fail(CUT);
    await vi.advanceTimersByTimeAsync(2_000);
    const second = login().through();
    await settled();
    expect(heard.map(({ kind }) => kind)).toEqual(['lost', 'up']);
    expect(link.state).toEqual({ kind: 'up', connection: second });
    second.lose(CUT);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(logins).toHaveLength(4);
    expect(kinds(told)).toEqual(['connecting', 'connected', 'trouble connection', 'connected', 'trouble connection']);
  });

  it('tells every try, and how long it is until the next one', async () => {
    const { login, told } = await lost();
    await vi.advanceTimersByTimeAsync(1_000);
    login().fail(CUT);
    await settled();
    const tries = told.flatMap((event) => (event.kind === 'loggingIn' ? [event.retryMs] : []));
    expect(tries).toEqual([1_000, undefined, 2_000]);
  });

  it('tells each kind of trouble once', async () => {
    const { login, told } = await lost();
    for (const failure of [CUT, REFUSED, REFUSED, CUT, CUT]) {
      await vi.advanceTimersByTimeAsync(300_000);
      login().fail(failure);
      await settled();
    }
    expect(kinds(told)).toEqual([
      ...['connecting', 'connected'],
      ...['trouble connection', 'trouble login', 'trouble connection'],
    ]);
  });

  it('whose logins are refused is tried slowly: 5 s at first, 5 min at most, whatever changes meanwhile', async () => {
    const { link, login, logins } = await lost();
    await vi.advanceTimersByTimeAsync(1_000);
    let count = 2;
    for (const ms of [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]) {
      login().fail(REFUSED);
      await vi.advanceTimersByTimeAsync(ms - 1);
      link.nudge();
      await settled();
      expect(logins).toHaveLength(count);
      await vi.advanceTimersByTimeAsync(1);
      expect(logins).toHaveLength(++count);
    }
  });

  it('is logged in again at once when something changes, but not more often than every 2 s', async () => {
    const { link, login, logins } = await lost();
    for (const ms of [1_000, 2_000, 4_000]) {
      await vi.advanceTimersByTimeAsync(ms);
      login().fail(CUT);
      await settled();
    }
    expect(logins).toHaveLength(4);
    await vi.advanceTimersByTimeAsync(1_999);
    link.nudge();
    await settled();
    expect(logins).toHaveLength(4);
    await vi.advanceTimersByTimeAsync(1);
    link.nudge();
    await settled();
    expect(logins).toHaveLength(5);
  });

  it('is logged in again at once when the machine wakes up, even where logins were refused', async () => {
    const { link, login, logins } = await lost();
    await vi.advanceTimersByTimeAsync(1_000);
    login().fail(REFUSED);
    await settled();
    await link.wake();
    expect(logins).toHaveLength(3);
  });

  it('that leads to another machine than before is given up, and is neither tried nor used any more', async () => {
    const { link, login, logins, heard } = await lost();
    await vi.advanceTimersByTimeAsync(1_000);
    login().fail(OTHER_KEY);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(heard).toEqual([{ kind: 'lost' }, { kind: 'gaveUp', failure: OTHER_KEY }]);
    expect(logins).toHaveLength(2);
    expect(link.state).toEqual({ kind: 'closed' });
    expect(link.reach({ kind: 'local', path: '/p', label: 'p', place: '/p' })).toEqual({ kind: 'none' });
  });

  it('that leads to another place is closed and given up', async () => {
    const elsewhere: Failure = { kind: 'remote', message: 'it is another directory than before' };
    let seen: readonly unknown[] = [];
    const { login, heard } = await lost({
      lookAgain: async (...given) => {
        seen = given;
        return elsewhere;
      },
    });
    await vi.advanceTimersByTimeAsync(1_000);
    const connection = login().through();
    await settled();
    expect(seen).toEqual([connection, 'the place']);
    expect(connection.closed()).toBe(true);
    expect(heard.at(-1)).toEqual({ kind: 'gaveUp', failure: elsewhere });
  });

  it('is given up after so many logins, where they are counted (--once)', async () => {
    const { login, logins, heard } = await lost({ mostLater: 3 });
    for (const ms of [1_000, 2_000, 4_000]) {
      await vi.advanceTimersByTimeAsync(ms);
      login().fail(CUT);
      await settled();
    }
    expect(logins).toHaveLength(4); // the first one, and three
    expect(heard.at(-1)).toEqual({ kind: 'gaveUp', failure: CUT });
  });

  it('before anybody used it is made known to who comes to use it', async () => {
    const { link, login, heard } = fakeLink();
    const connecting = link.connect();
    login().through().lose(CUT);
    await connecting;
    await settled();
    link.attach({ handleLink: (event) => void heard.push(event), waiting: 0, runsUnderWay: async () => {} });
    expect(heard).toEqual([{ kind: 'lost' }]);
  });
});

describe('the end of a link', () => {
  it('is at once, with nothing left, whatever it is doing', async () => {
    const isUp = await up();
    await isUp.link.close();
    expect(isUp.connection.closed()).toBe(true);

    const waiting = await lost();
    await waiting.link.close();
    expect(waiting.logins).toHaveLength(1);

    const loggingIn = await lost();
    await vi.advanceTimersByTimeAsync(1_000);
    await loggingIn.link.close();
    expect(loggingIn.login().signal.aborted).toBe(true);

    const looking = await lost({ lookAgain: () => new Promise(() => {}) });
    await vi.advanceTimersByTimeAsync(1_000);
    const connection = looking.login().through();
    await settled();
    await looking.link.close();
    expect(connection.closed()).toBe(true);

    for (const { link, heard } of [isUp, waiting, loggingIn, looking]) {
      await settled();
      expect(link.state).toEqual({ kind: 'closed' });
      expect(heard.map(({ kind }) => kind)).not.toContain('up');
      expect(heard.map(({ kind }) => kind)).not.toContain('gaveUp');
    }
    expect(vi.getTimerCount()).toBe(0);
  });

  it('of logins leaves the connection that is there, and a loss after that is not tried to mend', async () => {
    const { link, connection, logins, heard, told } = await up();
    link.stopLogins();
    expect(link.state.kind).toBe('up');
    connection.lose(CUT);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(heard).toEqual([{ kind: 'lost' }]);
    expect(logins).toHaveLength(1);
    expect(kinds(told)).toEqual(['connecting', 'connected']);
  });
});

describe('a connection through which nothing new can go', () => {
  async function blocked() {
    const all = await up();
    all.connection.reachable = false;
    let isReady = false;
    const ready = all.link.ensureReachable().then(() => {
      isReady = true;
    });
    await settled();
    expect(all.logins).toHaveLength(2);
    return { ...all, ready, isReady: () => isReady };
  }

  it('is replaced by another one, once; it ends when its last run has', async () => {
    const { link, login, logins, connection, heard, ready, isReady, runsEnd } = await blocked();
    void link.ensureReachable();
    await settled();
    expect(logins).toHaveLength(2);
    expect(isReady()).toBe(false);
    const other = login().through();
    await ready;
    expect(link.connection).toBe(other);
    expect(heard).toEqual([{ kind: 'replaced' }]);
    expect(connection.closed()).toBe(false);
    runsEnd();
    await settled();
    expect(connection.closed()).toBe(true);
    await link.ensureReachable();
    expect(logins).toHaveLength(2);
  });

  it('counts as lost where there is no other', async () => {
    const { login, logins, heard, link } = await blocked();
    login().fail(CUT);
    await settled();
    expect(heard).toEqual([{ kind: 'lost' }]);
    expect(link.connection).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(logins).toHaveLength(3);
  });

  it('and that is lost meanwhile is lost: the other one is not used twice', async () => {
    const { login, logins, connection, heard, ready } = await blocked();
    const replacing = login();
    connection.lose(CUT);
    await settled();
    const other: FakeConnection = replacing.through();
    await ready;
    expect(other.closed()).toBe(true);
    expect(heard).toEqual([{ kind: 'lost' }]);
    await vi.advanceTimersByTimeAsync(1_000);
    login().through();
    await settled();
    expect(logins).toHaveLength(3);
    expect(heard.map(({ kind }) => kind)).toEqual(['lost', 'up']);
  });
});

it('asks a connection for a sign of life when the machine wakes up', async () => {
  const { link, connection } = await up();
  await link.wake();
  expect(connection.proved()).toBe(1);
});
