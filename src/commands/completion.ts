import { basename } from 'node:path';
import { failed, type Result, success } from '../core/failure.js';
import { closest } from '../options/closest.js';
import { usage } from '../options/parsed.js';
import type { Words } from '../options/words.js';
import { SHELLS } from './complete.js';

/** The script of each shell, in the package's `completions/`, with the name that the shell looks for where it looks. */
const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], string>> = {
  bash: 'syncwatch.bash',
  zsh: '_syncwatch',
  fish: 'syncwatch.fish',
};

/** `syncwatch completion [SHELL]`: the file that has Tab ask what to offer. `usual`: `$SHELL`. */
export function completion({ flags }: Words, usual: string | undefined): Result<string> {
  const [given] = flags._.map(String);
  const named = given ?? basename(usual ?? '');
  const shell = SHELLS.find((each) => each === named);
  if (shell !== undefined) return success(SCRIPTS[shell]);
  const best = closest(named, SHELLS);
  const all = `Say which: ${SHELLS.map((each) => `syncwatch completion ${each}`).join(', ')}.`;
  if (given === undefined && named === '') return failed(usage('$SHELL does not say which shell this is', all));
  return failed(usage(`there is no completion for ${named}`, best === undefined ? all : `Did you mean ${best}?`));
}
