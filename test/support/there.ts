import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { EPOCH } from '../../src/core/clock.js';
import { ancestorsOf, childOf, type Name, nameFromText, ROOT } from '../../src/core/name.js';
import { ofNames } from '../../src/core/rsync/complaints.js';
import { begun, type Entry, isUntouched, looksSame } from '../../src/core/sync/entry.js';
import type { NameIndex, ReadonlyIndex } from '../../src/core/sync/name-index.js';
import type { WritingRun } from '../../src/rsync/run.js';
import { Memory } from '../../src/state/memory.js';
import type { Journal } from '../../src/sync/begun.js';
import { Ledger } from '../../src/sync/ledger.js';
import { FakeDisk } from './fake-disk.js';
import { CALM, type Course, FAILED, FakeRsync, type Fate, type Thing } from './fake-rsync.js';
import { temporaryDir } from './tree.js';

export interface ModelRun {
  readonly kind: 'names' | 'clear' | 'stash' | 'pass' | 'moves';
  readonly names: readonly Name[];
  /** In turns. */
  readonly fates: readonly Fate[];
  /** It breaks after so many names. */
  readonly breaksAt: number | undefined;
  /** What is written to here meanwhile. */
  readonly edits: readonly Name[];
}

/** All that outlives a kill, and what may be believed after one. */
interface Moment {
  readonly files: ReadonlyArray<Buffer | undefined>;
  readonly there: ReadonlyMap<Name, Thing>;
  readonly mayBeOurs: ReadonlySet<Name>;
  readonly at: string;
}

/**
 * A directory here and a place there in memory, with the model of rsync between them. The ledger and its memory are the real
 * ones, and {@link moments} has what a kill at each step would have left.
 */
export class There {
  readonly here = new FakeDisk();
  readonly #rsync = new FakeRsync(this.here);
  readonly moments: Moment[] = [];
  readonly #dir = temporaryDir();
  /** What was ours at any time, what runs that go on may bring, and what rsync turned to, or may have brought before it broke. */
  readonly #wereOurs = new Set<Name>();
  readonly #inFlight = new Map<Name, number>();
  readonly #perhaps = new Set<Name>();
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
    for (const name of foreign) world.#rsync.plant(name, { ...begun('file'), mtimeNs: 1 });
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
      ready: async () => undefined,
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

  /** It is made, or written to. */
  edit(name: Name): void {
    const type = typeOf(name);
    if (type === 'file') this.here.write(name);
    else if (type === 'link') this.here.symlink(name);
    else if (this.here.get(name) === undefined) this.here.mkdir(name);
    else this.here.chmod(name, 0o777 ^ (this.here.get(name)?.mode ?? 0));
  }

  put(name: Name, entry: Entry): void {
    this.here.put(name, entry);
  }

  /** With what is in it. Gives what it was. */
  remove(name: Name): Entry | undefined {
    return this.here.remove(name);
  }

  /** What a kill would leave now. */
  look(at: string): void {
    const files = ['index', 'log'].map((end) => bytesIn(join(this.#dir, 'now', `m.${end}`)));
    const mayBeOurs = new Set([...this.#wereOurs, ...this.#inFlight.keys(), ...this.#perhaps]);
    const moment = { files, there: new Map(this.#rsync.there), mayBeOurs, at };
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
    const before = new Map(this.here.entries());
    // Only what is ours is deleted there.
    const isOurs = (name: Name): boolean => before.has(name) || (run.kind !== 'moves' && index.get(name) !== undefined);
    const isMeant = (name: Name): boolean => isOurs(name) && (run.kind !== 'stash' || typeOf(name) === 'file');
    const names = run.kind === 'pass' ? [...before.keys()] : run.names.filter(isMeant);
    if (names.length === 0 && run.kind !== 'pass') return;
    const comes = new Map<Name, Entry['type']>();
    for (const name of run.kind === 'clear' ? [] : run.kind === 'stash' ? names.map(stashOf) : names) {
      const now = before.get(name);
      if (run.kind !== 'pass') for (const dir of ancestorsOf(name)) comes.set(dir, 'dir');
      if (run.kind === 'stash') comes.set(name, 'file');
      if (now !== undefined && (run.kind !== 'pass' || !isSame(index.get(name), now))) comes.set(name, now.type);
    }
    for (const name of comes.keys()) this.#inFlight.set(name, (this.#inFlight.get(name) ?? 0) + 1);
    const begun = await ledger.begin(runOf(run.kind, names), () => comes);
    if (!begun.ok) throw new Error(begun.failure.message);
    this.look('begun');
    const { outcome, kept } = await this.#rsync.run(
      begun.value,
      ofNames(names),
      {},
      {
        ...this.#courseOf(run),
        ends: ({ kind }) => {
          for (const name of comes.keys()) {
            // In doubt from before it has ended: all that was listed, and of a full pass what comes without a line.
            if (kind === 'broken' && (run.kind !== 'pass' || typeOf(name) !== 'file')) this.#perhaps.add(name);
            if (run.kind === 'moves' || run.kind === 'stash') this.#perhaps.add(name);
          }
        },
      },
    );
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
      if (failure !== undefined || kept.has(name)) ledger.failed(name, failure ?? FAILED);
      else if (
        run.kind === 'clear' ||
        run.kind === 'stash' ||
        (was === undefined && now === undefined && run.kind === 'names')
      )
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

  /** What happens in a run, step by step. */
  #courseOf(run: ModelRun): Course {
    const edits = [...run.edits];
    let step = 0;
    return {
      ...CALM,
      fate: () => {
        const edit = edits.pop();
        if (edit !== undefined) this.edit(edit);
        return run.fates[step++ % run.fates.length] ?? 'done';
      },
      isCut: () => step === run.breaksAt,
      isLinked: () => true,
      tells: ({ action, name }) => void (action !== 'delete' && this.#perhaps.add(name)),
      did: (what) => {
        for (const [name, { isOurs }] of this.#rsync.there) if (isOurs) this.#wereOurs.add(name);
        this.look(what);
      },
    };
  }
}

/** What the ledger promises. Throws where it does not keep it. */
function whyWrong({ there, mayBeOurs }: Moment, index: ReadonlyIndex, when: string): void {
  for (const [name, { isOurs }] of there)
    if (isOurs && index.get(name) === undefined) throw new Error(`${name} is there and forgotten, ${when}`);
  for (const [name, entry] of index.entries()) {
    if (!mayBeOurs.has(name)) throw new Error(`${name} counts as ours and is not, ${when}`);
    const thing = there.get(name);
    if (entry.mtimeNs >= 0 && (thing === undefined || !looksSame(thing.entry, entry, false)))
      throw new Error(`${name} is sure and not so, ${when}`);
  }
}

const typeOf = (name: Name): Entry['type'] => (name.includes('l') ? 'link' : /^[de]$/.test(name) ? 'dir' : 'file');

const isSame = (a: Entry | undefined, b: Entry): boolean => a !== undefined && isUntouched(a, b);

const STASH = nameFromText('stash');
const stashOf = (name: Name): Name => childOf(STASH, name);

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
    case 'stash':
      return { kind: 'clear', names, stashDir: STASH };
    case 'pass':
      return { kind, rules: [], names, dryRun: false };
    case 'moves':
      return {
        kind,
        names,
        from: ROOT,
        to: ROOT,
        fuzzy: false,
        copy: false,
        comparesContent: false,
      };
  }
}

function bytesIn(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
