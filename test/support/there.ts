import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { EPOCH } from '../../src/core/clock.js';
import type { Item } from '../../src/core/event.js';
import type { Failure } from '../../src/core/failure.js';
import { ancestorsOf, isBelow, type Name } from '../../src/core/name.js';
import type { Outcome } from '../../src/core/rsync/exit.js';
import type { Entry } from '../../src/core/sync/entry.js';
import type { NameIndex, ReadonlyIndex } from '../../src/core/sync/name-index.js';
import type { WritingRun } from '../../src/rsync/run.js';
import { Memory } from '../../src/state/memory.js';
import type { Begun, Journal } from '../../src/sync/begun.js';
import { Ledger } from '../../src/sync/ledger.js';
import { temporaryDir } from './tree.js';

/** What rsync does about a name: brings or deletes it; fails without having turned to it; or fails after that. */
export type Fate = 'done' | 'untouched' | 'failed';

export interface ModelRun {
  readonly kind: 'names' | 'clear' | 'pass' | 'moves';
  readonly names: readonly Name[];
  /** In turns. */
  readonly fates: readonly Fate[];
  /** It breaks after so many names. */
  readonly breaksAt: number | undefined;
  /** What is written to here meanwhile. */
  readonly edits: readonly Name[];
}

const FAILED: Failure = { kind: 'path', message: 'permission denied' };
const BROKEN: Failure = { kind: 'connection', message: 'gone' };
const NO_ITEM = { bytes: 0, isNew: false } as const;

/** What is there of a name. */
interface Thing {
  readonly entry: Entry;
  readonly isOurs: boolean;
}

/** All that outlives a kill, and what may be believed after one. */
interface Moment {
  readonly files: ReadonlyArray<Buffer | undefined>;
  readonly there: ReadonlyMap<Name, Thing>;
  readonly mayBeOurs: ReadonlySet<Name>;
  readonly at: string;
}

/**
 * A directory here and a place there, as maps, with rsync as it is known to behave between them: a file comes after its line,
 * directories and links before theirs, deletions are told afterwards, and links that are made for moves not at all. The
 * ledger and its memory are the real ones, and {@link moments} has what a kill at each step would have left.
 */
export class There {
  readonly here = new Map<Name, Entry>();
  readonly moments: Moment[] = [];
  readonly #there = new Map<Name, Thing>();
  readonly #dir = temporaryDir();
  /** What was ours at any time, what runs that go on may bring, and what rsync turned to, or may have brought before it broke. */
  readonly #wereOurs = new Set<Name>();
  readonly #inFlight = new Map<Name, number>();
  readonly #perhaps = new Set<Name>();
  #stamps = 0;
  #memory: Memory;
  ledger: Ledger;

  private constructor(memory: Memory, index: NameIndex) {
    this.#memory = memory;
    this.ledger = this.#ledgerOf(index);
  }

  /** `foreign` is there already, and not ours. */
  static async begin(foreign: readonly Name[]): Promise<There> {
    const memory = new Memory(optionsFor(''));
    const world = new There(memory, (await memory.load()).index);
    mkdirSync(join(world.#dir, 'now'));
    await world.restart();
    for (const name of foreign.flatMap((each) => [...ancestorsOf(each), each]))
      if (!world.#there.has(name)) world.#there.set(name, { entry: world.#fresh(name), isOurs: false });
    return world;
  }

  #ledgerOf(index: NameIndex): Ledger {
    return new Ledger(
      { journal: this.#watched(this.#memory), target: 't', report: () => {}, rulesMayComeBack: () => false },
      index,
    );
  }

  /** The memory, with a look before and after each word. */
  #watched(memory: Memory): Journal {
    const around = <T>(at: string, what: () => T): T => {
      this.look(`before ${at}`);
      const given = what();
      this.look(`after ${at}`);
      return given;
    };
    return {
      savedMs: EPOCH,
      begunMs: EPOCH,
      keep: (index) => memory.keep(index),
      writeAhead: async (names) => {
        const unready = await around('writeAhead', () => memory.writeAhead(names));
        this.look('noted');
        return unready;
      },
      markInFlight: (name, type) => around(`markInFlight ${name}`, () => memory.markInFlight(name, type)),
      markGone: (name) => around(`markGone ${name}`, () => memory.markGone(name)),
      tidy: () => around('tidy', () => memory.tidy()),
      save: () => around('save', () => memory.save()),
      keepInPlace: () => memory.keepInPlace(),
      close: () => memory.close(),
    };
  }

  /** It is killed while nothing goes on, and starts again. */
  async restart(): Promise<void> {
    this.#memory.close();
    this.#memory = new Memory(optionsFor(join(this.#dir, 'now')));
    this.ledger = this.#ledgerOf((await this.#memory.load()).index);
    this.look('restart');
  }

  /** Nothing is open any more. */
  close(): void {
    this.#memory.close();
  }

  #fresh(name: Name): Entry {
    return entryOf(name, ++this.#stamps);
  }

  /** It is made, or written to. */
  edit(name: Name): void {
    this.put(name, this.#fresh(name));
  }

  put(name: Name, entry: Entry): void {
    for (const dir of ancestorsOf(name)) if (!this.here.has(dir)) this.here.set(dir, this.#fresh(dir));
    this.here.set(name, entry);
  }

  /** With what is in it. Gives what it was. */
  remove(name: Name): Entry | undefined {
    const was = this.here.get(name);
    for (const each of [...this.here.keys()]) if (each === name || isBelow(each, name)) this.here.delete(each);
    return was;
  }

  /** What a kill would leave now. */
  look(at: string): void {
    const files = ['index', 'log'].map((end) => bytesIn(join(this.#dir, 'now', `m.${end}`)));
    const mayBeOurs = new Set([...this.#wereOurs, ...this.#inFlight.keys(), ...this.#perhaps]);
    const moment = { files, there: new Map(this.#there), mayBeOurs, at };
    whyWrong(moment, this.ledger.index, `in memory, ${at}`);
    this.moments.push(moment);
  }

  /** What the next start would make of each of the moments. Throws where one is not as it should be. */
  async verify(): Promise<void> {
    let last = '';
    for (const moment of this.moments.splice(0)) {
      const { files, there, mayBeOurs, at } = moment;
      const key = JSON.stringify([files.map((file) => file?.toString('base64')), [...there], [...mayBeOurs].sort()]);
      if (key === last) continue;
      last = key;
      const folder = join(this.#dir, 'then');
      mkdirSync(folder, { recursive: true });
      if (files[0] === undefined) {
        if ([...there.values()].some(({ isOurs }) => isOurs)) throw new Error(`no index ${at}`);
        continue;
      }
      for (const [i, end] of ['index', 'log'].entries()) writeFileSync(join(folder, `m.${end}`), files[i] ?? '');
      const { index, problem } = await new Memory(optionsFor(folder)).load();
      // Between the renames of a save the log is that of the next index: all is in doubt then, nothing is lost.
      if (problem !== undefined && !problem.includes('belongs to another index')) throw new Error(`${problem}, ${at}`);
      whyWrong(moment, index, `after a kill ${at}`);
    }
  }

  /** One run from its beginning to what is made of its end. */
  async run(run: ModelRun): Promise<void> {
    const { ledger } = this;
    const { index } = ledger;
    const before = new Map(this.here);
    // Only what is ours is deleted there.
    const isOurs = (name: Name): boolean => before.has(name) || (run.kind !== 'moves' && index.get(name) !== undefined);
    const names = run.kind === 'pass' ? [...before.keys()] : run.names.filter(isOurs);
    if (names.length === 0 && run.kind !== 'pass') return;
    const comes = new Map<Name, Entry['type']>();
    for (const name of run.kind === 'clear' ? [] : names) {
      const now = before.get(name);
      if (run.kind !== 'pass') for (const dir of ancestorsOf(name)) comes.set(dir, 'dir');
      if (now !== undefined && (run.kind !== 'pass' || !isSame(index.get(name), now))) comes.set(name, now.type);
    }
    for (const name of comes.keys()) this.#inFlight.set(name, (this.#inFlight.get(name) ?? 0) + 1);
    const begun = await ledger.begin(runOf(run.kind, names), () => comes);
    if (!begun.ok) throw new Error(begun.failure.message);
    this.look('begun');
    const { outcome, items } = await this.#rsync(run, names, begun.value);
    for (const name of comes.keys()) {
      // In doubt from before it has ended: all that was listed, and of a full pass what comes without a line.
      if (outcome.kind === 'broken' && (run.kind !== 'pass' || typeOf(name) !== 'file')) this.#perhaps.add(name);
      if (run.kind === 'moves') this.#perhaps.add(name);
    }
    await begun.value.ended({ outcome, items });
    for (const name of comes.keys()) {
      const left = (this.#inFlight.get(name) ?? 1) - 1;
      if (left === 0) this.#inFlight.delete(name);
      else this.#inFlight.set(name, left);
    }
    this.look('ended');
    if (outcome.kind === 'broken') return;
    for (const name of names) {
      const [was, now] = [before.get(name), this.here.get(name)];
      const failure = outcome.failed.get(name);
      if (failure !== undefined) ledger.failed(name, failure);
      else if (run.kind === 'clear' || (was === undefined && now === undefined && run.kind === 'names'))
        this.#gone(name);
      else if (was === undefined || now === undefined) continue;
      else if (isSame(was, now)) ledger.delivered(name, now);
      else ledger.again(name);
      this.look(`settled ${name}`);
    }
  }

  /** It was deleted there: from now on whatever is there under this name is somebody else's. */
  #gone(name: Name): void {
    this.ledger.gone(name);
    if (!this.#inFlight.has(name)) for (const ours of [this.#wereOurs, this.#perhaps]) ours.delete(name);
  }

  async #rsync(run: ModelRun, names: readonly Name[], begun: Begun): Promise<{ outcome: Outcome; items: Item[] }> {
    const items: Item[] = [];
    const failed = new Map<Name, Failure>();
    const told = (item: Item): void => {
      if (item.action !== 'delete') this.#perhaps.add(item.name);
      begun.turnedTo(item);
      items.push(item);
      this.look(`told of ${item.name}`);
    };
    const all = new Set(run.kind === 'clear' ? names : names.flatMap((name) => [...ancestorsOf(name), name]));
    // Of links and directories that change under a full pass there is no word before they come: for those there is the next one.
    const edits = run.edits.filter((name) => run.kind !== 'pass' || typeOf(name) === 'file');
    let step = 0;
    // A full pass reads the disk by itself, and takes along what came meanwhile.
    const late = function* (here: ReadonlyMap<Name, Entry>): Generator<Name> {
      yield* all;
      if (run.kind === 'pass') for (const [name, { type }] of here) if (!all.has(name) && type === 'file') yield name;
    };
    for (const name of late(this.here)) {
      await null;
      if (step === run.breaksAt) break;
      const fate = run.fates[step++ % run.fates.length] ?? 'done';
      const edit = edits.pop();
      if (edit !== undefined) this.edit(edit);
      const now = run.kind === 'clear' ? undefined : this.here.get(name);
      const thing = this.#there.get(name);
      const isHomeless = now !== undefined && [...ancestorsOf(name)].some((dir) => !this.#there.has(dir));
      if (fate === 'untouched' || isHomeless) {
        failed.set(name, FAILED);
      } else if (now === undefined) {
        // Only what is listed is deleted, and not by a full pass.
        if (thing === undefined || !names.includes(name) || (run.kind !== 'names' && run.kind !== 'clear')) continue;
        const isEmpty = [...this.#there.keys()].every((each) => !isBelow(each, name));
        if (fate === 'failed' || !isEmpty) failed.set(name, FAILED);
        else {
          this.#there.delete(name);
          this.look(`deleted ${name}`);
          await null;
          if (step !== run.breaksAt) told({ action: 'delete', name, ...NO_ITEM });
        }
      } else if (thing === undefined || !isSame(thing.entry, now)) {
        const known = thing?.entry.type === 'dir' ? 'attributes' : 'mkdir';
        const item: Item = { action: now.type === 'dir' ? known : 'send', name, ...NO_ITEM };
        const isLate = now.type !== 'file' && fate === 'done';
        const isSilent = run.kind === 'moves' && now.type === 'file';
        if (!isLate && !isSilent) told(item);
        await null;
        if (fate === 'failed') {
          failed.set(name, FAILED);
          continue;
        }
        this.#there.set(name, { entry: this.here.get(name) ?? now, isOurs: true });
        this.#wereOurs.add(name);
        this.look(`brought ${name}`);
        await null;
        if (isLate && step !== run.breaksAt) told(item);
      }
    }
    const isBroken = run.breaksAt !== undefined && run.breaksAt <= all.size;
    const outcome: Outcome = isBroken
      ? { kind: 'broken', failure: BROKEN }
      : { kind: 'finished', failed, strays: new Map(), doubt: undefined };
    return { outcome, items };
  }
}

/** What the ledger promises. Throws where it does not keep it. */
function whyWrong({ there, mayBeOurs }: Moment, index: ReadonlyIndex, when: string): void {
  for (const [name, { isOurs }] of there)
    if (isOurs && index.get(name) === undefined) throw new Error(`${name} is there and forgotten, ${when}`);
  for (const [name, entry] of index.entries()) {
    if (!mayBeOurs.has(name)) throw new Error(`${name} counts as ours and is not, ${when}`);
    if (entry.mtimeNs >= 0 && !isSame(there.get(name)?.entry, entry))
      throw new Error(`${name} is sure and not so, ${when}`);
  }
}

const typeOf = (name: Name): Entry['type'] => (name.includes('l') ? 'link' : /^[de]$/.test(name) ? 'dir' : 'file');

const entryOf = (name: Name, n: number): Entry => ({
  type: typeOf(name),
  mode: 0o644,
  size: n,
  mtimeS: n,
  mtimeNs: 1,
  ino: n,
  born: 1,
  ctime: n,
  link: '',
});

const isSame = (a: Entry | undefined, b: Entry): boolean =>
  a !== undefined && a.ino === b.ino && a.mtimeNs === b.mtimeNs;

const optionsFor = (folder: string): ConstructorParameters<typeof Memory>[0] => ({
  path: join(folder, 'm'),
  uid: userInfo().uid,
  owner: () => ({ root: '/r', identity: '1', target: 't' }),
  makeFolder: () => undefined,
  mounts: () => new Map(),
  onProblem: (problem) => {
    throw new Error(problem);
  },
});

function runOf(kind: ModelRun['kind'], names: readonly Name[]): WritingRun {
  switch (kind) {
    case 'names':
      return { kind, names, comparesContent: false, deleteMissing: true };
    case 'clear':
      return { kind, names };
    case 'pass':
      return { kind, rules: [], wouldDelete: 'nothing', dryRun: false };
    case 'moves':
      return {
        kind,
        names,
        from: names[0] ?? never(),
        to: names[0] ?? never(),
        fuzzy: false,
        copy: false,
        comparesContent: false,
      };
  }
}

const never = (): never => {
  throw new Error('a run without names');
};

function bytesIn(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
