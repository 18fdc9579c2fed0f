/** All that tells one kind of hook from the others. */
interface HookRow {
  /** Its long option, which is its key in the settings too. */
  readonly option: string;
  /** After each path that was delivered, or once each time everything that waited is there. */
  readonly when: 'eachPath' | 'inSync';
  /** On this machine in DIR, or on the remote in the target's directory. */
  readonly where: 'here' | 'there';
  /** For `--help`. */
  readonly describe: string;
  /** What it finds in its environment beside {@link HOOK_VARIABLES}. */
  readonly variables: readonly string[];
}

/** The kinds of hooks, a row each. Its option, its words and its place in the settings follow from it. */
export const HOOK_KINDS = {
  onUpload: {
    option: 'on-upload',
    when: 'eachPath',
    where: 'here',
    describe: 'here, after each path',
    variables: ['SYNCWATCH_ACTION'],
  },
  onSync: {
    option: 'on-sync',
    when: 'inSync',
    where: 'here',
    describe: 'here, once each time everything that waited is there',
    variables: [],
  },
  onSyncRemote: {
    option: 'on-sync-remote',
    when: 'inSync',
    where: 'there',
    describe: 'the same in the remote directory, for example "make test"',
    variables: [],
  },
} as const satisfies Readonly<Record<string, HookRow>>;

export type HookKind = keyof typeof HOOK_KINDS;

export type HookOption = (typeof HOOK_KINDS)[HookKind]['option'];

/** What every hook finds in its environment; `SYNCWATCH_PATH` where it is for one path only. */
export const HOOK_VARIABLES = [
  'SYNCWATCH_PATH',
  'SYNCWATCH_PATHS_FILE',
  'SYNCWATCH_COUNT',
  'SYNCWATCH_TARGET',
  'SYNCWATCH_ROOT',
] as const;

/** A variable that hooks may find. */
export type HookVariable = (typeof HOOK_VARIABLES)[number] | (typeof HOOK_KINDS)[HookKind]['variables'][number];

/** All kinds, in their order. */
export const hookKinds = (): readonly HookKind[] => Object.keys(HOOK_KINDS) as HookKind[];

/** Of each kind what `make` says. */
export const forEachHook = <T>(make: (kind: HookKind) => T): Readonly<Record<HookKind, T>> =>
  Object.fromEntries(hookKinds().map((kind) => [kind, make(kind)])) as Record<HookKind, T>;

/** The kinds that run then, in their order. */
export const hooksAt = (when: HookRow['when']): readonly HookKind[] =>
  hookKinds().filter((kind) => HOOK_KINDS[kind].when === when);

/** All that any hook may find in its environment. */
export const allHookVariables = (): ReadonlySet<string> =>
  new Set([...HOOK_VARIABLES, ...hookKinds().flatMap((kind) => HOOK_KINDS[kind].variables)]);
