import { type ProgramOption, programOptions } from './given.js';
import type { ValueKind } from './row.js';
import { ROWS } from './table.js';

/** What is not as on the command line. */
const OTHERWISE: Readonly<Partial<Record<ProgramOption, string>>> = {
  dir: 'what is synced; by default the working directory',
  settings: 'a settings file that counts too, where an option is not given; by default none does',
};

/**
 * The type of what a program may give, for those who have the package: as {@link Options} (`given.ts`) has it, with what each
 * is for. Made when it is built.
 */
export function optionsDeclaration(): string {
  const members = programOptions().flatMap((name) => [
    `  /** ${(OTHERWISE[name] ?? ROWS[name].describe).replaceAll('*/', '*\\/')} */`,
    `  readonly ${/^\w+$/.test(name) ? name : `'${name}'`}?: ${typeFor(ROWS[name].value)} | undefined;`,
  ]);
  return [
    '/** What to sync, where to and how: the options of the command line, by their names. */',
    'export interface Options {',
    ...members,
    '}',
    '',
  ].join('\n');
}

function typeFor(value: ValueKind): string {
  switch (value.kind) {
    case 'flag':
      return 'boolean';
    case 'number':
      return 'number';
    case 'text':
      return value.orNone === true ? 'string | false' : 'string';
    case 'texts':
      return 'string | readonly string[]';
    case 'choice':
      return value.of.map((each) => `'${each}'`).join(' | ');
    case 'hook':
      return 'string | Readonly<Record<string, string>>';
    case 'targets':
      return 'Readonly<Record<string, string>>';
  }
}
