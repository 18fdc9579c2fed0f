import { msBetween, type SteadyMs, steadyMs } from '../../src/core/clock.js';
import type { Failure } from '../../src/core/failure.js';
import { type Name, nameFromText } from '../../src/core/name.js';
import type { BatchLimits, Effect, End, Notice } from '../../src/core/sync/effects.js';
import type { Entry } from '../../src/core/sync/entry.js';
import type { Input, PassKind } from '../../src/core/sync/inputs.js';
import { Pending } from '../../src/core/sync/pending.js';
import { JOIN_MS } from '../../src/core/sync/policy.js';
import { step } from '../../src/core/sync/schedule.js';
import { mayNote, type Policy, type State, schedule } from '../../src/core/sync/state.js';

export const BROKEN: Failure = { kind: 'run', message: 'it broke' };
const PATH_FAILED: Failure = { kind: 'path', message: 'no' };

/**
 * Who gives each input: the world, for what it was asked for, or as its time comes; whoever may at any moment; or who ends it.
 * An input that is not in here does not compile; one that is happens in the property tests.
 */
export const GIVEN_BY = {
  noted: 'world',
  quiet: 'world',
  due: 'world',
  batchEnded: 'world',
  bulkEnded: 'world',
  passEnded: 'world',
  rulesFollowed: 'world',
  probed: 'world',
  looked: 'world',
  up: 'anybody',
  down: 'anybody',
  replaced: 'anybody',
  passWanted: 'anybody',
  removedThere: 'anybody',
  rulesChanged: 'anybody',
  rootBack: 'anybody',
  woke: 'anybody',
  settledIn: 'anybody',
  inSyncWanted: 'anybody',
  hurry: 'anybody',
  pause: 'anybody',
  resume: 'anybody',
  stop: 'theEnd',
  finish: 'theEnd',
  halt: 'theEnd',
  cut: 'theEnd',
} as const satisfies Readonly<Record<Input['kind'], 'world' | 'anybody' | 'theEnd'>>;

/** How what runs ends: `ok`; each name fails; the whole run breaks; or the root is not there. */
export type How = 'ok' | 'failed' | 'broke' | 'rootGone';

/** What has the turn, with the names that it took and the version of each. */
export type Running =
  | {
      readonly kind: 'batch';
      readonly took: ReadonlyMap<Name, number>;
      readonly bulk: readonly Name[];
      readonly restMs: number;
      readonly limits: BatchLimits;
    }
  | { readonly kind: 'pass'; readonly pass: PassKind; readonly took: ReadonlyMap<Name, number> }
  | { readonly kind: 'rules' };

/**
 * The schedule with the pending set, and all that it asks for done by a test: on fake time, each run ended by the test as it
 * likes. Versions stand for contents: `here` on the disk, `there` on the remote.
 */
export class World {
  state: State;
  readonly pending = new Pending();
  readonly here = new Map<Name, number>();
  readonly there = new Map<Name, number>();
  readonly told: Notice[] = [];
  readonly ends: End[] = [];
  readonly passed: Array<Failure | undefined> = [];
  readonly standbys: string[] = [];
  ms = 1_000;
  /** Each call gives the next one. */
  random: () => number = () => 0.5;
  /** How long a name that a batch looks at still rests. */
  restMs: (name: Name) => number = () => 0;
  /** Files that large have a run of their own. */
  isLarge: (name: Name) => boolean = () => false;
  /** When rsync said something last, where one is under way and it is to be known. */
  lastOutputMs: number | undefined;
  turn: Running | undefined;
  bulk: { readonly name: Name; readonly version: number } | undefined;
  isLooking = false;
  isProbing = false;
  readonly #inbox: Input[] = [];
  joinMs: number | undefined;
  wakeMs: number | undefined;

  constructor(policy: Partial<Policy> = {}) {
    this.state = schedule({ oneByOne: false, rescanMs: 0, ...policy });
  }

  get now(): SteadyMs {
    return steadyMs(this.ms);
  }

  /** What comes while something is done has to wait. */
  take(input: Input): void {
    if (this.#inbox.push(input) > 1) return;
    for (let [next] = this.#inbox; next !== undefined; [next] = this.#inbox) {
      const { size, nextMs, nextAtEndMs } = this.pending;
      const waits = { size, nextMs, nextAtEndMs };
      const lastOutputMs = this.lastOutputMs === undefined ? undefined : steadyMs(this.lastOutputMs);
      const now = { ms: this.now, random: this.random(), waits, lastOutputMs };
      const [state, effects] = step(this.state, next, now);
      this.state = state;
      for (const effect of effects) this.#do(effect);
      this.#inbox.shift();
    }
    this.check();
  }

  /** To be replaced: what holds after each step. */
  check: () => void = () => {};

  /** A change on the disk. */
  change(text: string): Name {
    const name = nameFromText(text);
    this.here.set(name, (this.here.get(name) ?? 0) + 1);
    return name;
  }

  note(name: Name): void {
    if (!mayNote(this.state, this.pending.size)) return;
    this.pending.note(name, this.now, this.#seen(name));
    this.take({ kind: 'noted' });
  }

  /** A change that is noted at once. */
  save(text: string): void {
    this.note(this.change(text));
  }

  /** A look at the whole disk. */
  walk(): void {
    for (const [name, version] of this.here) if (this.there.get(name) !== version) this.note(name);
  }

  /** The names that differ. */
  get differing(): Name[] {
    return [...this.here].filter(([name, version]) => this.there.get(name) !== version).map(([name]) => name);
  }

  /** Lets time go by, and whatever is due happen in its order. */
  advance(ms: number): void {
    const untilMs = this.ms + ms;
    for (let round = 0; ; round++) {
      if (round > 100_000) throw new Error('a timer that goes off for ever');
      const nextMs = Math.min(this.joinMs ?? Number.POSITIVE_INFINITY, this.wakeMs ?? Number.POSITIVE_INFINITY);
      if (nextMs > untilMs) break;
      this.ms = Math.max(this.ms, nextMs);
      if (this.joinMs === nextMs) {
        this.joinMs = undefined;
        this.take({ kind: 'quiet' });
      } else {
        this.wakeMs = undefined;
        this.take({ kind: 'due' });
      }
    }
    this.ms = untilMs;
  }

  /** What has the turn ends. */
  endTurn(how: How = 'ok'): void {
    const { turn } = this;
    this.turn = undefined;
    switch (turn?.kind) {
      case undefined:
        return;
      case 'rules':
        this.take({ kind: 'rulesFollowed' });
        return;
      case 'batch':
        if (how === 'broke') {
          this.take({ kind: 'batchEnded', end: { kind: 'broken', failure: BROKEN } });
          return;
        }
        if (how === 'rootGone') {
          this.take({ kind: 'batchEnded', end: { kind: 'rootGone' } });
          return;
        }
        this.#settle(turn.took, how);
        for (const name of turn.bulk) this.pending.take(name);
        this.take({
          kind: 'batchEnded',
          end: { kind: 'done', delivered: turn.took.size > 0, bulk: turn.bulk, restMs: turn.restMs },
        });
        return;
      case 'pass':
        if (how === 'broke') {
          this.take({ kind: 'passEnded', end: { kind: 'broken', failure: BROKEN } });
          return;
        }
        if (how === 'rootGone') {
          this.take({ kind: 'passEnded', end: { kind: 'rootGone' } });
          return;
        }
        this.#settle(turn.took, how);
        for (const name of this.differing) this.pending.note(name, this.now, this.#seen(name));
        this.take({ kind: 'passEnded', end: { kind: 'done', found: turn.took.size > 0 } });
        return;
    }
  }

  endBulk(how: How = 'ok'): void {
    const { bulk } = this;
    if (bulk === undefined) return;
    this.bulk = undefined;
    const isCut = how === 'broke' || how === 'rootGone';
    if (!isCut) this.#settle(new Map([[bulk.name, bulk.version]]), how);
    this.pending.giveBack(bulk.name);
    if (how === 'broke') this.take({ kind: 'bulkEnded', end: { kind: 'broken', failure: BROKEN } });
    else if (how === 'rootGone') this.take({ kind: 'bulkEnded', end: { kind: 'rootGone' } });
    else this.take({ kind: 'bulkEnded', end: { kind: 'done', delivered: true, bulk: [], restMs: 0 } });
  }

  endLook(): void {
    if (!this.isLooking) return;
    this.isLooking = false;
    this.walk();
    this.take({ kind: 'looked' });
  }

  endProbe(): void {
    if (!this.isProbing) return;
    this.isProbing = false;
    this.take({ kind: 'probed' });
  }

  /** Everything that was asked for goes well, until nothing is left to happen or so much time has gone by. */
  settle(mostMs: number): void {
    const untilMs = this.ms + mostMs;
    for (let round = 0; this.ms < untilMs; round++) {
      if (round > 100_000) throw new Error('it goes on for ever');
      if (this.turn !== undefined) this.endTurn();
      else if (this.bulk !== undefined) this.endBulk();
      else if (this.isLooking) this.endLook();
      else if (this.isProbing) this.endProbe();
      else {
        const nextMs = Math.min(this.joinMs ?? Number.POSITIVE_INFINITY, this.wakeMs ?? Number.POSITIVE_INFINITY);
        if (nextMs > untilMs) return;
        this.advance(Math.max(0, nextMs - this.ms));
      }
    }
  }

  #do(effect: Effect): void {
    if (this.ends.length > 0 && effect.do !== 'wait') throw new Error(`${effect.do} after the end`);
    switch (effect.do) {
      case 'join':
        this.joinMs = this.ms + JOIN_MS;
        return;
      case 'wait':
        this.wakeMs = effect.untilMs === undefined ? undefined : msBetween(steadyMs(0), effect.untilMs);
        return;
      case 'batch':
        this.#beginBatch(effect);
        return;
      case 'bulk':
        if (this.bulk !== undefined) throw new Error('two large files at once');
        this.bulk = { name: effect.name, version: this.here.get(effect.name) ?? 0 };
        return;
      case 'pass':
        this.#begin({ kind: 'pass', pass: effect.pass, took: new Map(this.here) });
        return;
      case 'followRules':
        this.pending.hurry();
        this.#begin({ kind: 'rules' });
        return;
      case 'giveBack':
        for (const name of effect.names) this.pending.giveBack(name);
        return;
      case 'look':
        this.isLooking = true;
        return;
      case 'hurry':
        this.pending.hurry();
        this.take({ kind: 'hurry' });
        return;
      case 'probe':
        this.isProbing = true;
        return;
      case 'standbys':
        this.standbys.push(effect.how);
        return;
      case 'passed':
        this.passed.push(effect.failure);
        return;
      case 'tell':
        this.told.push(effect.what);
        return;
      case 'end':
        this.ends.push(effect.end);
    }
  }

  #begin(turn: Running): void {
    if (this.turn !== undefined) throw new Error(`${turn.kind} beside ${this.turn.kind}`);
    this.turn = turn;
  }

  #beginBatch(limits: BatchLimits): void {
    const took = new Map<Name, number>();
    const bulk: Name[] = [];
    let restMs = 0;
    for (const name of this.pending.ready(this.now, limits.ofNames, limits.mayRest)) {
      const ms = limits.mayRest ? this.restMs(name) : 0;
      if (ms > 0) restMs = restMs === 0 ? ms : Math.min(restMs, ms);
      else if (limits.mayPart && this.isLarge(name)) bulk.push(name);
      else if (took.size < (limits.most ?? Number.POSITIVE_INFINITY)) took.set(name, this.here.get(name) ?? 0);
    }
    this.#begin({ kind: 'batch', took, bulk, restMs, limits });
  }

  #settle(took: ReadonlyMap<Name, number>, how: 'ok' | 'failed'): void {
    if (took.size > 0) this.pending.sent([...took.keys()], this.now, this.now);
    for (const [name, version] of took) {
      if (how === 'failed') {
        if (this.pending.has(name)) this.pending.fail(name, PATH_FAILED, this.now, this.random(), this.#seen(name));
        continue;
      }
      this.there.set(name, version);
      if (this.here.get(name) === version) this.pending.settle(name);
      else this.pending.again(name, this.now);
    }
  }

  #seen(name: Name): Entry {
    const size = this.here.get(name) ?? 0;
    return { type: 'file', mode: 0, size, mtimeS: 0, mtimeNs: 0, ino: 0, born: 0, ctime: 0, link: '' };
  }
}
