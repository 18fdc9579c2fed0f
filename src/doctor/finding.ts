/** One thing that `doctor` has looked at. */
export interface Finding {
  /** What it is about, in a word or two: `rsync there`, `watches`. */
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'error';
  /** What was found. */
  readonly message: string;
  /** What to do about it; only where it is not ok. */
  readonly hint?: string;
}

export const ok = (check: string, message: string): Finding => ({ check, state: 'ok', message });

export const warning = (check: string, message: string, hint: string): Finding => ({
  check,
  state: 'warning',
  message,
  hint,
});

export const error = (check: string, message: string, hint: string | undefined): Finding => ({
  check,
  state: 'error',
  message,
  ...(hint === undefined ? {} : { hint }),
});
