import { removeEntry } from '../state/ours.js';
import { readOwn, writeOwn } from '../state/own-file.js';
import { readWho, type Who } from './protocol.js';

/** Says beside a socket who listens there: for when that one is too busy, or stopped, to say so. */
export function noteWho(socket: string, who: Who): void {
  try {
    writeOwn(fileFor(socket), JSON.stringify(who));
  } catch {
    // then it is only asked
  }
}

/** It listens there no longer. */
export const removeWho = (socket: string): void => removeEntry(fileFor(socket));

/** Who listens there, as it has said; undefined where it has not. `uid`: us. */
export function notedWho(socket: string, uid: number): Who | undefined {
  try {
    const bytes = readOwn(fileFor(socket), uid);
    return bytes === undefined ? undefined : readWho(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

const fileFor = (socket: string): string => socket.replace(/\.sock$/, '.who');
