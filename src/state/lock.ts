import { rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { failed, type Result, success } from '../core/failure.js';

/** How long a live owner of the lock may take to say its pid, in milliseconds. */
const ANSWER_MS = 1_000;

export interface Lock {
  release(): Promise<void>;
}

/**
 * One syncwatch per DIR and target: a local socket that only a live process can hold, so that a dead one's is taken
 * over without guessing by pid. Whoever connects is told the owner's pid.
 */
export async function takeLock(path: string, pid: number, what: string): Promise<Result<Lock>> {
  for (let attempt = 0; attempt < 3; attempt++) {
    const server = await listen(path, pid);
    if (server !== undefined) return success({ release: () => release(server) });
    const owner = await askOwner(path);
    if (owner !== 'dead') {
      return failed({
        kind: 'start',
        message: `another syncwatch${owner === 'silent' ? '' : ` (pid ${owner})`} already syncs ${what}`,
        hint: owner === 'silent' ? 'End that one first.' : `End that one first: kill ${owner}`,
      });
    }
    rmSync(path, { force: true });
  }
  return failed({ kind: 'start', message: `can't take the lock ${path}`, hint: 'Try again.' });
}

function listen(path: string, pid: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end(`${pid}\n`);
    });
    server.once('error', () => resolve(undefined));
    server.listen(path, () => {
      server.unref();
      resolve(server);
    });
  });
}

function askOwner(path: string): Promise<number | 'silent' | 'dead'> {
  return new Promise((resolve) => {
    let said = '';
    const socket = connect(path);
    socket.setTimeout(ANSWER_MS, () => {
      socket.destroy();
      resolve('silent');
    });
    socket.on('data', (chunk) => {
      said += chunk.toString();
    });
    socket.on('end', () => resolve(/^\d+\n$/.test(said) ? Number(said) : 'silent'));
    socket.on('error', () => resolve('dead'));
  });
}

const release = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
