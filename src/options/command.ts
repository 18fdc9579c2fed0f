import type { Row } from './row.js';

/** What may stand on a command line beside options, once. */
interface Positional {
  /** As it is written: `DIR`. */
  readonly name: 'DIR' | 'FILE' | 'COMMAND' | 'SHELL';
  readonly describe: string;
}

/** All that a command is, but for what it does: for `--help`, completion, the man page, and whoever reads its words. */
export interface Command {
  /** One line, for the list of commands. */
  readonly summary: string;
  readonly positional?: Positional;
  /** What follows the `--`; without it nothing may. */
  readonly rest?: { readonly name: string; readonly describe: string; readonly isNeeded: boolean };
  /** Its own options, by name, in their order; each command has `--help` as well. */
  readonly options: Readonly<Record<string, Row>>;
  /** What there is to say beside, a paragraph each. */
  readonly about?: readonly string[];
  readonly examples?: ReadonlyArray<readonly [line: string, what: string]>;
}
