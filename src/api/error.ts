import type { Failure, FailureKind } from '../core/failure.js';
import { showControls } from '../core/printable.js';

/** What went wrong, for programs. Beside what can go wrong with a sync: what can with a question. */
export type ErrorKind =
  | FailureKind
  /** It took longer than was allowed. */
  | 'timedOut'
  /** It is paused (`syncwatch pause`): nothing is sent. */
  | 'paused'
  /** It has ended, or is about to. */
  | 'ended';

/** What {@link syncwatch} and its methods reject with. */
export class SyncwatchError extends Error {
  override readonly name = 'SyncwatchError';
  readonly kind: ErrorKind;
  /** What to do about it. */
  readonly hint: string | undefined;
  /** What rsync, ssh or the system said. */
  readonly detail: string | undefined;

  constructor({ kind, message, hint, detail }: Omit<Failure, 'kind'> & { readonly kind: ErrorKind }) {
    super(showControls(message));
    this.kind = kind;
    this.hint = hint === undefined ? undefined : showControls(hint);
    this.detail = detail;
  }
}
