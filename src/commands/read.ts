import { existsSync } from 'node:fs';
import type { Failure } from '../core/failure.js';
import type { Command } from '../options/command.js';
import { oddValue } from '../options/odd-value.js';
import { seeHelp } from '../options/parsed.js';
import { readWords, type Words } from '../options/words.js';
import type { CommandName } from './table.js';

/** What the words after a command's name ask for. */
export type Asked =
  | { readonly kind: 'words'; readonly words: Words }
  | { readonly kind: 'help'; readonly isAll: boolean }
  | { readonly kind: 'version' }
  | { readonly kind: 'failed'; readonly failure: Failure };

/**
 * Reads the words of a command, or of syncwatch itself where there is no name: all of them are read here. What takes long to be
 * loaded is so only where something is wrong.
 */
export async function readCommand(
  name: CommandName | undefined,
  command: Command,
  argv: readonly string[],
): Promise<Asked> {
  const read = readWords(argv, command.options);
  if (read.kind === 'mistake') {
    const { explain } = await import('./explain.js');
    return { kind: 'failed', failure: explain(read.mistake, name) };
  }
  if (read.kind !== 'words') return read;
  const problem =
    (await oddWords(name, command, read.words)) ?? oddValue(read.words.flags, command.options, seeHelp(name));
  return problem === undefined ? read : { kind: 'failed', failure: problem };
}

/** What is wrong with the words that are no options. */
async function oddWords(
  name: CommandName | undefined,
  { positional, rest }: Command,
  { flags }: Words,
): Promise<Failure | undefined> {
  const words = flags._.map(String);
  const after = flags['--'] ?? [];
  const called = name ?? 'syncwatch';
  const see = seeHelp(name);
  const usage = (message: string, hint = see): Failure => ({ kind: 'usage', message, hint });
  if (rest?.isNeeded === true && after.length === 0)
    return usage(
      `no command: syncwatch ${called} [DIR] -- ${rest.name}`,
      words.length === 0 ? see : `What to run comes after the --: syncwatch ${called} -- ${words.join(' ')}`,
    );
  if (rest === undefined && after.length > 0) return usage(`${called} takes nothing after --`);
  if (words.includes('')) return usage(`${positional?.name ?? 'a word'} is empty`, 'Is a variable not set?');
  if (positional === undefined && words.length > 0) return usage(`${called} takes no ${words.join(' ')}`);
  if (words.length > 1)
    return usage(
      `one ${positional?.name} at most, but there are ${words.length}: ${words.join(' ')}`,
      name === undefined ? 'Quote patterns: -x "*.log".' : see,
    );
  if (name === undefined) {
    const { oddMainWord } = await import('./odd-word.js');
    const odd = words.map((word) => oddMainWord(word, existsSync(word))).find((each) => each !== undefined);
    if (odd !== undefined) return odd;
  }
  return undefined;
}
