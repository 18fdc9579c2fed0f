import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { askOnce } from '../../src/control/client.js';
import type { Answer, Question } from '../../src/control/protocol.js';
import type { Event } from '../../src/core/event.js';
import { EXIT, type Failure, failed, type Result, success } from '../../src/core/failure.js';
import { forEachHook } from '../../src/core/hook-kinds.js';
import { nameFromText } from '../../src/core/name.js';
import { EMPTY_SUMMARY } from '../../src/core/summary.js';
import type { End } from '../../src/core/sync/effects.js';
import { begun } from '../../src/core/sync/entry.js';
import type { Input } from '../../src/core/sync/inputs.js';
import { NameIndex } from '../../src/core/sync/name-index.js';
import { Pending } from '../../src/core/sync/pending.js';
import { type Phase, schedule } from '../../src/core/sync/state.js';
import type { StopSignal } from '../../src/io.js';
import { QUICK_FROM } from '../../src/sync/quick-pass.js';
import { type Identity, LEAVE_MS, type OneTarget, type Remains, runTarget } from '../../src/sync/run.js';
import { NOTHING_WAITS } from '../support/outstanding.js';
import { PROGRAMS } from '../support/programs.js';

/** What ends the time that a login has to be given up. */
const leaves = vi.hoisted((): Array<() => void> => []);
vi.mock('node:timers/promises', () => ({
  setTimeout: (ms: number) =>
    new Promise<void>((resolve) => (ms === LEAVE_MS ? leaves.push(resolve) : setTimeout(resolve, ms))),
}));

const failure: Failure = { kind: 'guard', message: 'too many deletions' };

/** A moment that the test decides. */
function moment<T>(): { readonly when: Promise<T>; readonly now: (value: T) => void } {
  let now: (value: T) => void = () => {};
  const when = new Promise<T>((resolve) => {
    now = resolve;
  });
  return { when, now };
}

type Reached = ReturnType<World['reached']>;
type Options = OneTarget<Reached>;

/** One target with everything about it in memory, but for its socket. What is done with it is noted in `did`. */
class World {
  readonly did: string[] = [];
  readonly told: Event[] = [];
  readonly first = moment<StopSignal>();
  readonly second = moment<StopSignal>();
  readonly moved = new AbortController();
  readonly restarted = new AbortController();
  readonly prepared = moment<Result<Reached>>();
  readonly over = moment<End>();
  readonly synced = moment<Failure | undefined>();
  readonly pending = new Pending();
  mode: 'watch' | 'once' | 'dry-run' = 'watch';
  phase: Phase = { is: 'waiting' };
  isRootThere = true;
  isWhole = false;
  deletions: 'seen' | 'mirror' = 'seen';
  watching: Result<undefined> = success(undefined);
  unsent = 0;
  begunAs: string | undefined;
  identity: Identity | undefined;
  letGo: AbortSignal | undefined;
  readonly previous = new NameIndex();
  index = new NameIndex();
  readonly dir = realpathSync(mkdtempSync(join(tmpdir(), 'sw-run-')));

  constructor() {
    onTestFinished(() => rmSync(this.dir, { recursive: true }));
  }

  #note(what: string): void {
    this.did.push(what);
  }

  reached() {
    return {
      isWhole: this.isWhole,
      reach: () => ({ kind: 'none' }) as const,
      ledger: {
        index: this.index,
        pending: this.pending,
        sums: EMPTY_SUMMARY,
        failedCount: 0,
        keepInPlace: async () => {},
        save: async () => this.#note('saved'),
      },
      lock: { keep: async () => {} },
      link: {
        state: { kind: 'closed' } as const,
        nextTryMs: undefined,
        ensureReachable: async () => {},
        attach: () => {},
        stopLogins: () => {},
        close: async () => this.#note('link closed'),
      },
      close: async () => this.#note('given back'),
    };
  }

  #engine(): ReturnType<Options['engineFor']> {
    const { over, synced } = this;
    return {
      over: over.when,
      sources: {
        handleDirectory: () => {},
        handleLink: () => {},
        waiting: 0,
        runsUnderWay: async () => {},
        forgetBelow: async () => {},
      },
      state: { ...schedule({ oneByOne: false, rescanMs: 0 }), phase: this.phase },
      isBusy: false,
      take: ({ kind }: Input) => this.#note(kind),
      begin: async (pass) => {
        this.begunAs = pass;
        return synced.when;
      },
      beginFromHere: async () => {
        this.begunAs = 'here';
      },
      wouldDo: () => synced.when,
      look: async () => {},
      lookOnce: async () => true,
      hurry: () => {},
      giveWay: () => {},
      flush: async () => ({ kind: 'flushed' }),
      outstanding: NOTHING_WAITS,
      summary: {
        ...EMPTY_SUMMARY,
        unsent: Array.from({ length: this.unsent }, (_, i) => [nameFromText(`f${i}`), undefined] as const),
      },
      close: async () => {
        if (!this.did.includes('engine closed')) this.#note('engine closed');
      },
    };
  }

  /** Gives what is left of it when it has ended. */
  run(more: Partial<Options> = {}): Promise<Remains> {
    const { uid } = userInfo();
    const { dir } = this;
    return runTarget<Reached>({
      settings: {
        ...{ mode: this.mode, dir, root: dir, hooks: forEachHook(() => []) },
        ...{ ssh: { port: undefined }, pace: { initial: true }, deletions: { mode: this.deletions } },
      },
      target: { kind: 'local', path: '/there', label: 't', place: '/there' },
      host: { runtime: dir, programs: PROGRAMS },
      directory: {
        moved: this.moved.signal,
        guard: { isThere: () => this.isRootThere },
        join: () => async () => {
          if (!this.did.includes('left DIR')) this.#note('left DIR');
        },
        attach: () => () => {},
        watch: async () => this.watching,
      },
      io: {
        pid: process.pid,
        around: { home: dir, uid, runtimeDir: dir, stateHome: dir, tmpDir: dir, configHome: dir },
        report: (event) => void this.told.push(event),
        signals: { first: this.first.when, second: this.second.when },
      },
      isOneOfSeveral: false,
      previous: this.previous,
      subscribe: () => {},
      wantsPass: false,
      restart: { asked: this.restarted.signal, ask: async () => undefined },
      offer: () => {},
      prepare: (identity, signal) => {
        this.identity = identity;
        this.letGo = signal;
        return this.prepared.when;
      },
      engineFor: () => this.#engine(),
      ...more,
    });
  }

  /** It has logged in, and works. */
  async arrive(more: Partial<Options> = {}): Promise<{ readonly ended: Promise<Remains> }> {
    const ended = this.run(more);
    this.prepared.now(success(this.reached()));
    await vi.waitFor(() => expect(this.mode === 'dry-run' || this.begunAs).toBeTruthy());
    return { ended };
  }

  /** This signal has come, and it drains. */
  async stop(signal: StopSignal): Promise<void> {
    this.first.now(signal);
    await vi.waitFor(() => expect(this.did).toContain('stop'));
  }

  async ask(ask: Question['ask']): Promise<Answer | string> {
    const asked = await askOnce(join(this.dir, `${this.identity?.key}.sock`), { ask }, 5_000);
    return asked.kind === 'answered' ? asked.answer : asked.kind;
  }

  events(): string[] {
    return this.told.map(({ kind }) => kind);
  }
}

/** Lets go of the socket, and gives the code. */
async function codeOf({ control, code }: Remains): Promise<number> {
  await control?.release();
  return code;
}

describe('a target that is to end before it has logged in', () => {
  it('gives the login up, and waits for that', async () => {
    const world = new World();
    const ended = world.run();
    await vi.waitFor(() => expect(world.letGo).toBeDefined());
    world.first.now('SIGINT');
    await vi.waitFor(() => expect(world.letGo?.aborted).toBe(true));
    world.prepared.now(success(world.reached()));
    expect(await codeOf(await ended)).toBe(130);
    expect(world.did).toEqual(['given back', 'left DIR']);
    expect(world.events()).toEqual([]);
  });

  it('does not wait on where a second signal comes', async () => {
    const world = new World();
    const ended = world.run();
    await vi.waitFor(() => expect(world.letGo).toBeDefined());
    world.first.now('SIGTERM');
    world.second.now('SIGTERM');
    expect(await codeOf(await ended)).toBe(143);
  });

  it('does not wait for it longer than its time', async () => {
    leaves.length = 0; // those of others
    const world = new World();
    const ended = world.run();
    await vi.waitFor(() => expect(world.letGo).toBeDefined());
    world.first.now('SIGTERM');
    await vi.waitFor(() => expect(leaves).not.toEqual([]));
    for (const end of leaves.splice(0)) end();
    expect(await codeOf(await ended)).toBe(143);
  });

  it('has what was there before for the next one, where DIR leads elsewhere', async () => {
    const world = new World();
    const ended = world.run();
    await vi.waitFor(() => expect(world.letGo).toBeDefined());
    world.moved.abort();
    world.second.now('SIGINT');
    expect((await ended).moved).toEqual({ index: world.previous });
  });
});

describe('a target whose login fails', () => {
  it('says so, and goes on answering what became of it', async () => {
    const world = new World();
    world.prepared.now(failed(failure));
    const remains = await world.run();
    expect(world.told).toEqual([{ kind: 'halted', failure }]);
    expect(await world.ask('status')).toMatchObject({
      status: { state: { kind: 'halted', message: failure.message } },
    });
    expect(await codeOf(remains)).toBe(EXIT.cannotStart);
  });

  it('is told of by its name where there are others', async () => {
    const world = new World();
    world.prepared.now(failed(failure));
    await codeOf(await world.run({ isOneOfSeveral: true }));
    expect(world.told).toEqual([{ kind: 'halted', failure, target: 't' }]);
  });
});

describe('a target that works', () => {
  it('sends what was changed before it is asked to end, saves what it knows, and leaves nothing', async () => {
    const world = new World();
    const { ended } = await world.arrive();
    await world.stop('SIGINT');
    expect(await world.ask('status')).toMatchObject({ answer: 'status' });
    expect(world.did).not.toContain('saved');
    world.over.now({ kind: 'drained' });
    expect(await codeOf(await ended)).toBe(130);
    expect(world.did).toEqual([
      'left DIR',
      'stop',
      'engine closed',
      'link closed',
      'saved',
      'link closed',
      'given back',
    ]);
    expect(world.events()).toEqual(['stopping', 'stopped']);
  });

  it('says that what waits is not sent where it is paused', async () => {
    const world = new World();
    world.phase = { is: 'paused', isUp: true, isTold: true, turn: undefined };
    const { ended } = await world.arrive();
    await world.stop('SIGINT');
    world.over.now({ kind: 'drained' });
    await codeOf(await ended);
    expect(world.events()).toEqual(['stopping', 'note', 'stopped']);
  });

  it('is cut by a second signal', async () => {
    const world = new World();
    const { ended } = await world.arrive();
    world.first.now('SIGINT');
    world.second.now('SIGINT');
    await vi.waitFor(() => expect(world.did).toContain('cut'));
    world.over.now({ kind: 'cut' });
    expect(await codeOf(await ended)).toBe(130);
  });

  it.each([
    [0, EXIT.inSync],
    [2, EXIT.somePathsFailed],
  ])('ends with syncwatch stop, which answers then, and gives up its socket; %i not sent: %i', async (unsent, code) => {
    const world = new World();
    world.unsent = unsent;
    const { ended } = await world.arrive();
    const asked = world.ask('stop');
    await vi.waitFor(() => expect(world.did).toContain('stop'));
    world.over.now({ kind: 'drained' });
    expect(await asked).toMatchObject({ answer: 'done' });
    const remains = await ended;
    expect([remains.code, remains.control]).toEqual([code, undefined]);
    expect(await world.ask('who')).toBe('nobody');
    expect(world.told).toContainEqual({ kind: 'stopping', target: 't', signal: 'syncwatch stop', waiting: 0 });
  });

  it('halts where the engine does, without draining', async () => {
    const world = new World();
    const { ended } = await world.arrive();
    world.over.now({ kind: 'halted', failure });
    expect(await codeOf(await ended)).toBe(EXIT.cannotStart);
    expect(world.did).not.toContain('stop');
    expect(world.events()).toEqual(['halted', 'stopped']);
  });

  it('halts where DIR can not be watched', async () => {
    const world = new World();
    world.watching = failed(failure);
    const ended = world.run();
    world.prepared.now(success(world.reached()));
    expect(await codeOf(await ended)).toBe(EXIT.cannotStart);
    expect(world.events()).toEqual(['halted', 'stopped']);
  });

  it('tells of what halts it on its way to the end, which is still that of the signal', async () => {
    const world = new World();
    const { ended } = await world.arrive();
    await world.stop('SIGHUP');
    world.over.now({ kind: 'halted', failure });
    expect(await codeOf(await ended)).toBe(129);
    expect(world.events()).toEqual(['stopping', 'halted', 'stopped']);
  });

  it('sends nothing more where DIR leads elsewhere, and leaves to the next one what it knows', async () => {
    const world = new World();
    const { ended } = await world.arrive();
    world.moved.abort();
    const remains = await ended;
    expect([remains.code, remains.control, remains.moved?.index]).toEqual([EXIT.inSync, undefined, world.index]);
    expect(world.did).not.toContain('stop');
    expect(world.did).not.toContain('saved');
    expect(world.events()).toEqual([]);
  });

  it('sends nothing more where it is to begin anew, and saves what the next one reads', async () => {
    const world = new World();
    const { ended } = await world.arrive();
    world.restarted.abort();
    const remains = await ended;
    expect([remains.code, remains.control, remains.isRestarted]).toEqual([EXIT.inSync, undefined, true]);
    expect(world.did).not.toContain('stop');
    expect(world.did).toContain('saved');
    expect(world.events()).toEqual([]);
  });

  it('begins with a full pass where that is wanted, whatever is remembered and the settings say', async () => {
    const world = new World();
    world.isWhole = true;
    const settings = { mode: 'watch', dir: world.dir, root: world.dir, hooks: forEachHook(() => []) } as const;
    const options = { ssh: { port: undefined }, pace: { initial: false }, deletions: { mode: 'seen' } } as const;
    await world.arrive({ wantsPass: true, settings: { ...settings, ...options } });
    expect(world.begunAs).toBe('full');
    world.restarted.abort();
  });

  it('that was asked to stop is cut off by the first signal', async () => {
    const world = new World();
    const { ended } = await world.arrive();
    void world.ask('stop');
    await vi.waitFor(() => expect(world.did).toContain('stop'));
    world.first.now('SIGINT');
    await vi.waitFor(() => expect(world.did).toContain('cut'));
    world.over.now({ kind: 'cut' });
    await ended;
  });

  it('saves nothing where the root is gone', async () => {
    const world = new World();
    world.isRootThere = false;
    const { ended } = await world.arrive();
    await world.stop('SIGINT');
    world.over.now({ kind: 'drained' });
    await codeOf(await ended);
    expect(world.did).not.toContain('saved');
  });
});

describe('a target begins', () => {
  const known = new NameIndex();
  for (let i = 0; i < QUICK_FROM; i++) known.set(nameFromText(`f${i}`), begun('file'));

  it.each<[string, string, Partial<Pick<World, 'index' | 'isWhole' | 'deletions'>>]>([
    ['a quick pass where the tree is large and known', 'quick', { index: known, isWhole: true }],
    ['a full one where what was remembered is in doubt', 'full', { index: known }],
    ['a full one where the tree is small', 'full', { isWhole: true }],
    ['a full one for a mirror', 'full', { index: known, isWhole: true, deletions: 'mirror' }],
  ])('with %s', async (_, begunAs, more) => {
    const world = Object.assign(new World(), more);
    const { ended } = await world.arrive();
    expect(world.begunAs).toBe(begunAs);
    await world.stop('SIGINT');
    world.over.now({ kind: 'drained' });
    await codeOf(await ended);
  });
});

describe('a single sync', () => {
  it('ends by itself once everything is there', async () => {
    const world = new World();
    world.mode = 'once';
    const { ended } = await world.arrive();
    world.synced.now(undefined);
    await vi.waitFor(() => expect(world.did).toContain('finish'));
    world.over.now({ kind: 'drained' });
    expect(await codeOf(await ended)).toBe(EXIT.inSync);
    expect(world.events()).toEqual(['stopped']);
  });

  it('that breaks again and again fails', async () => {
    const world = new World();
    world.mode = 'once';
    const { ended } = await world.arrive();
    world.synced.now({ kind: 'connection', message: 'gone' });
    expect(await codeOf(await ended)).toBe(EXIT.somePathsFailed);
    expect(world.events()).toEqual(['halted', 'stopped']);
  });

  it('that is dry saves nothing and has no more to say', async () => {
    const world = new World();
    world.mode = 'dry-run';
    const { ended } = await world.arrive();
    world.synced.now(undefined);
    expect(await codeOf(await ended)).toBe(EXIT.inSync);
    expect([world.did.includes('saved'), world.events()]).toEqual([false, []]);
  });
});

it('a second one for the same DIR and target is refused, and leaves the first one alone', async () => {
  const world = new World();
  const { ended } = await world.arrive();
  const second = await world.run();
  expect([second.code, second.control]).toEqual([EXIT.cannotStart, undefined]);
  expect(world.told).toMatchObject([{ kind: 'halted', failure: { kind: 'start' } }]);
  expect(await world.ask('who')).toMatchObject({ answer: 'who' });
  await world.stop('SIGINT');
  world.over.now({ kind: 'drained' });
  await codeOf(await ended);
});
