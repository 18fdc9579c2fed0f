import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { msSince, steadyNow } from '../clock.js';
import { leadsTo, type Reach, socketOf } from '../core/reach.js';
import { parseTarget } from '../core/target.js';
import { isOurSocket, whySocketOfOthers } from '../state/ours.js';
import { firstLine } from './line.js';
import { type Answered, isSomeMissing } from './lock.js';
import { type Answer, LONGEST_ANSWER, type Question, readAnswer, type Who, written } from './protocol.js';
import { notedWho } from './who-file.js';

/**
 * What came of asking. `nobody`: no process listens there; `late`: no answer in time; `silent`: it hung up without an answer;
 * `senseless`: what it said is no answer of ours; `frozen`: it does not even say who it is any more.
 */
export type Asked =
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'nobody' }
  | { readonly kind: 'late' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'senseless' }
  | { readonly kind: 'frozen' };

/** What the name of a socket ends with, after the key of what is synced. */
const SOCKET = '.sock';

/** How long a syncwatch may take to say who it is, in milliseconds. */
const WHO_MS = 1_000;

/** How long one that runs and can't be found is looked for, and how often, in milliseconds: it makes its socket again within a second. */
const MISSING_MS = 2_500;
const MISSING_LOOK_MS = 100;

/** So many are asked at once: the sockets of killed ones stay, and each takes a descriptor for a moment. */
const AT_ONCE = 16;

/** How long an answer may take to come, once it has begun to, in milliseconds. */
const ANSWERING_MS = 5_000;

/** Whether one that takes its time is still alive: how often it is asked, how long it may take, and how often in vain. */
export interface Patience {
  readonly everyMs: number;
  readonly withinMs: number;
  readonly misses: number;
}

const PATIENCE: Patience = { everyMs: 5_000, withinMs: 10_000, misses: 2 };

/**
 * Asks one question of the syncwatch behind this socket, which is ours (see {@link isOurSocket}). `waitMs`: for its answer;
 * undefined: as long as it takes, while it is alive.
 */
export async function askOnce(
  path: string,
  question: Question,
  waitMs: number | undefined,
  patience = PATIENCE,
): Promise<Asked> {
  const over = new AbortController();
  try {
    const asked = ask(path, question, waitMs, over.signal);
    return await (waitMs === undefined ? Promise.race([asked, frozen(path, patience, over.signal)]) : asked);
  } finally {
    over.abort();
  }
}

async function ask(path: string, question: Question, withinMs: number | undefined, over: AbortSignal): Promise<Asked> {
  const socket = connect(path);
  const hangUp = (): void => void socket.destroy();
  over.addEventListener('abort', hangUp);
  const refused = new Promise<Asked>((resolve) => {
    socket.once('error', (error) => {
      const isRefused = 'code' in error && (error.code === 'ECONNREFUSED' || error.code === 'ENOENT');
      resolve({ kind: isRefused ? 'nobody' : 'silent' });
    });
  });
  socket.once('connect', () => socket.write(written(question)));
  const line = firstLine(socket, { maxBytes: LONGEST_ANSWER, withinMs, onceBegunMs: ANSWERING_MS });
  const answered = line.then(async (said): Promise<Asked> => {
    if (said.kind === 'ended') return socket.errored === null ? { kind: 'silent' } : refused;
    if (said.kind !== 'line') return said;
    const answer = readAnswer(said.text);
    return answer === undefined ? { kind: 'senseless' } : { kind: 'answered', answer };
  });
  try {
    return await Promise.race([refused, answered]);
  } finally {
    hangUp();
    over.removeEventListener('abort', hangUp);
  }
}

async function frozen(path: string, { everyMs, withinMs, misses }: Patience, over: AbortSignal): Promise<Asked> {
  for (let missed = 0; missed < misses; ) {
    await sleep(everyMs, undefined, { signal: over }).catch(() => {});
    if (over.aborted) break;
    const { kind } = await ask(path, { ask: 'who' }, withinMs, over);
    missed = kind === 'answered' ? 0 : missed + 1;
  }
  return { kind: 'frozen' };
}

/** A syncwatch that runs, and its socket. */
export interface Found extends Who {
  readonly socket: string;
  /** It is busy, or stopped: it did not say so itself, in {@link WHO_MS}. */
  readonly isSilent?: true;
}

/** Asks one of them. An answer that is about another one, or another kind of target, makes no sense. */
export async function askFound(found: Found, question: Question, waitMs: number | undefined): Promise<Asked> {
  const asked = await askOnce(found.socket, question, waitMs);
  return asked.kind === 'answered' && !isAbout(found, asked.answer) ? { kind: 'senseless' } : asked;
}

function isAbout(found: Found, answer: Answer): boolean {
  switch (answer.answer) {
    case 'who':
      return isSame(found, answer.who);
    case 'status':
      return isSame(found, answer.status);
    case 'reach': {
      const { reach } = answer;
      const target = parseTarget(found.place);
      return target.ok ? leadsTo(reach, target.value) : reach.kind === 'none';
    }
    default:
      return true;
  }
}

const isSame = (one: Who, other: Who): boolean =>
  one.pid === other.pid && one.root === other.root && one.target === other.target && one.place === other.place;

/** Whether the connection that it says it has is one of ours: beside its own socket, or one that the user has opened by hand. */
export function isUsable(found: Found, reach: Reach, uid: number): boolean {
  const socket = socketOf(reach);
  if (socket === undefined) return reach.kind !== 'none';
  return dirname(socket) === dirname(found.socket)
    ? isOurSocket(socket, uid)
    : whySocketOfOthers(socket, uid) === undefined;
}

/**
 * The running ones whose DIR is this directory or the nearest one above it; several where it is synced to several targets.
 * `folders`: where their sockets may be; what is not ours there is as if not there. `dir`: absolute, symlinks resolved.
 * `onSilent`: there is one that listens but does not say who it is, nor is that written beside it.
 */
export async function findRunning(
  folders: readonly string[],
  uid: number,
  dir: string,
  onSilent: () => void = () => {},
): Promise<Found[]> {
  const { found, silent } = await findAll(folders, uid);
  if (silent > 0) onSilent();
  const around = found.filter(({ root }) => isIn(dir, root));
  const nearest = Math.max(...around.map(({ root }) => root.length));
  return around.filter(({ root }) => root.length === nearest);
}

/** All that run on this machine for this user; `silent`: so many more listen, and do not say who they are. */
export async function findAll(
  folders: readonly string[],
  uid: number,
): Promise<{ readonly found: Found[]; readonly silent: number }> {
  for (const beganMs = steadyNow(); ; ) {
    const all = await allRunning(folders, uid);
    // Its socket may just have been removed: it makes that again.
    if (msSince(beganMs) < MISSING_MS && isSomeMissing(folders[0] ?? '', all.flatMap(answered), uid)) {
      await sleep(MISSING_LOOK_MS);
      continue;
    }
    const found = all.filter((one) => typeof one === 'object').sort(byDirAndTarget);
    return { found, silent: all.length - found.length };
  }
}

const byDirAndTarget = (a: Found, b: Found): number => a.root.localeCompare(b.root) || a.target.localeCompare(b.target);

/** Those of them that say so at once. */
export async function everyRunning(folders: readonly string[], uid: number): Promise<Found[]> {
  return (await allRunning(folders, uid)).filter((found) => typeof found === 'object');
}

async function allRunning(folders: readonly string[], uid: number): Promise<Array<Found | 'silent'>> {
  const sockets = [...new Set(folders)].flatMap((folder) => socketsIn(folder, uid));
  const all: Array<Found | 'nobody' | 'silent'> = [];
  for (let i = 0; i < sockets.length; i += AT_ONCE)
    all.push(...(await Promise.all(sockets.slice(i, i + AT_ONCE).map((socket) => whoIs(socket, uid)))));
  return all.filter((found) => found !== 'nobody');
}

const answered = (found: Found | 'silent'): Answered[] =>
  found === 'silent' ? [] : [{ pid: found.pid, key: basename(found.socket, SOCKET) }];

async function whoIs(socket: string, uid: number): Promise<Found | 'nobody' | 'silent'> {
  const asked = await askOnce(socket, { ask: 'who' }, WHO_MS);
  if (asked.kind === 'answered' && asked.answer.answer === 'who') return { ...asked.answer.who, socket };
  if (asked.kind === 'nobody') return 'nobody';
  const noted = asked.kind === 'late' ? notedWho(socket, uid) : undefined;
  return noted === undefined ? 'silent' : { ...noted, socket, isSilent: true };
}

/** Those that are ours. None where the folder is not there. */
function socketsIn(folder: string, uid: number): string[] {
  try {
    return readdirSync(folder)
      .filter((base) => base.endsWith(SOCKET))
      .map((base) => join(folder, base))
      .filter((path) => isOurSocket(path, uid));
  } catch {
    return [];
  }
}

const isIn = (dir: string, root: string): boolean => dir === root || dir.startsWith(root === '/' ? root : `${root}/`);
