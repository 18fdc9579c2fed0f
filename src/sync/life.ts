import type { Failure } from '../core/failure.js';
import type { StopSignal } from '../io.js';

/** Somebody wants a target to end. */
export type Asked =
  | { readonly kind: 'signal'; readonly signal: StopSignal }
  /** `syncwatch stop`. */
  | { readonly kind: 'asked' }
  /** DIR leads to another directory. */
  | { readonly kind: 'moved' }
  /** It is to begin anew with other settings. */
  | { readonly kind: 'restarted' };

/** Why a target ends. */
export type LifeEnd = Asked | { readonly kind: 'done' } | { readonly kind: 'halted'; readonly failure: Failure };

/**
 * What a target is doing, from its login to its end; `live`: what works for it, once it was reached.
 *
 * ```
 *   arriving ──arrived──► working ──signal, stop──► draining ──through──► closing ──through──► over
 *    │    │                │   └──done──► finishing ──through, asked────────▲ ▲                 ▲
 *    │    │                └──halted, moved, restarted────────────────────────┘                 │
 *    │    └──asked──► leaving ──through─────────────────────────────────────────────────────────┤
 *    └──the login has failed────────────────────────────────────────────────────────────────────┘
 * ```
 *
 * What bounds each: `arriving` the tries of the link, and where they have no end whoever ends it; `leaving` LEAVE_MS; `working`
 * whoever ends it, and what it does meanwhile the schedule ({@link step}); `draining` the schedule, too; `finishing` the time that
 * a hook may take (HOOK_MS); `closing` what each part has for it: a hook ENDING_MS, rsync KILL_MS, ssh CLOSE_MS, the lock RELEASE_MS.
 */
export type Life<Live> =
  /** It logs in. */
  | { readonly is: 'arriving' }
  /** It is to end, and its login has a moment to be given up in order. */
  | { readonly is: 'leaving'; readonly end: LifeEnd }
  | { readonly is: 'working'; readonly live: Live }
  /** What was changed until it was asked to end is still sent. */
  | { readonly is: 'draining'; readonly live: Live; readonly end: LifeEnd }
  /** All is sent, and hooks still run. */
  | { readonly is: 'finishing'; readonly live: Live; readonly end: LifeEnd }
  /** All that was started for it is ended. */
  | { readonly is: 'closing'; readonly live: Live; readonly end: LifeEnd }
  | { readonly is: 'over'; readonly live: Live | undefined; readonly end: LifeEnd };

/** What happens in the life of a target. */
export type LifeEvent<Live> =
  | { readonly kind: 'arrived'; readonly live: Live }
  /** It is to end, or what it did by itself (the login, the sync) has. */
  | { readonly kind: 'ends'; readonly end: LifeEnd }
  /** What it waits for on its way to the end is over, or took too long. */
  | { readonly kind: 'through' };

/** What becomes of it by this. What comes too late changes nothing. */
export function after<Live>(life: Life<Live>, event: LifeEvent<Live>): Life<Live> {
  switch (event.kind) {
    case 'arrived':
      return life.is === 'arriving' ? { is: 'working', live: event.live } : life;
    case 'ends':
      return ends(life, event.end);
    case 'through':
      return through(life);
  }
}

function ends<Live>(life: Life<Live>, end: LifeEnd): Life<Live> {
  switch (life.is) {
    case 'arriving':
      return isAsked(end) ? { is: 'leaving', end } : { is: 'over', live: undefined, end };
    case 'working':
      return { is: WAY_OUT[end.kind], live: life.live, end };
    case 'finishing': // hooks are not waited for any longer
      return { ...life, is: 'closing' };
    case 'leaving':
    case 'draining':
    case 'closing':
    case 'over':
      return life;
  }
}

function through<Live>(life: Life<Live>): Life<Live> {
  switch (life.is) {
    case 'leaving':
      return { is: 'over', live: undefined, end: life.end };
    case 'draining':
    case 'finishing':
      return { ...life, is: 'closing' };
    case 'closing':
      return { ...life, is: 'over' };
    case 'arriving':
    case 'working':
    case 'over':
      return life;
  }
}

/** Where DIR leads elsewhere, or it begins anew, what waits is the next one's to send. */
const WAY_OUT = {
  signal: 'draining',
  asked: 'draining',
  moved: 'closing',
  restarted: 'closing',
  done: 'finishing',
  halted: 'closing',
} as const;

function isAsked({ kind }: LifeEnd): boolean {
  switch (kind) {
    case 'signal':
    case 'asked':
    case 'moved':
    case 'restarted':
      return true;
    case 'done':
    case 'halted':
      return false;
  }
}

/** What works for it; undefined until it has logged in. */
export function liveOf<Live>(life: Life<Live>): Live | undefined {
  switch (life.is) {
    case 'arriving':
    case 'leaving':
      return undefined;
    case 'working':
    case 'draining':
    case 'finishing':
    case 'closing':
    case 'over':
      return life.live;
  }
}

/** Why it ends; undefined while it does not. */
export function endOf(life: Life<unknown>): LifeEnd | undefined {
  switch (life.is) {
    case 'arriving':
    case 'working':
      return undefined;
    case 'leaving':
    case 'draining':
    case 'finishing':
    case 'closing':
    case 'over':
      return life.end;
  }
}

/** Why it has ended, where others have not. */
export function haltedBy(life: Life<unknown>): Failure | undefined {
  const end = endOf(life);
  return end?.kind === 'halted' ? end.failure : undefined;
}

/** The life of one target as it goes on. */
export class Lifetime<Live> {
  /** Resolves when it is over. */
  readonly over: Promise<void>;
  #now: Life<Live> = { is: 'arriving' };
  #tellOver: () => void = () => {};

  constructor() {
    this.over = new Promise((resolve) => {
      this.#tellOver = resolve;
    });
  }

  get now(): Life<Live> {
    return this.#now;
  }

  /** Gives what has become of it. */
  take(event: LifeEvent<Live>): Life<Live> {
    this.#now = after(this.#now, event);
    if (this.#now.is === 'over') this.#tellOver();
    return this.#now;
  }
}
