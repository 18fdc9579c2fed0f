/** Environment variables by name; undefined: not set. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A program to start: where it is, absolute, and the environment it gets. */
export interface Program {
  readonly file: string;
  readonly env: Environment;
}

/** What decides what of the user's environment is passed on. */
export interface Ground {
  /** The user's own. */
  readonly env: Environment;
  /** The user's home, absolute. */
  readonly home: string;
  /** Whether a path is absolute, and the way to it does not lead through DIR. */
  readonly isOutside: (path: string) => boolean;
}

/** Where programs are where PATH has no part that can be used (`getconf PATH`). */
const STANDARD_PATH: readonly string[] = ['/usr/bin', '/bin'];

/** The parts of PATH where programs are looked for: an empty part, as a relative one, is the working directory: DIR. */
export function searchPath({ env, isOutside }: Ground): readonly string[] {
  const parts = partsOf(env['PATH']).filter(isOutside);
  return parts.length === 0 ? STANDARD_PATH : parts;
}

/** The parts of PATH where nothing is looked for. */
export const unusedPath = ({ env, isOutside }: Ground): readonly string[] => [
  ...new Set(partsOf(env['PATH']).filter((part) => !isOutside(part))),
];

const partsOf = (list = ''): readonly string[] => (list === '' ? [] : list.split(':'));

/** They make a shell, or what reads options as POSIX has it, do other things than it was told to. */
const DROPPED: readonly RegExp[] = [
  /^(BASH_ENV|ENV|SHELLOPTS|BASHOPTS|BASH_XTRACEFD|PS4|CDPATH|IFS)$|^BASH_FUNC_/, // bash(1), dash(1)
  /^(POSIXLY_CORRECT|POSIX_ME_HARDER)$/, // popt(3), getopt(3)
];

/** Lists of folders, between colons, from which code is loaded; an empty or relative part is the working directory. */
const CODE_LISTS: readonly RegExp[] = [
  /^(LD_LIBRARY_PATH|GCONV_PATH|LOCPATH|NLSPATH|KRB5_CONFIG)$/, // ld.so(8), iconv(1), locale(7), krb5.conf(5)
  /^DYLD_(FALLBACK_|VERSIONED_)?(LIBRARY|FRAMEWORK)_PATH$/, // dyld(1)
  /^(PYTHONPATH|PERL5LIB|RUBYLIB|NODE_PATH)$/, // what a ProxyCommand or Match exec may be written in
];

/** Files and folders from which code is loaded, or that say which host is meant. */
const CODE: readonly RegExp[] = [
  /^(SHELL|OPENSSL_CONF|OPENSSL_ENGINES|OPENSSL_MODULES|DEVELOPER_DIR)$/, // ssh(1) runs ProxyCommand by $SHELL
  /^(HOSTALIASES|GSS_MECH_CONFIG)$/, // hostname(7)
];

/** The same; a name without a slash is looked for where programs and libraries are. */
const NAMED_CODE: readonly RegExp[] = [
  /^(SSH_ASKPASS|SSH_PKCS11_HELPER|SSH_SK_HELPER|SSH_SK_PROVIDER)$/, // ssh(1)
  /^(LD_PRELOAD|LD_AUDIT|DYLD_INSERT_LIBRARIES)$/,
];

/** Places of the user's: a relative one would be in the working directory. */
const PLACES: readonly RegExp[] = [/^(XDG_\w+_HOME|XDG_RUNTIME_DIR|TMPDIR|ZDOTDIR|GNUPGHOME)$/];

const isOne = (patterns: readonly RegExp[], name: string): boolean => patterns.some((pattern) => pattern.test(name));

/**
 * What ssh gets, and in essence rsync and git: the user's own environment (ssh's config may name any variable, and what it
 * starts may need it) without what would make them run something of DIR's, where some of them are started, or do something
 * else than they are told to.
 */
export function toolEnvironment(ground: Ground): Environment {
  const { env, home, isOutside } = ground;
  const isFromElsewhere = (path: string): boolean => !path.includes('/') || isOutside(path);
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || isOne(DROPPED, name)) continue;
    const left = isOne(CODE_LISTS, name)
      ? partsOf(value).filter(isOutside).join(':')
      : isOne(NAMED_CODE, name)
        ? value.split(/[: ]+/).filter(isFromElsewhere).join(':')
        : (isOne(CODE, name) && !isOutside(value)) || (isOne(PLACES, name) && !value.startsWith('/'))
          ? ''
          : value;
    if (left !== '' || value === '') kept[name] = left;
  }
  return { ...kept, HOME: home, PATH: searchPath(ground).join(':') };
}

/**
 * rsync reads a dozen variables of its own, `RSYNC_OLD_ARGS` to `RSYNC_PARTIAL_DIR`, and aliases from `~/.popt` (popt(3)),
 * which can turn any option into others. Without HOME it knows no `~`; ssh gets it back, see ssh/command.ts.
 */
export const rsyncEnvironment = (ground: Ground): Environment =>
  without(toolEnvironment(ground), /^RSYNC_|^(CVSIGNORE|HOME)$/);

/**
 * Of git's own variables those stay that say where the user's own config is and how far up a repository is looked for. The
 * others lead to another repository (as in a hook of git's), name programs, or trace into files.
 */
const GIT_KEPT = /^GIT_(CONFIG_GLOBAL|CONFIG_SYSTEM|CONFIG_NOSYSTEM|CEILING_DIRECTORIES|DISCOVERY_ACROSS_FILESYSTEM)$/;

/** git(1): it takes no locks, asks nobody, and fetches nothing, over no protocol whatever. */
const GIT_SET: Environment = {
  GIT_OPTIONAL_LOCKS: '0',
  GIT_TERMINAL_PROMPT: '0',
  GIT_NO_LAZY_FETCH: '1',
  GIT_ALLOW_PROTOCOL: '',
};

export function gitEnvironment(ground: Ground): Environment {
  const env = toolEnvironment(ground);
  const isKept = (name: string): boolean =>
    GIT_KEPT.test(name) && (!/^GIT_CONFIG_(GLOBAL|SYSTEM)$/.test(name) || env[name]?.startsWith('/') === true);
  const own = Object.entries(env).filter(([name]) => !name.startsWith('GIT_') || isKept(name));
  return { ...Object.fromEntries(own), ...GIT_SET };
}

/** Our own child: what the user's node is told to load or to trace is not for it. */
export const nodeEnvironment = (ground: Ground): Environment => without(toolEnvironment(ground), /^NODE_/);

const without = (env: Environment, names: RegExp): Environment =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !names.test(name)));
