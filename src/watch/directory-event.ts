import type { Name } from '../core/name.js';

/** What happens to DIR. */
export type DirectoryEvent =
  /** Something happened at these names; some of them are synced. */
  | { readonly kind: 'watcherHints'; readonly names: readonly Name[]; readonly synced: readonly Name[] }
  /** These may have changed. */
  | { readonly kind: 'hint'; readonly names: readonly Name[] }
  /** Anything may have been missed. */
  | { readonly kind: 'doubt' }
  /** There are directories that nobody watches, or no longer. */
  | { readonly kind: 'blind'; readonly isBlind: boolean }
  /** These parts may change unheard: they are to be looked through so often, in milliseconds; none: nothing any more. */
  | { readonly kind: 'polled'; readonly parts: readonly Name[]; readonly everyMs: number }
  | { readonly kind: 'rulesChanged' }
  /** The root was away; another one is in its place, or the same. */
  | { readonly kind: 'rootBack'; readonly isReplaced: boolean }
  /** The machine was asleep. */
  | { readonly kind: 'woke' };

/** Whoever keeps something in step with DIR. */
export interface DirectoryUser {
  handleDirectory(event: DirectoryEvent): void;
  /** Another file system is seen at this mount point: what was known below it is to be forgotten. */
  forgetBelow(name: Name): Promise<void>;
  /** How many names wait. */
  readonly waiting: number;
}
