import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type Answer, type Question, readAnswer, type Who, written } from './protocol.js';

/**
 * What came of asking. `nobody`: no process listens there; `late`: no answer in time; `silent`: it hung up without an answer
 * that can be read.
 */
export type Asked =
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'nobody' }
  | { readonly kind: 'late' }
  | { readonly kind: 'silent' };

/** How long a syncwatch may take to say who it is, in milliseconds. */
const WHO_MS = 1_000;

/** Asks one question of the syncwatch behind this socket. `waitMs`: for its answer; undefined: as long as it takes. */
export function askOnce(path: string, question: Question, waitMs: number | undefined): Promise<Asked> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(path);
    const timer = waitMs === undefined ? undefined : setTimeout(() => end({ kind: 'late' }), waitMs);
    const end = (asked: Asked): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(asked);
    };
    socket.once('connect', () => socket.write(written(question)));
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
    });
    socket.once('end', () => {
      const answer = readAnswer(text);
      end(answer === undefined ? { kind: 'silent' } : { kind: 'answered', answer });
    });
    socket.once('error', (error) => {
      const isRefused = 'code' in error && (error.code === 'ECONNREFUSED' || error.code === 'ENOENT');
      end(isRefused ? { kind: 'nobody' } : { kind: 'silent' });
    });
  });
}

/** A syncwatch that runs, and its socket. */
export interface Found extends Who {
  readonly socket: string;
}

/**
 * The running ones whose DIR is this directory or the nearest one above it; several where it is synced to several targets.
 * `folders`: where their sockets may be. `dir`: absolute, symlinks resolved.
 */
export async function findRunning(folders: readonly string[], dir: string): Promise<Found[]> {
  const sockets = [...new Set(folders)].flatMap(socketsIn);
  const all = await Promise.all(
    sockets.map(async (socket): Promise<Found | undefined> => {
      const asked = await askOnce(socket, { ask: 'who' }, WHO_MS);
      return asked.kind === 'answered' && asked.answer.answer === 'who' ? { ...asked.answer.who, socket } : undefined;
    }),
  );
  const around = all.filter((found) => found !== undefined).filter(({ root }) => isIn(dir, root));
  const nearest = Math.max(...around.map(({ root }) => root.length));
  return around.filter(({ root }) => root.length === nearest).sort((a, b) => a.target.localeCompare(b.target));
}

/** None where the folder is not there. */
function socketsIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((base) => base.endsWith('.sock'))
      .map((base) => join(folder, base));
  } catch {
    return [];
  }
}

const isIn = (dir: string, root: string): boolean => dir === root || dir.startsWith(root === '/' ? root : `${root}/`);
