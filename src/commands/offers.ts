import { realpathSync } from 'node:fs';
import { EXIT } from '../core/failure.js';
import type { Printable } from '../core/printable.js';
import { findSettings } from '../options/settings-file.js';
import { complete, type LookFor, written } from './complete.js';
import { unquoted } from './unquoted.js';

/** Says what a shell may offer for the last of these words; before them stands the shell's name. Nothing is logged in to, written, or read but settings and ssh's own files. */
export async function offers(
  [shell, ...words]: readonly string[],
  io: { readonly out: (text: Printable) => void; readonly uid: number },
): Promise<number> {
  // As they stand on the command line, where the shell does not take them out of their quotes.
  const plain = words.map((word, i) =>
    shell === 'bash' || (shell === 'fish' && i === words.length - 1) ? unquoted(word) : word,
  );
  const lookFor: LookFor = {
    targetNames: () => {
      const found = findSettings(realpathSync('.'), io.uid);
      return found.ok ? [...(found.value?.targets.keys() ?? [])] : [];
    },
    hosts: () => [],
    directoriesThere: async () => [],
  };
  io.out(written(await complete(plain, lookFor)));
  return EXIT.inSync;
}
