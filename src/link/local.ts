import { lstatSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf, failed, type Result, success } from '../core/failure.js';
import { ofNames } from '../core/rsync/complaints.js';
import { outcomeOf } from '../core/rsync/exit.js';
import type { There } from '../core/rsync/there.js';
import type { RsyncHere } from '../core/rsync/version.js';
import type { LocalTarget } from '../core/target.js';
import { homeHere, lookBy } from '../place/look.js';
import type { Programs } from '../programs.js';
import { NO_PROGRESS_MS } from '../rsync/run.js';
import { say, spawn } from '../spawn.js';
import { noParent, notADirectory } from './probe.js';
import type { Connection, ProbeOptions, Transport } from './transport.js';
import { inPlace, takenAbove, tryOut } from './trial.js';

export interface LocalOptions {
  readonly programs: Pick<Programs, 'shell'>;
  readonly here: RsyncHere;
  readonly target: LocalTarget;
}

/** A directory on this machine: there is always a connection, and nothing to lose. */
export const localTransport = (options: LocalOptions): Transport => ({
  target: options.target,
  aim: undefined,
  open: async () => success(connectionHere(options)),
});

function connectionHere(options: LocalOptions): Connection {
  const { shell } = options.programs;
  const start = { ownSession: true, cwd: homeHere() };
  const connection: Connection = {
    host: undefined,
    remoteShell: undefined,
    patienceMs: NO_PROGRESS_MS,
    lost: new Promise(() => {}),
    isReachable: () => true,
    run: (words, input = '') =>
      say(shell, ['-c', 'exec "$@"', 'sh', ...words], { ...start, input, patienceMs: NO_PROGRESS_MS }),
    session: (words) => spawn(shell, ['-c', 'exec "$@"', 'sh', ...words], start),
    // The rsync here was asked already.
    look: (asked) =>
      lookBy({ ...asked, rsync: undefined }, (script) => say(shell, ['-s'], { ...start, input: script })),
    probe: (asked) => probe(options, connection, asked),
    reach: ({ path }) => ({ kind: 'local', path }),
    prove: async () => {},
    close: async () => {},
  };
  return connection;
}

/** Checks a local target's place, and what rsync takes from itself, without changing anything. */
async function probe(
  { here, target }: LocalOptions,
  connection: Pick<Connection, 'remoteShell' | 'patienceMs' | 'look'>,
  { extras, trash }: ProbeOptions,
): Promise<Result<There>> {
  const { path } = target;
  const at = whatIsAt(path);
  if (!at.ok) return at;
  if (at.value === 'other') return failed(notADirectory(path, 'here'));
  const exists = at.value === 'directory';
  const parent = dirname(path);
  if (!exists) {
    const above = whatIsAt(parent);
    if (!above.ok) return above;
    if (above.value !== 'directory') return failed(noParent(parent, 'here'));
  }
  const [{ look }, tried] = await Promise.all([
    connection.look({ path, trash, rsync: undefined }),
    tryOut({ here, target, connection, extras }),
  ]);
  if (tried.ok) {
    const above = { ...target, path: parent };
    const takes = exists ? tried.takes : await takenAbove({ here, target: above, connection, extras }, tried.takes);
    return success({
      version: undefined,
      takes: inPlace(takes, look),
      chatter: [],
      exists,
      look,
      isCramped: false,
    });
  }
  const outcome = outcomeOf(tried.exit, undefined, [], ofNames([]));
  const message = `rsync can't send to ${target.label}`;
  return failed(outcome.kind === 'broken' ? { ...outcome.failure, kind: 'remote' } : { kind: 'remote', message });
}

/** What a path leads to; a link that leads nowhere is something else than a directory, too. */
function whatIsAt(path: string): Result<'directory' | 'other' | 'nothing'> {
  try {
    const stats = statSync(path, { throwIfNoEntry: false }) ?? lstatSync(path, { throwIfNoEntry: false });
    return success(stats === undefined ? 'nothing' : stats.isDirectory() ? 'directory' : 'other');
  } catch (error) {
    return failed({
      kind: 'remote',
      message: `${path} here can't be looked at (${errnoOf(error)})`,
      hint: 'Check its rights.',
    });
  }
}
