/**
 * What an option can do that the user has to say yes to where a settings file says it (`options/consent.ts`). `none`: it is
 * about patterns, pace or output. `outside`: only where it leads out of the folder that the file is in. `goes`: it says where
 * to, as whom, or what becomes of things there. `runs`: it can start programs, here or there. `deletes`: it deletes more there
 * than was deleted here.
 */
export type Power = 'none' | 'outside' | 'goes' | 'runs' | 'deletes';

/**
 * Where it may stand. `commandLine`: only there, for it says what to do just now. `settings`: in the file and the environment,
 * for the command line has another way to say it. `file`: only there.
 */
type Where = 'everywhere' | 'commandLine' | 'settings' | 'file';

/** What is wrong with a text, and what to write instead; undefined where nothing is. `option`: its name. */
export type Check = (text: string, option: string) => readonly [why: string, hint: string] | undefined;

/** For texts. */
interface TextNature {
  /**
   * A path on this machine, always or only where it is no place on another: on the command line relative to the working
   * directory, in a settings file to that.
   */
  readonly path?: 'always' | 'whereLocal';
  /** There has to be a file, or a device. */
  readonly isFile?: true;
  readonly check?: Check;
  /** What a shell offers for it, if not files. */
  readonly completes?: 'targets' | 'files';
}

/** What a value may be, wherever it stands. */
export type ValueKind =
  | { readonly kind: 'flag'; readonly byDefault?: boolean }
  /** `what`: in words, where that is more than a whole number; `nought`: what 0 means. */
  | {
      readonly kind: 'number';
      readonly from: number;
      readonly to: number;
      readonly what?: string;
      readonly nought?: string;
    }
  /** `orNone`: may be turned off (`--no-…`). */
  | ({ readonly kind: 'text'; readonly orNone?: true } & TextNature)
  /** One text or a list of them: on the command line it may be repeated. */
  | ({
      readonly kind: 'texts';
      /**
       * What becomes of several sources. `firstCounts`: the first that has any. `all`: joined, the command line's first, then the
       * environment's, then the file's. `apart`: each is read by itself, in an order of its own.
       */
      readonly sources: 'firstCounts' | 'all' | 'apart';
      /** It is a pattern, or a file of them. */
      readonly pattern?: 'include' | 'exclude' | 'file';
    } & TextNature)
  /** `bare`: what it is without a value. `off`: what it is with `--no-…`, and `false` in the settings, where `true` is the default. */
  | {
      readonly kind: 'choice';
      readonly of: readonly string[];
      readonly byDefault: string;
      readonly bare?: string;
      readonly off?: string;
    }
  /** A command, or an object of patterns with a command for each. */
  | { readonly kind: 'hook' }
  /** Names with a target for each. */
  | { readonly kind: 'targets' };

/**
 * It can't be had together with another one that is one of these. `is`: what it has to be itself for that; without that, anything. Of two
 * sources that contradict each other so the one counts that wins anyway.
 */
interface Conflict {
  readonly is?: unknown;
  readonly with: string;
  readonly being: readonly unknown[];
  /** By default: that the two can't go together. */
  readonly says?: string;
}

/** What there is to tell of a setting, besides its value. */
export interface View {
  /** DIR as the file says, and its names for targets. */
  readonly dir: string;
  readonly targets: ReadonlyMap<string, string>;
  /** The folder that the file is in, symlinks resolved. */
  readonly folder: string;
  /** What the ssh config that it names says, where that is not the user's own. */
  readonly sshConfig: readonly string[] | undefined;
  /** Where a path really leads. */
  readonly real: (path: string) => string;
}

/** What a setting makes happen, a line each; none: nothing. */
export type Tell = (value: unknown, view: View) => readonly string[];

/** All that an option is. Who reads options reads it from here; what is not said here is so nowhere. */
export type Row = {
  readonly value: ValueKind;
  readonly where: Where;
  /** For `--help` and for editors. */
  readonly describe: string;
  /** What stands for its value in `--help`: `HOST:PATH`. Of choices they are all named instead. */
  readonly valueName?: string;
  /** Among those used most, which the short help has. */
  readonly common?: true;
  /** Its part of `--help`. */
  readonly group?: string;
  readonly alias?: string;
  readonly conflicts?: readonly Conflict[];
  /** The option of rsync that it stands for: rsync gets that, with the value where it has one. */
  readonly rsync?: `--${string}`;
} & ({ readonly power: 'none' } | { readonly power: Exclude<Power, 'none'>; readonly tell: Tell });
