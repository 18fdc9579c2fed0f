import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { type Asked, placeScript, printedBeside, readPlace, type ScriptOutput } from '../core/place/script.js';
import type { Said } from '../spawn.js';

/** What a look gave, and how the shell ended that took it. */
export interface Looked extends ScriptOutput, Pick<Said, 'ended' | 'isLate' | 'stderr'> {
  /** What was printed there that is not the script's. */
  readonly printed: string;
}

/** Where a login on this machine begins, whatever $HOME says; not every user has one. */
export function homeHere(): string {
  try {
    const { homedir } = userInfo();
    return existsSync(homedir) ? homedir : '/';
  } catch {
    return '/';
  }
}

/** By which what a script of ours says is told from what others print around it: nobody there can know it before. */
export const newWord = (): string => randomBytes(8).toString('hex');

/** Looks where a target is, on its machine, without changing anything there. `run`: by a POSIX shell, in the login directory. */
export async function lookBy(asked: Omit<Asked, 'marks'>, run: (script: string) => Promise<Said>): Promise<Looked> {
  const marks = [newWord(), newWord()] as const;
  const { stdout, stderr, ended, isLate } = await run(placeScript({ ...asked, marks }));
  const printed = printedBeside(stdout, { marks });
  return { ...readPlace(stdout, { path: asked.path, marks }), printed, stderr, ended, isLate };
}
