interface Row {
  readonly at: 'here' | 'there';
  /** `seldom`: only where there is something to say. */
  readonly told: 'always' | 'seldom';
}

const always = (at: Row['at']) => ({ at, told: 'always' }) as const;
const seldom = (at: Row['at']) => ({ at, told: 'seldom' }) as const;

/** All that `doctor` looks at, in the order in which it tells of it. `lookHere` and `lookThere` do; docs/manual.md has what each is about. */
export const CHECKS = {
  'rsync here': always('here'),
  'ssh here': always('here'),
  PATH: seldom('here'),
  'rsync’s aliases': seldom('here'),
  DIR: always('here'),
  'long paths': seldom('here'),
  events: seldom('here'),
  filter: always('here'),
  watches: always('here'),
  'inotify instances': seldom('here'), // Linux only
  'open files': always('here'),
  'runtime folder': seldom('here'),
  login: always('there'),
  'shell there': always('there'),
  'rsync there': always('there'),
  'rsync there or its path': seldom('there'),
  place: always('there'),
  room: always('there'),
  clock: always('there'),
  sessions: always('there'),
  'own master': always('there'),
} as const satisfies Readonly<Record<string, Row>>;

export type Check = keyof typeof CHECKS;

/** One thing that `doctor` has looked at. */
export interface Finding {
  readonly check: Check;
  readonly state: 'ok' | 'warning' | 'error';
  /** What was found. */
  readonly message: string;
  /** What to do about it; only where it is not ok. */
  readonly hint?: string;
}

export const ok = (check: Check, message: string): Finding => ({ check, state: 'ok', message });

export const warning = (check: Check, message: string, hint: string): Finding => ({
  check,
  state: 'warning',
  message,
  hint,
});

export const error = (check: Check, message: string, hint: string | undefined): Finding => ({
  check,
  state: 'error',
  message,
  ...(hint === undefined ? {} : { hint }),
});
