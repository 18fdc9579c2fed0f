import { readCommand } from '../../src/commands/read.js';
import { type CommandName, commandOf } from '../../src/commands/table.js';
import type { Failure } from '../../src/core/failure.js';
import { type Asked, readOptions } from '../../src/options/command-line.js';
import type { Around } from '../../src/options/gather.js';
import type { Words } from '../../src/options/words.js';

/** The words of a command, or of syncwatch itself, or what is wrong with them. */
async function read(name: CommandName | undefined, argv: readonly string[]): Promise<Words | Failure> {
  const asked = await readCommand(name, commandOf(name), argv);
  if (asked.kind === 'failed') return asked.failure;
  if (asked.kind !== 'words') throw new Error(`${argv.join(' ')} asks for ${asked.kind}`);
  return asked.words;
}

/** The same where nothing is wrong with them. */
export async function wordsOf(name: CommandName | undefined, argv: readonly string[]): Promise<Words> {
  const words = await read(name, argv);
  if ('kind' in words) throw new Error(words.message);
  return words;
}

/** What a command line of syncwatch itself, an environment and the files in a directory come to. */
export async function optionsOf(argv: readonly string[], around: Around): Promise<Asked> {
  const words = await read(undefined, argv);
  return 'kind' in words ? { kind: 'failed', failure: words } : readOptions(words, around);
}
