import type { RulesTrouble } from '../core/event.js';
import type { AnyRule } from '../core/filter/rule.js';
import type { Name } from '../core/name.js';

/** How far the filter can be trusted about names that are new. */
export interface RulesInForce {
  /** Brings the filter up to date with what is on the disk now. */
  refresh(): Promise<void>;
  /**
   * The same for a look at what was hinted, during at most a small share of the time, for there may be thousands of files of rules: one look
   * at them serves all targets. Before anything new goes they are looked at again.
   */
  refreshAtPace(): Promise<void>;
  /**
   * The same, when the files of rules are at rest, for which it waits, though not for ever. Gives a number that is another one
   * whenever something else is in force.
   */
  atRest(): Promise<number>;
  /**
   * The directories for which a file of rules has still to rest before it is believed, and for how long, in milliseconds:
   * nothing new in them is sent until then.
   */
  rests(): ReadonlyMap<Name, number>;
  /** Why what nobody knows yet won't be known soon. */
  trouble(): RulesTrouble | undefined;
  /** Whether rules were lost with their file a short time ago: if they come back, what went over meanwhile did so by mistake. */
  mayComeBack(): boolean;
  /** Whether this is such a rule, and is back. */
  isBack(rule: AnyRule): boolean;
}
