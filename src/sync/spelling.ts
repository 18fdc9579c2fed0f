import { type Failure, failed, type Result, success } from '../core/failure.js';
import { ancestorsOf, type Name, parentOf, ROOT, textOf } from '../core/name.js';
import { ofNames } from '../core/rsync/complaints.js';
import { parseSeen } from '../core/rsync/output.js';
import { excludedName } from '../core/rsync/rules.js';
import type { Batch } from '../core/sync/batch.js';
import type { Seen } from '../core/sync/entry.js';
import { NameIndex, type ReadonlyIndex } from '../core/sync/name-index.js';
import { isAlone, Twins } from '../core/sync/twins.js';
import type { Snapshot } from '../scan/snapshot.js';
import { eachInSlices } from '../slice.js';
import type { Runs } from './runner.js';
import type { Work } from './work.js';

type SpellingWork = Pick<Work, 'ledger' | 'disk' | 'runner' | 'spellings'>;

/** Names of a batch that can go, and for what is gone here: what is one with it there, and is here. */
export interface Apart {
  readonly before: ReadonlyMap<Name, Seen>;
  readonly twins: ReadonlyMap<Name, readonly Name[]>;
}

/**
 * Of names that are one there, only the one that is there already goes: the others count as failed, so that neither overwrites
 * the other time and again. Where it is not known whether they are one, that is tried.
 */
export async function tellApart(work: SpellingWork, before: ReadonlyMap<Name, Seen>): Promise<Result<Apart>> {
  const { ledger, disk, spellings } = work;
  const { index } = ledger;
  const finder = new Twins(index, spellings.kind, before);
  const isHere = (name: Name): boolean => {
    const seen = before.get(name) ?? (index.get(name) === undefined ? 'missing' : disk.see(name));
    return typeof seen === 'object';
  };
  const twins = new Map<Name, readonly Name[]>();
  /** Of each name that is in another's place, or in a directory that is, which one it is and the other. */
  const rivals = new Map<Name, readonly [Name, Name]>();
  const rivalOf = new Map<Name, Name | undefined>();
  const findRival = (name: Name): Name | undefined => {
    if (index.get(name) !== undefined || spellings.isApart(name)) return undefined;
    const found = rivalOf.get(name) ?? finder.of(name).find((other) => isFirst(index, other, name) && isHere(other));
    rivalOf.set(name, found);
    return found;
  };
  await eachInSlices(before, ([name, now]) => {
    if (isAlone(name, spellings.kind)) return;
    if (typeof now === 'object') {
      for (const part of [...ancestorsOf(name), name]) {
        const other = findRival(part);
        if (other === undefined) continue;
        rivals.set(name, [part, other]);
        return;
      }
    } else if (index.get(name) !== undefined) {
      const others = finder.of(name).filter(isHere);
      if (others.length > 0) twins.set(name, others);
    }
  });
  if (rivals.size === 0) return success({ before, twins });

  const left = new Map(before);
  const asked = new Map([...rivals.values()].filter(([, other]) => index.get(other) !== undefined));
  const same = await sameThere(work.runner, [...asked.keys()]);
  if (!same.ok) return same;
  for (const [name, [part, other]] of rivals) {
    if (asked.has(part) && !same.value.has(part)) {
      spellings.tellApart(part, other);
      continue;
    }
    left.delete(name);
    if (asked.has(part)) ledger.failed(name, isSameThere(name, part, other));
    else ledger.putOff(name, WAITS);
  }
  return success({ before: left, twins });
}

/** The one of two names that stays: what is there, else the first by its bytes. */
const isFirst = (index: ReadonlyIndex, a: Name, b: Name): boolean =>
  (index.get(a) !== undefined) === (index.get(b) !== undefined) ? a < b : index.get(a) !== undefined;

const isSameThere = (name: Name, part: Name, other: Name): Failure => ({
  kind: 'path',
  message: `there ${part === name ? 'it' : textOf(part)} is the same name as ${textOf(other)}, which is there`,
  hint: 'Rename one of them, or leave one out with --exclude.',
});

/** Of a name that may be one with another that is about to be sent. */
const WAITS: Failure = { kind: 'path', message: 'it may be the same name there as another one', isPassing: true };

/** Which of these names lead to something there that is spelled otherwise. Nothing is changed there. */
async function sameThere(runner: Runs, names: readonly Name[]): Promise<Result<ReadonlySet<Name>>> {
  const see = async (listed: readonly Name[], of: 'names' | 'inside'): Promise<Result<ReadonlySet<Name>>> => {
    const found = new Set<Name>();
    const onText = (text: string): void => {
      const name = parseSeen(text);
      if (name !== undefined) found.add(name);
    };
    if (listed.length === 0) return success(found);
    const { outcome } = await runner.look({ kind: 'list', of, names: listed }, ofNames(listed), { onText });
    return outcome.kind === 'broken' ? failed(outcome.failure) : success(found);
  };
  const answering = await see(names, 'names');
  if (!answering.ok) return answering;
  const there = names.filter((name) => answering.value.has(name));
  const spelled = await see([...new Set(there.map(parentOf))], 'inside');
  return spelled.ok ? success(new Set(there.filter((name) => !spelled.value.has(name)))) : spelled;
}

/**
 * A plan in which what is spelled otherwise by now goes under its old name first: deleted last, as it is elsewhere, it would take
 * the new one with it. `again`: what has to be brought again then and is not in this batch.
 */
export function respelled(
  plan: Batch,
  { before, twins }: Apart,
  index: ReadonlyIndex,
): { readonly plan: Batch; readonly again: readonly Name[] } {
  const old = plan.remove.filter((name) => twins.has(name));
  if (old.length === 0) return { plan, again: [] };
  const goes = new Set(old.flatMap((name) => [name, ...(twins.get(name) ?? [])]));
  for (const name of [...goes]) for (const [below] of index.below(name)) goes.add(below);
  const clear = [...goes].filter((name) => index.get(name) !== undefined);
  const isSent = (name: Name): boolean => goes.has(name) && typeof before.get(name) === 'object';
  const others = (names: readonly Name[]): Name[] => names.filter((name) => !isSent(name));
  return {
    plan: {
      ...plan,
      clear: [...new Set([...plan.clear, ...clear])],
      remove: plan.remove.filter((name) => !goes.has(name)),
      send: [...others(plan.send), ...[...before.keys()].filter(isSent)],
      compare: others(plan.compare),
      touch: others(plan.touch),
      drop: others(plan.drop),
    },
    again: clear.filter((name) => !before.has(name)),
  };
}

/** A walk without what may be in another name's place there: that is for a batch to find out, once the other one is there. */
export async function withoutRivals({ ledger, spellings }: SpellingWork, snapshot: Snapshot): Promise<Snapshot> {
  const { tree } = snapshot;
  const { index } = ledger;
  const finder = new Twins(tree, spellings.kind);
  const rivals = new Set<Name>();
  await eachInSlices(tree.below(ROOT), ([name]) => {
    if (isAlone(name, spellings.kind) || spellings.isApart(name)) return;
    // Both are there since another time: it was tried then, unless it is known better by now.
    const isKnown = (other: Name): boolean => index.get(other) !== undefined && index.get(name) !== undefined;
    const other = finder
      .of(name)
      .find((each) => isFirst(index, each, name) && (spellings.kind === 'folded' || !isKnown(each)));
    if (other === undefined) return;
    if (isKnown(other)) ledger.gone(name); // under that name it is not there any more
    if (!rivals.has(parentOf(name))) rivals.add(name);
  });
  if (rivals.size === 0) return snapshot;
  const left = new NameIndex();
  const isRival = (name: Name): boolean => rivals.has(name) || ancestorsOf(name).some((dir) => rivals.has(dir));
  await eachInSlices(tree.entries(), ([name, entry]) => {
    if (!isRival(name)) left.set(name, entry);
  });
  const excluded = [...rivals].map((name) => excludedName(name, tree.get(name)?.type === 'dir', false));
  return { ...snapshot, tree: left, excluded: [...snapshot.excluded, ...excluded] };
}

/** What is only there, without what is here too, spelled otherwise. */
export async function withoutTwins(
  { spellings }: SpellingWork,
  tree: ReadonlyIndex,
  extraneous: readonly Name[],
): Promise<Name[]> {
  const finder = new Twins(tree, spellings.kind);
  const left: Name[] = [];
  await eachInSlices(extraneous, (name) => {
    if (spellings.kind === 'exact' || finder.of(name).length === 0) left.push(name);
  });
  return left;
}
