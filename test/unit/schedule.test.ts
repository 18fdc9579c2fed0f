import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LONG_AGO, steadyMs } from '../../src/core/clock.js';
import type { Failure } from '../../src/core/failure.js';
import { nameFromText } from '../../src/core/name.js';
import { Pending } from '../../src/core/sync/pending.js';
import {
  CHECK_PAUSE_MS,
  JOIN_MS,
  LAST_LOOK_MS,
  LATE_CHECKS_MS,
  LATEST_MS,
  LEFT_TO_PASS,
  MOST_ROUNDS,
  MOST_WAITING,
  NO_FEWER_MS,
  ONE_OF,
  PACE_FIRST_MS,
  PACE_FREE,
  PACE_LONGEST_MS,
  PACE_MOST_MS,
  PACE_SHARE,
  SILENCE_LOOK_MS,
  SILENCE_MS,
  STORM_NAMES,
  TELL_WAITING_MS,
} from '../../src/core/sync/policy.js';
import { ROOT_AWAY_MS, RUN_BACKOFF } from '../../src/core/sync/retry.js';
import { owesPass, type Policy } from '../../src/core/sync/state.js';
import { BROKEN, GIVEN_BY, World } from '../support/schedule-world.js';

/** With a link, and nothing to do. */
function up(policy: Partial<Policy> = {}): World {
  const world = new World(policy);
  world.take({ kind: 'up' });
  return world;
}

const kinds = (world: World): string[] => world.told.map(({ kind }) => kind);

describe('a save', () => {
  it('has its turn after JOIN_MS, alone, and in sync is told when it is there', () => {
    const world = up();
    world.save('a');
    world.advance(JOIN_MS - 0.5);
    expect(world.turn).toBeUndefined();
    world.advance(0.5);
    expect(world.turn).toMatchObject({ kind: 'batch', limits: { mayRest: true, mayPart: true } });
    world.advance(5);
    world.endTurn();
    expect(world.told).toEqual([{ kind: 'inSync', ms: 5 }]);
    expect([world.differing, world.state.phase.is]).toEqual([[], 'waiting']);
  });

  it('shares a turn with what follows at once; what does not get quiet goes after LATEST_MS', () => {
    const world = up();
    const beganMs = world.ms;
    for (let n = 0; world.turn === undefined; n++) {
      world.save(`f${n % 7}`);
      world.advance(JOIN_MS / 2);
    }
    expect(world.ms - beganMs).toBeLessThanOrEqual(LATEST_MS + JOIN_MS);
    expect(world.turn).toMatchObject({ kind: 'batch' });
    expect(world.turn.kind === 'batch' && world.turn.took.size).toBe(7);
  });

  it('while a batch runs has the next turn, and one of the same name too', () => {
    const world = up();
    world.save('a');
    world.advance(JOIN_MS);
    world.save('a');
    world.save('b');
    world.advance(JOIN_MS);
    world.endTurn();
    expect(kinds(world)).toEqual([]);
    expect(world.turn?.kind === 'batch' && [...world.turn.took.keys()]).toEqual(['a', 'b']);
    world.endTurn();
    expect(world.differing).toEqual([]);
    expect(kinds(world)).toEqual(['inSync']);
  });

  it('that rests is looked at again when it may have rested, or at once where there are news', () => {
    const world = up();
    let restMs = 40;
    world.restMs = () => restMs;
    world.save('a');
    world.advance(JOIN_MS);
    world.endTurn();
    world.advance(39);
    expect(world.turn).toBeUndefined();
    world.save('b');
    world.advance(JOIN_MS);
    expect(world.turn).toMatchObject({ kind: 'batch' });
    restMs = 0;
    world.endTurn();
    world.advance(40);
    expect(world.turn?.kind === 'batch' && world.turn.took.size).toBe(2);
  });
});

describe('a file that is written all the time', () => {
  /** Written every 50 ms for so long, while each run takes 100 ms; gives when it was sent. */
  function write(world: World, forMs: number, runMs = 100): number[] {
    const sentMs: number[] = [];
    let endMs = Number.POSITIVE_INFINITY;
    for (const beganMs = world.ms; world.ms < beganMs + forMs; ) {
      world.save('log');
      world.advance(50);
      if (world.turn !== undefined && endMs === Number.POSITIVE_INFINITY) {
        sentMs.push(world.ms);
        endMs = world.ms + runMs;
      }
      if (world.ms >= endMs) {
        endMs = Number.POSITIVE_INFINITY;
        world.endTurn();
      }
    }
    return sentMs;
  }

  it('is sent at once a few times, and then at a pace that slows down to PACE_MOST_MS', () => {
    const sentMs = write(up(), 600_000);
    const gaps = sentMs.slice(1).map((ms, i) => ms - (sentMs[i] ?? 0));
    expect(gaps.slice(0, PACE_FREE - 1).every((ms) => ms <= 250)).toBe(true);
    expect(gaps.slice(PACE_FREE).every((ms) => ms >= PACE_FIRST_MS)).toBe(true);
    expect(gaps.slice(PACE_FREE + 6).every((ms) => ms >= PACE_MOST_MS && ms <= PACE_MOST_MS + 300)).toBe(true);
  });

  it('holds up nothing else, nor does it when it is left alone and saved again', () => {
    const world = up();
    write(world, 60_000);
    world.settle(PACE_MOST_MS);
    expect(world.differing).toEqual([]);
    write(world, 60_000);
    world.settle(150);
    world.save('other');
    world.advance(JOIN_MS);
    expect(world.turn?.kind === 'batch' && [...world.turn.took.keys()]).toEqual(['other']);
    world.endTurn();
    world.settle(3 * PACE_MOST_MS);
    world.advance(3 * PACE_MOST_MS);
    world.save('log');
    world.advance(JOIN_MS);
    expect(world.turn?.kind === 'batch' && [...world.turn.took.keys()]).toEqual(['log']);
  });

  it('is sent at once for whoever waits for it, and at the end', () => {
    for (const input of [{ kind: 'stop' }, { kind: 'finish' }, undefined] as const) {
      const world = up();
      write(world, 60_000);
      world.settle(150);
      world.save('log');
      world.advance(JOIN_MS);
      expect([world.turn, world.differing]).toEqual([undefined, ['log']]);
      if (input === undefined) {
        world.pending.hurry();
        world.take({ kind: 'hurry' });
      } else world.take(input);
      world.settle(100);
      expect(world.differing).toEqual([]);
    }
  });

  it('and large has at most PACE_SHARE of the time', () => {
    const pending = new Pending();
    const name = nameFromText('db');
    const at = (ms: number) => steadyMs(ms);
    pending.sent([name], at(0), at(20_000));
    pending.note(name, at(20_000));
    expect(pending.nextMs).toBe(LONG_AGO); // who knows
    pending.sent([name], at(20_000), at(40_000));
    expect([pending.nextMs, pending.nextAtEndMs]).toEqual([at(40_000 + 20_000 / PACE_SHARE - 20_000), LONG_AGO]);
    pending.sent([name], at(120_000), at(4_000_000));
    expect(pending.nextMs).toBe(at(4_000_000 + PACE_LONGEST_MS));
  });

  it('is not waited for at the end, however long sending it takes', () => {
    const world = up();
    world.take({ kind: 'stop' });
    world.change('busy');
    world.endLook();
    const beganMs = world.ms;
    for (; world.turn !== undefined; ) {
      world.change('busy');
      world.advance(1_000);
      world.endTurn();
    }
    expect(world.ms - beganMs).toBeLessThanOrEqual(NO_FEWER_MS + 1_000);
    expect([world.ends, world.pending.size]).toEqual([[{ kind: 'drained' }], 1]);
  });
});

it('a storm is not looked at for each of its news, but when it may be over', () => {
  const world = up();
  world.restMs = () => 75;
  for (let n = 0; n < STORM_NAMES; n++) world.save(`f${n}`);
  world.advance(JOIN_MS);
  world.endTurn();
  for (let n = 0; n < 10; n++) {
    world.save(`g${n}`);
    world.advance(5);
    expect(world.turn).toBeUndefined();
  }
  world.restMs = () => 0;
  world.advance(25);
  expect(world.turn?.kind === 'batch' && world.turn.took.size).toBe(STORM_NAMES + 10);
});

it('however many names wait, they have their turn while there is a link', () => {
  const world = up();
  for (let n = 0; n <= LEFT_TO_PASS; n++) world.save(`f${n}`);
  world.advance(LATEST_MS);
  expect(world.turn?.kind === 'batch' && world.turn.took.size).toBe(LEFT_TO_PASS + 1);
});

it('one by one: each batch takes one, of the first ones that are ready, and large files go along', () => {
  const world = up({ oneByOne: true });
  world.isLarge = () => true;
  for (const name of ['a', 'b', 'c']) world.save(name);
  world.advance(JOIN_MS);
  expect(world.turn).toMatchObject({ limits: { ofNames: ONE_OF, most: 1, mayPart: false } });
  for (const name of ['a', 'b', 'c']) {
    expect(world.turn?.kind === 'batch' && [...world.turn.took.keys()]).toEqual([name]);
    world.endTurn();
  }
  expect(kinds(world)).toEqual(['inSync']);
});

describe('large files', () => {
  const withLarge = (): World => {
    const world = up();
    world.isLarge = (name) => name.startsWith('large');
    for (const name of ['large1', 'large2', 'small']) world.save(name);
    world.advance(JOIN_MS);
    world.endTurn();
    return world;
  };

  it('have runs of their own, one after the other, beside the small ones; in sync is told after both', () => {
    const world = withLarge();
    expect(world.bulk?.name).toBe('large1');
    world.save('small');
    world.advance(JOIN_MS);
    expect(world.turn).toMatchObject({ kind: 'batch' });
    world.endTurn();
    expect(kinds(world)).toEqual([]);
    world.endBulk();
    expect(world.bulk?.name).toBe('large2');
    world.endBulk();
    expect(kinds(world)).toEqual(['inSync']);
  });

  it('are waited for by a pass, which runs alone; no further one begins', () => {
    const world = withLarge();
    world.take({ kind: 'passWanted', pass: 'full', tries: 1 });
    expect([world.turn, world.state.phase.is]).toEqual([undefined, 'passing']);
    world.endBulk();
    expect([world.bulk, world.turn?.kind]).toEqual([undefined, 'pass']);
    world.endTurn();
    expect(world.bulk?.name).toBe('large2');
  });

  it('wait like all others when the link is gone', () => {
    const world = withLarge();
    world.take({ kind: 'down' });
    world.endBulk('broke');
    expect(world.pending.ready(world.now, 9).sort()).toEqual(['large1', 'large2']);
  });
});

describe('runs that break', () => {
  it('back off, longer each time up to a ceiling, and are told once; one that gets through ends that', () => {
    const world = up();
    world.random = () => 0;
    world.save('a');
    world.advance(JOIN_MS);
    const waits: number[] = [];
    for (let n = 0; n < 8; n++) {
      world.endTurn('broke');
      const beganMs = world.ms;
      while (world.turn === undefined) world.advance(1);
      waits.push(world.ms - beganMs);
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
    expect(world.told).toEqual([{ kind: 'trouble', failure: BROKEN, retryMs: 500 }]);
    world.endTurn();
    expect([world.state.breaks, kinds(world)]).toEqual([0, ['trouble', 'inSync']]);
  });

  it.each<[string, Partial<Failure>, number]>([
    ['a lost connection is for the link to tell', { kind: 'connection' }, 0],
    ['what should pass is told when it does not', { isPassing: true }, 0],
    ['all else is told at once', {}, 1],
  ])('%s', (_, more, first) => {
    const world = up();
    world.save('a');
    world.advance(JOIN_MS);
    const failure: Failure = { ...BROKEN, ...more };
    world.take({ kind: 'batchEnded', end: { kind: 'broken', failure } });
    expect(world.told).toHaveLength(first);
    world.turn = undefined;
    world.advance(RUN_BACKOFF.maxMs);
    world.take({ kind: 'batchEnded', end: { kind: 'broken', failure } });
    expect(world.told).toHaveLength(1);
  });

  it('end it where trying again is in vain, and so does a guard', () => {
    const failure: Failure = { kind: 'remote', message: 'no rsync there' };
    for (const kind of ['broken', 'refused'] as const) {
      const world = up();
      world.save('a');
      world.advance(JOIN_MS);
      world.take({ kind: 'batchEnded', end: { kind, failure } });
      expect(world.ends).toEqual([{ kind: 'halted', failure }]);
    }
  });

  it('for the root is away are tried again after ROOT_AWAY_MS, and not told', () => {
    const world = up();
    world.save('a');
    world.advance(JOIN_MS);
    world.endTurn('rootGone');
    world.advance(ROOT_AWAY_MS - 1);
    expect(world.turn).toBeUndefined();
    world.advance(1);
    expect([world.turn?.kind, kinds(world)]).toEqual(['batch', []]);
  });

  it('of one path do not hold up the others', () => {
    const world = up();
    world.save('a');
    world.advance(JOIN_MS);
    world.endTurn('failed');
    world.save('b');
    world.advance(JOIN_MS);
    expect(world.turn?.kind === 'batch' && [...world.turn.took.keys()]).toEqual(['b']);
    world.endTurn();
    expect(kinds(world)).toEqual([]);
    world.advance(1_000);
    world.endTurn();
    expect(kinds(world)).toEqual(['inSync']);
  });
});

describe('a full pass', () => {
  it('is made again until it gets through, and no further batch waits for its back off', () => {
    const world = up();
    world.random = () => 0;
    world.take({ kind: 'passWanted', pass: 'quick', tries: Number.POSITIVE_INFINITY });
    expect(world.turn).toMatchObject({ kind: 'pass', pass: 'quick' });
    world.endTurn('broke');
    expect([owesPass(world.state), world.passed]).toEqual([true, []]);
    world.advance(500);
    expect(world.turn).toMatchObject({ kind: 'pass', pass: 'full' });
    world.endTurn();
    expect([owesPass(world.state), world.passed]).toEqual([false, [undefined]]);
    expect(kinds(world)).toEqual(['trouble', 'inSync']);
  });

  it('that may break so often is given up then, or at once when nothing was said', () => {
    const silent: Failure = { ...BROKEN, isSilence: true };
    for (const [failure, breaks] of [
      [BROKEN, 3],
      [silent, 1],
    ] as const) {
      const world = up();
      world.take({ kind: 'passWanted', pass: 'full', tries: 3 });
      for (let n = 0; n < breaks; n++) {
        expect(world.turn?.kind).toBe('pass');
        world.turn = undefined;
        world.take({ kind: 'passEnded', end: { kind: 'broken', failure } });
        world.advance(RUN_BACKOFF.maxMs);
      }
      expect([world.turn, world.passed]).toEqual([undefined, [failure]]);
    }
  });

  it('that is wanted once more while it backs off has not more tries for that', () => {
    const world = up();
    for (let n = 0; n < 3; n++) {
      world.take({ kind: 'passWanted', pass: 'full', tries: 3 });
      world.advance(RUN_BACKOFF.maxMs);
      world.endTurn('broke');
    }
    expect([world.passed, owesPass(world.state)]).toEqual([[BROKEN], false]);
  });

  it('follows when something was removed there, told once, and the next one only after a while, or at once in a hurry', () => {
    const world = up();
    const removed = { kind: 'removedThere', name: nameFromText('a') } as const;
    world.take(removed);
    world.take(removed);
    expect([kinds(world), world.turn?.kind]).toEqual([['removedThere'], 'pass']);
    world.take(removed); // part of the same
    world.endTurn();
    world.take(removed);
    world.advance(CHECK_PAUSE_MS - 1);
    expect(world.turn).toBeUndefined();
    world.advance(1);
    world.endTurn();
    world.take(removed);
    expect(world.turn).toBeUndefined();
    world.take({ kind: 'hurry' });
    expect(world.turn?.kind).toBe('pass');
  });

  it('is made every so often; a rescan that finds nothing is not told, and one that breaks waits for the next time', () => {
    const world = up({ rescanMs: 60_000 });
    world.take({ kind: 'settledIn' });
    world.advance(60_000);
    expect(world.turn).toMatchObject({ kind: 'pass', pass: 'rescan' });
    expect(owesPass(world.state)).toBe(false);
    world.endTurn();
    expect([kinds(world), world.passed]).toEqual([[], []]);
    world.advance(60_000);
    world.endTurn('broke');
    world.advance(59_000);
    expect(world.turn).toBeUndefined();
    world.advance(1_000);
    expect(world.turn).toMatchObject({ pass: 'rescan' });
  });

  it('follows a sleep once the link has given a sign of life, and until then nobody knows what is there', () => {
    const world = up();
    world.take({ kind: 'woke' });
    expect([world.isProbing, owesPass(world.state)]).toEqual([true, true]);
    world.endProbe();
    expect(world.turn?.kind).toBe('pass');
  });

  it('comes after the rules', () => {
    const world = up();
    world.take({ kind: 'rulesChanged' });
    world.take({ kind: 'passWanted', pass: 'full', tries: 1 });
    expect(world.turn?.kind).toBe('rules');
    world.endTurn();
    expect(world.turn?.kind).toBe('pass');
  });
});

describe('without a link', () => {
  it('names collect, and how many is told when it is quiet; then a few go ahead of the pass', () => {
    const world = up();
    world.take({ kind: 'settledIn' });
    world.take({ kind: 'down' });
    world.save('a');
    world.advance(TELL_WAITING_MS - 1);
    world.save('b');
    world.advance(TELL_WAITING_MS - 1);
    expect(kinds(world)).toEqual([]);
    world.advance(1);
    expect([kinds(world), world.turn, world.state.phase.is]).toEqual([['waiting'], undefined, 'offline']);
    world.take({ kind: 'up' });
    expect(world.turn?.kind).toBe('batch');
    world.save('c'); // does not put the pass off
    world.advance(JOIN_MS);
    world.endTurn();
    expect(world.turn?.kind).toBe('pass');
    world.endTurn();
    world.settle(1_000);
    expect([kinds(world), world.differing]).toEqual([['waiting', 'inSync'], []]);
    expect(world.standbys).toEqual(['open', 'close', 'open']);
  });

  it('many leave it to the pass, and of very many the rest need not be noted', () => {
    const world = up();
    world.take({ kind: 'down' });
    for (let n = 0; n < MOST_WAITING + 5; n++) world.save(`f${n}`);
    expect(world.pending.size).toBe(MOST_WAITING);
    world.take({ kind: 'up' });
    expect(world.turn?.kind).toBe('pass');
    world.endTurn('broke');
    world.advance(1);
    expect(MOST_WAITING).toBeGreaterThan(LEFT_TO_PASS);
    world.settle(60_000);
    expect(world.differing).toEqual([]);
  });

  it('that comes back late looks at what may still arrive there', () => {
    const world = up();
    world.take({ kind: 'down' });
    world.take({ kind: 'up' });
    world.endTurn();
    const atMs = world.ms;
    for (const ms of LATE_CHECKS_MS) {
      world.advance(atMs + ms - world.ms);
      expect(world.turn).toMatchObject({ pass: 'rescan' });
      world.endTurn();
    }
    expect(world.wakeMs).toBeUndefined();
  });

  it('a run that is under way may end before or after it is there again', () => {
    const world = up();
    world.save('a');
    world.advance(JOIN_MS);
    world.take({ kind: 'down' });
    world.take({ kind: 'up' });
    expect(world.state.phase.is).toBe('running');
    world.endTurn('broke');
    world.settle(10_000);
    expect(world.differing).toEqual([]);
  });
});

describe('paused', () => {
  it('a run that is under way ends, and nothing else begins until it is resumed', () => {
    const world = up();
    world.save('a');
    world.advance(JOIN_MS);
    world.take({ kind: 'pause' });
    world.save('b');
    world.take({ kind: 'passWanted', pass: 'full', tries: 1 });
    expect([kinds(world), world.state.phase]).toMatchObject([[], { is: 'paused', isTold: false }]);
    world.endTurn();
    expect(kinds(world)).toEqual(['paused']);
    world.advance(60_000);
    expect([world.turn, world.state.phase]).toMatchObject([undefined, { is: 'paused', isUp: true, isTold: true }]);
    world.take({ kind: 'resume' });
    expect(world.turn?.kind).toBe('pass');
    world.settle(1_000);
    expect([world.differing, kinds(world)]).toEqual([[], ['paused', 'resumed', 'inSync']]);
  });

  it('is not told as over where it was not paused: a second time, or while it is offline', () => {
    const world = up();
    world.take({ kind: 'resume' });
    world.take({ kind: 'down' });
    world.take({ kind: 'resume' });
    expect([kinds(world), world.state.phase]).toMatchObject([[], { is: 'offline' }]);
  });

  it('is told when a large file’s run has ended too, and again when it is asked for again', () => {
    const world = up();
    world.isLarge = (name) => name.startsWith('large');
    world.save('large');
    world.save('larger');
    world.advance(JOIN_MS);
    world.endTurn();
    expect(world.bulk).toBeDefined();
    world.take({ kind: 'pause' });
    world.advance(60_000);
    expect(kinds(world)).toEqual([]);
    world.endBulk();
    expect([kinds(world), world.bulk]).toEqual([['paused'], undefined]);
    world.take({ kind: 'pause' });
    expect(kinds(world)).toEqual(['paused', 'paused']);
    // The other one of them is not sent at the end either.
    world.take({ kind: 'finish' });
    world.settle(1_000);
    expect([world.differing, world.ends]).toEqual([['larger'], [{ kind: 'drained' }]]);
    expect(world.pending.has(nameFromText('larger'))).toBe(true);
  });

  it('and asked to end, it lets end what is under way, looks once more, and names what was held back', () => {
    for (const how of ['stop', 'finish'] as const) {
      const world = up();
      world.save('a');
      world.advance(JOIN_MS);
      world.take({ kind: 'pause' });
      world.save('b');
      world.take({ kind: how });
      world.change('c'); // the last look finds it
      world.endTurn();
      world.settle(1_000);
      expect([world.differing, world.ends]).toEqual([['b', 'c'], [{ kind: 'drained' }]]);
      expect([...world.pending].map(([name]) => name)).toEqual(['b', 'c']);
    }
  });

  it('it stays so while the link comes and goes, and when it is to end', () => {
    const world = up();
    world.take({ kind: 'pause' });
    world.take({ kind: 'down' });
    world.save('a');
    world.take({ kind: 'up' });
    expect(world.turn).toBeUndefined();
    world.take({ kind: 'stop' });
    world.settle(1_000);
    expect([world.differing, world.ends]).toEqual([['a'], [{ kind: 'drained' }]]);
  });
});

describe('the end', () => {
  it('waits for the pass that goes on, looks once more, sends all, whether it rests or not, and is over', () => {
    const world = up();
    world.restMs = () => 1_000;
    world.take({ kind: 'passWanted', pass: 'full', tries: 1 });
    world.change('unheard');
    world.take({ kind: 'stop' });
    expect([world.isLooking, world.state.phase]).toMatchObject([false, { is: 'draining', stage: 'ending' }]);
    world.endTurn();
    expect([world.isLooking, world.state.phase]).toMatchObject([true, { stage: 'looking' }]);
    expect(world.turn).toMatchObject({ kind: 'batch', limits: { mayRest: true } });
    world.endLook();
    world.endTurn();
    expect(world.turn).toMatchObject({ kind: 'batch', limits: { mayRest: false, mayPart: false } });
    world.endTurn();
    expect([world.differing, world.ends]).toEqual([[], [{ kind: 'drained' }]]);
  });

  it('comes at once without a link, when it goes, at the second signal, and when it is halted', () => {
    const failure: Failure = { kind: 'guard', message: 'no' };
    const offline = new World();
    offline.take({ kind: 'stop' });
    expect(offline.ends).toEqual([{ kind: 'offline' }]);
    for (const [input, end] of [
      [{ kind: 'down' }, { kind: 'offline' }],
      [{ kind: 'cut' }, { kind: 'cut' }],
      [
        { kind: 'halt', failure },
        { kind: 'halted', failure },
      ],
    ] as const) {
      const world = up();
      world.save('a');
      world.take({ kind: 'stop' });
      world.take(input);
      expect([world.ends, world.wakeMs]).toEqual([[end], undefined]);
      world.endTurn();
      world.endLook();
      expect(world.ends).toHaveLength(1);
    }
  });

  it('does not wait for an rsync that says nothing, nor for a look at a disk that hangs', () => {
    const world = up();
    world.save('a');
    world.advance(JOIN_MS);
    world.take({ kind: 'stop' });
    world.lastOutputMs = world.ms;
    world.advance(5_000);
    world.lastOutputMs = world.ms; // a word
    world.advance(SILENCE_MS - SILENCE_LOOK_MS);
    expect(world.ends).toEqual([]);
    world.advance(2 * SILENCE_LOOK_MS);
    expect(world.ends).toEqual([{ kind: 'silent' }]);

    const hangs = up();
    hangs.take({ kind: 'stop' });
    hangs.save('a'); // what is known is sent
    hangs.advance(LAST_LOOK_MS + SILENCE_LOOK_MS);
    hangs.settle(1_000);
    expect([hangs.differing, hangs.ends]).toEqual([[], [{ kind: 'drained' }]]);
  });

  it('does not wait for a file that goes on changing, nor for one that fails', () => {
    const world = up();
    world.take({ kind: 'stop' });
    world.change('busy');
    world.endLook();
    let rounds = 0;
    for (; world.turn !== undefined; rounds++) {
      world.change('busy');
      world.endTurn();
    }
    expect(rounds).toBeLessThanOrEqual(MOST_ROUNDS + 1);
    expect([world.ends, world.pending.size]).toEqual([[{ kind: 'drained' }], 1]);
  });

  it('of --once gives what failed one more try, and ends with what fails again, or with a run that breaks', () => {
    const world = up();
    world.save('a');
    world.take({ kind: 'finish' });
    world.endTurn('failed');
    expect(world.turn?.kind).toBe('batch');
    world.endTurn('failed');
    expect([world.ends, world.pending.size]).toEqual([[{ kind: 'drained' }], 1]);

    const broken = up();
    broken.save('a');
    broken.take({ kind: 'finish' });
    broken.endTurn('broke');
    expect(broken.ends).toEqual([{ kind: 'drained' }]);
  });
});

it.each(Object.keys(GIVEN_BY))('%s is given by somebody', (kind) => {
  const dir = new URL('../../src/sync/', import.meta.url);
  const isIn = (file: string): boolean => readFileSync(new URL(file, dir), 'utf8').includes(`'${kind}'`);
  expect(readdirSync(dir).some(isIn)).toBe(true);
});
