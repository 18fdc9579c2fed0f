import { createHash } from 'node:crypto';
import type { Report } from '../core/event.js';
import type { Failure } from '../core/failure.js';
import { BEAT_MS, type Holder, holderInWords, type LockWord, lockScript, readLockWord } from '../core/place/lock.js';
import type { Place } from '../core/place/place.js';
import type { There } from '../core/rsync/there.js';
import type { Target } from '../core/target.js';
import { whyNoRoom } from '../descriptors.js';
import { newWord } from '../place/look.js';
import type { Child } from '../spawn.js';
import type { Connection } from './transport.js';

/** How long the other side may take to say whether the place is free, in milliseconds: then it is not known. */
const ANSWER_MS = 20_000;

/** With less room than this for descriptors what is there is rsync's. */
const ROOM = 40;

/** The longest line that may come, in characters. */
const LONGEST = 20_000;

/** How long it may take to let go of it, in milliseconds. */
const RELEASE_MS = 1_000;

export interface PlaceLockOptions {
  readonly target: Target;
  readonly report: Report;
  /** Who we are, in a word, see lockScript. */
  readonly id: string;
  readonly holder: Omit<Holder, 'from'>;
  /** Take it over from whoever has it, the first time. */
  readonly takesOver: boolean;
}

/**
 * The lock on the target's own machine: nobody else syncs to the same place, from whatever machine and as whatever user. It is a session
 * there that lasts as long as its stdin, and is refreshed by us: it goes with the connection, with us, and where nothing comes through any
 * more by itself. Where it can't be had (a server for rsync only, no room for a session) we go on without.
 */
export class PlaceLock {
  /** Resolves when somebody else has taken it over. */
  readonly taken: Promise<Failure>;
  readonly #options: PlaceLockOptions;
  #takesOver: boolean;
  #tellTaken: (failure: Failure) => void = () => {};
  #session: { readonly child: Child; readonly beat: NodeJS.Timeout } | undefined;

  constructor(options: PlaceLockOptions) {
    this.#options = options;
    this.#takesOver = options.takesOver;
    this.taken = new Promise((resolve) => {
      this.#tellTaken = resolve;
    });
  }

  /** Takes it through this connection, in the place of any before. Gives why it can't be had, where somebody else has it. */
  async hold(
    connection: Pick<Connection, 'session'>,
    { look, isCramped }: Pick<There, 'look' | 'isCramped'>,
  ): Promise<Failure | undefined> {
    await this.release();
    // Where there is room for one session only, that is rsync's.
    if (isCramped || look.kind !== 'place' || whyNoRoom(ROOM) !== undefined) return this.#goWithout();
    const mark = newWord();
    const child = connection.session(['sh', '-s']);
    child.stderr.destroy(); // nothing comes on it, and there may be few descriptors
    const { target, id, holder } = this.#options;
    const nonce = newWord();
    const key = lockKey(look.place);
    const beat = setInterval(() => child.stdin.write('\n'), BEAT_MS);
    const session = { child, beat };
    this.#session = session;
    const first = new Promise<LockWord | undefined>((resolve) => {
      const timer = setTimeout(() => resolve(undefined), ANSWER_MS);
      onWords(child, mark, (word) => {
        resolve(word);
        if (word.kind === 'taken') this.#lose(session, word.holder);
      });
      void child.ended.then(() => {
        clearTimeout(timer);
        clearInterval(beat);
        resolve(undefined);
      });
    });
    child.stdin.write(lockScript({ key, id, nonce, holder, takesOver: this.#takesOver, mark }));
    const word = await first;
    if (word?.kind === 'held') {
      this.#takesOver = false;
      return undefined;
    }
    if (this.#session === session) await this.release();
    if (word?.kind === 'others') return others(target, word.holder);
    return this.#goWithout();
  }

  #goWithout(): undefined {
    const { target, report } = this.#options;
    const text = `others are not kept from syncing to ${target.label} as well: no lock can be held there`;
    report({ kind: 'note', level: 'verbose', text });
  }

  /** Lets go of it; resolves when it is gone there, or soon. */
  async release(): Promise<void> {
    const session = this.#session;
    if (session === undefined) return;
    this.#session = undefined;
    clearInterval(session.beat);
    session.child.stdin.end();
    const timer = setTimeout(() => session.child.killAll('SIGKILL'), RELEASE_MS);
    await session.child.ended;
    clearTimeout(timer);
  }

  #lose(session: unknown, holder: Holder): void {
    if (this.#session !== session) return;
    const { target } = this.#options;
    this.#tellTaken({
      kind: 'remote',
      message: `${target.label} was taken over by ${holderInWords(holder)}`,
      hint: 'What still waited was not sent. Take it back with --take-over, or leave it to that one.',
    });
  }
}

/**
 * What a place is locked by, for a file name: its path, and the inode of the directory that it is in, which is there before it is. Machines
 * that share a home have the same paths for directories of their own.
 */
export function lockKey({ path, exists, chain }: Pick<Place, 'path' | 'exists' | 'chain'>): string {
  const above = exists ? chain[1] : chain[0];
  return createHash('sha256')
    .update(`${path}\0${above?.inode ?? ''}`, 'latin1')
    .digest('hex')
    .slice(0, 32);
}

const others = ({ label }: Target, holder: Holder): Failure => ({
  kind: 'remote',
  message: `${label} is being synced by ${holderInWords(holder)}`,
  hint: 'End that one, or take over with --take-over: it ends then. The lock of a dead one goes by itself within 3 minutes.',
});

/** Calls back with what the script says, line by line; others may print there, too. */
function onWords({ stdout }: Child, mark: string, onWord: (word: LockWord) => void): void {
  let rest = '';
  stdout.on('error', () => {});
  stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = (lines.pop() ?? '').slice(-LONGEST);
    for (const line of lines) {
      const word = readLockWord(line, mark);
      if (word !== undefined) onWord(word);
    }
  });
}
