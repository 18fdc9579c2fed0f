import debounce from 'debounce';
import { steadyNow } from '../clock.js';
import { msBetween, type SteadyMs } from '../core/clock.js';
import type { Effect } from '../core/sync/effects.js';
import type { Input } from '../core/sync/inputs.js';
import { JOIN_MS } from '../core/sync/policy.js';
import { step } from '../core/sync/schedule.js';
import { type Now, type Policy, type State, schedule } from '../core/sync/state.js';

/** What the schedule asks others for: its timers are the inbox's own. */
export type Order = Exclude<Effect, { readonly do: 'join' | 'wait' }>;

/**
 * All that happens to one target goes through here to its schedule, one after the other: what comes while an order is carried
 * out has to wait.
 */
export class Inbox {
  readonly #now: () => Pick<Now, 'waits' | 'lastOutputMs'>;
  readonly #carryOut: (order: Order) => void;
  readonly #inputs: Input[] = [];
  readonly #quiet = debounce(() => this.take({ kind: 'quiet' }), JOIN_MS);
  #state: State;
  #timer: NodeJS.Timeout | undefined;

  constructor(policy: Policy, now: () => Pick<Now, 'waits' | 'lastOutputMs'>, carryOut: (order: Order) => void) {
    this.#state = schedule(policy);
    this.#now = now;
    this.#carryOut = carryOut;
  }

  /** How things stand. */
  get state(): State {
    return this.#state;
  }

  take(input: Input): void {
    if (this.#inputs.push(input) > 1) return;
    for (let [next] = this.#inputs; next !== undefined; [next] = this.#inputs) {
      const now = { ...this.#now(), ms: steadyNow(), random: Math.random() };
      const [state, effects] = step(this.#state, next, now);
      this.#state = state;
      for (const effect of effects) this.#do(effect);
      this.#inputs.shift();
    }
  }

  #do(effect: Effect): void {
    switch (effect.do) {
      case 'join':
        this.#quiet();
        break;
      case 'wait':
        clearTimeout(this.#timer);
        if (effect.untilMs !== undefined)
          this.#timer = setTimeout(() => this.take({ kind: 'due' }), timerMs(effect.untilMs));
        break;
      case 'end':
        this.#quiet.clear();
        this.#carryOut(effect);
        break;
      default:
        this.#carryOut(effect);
    }
  }
}

/** The longest time that a timer takes, in milliseconds; one that ends early asks again. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const timerMs = (untilMs: SteadyMs): number => Math.min(Math.max(1, msBetween(steadyNow(), untilMs)), LONGEST_TIMER_MS);
