import type { Failure } from '../core/failure.js';
import { isBelow, type Name } from '../core/name.js';
import type { Seen } from '../core/sync/entry.js';
import type { ReadonlyIndex } from '../core/sync/name-index.js';
import { decideAll } from '../scan/decide.js';
import { eachInSlices } from '../slice.js';
import type { Work } from './work.js';

/** How soon it is asked again about what nobody knew, in milliseconds. */
const UNSURE_MS = 100;

/** What of a batch may go by the rules, and when to ask again about what waits for them, in milliseconds from now; 0: nothing does. */
export interface Held {
  readonly go: Map<Name, Seen>;
  readonly waitMs: number;
}

/**
 * Before anything new is sent the rules are looked at once more. While one of their files is being written, what is new
 * waits; and where nobody knows whether it is ignored, until somebody does.
 */
export async function holdByRules(
  { ledger, rules, filter }: Pick<Work, 'ledger' | 'rules' | 'filter'>,
  seen: ReadonlyMap<Name, Seen>,
  mayRest: boolean,
): Promise<Held> {
  const fresh = new Set<Name>();
  await eachInSlices(seen, ([name, now]) => {
    if (typeof now === 'object' && ledger.index.get(name) === undefined) fresh.add(name);
  });
  if (fresh.size > 0) await (mayRest ? rules.refresh() : rules.atRest());
  const { go, unsure } = await leaveOut({ ledger, filter }, seen);
  const trouble = rules.trouble();
  let waitMs = 0;
  for (const [dir, ms] of rules.rests()) {
    await eachInSlices(fresh, (name) => {
      if (typeof go.get(name) !== 'object' || !isBelow(name, dir)) return;
      go.delete(name);
      waitMs = waitMs === 0 ? ms : Math.min(waitMs, ms);
    });
  }
  for (const name of unsure) {
    go.delete(name);
    if (trouble === undefined) waitMs ||= UNSURE_MS;
    else ledger.putOff(name, unknownBecause(trouble.why));
  }
  return { go, waitMs };
}

/**
 * What is excluded here takes no part: the rules or the type of a name may have changed since it was noted. What was
 * delivered before a rule excluded it stays there; but where something excluded has taken the place of something of
 * another kind, that one is gone. `unsure`: new, and nobody knows.
 */
async function leaveOut(
  { ledger, filter }: Pick<Work, 'ledger' | 'filter'>,
  seen: ReadonlyMap<Name, Seen>,
): Promise<{ readonly go: Map<Name, Seen>; readonly unsure: readonly Name[] }> {
  const go = new Map(seen);
  const unsure: Name[] = [];
  for await (const part of decideAll(filter, await kindsOf(seen, ledger.index))) {
    for (const [name, isDir, decision] of part) {
      if (decision.synced) continue;
      const was = ledger.index.get(name);
      if (decision.isUnsure === true) {
        if (was === undefined) unsure.push(name); // else it was synced, and goes on being so
      } else if (was !== undefined && (was.type === 'dir') !== isDir) go.set(name, 'blocked');
      else {
        go.delete(name);
        ledger.setAside(name);
        ledger.settled(name);
      }
    }
  }
  return { go, unsure };
}

/** Each of these names and whether it is a directory; of what is gone, whether it was one. */
async function kindsOf(seen: ReadonlyMap<Name, Seen>, index: ReadonlyIndex): Promise<Map<Name, boolean>> {
  const kinds = new Map<Name, boolean>();
  await eachInSlices(seen, ([name, now]) => {
    const is = typeof now === 'object' ? now : index.get(name);
    if (is !== undefined && now !== 'unreadable' && now !== 'away') kinds.set(name, is.type === 'dir');
  });
  return kinds;
}

const unknownBecause = (why: string): Failure => ({
  kind: 'path',
  message: `nobody knows whether git ignores it: ${why}`,
  hint: 'It is sent, or not, when git answers again.',
});
