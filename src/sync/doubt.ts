import type { Failure } from '../core/failure.js';
import type { Name } from '../core/name.js';
import { isInDoubt, type Outcome } from '../core/rsync/exit.js';
import type { Run } from '../rsync/run.js';
import type { RunResult } from './read-run.js';

/** A run after which each of its names is there as it is here, or gone, or has failed. */
export type NamedRun = Extract<Run, { readonly kind: 'names' | 'clear' }>;

/** How many more runs may find out which names of one have failed: of thousands a handful. */
const MOST_MORE_RUNS = 100;

/**
 * Finds out which of the names that a run left in doubt are there: `again` runs them in halves, until each is proven or has
 * failed alone. When `more` is used up they all count as failed.
 */
export async function resolveDoubt(
  run: NamedRun,
  result: RunResult,
  again: (part: NamedRun) => Promise<RunResult>,
  note: (text: string) => void,
  more = { left: MOST_MORE_RUNS },
): Promise<RunResult> {
  const { outcome } = result;
  if (outcome.kind === 'broken' || outcome.doubt === undefined) return result;
  const { doubt } = outcome;
  const isOpen = (name: Name): boolean => !outcome.failed.has(name) && isInDoubt(doubt, name);
  const open = run.names.filter(isOpen);
  const [only] = open;
  if (only === undefined || more.left < 2 || (open.length === 1 && run.names.length === 1))
    return { ...result, outcome: withFailed(outcome, open, doubt.failure) };
  note(`${open.length} names may have failed: ${doubt.failure.detail ?? doubt.failure.message}`);
  const middle = Math.ceil(open.length / 2);
  let all: RunResult = { ...result, outcome: { ...outcome, doubt: undefined } };
  for (const half of [open.slice(0, middle), open.slice(middle)]) {
    if (half.length === 0) continue;
    more.left--;
    const part = { ...run, names: half };
    const one = await resolveDoubt(part, await again(part), again, note, more);
    all = joined(all, one);
    if (one.outcome.kind === 'broken') break;
  }
  return all;
}

type Finished = Extract<Outcome, { kind: 'finished' }>;

const withFailed = (outcome: Finished, names: readonly Name[], failure: Failure): Finished => ({
  ...outcome,
  failed: new Map([...outcome.failed, ...names.map((name) => [name, failure] as const)]),
  doubt: undefined,
});

/** What two runs did, one after the other: of a name what the later one said. */
function joined(first: RunResult, then: RunResult): RunResult {
  const { outcome } = then;
  return {
    outcome:
      first.outcome.kind === 'broken' || outcome.kind === 'broken'
        ? outcome
        : {
            kind: 'finished',
            failed: new Map([...first.outcome.failed, ...outcome.failed]),
            strays: new Map([...first.outcome.strays, ...outcome.strays]),
            doubt: undefined,
          },
    items: [...new Map([...first.items, ...then.items].map((item) => [item.name, item])).values()],
    kept: new Set([...first.kept, ...then.kept]),
    deletedDirs: new Set([...first.deletedDirs, ...then.deletedDirs]),
  };
}
