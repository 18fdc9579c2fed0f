import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { Program } from '../core/environment.js';
import { type Asked, placeScript, printedBeside, readPlace, type Told } from '../core/place/script.js';
import { type Said, say } from '../spawn.js';
import type { Connection } from '../ssh/connection.js';

/** What a look gave, and how the shell ended that took it. */
export interface Looked extends Told, Pick<Said, 'ended' | 'isLate' | 'stderr'> {
  /** What was printed there that is not the script's. */
  readonly printed: string;
}

/** Looks where a target is, on its machine, without changing anything there: one command, in the login directory. */
export const lookThere = (connection: Connection, asked: Omit<Asked, 'marks'>): Promise<Looked> =>
  lookBy(asked, (script) => connection.run(['sh', '-s'], script));

/** The same for a target on this machine. */
export const lookHere = (shell: Program, asked: Omit<Asked, 'marks' | 'rsync'>): Promise<Looked> => {
  const cwd = homeHere();
  return lookBy({ ...asked, rsync: undefined }, (script) =>
    say(shell, ['-s'], { ownSession: true, cwd, input: script }),
  );
};

/** Where a login begins, whatever $HOME says; not every user has one. */
function homeHere(): string {
  try {
    const { homedir } = userInfo();
    return existsSync(homedir) ? homedir : '/';
  } catch {
    return '/';
  }
}

async function lookBy(asked: Omit<Asked, 'marks'>, run: (script: string) => Promise<Said>): Promise<Looked> {
  const word = (): string => randomBytes(8).toString('hex');
  const marks = [word(), word()] as const;
  const { stdout, stderr, ended, isLate } = await run(placeScript({ ...asked, marks }));
  const printed = printedBeside(stdout, { marks });
  return { ...readPlace(stdout, { path: asked.path, marks }), printed, stderr, ended, isLate };
}
