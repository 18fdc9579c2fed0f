import type { Report } from '../core/event.js';
import { type Failure, failed, type Result } from '../core/failure.js';
import { textOf } from '../core/name.js';
import { refusalOf } from '../core/place/guard.js';
import { atPath, type Look, whyUnseen } from '../core/place/place.js';
import type { ModeThere } from '../core/place/strict.js';
import type { There } from '../core/rsync/there.js';
import type { Target } from '../core/target.js';
import { aroundDir } from '../place/here.js';
import type { Programs } from '../programs.js';
import type { Connection, ProbeOptions, Transport } from './transport.js';

/** After how long it is told that a login is through but nothing answers there, in milliseconds. */
const SILENT_MS = 5_000;

export interface ArrivalOptions extends ProbeOptions {
  readonly programs: Pick<Programs, 'shell'>;
  readonly report: Report;
  /** DIR as it was given, and absolute, symlinks resolved. */
  readonly dir: string;
  readonly root: string;
  readonly isMirror: boolean;
  readonly modeThere: ModeThere;
}

/** Checks the target's rsync and place: whether it may be synced to at all. Nothing is changed there. */
export async function arrive(
  { aim, target }: Pick<Transport, 'aim' | 'target'>,
  connection: Pick<Connection, 'probe'>,
  options: ArrivalOptions,
): Promise<Result<There>> {
  // The shell there may wait for a lock, for a minute or for good: ~/.bashrc with pyenv, for example.
  const silent = setTimeout(() => {
    if (aim === undefined) return;
    const text = `logged in to ${aim.host}, but its shell does not start rsync: ~/.bashrc or ~/.profile there may be waiting for something (syncwatch doctor says more)`;
    options.report({ kind: 'note', level: 'normal', text });
  }, SILENT_MS);
  const { value: there, here } = await aroundDir(options, () => connection.probe(options));
  clearTimeout(silent);
  const refusal = there.ok
    ? (refusalOf(there.value.look, { ...options, target, here }) ?? noMirror(there.value, target, options.isMirror))
    : undefined;
  return refusal === undefined ? there : failed(refusal);
}

/** Logs in once, checks the same, and leaves. */
export async function visit(
  transport: Transport,
  options: ArrivalOptions,
  signal: AbortSignal,
): Promise<Result<There>> {
  const opened = await transport.open(signal);
  if (!opened.ok) return opened;
  const there = await arrive(transport, opened.value, options);
  await opened.value.close();
  return there;
}

/** A mirror without deletions is none. */
function noMirror({ takes }: There, { label }: Target, isMirror: boolean): Failure | undefined {
  if (!isMirror || takes.deletions !== 'none') return undefined;
  return {
    kind: 'remote',
    message: `--delete mirror can't be had on ${label}: the rsync there takes no deletions`,
    hint: 'It may be rrsync with -no-del. Let it delete, or use --delete never.',
  };
}

/** Why the target is not, or not surely, the place that was looked at and is remembered (`before`). */
export async function whyElsewhere(
  target: Target,
  before: Look,
  connection: Pick<Connection, 'look'> | undefined,
): Promise<Failure | undefined> {
  if (before.kind !== 'place') return undefined;
  const looked = await connection?.look({ path: target.path, trash: undefined, rsync: undefined });
  const look: Look = looked?.look ?? { kind: 'unknown', why: 'there is no connection' };
  if (look.kind === 'place' && look.place.path === before.place.path) return undefined;
  if (look.kind !== 'place')
    return { kind: 'connection', message: `where ${target.label} is can't be seen any more: ${whyUnseen(look)}` };
  return {
    kind: 'remote',
    message: `${atPath(target, look.place)} is another directory than before (${textOf(before.place.path)})`,
    hint: 'If that is right, start syncwatch again.',
  };
}
