import { constants, existsSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { msSince, steadyNow } from '../clock.js';
import type { SteadyMs } from '../core/clock.js';
import type { Program } from '../core/environment.js';
import type { RsyncSettings } from '../core/rsync/args.js';
import { GO, isFar, readerCommand, writerArgs } from '../core/rsync/rewrite.js';
import { type Child, collect, type Ended, say, spawn } from '../spawn.js';
import { makeTemporary } from '../user-folders.js';
import { LinesInSlices } from './read-lines.js';
import { endSurely, exitOf, guarded, type RsyncProcess } from './run.js';

/** What it takes to have both halves wait. */
export interface RewriteWay {
  /** Starts a command there (Connection.session); undefined while there is no connection. */
  readonly session: (words: readonly string[]) => Child | undefined;
  readonly mkfifo: Program;
}

/** How far away the other side is: the last round trip in milliseconds, where one was measured. */
export interface Distance {
  rttMs: number | undefined;
}

/**
 * Starts both halves of a rewrite ahead, see core/rsync/rewrite.ts. The one there says when it is there, and by how soon it answers how
 * far away it is. Where that is too near to be worth it, or it says anything else, both end: unfit. `onReady`: both wait. Undefined
 * without a connection.
 */
export function startRewrite(
  settings: RsyncSettings,
  way: RewriteWay,
  distance: Distance,
  onReady: () => void = () => {},
): RsyncProcess | undefined {
  const command = readerCommand(settings);
  const reader = way.session([command]);
  if (reader === undefined) return undefined;
  const stderr = collect(reader.stderr);
  let state: 'waits' | 'taken' | 'unfit' | 'over' = 'waits';
  let writer: Writer | undefined;
  let starting: Promise<void> | undefined;

  const end = (): void => {
    endSurely(reader);
    if (writer !== undefined) endSurely(writer.child);
  };
  const over = (why: 'unfit' | 'over'): void => {
    if (state === 'waits') state = why;
    end();
  };
  const begin = async (): Promise<void> => {
    writer = await startWriter(settings, way.mkfifo);
    if (writer === undefined || state !== 'waits') return end();
    onReady();
    void writer.child.ended.then(() => {
      if (state === 'waits') over('over');
    });
  };
  const tripsMs: number[] = [];
  let askedMs: SteadyMs | undefined;
  const greet = (chunk: Buffer): void => {
    if (askedMs !== undefined) tripsMs.push(msSince(askedMs));
    const isMeasured = tripsMs.length === TRIPS;
    if (isMeasured) distance.rttMs = Math.min(...tripsMs);
    const isNear = isMeasured && !isFar(distance.rttMs);
    if (isNear || chunk.some((byte) => byte !== LINE_BREAK)) {
      over('unfit');
      return;
    }
    if (isFar(distance.rttMs)) starting ??= begin();
    if (isMeasured) return;
    askedMs = steadyNow();
    reader.stdin.write('\n');
  };
  reader.stdout.on('data', greet);

  const bothEnded = async (): Promise<Ended> => {
    const ended = await reader.ended;
    if (state === 'waits' || state === 'taken') state = 'over';
    await starting;
    if (writer === undefined) return ended;
    endSurely(writer.child);
    await writer.child.ended;
    writer.batch.destroy();
    return ended;
  };
  return {
    args: [command],
    ended: bothEnded(),
    isAlive: () => state === 'waits',
    isReady: () => writer !== undefined,
    isUnfit: () => state === 'unfit',
    end: () => over('over'),
    finish: async (input, onLine, options) => {
      state = 'taken';
      reader.stdout.off('data', greet);
      const guard = guarded(end, [reader.stdout, reader.stderr], options);
      const lines = new LinesInSlices(reader.stdout, onLine);
      reader.stdin.write(`${GO}\n`);
      if (writer !== undefined) feed(writer, reader, input);
      const ended = await reader.ended;
      await lines.end();
      return exitOf(ended, stderr(), guard.end());
    },
  };
}

const LINE_BREAK = 10;

/** So many round trips are measured: on a busy machine some take much longer. */
const TRIPS = 5;

/** What the half here has written last comes within this time after its end, in milliseconds. */
const REST_MS = 200;

/** The one there ends by itself when all has come; for what can't come any more it does not have to wait. */
function feed({ child, batch }: Writer, { stdin }: Child, input: Iterable<Buffer>): void {
  batch.on('data', (chunk: Buffer) => stdin.write(chunk));
  for (const part of input) child.stdin.write(part);
  child.stdin.end();
  void child.ended.then(() => setTimeout(() => stdin.end(), REST_MS).unref());
}

/** The half here, which waits for names. */
interface Writer {
  readonly child: Child;
  readonly batch: Socket;
}

/** How often it is looked whether rsync has opened what it writes to, in milliseconds, and how often at most. */
const OPENED_MS = 5;
const MOST_LOOKS = 600;

/** Nothing of it is left on the disk by the time that it waits. */
async function startWriter(settings: RsyncSettings, mkfifo: Program): Promise<Writer | undefined> {
  const made = makeTemporary('syncwatch-empty-');
  if (!made.ok) return undefined;
  const folder = made.value;
  const fifo = join(folder, 'batch');
  try {
    const { ended } = await say(mkfifo, ['-m', '600', fifo], { ownSession: true });
    if (ended.kind !== 'exited' || ended.code !== 0) return undefined;
    // For writing too: so it is never at its end, and who opens it waits for nobody.
    const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
    const batch = new Socket({ fd, readable: true, writable: false });
    batch.on('error', () => {});
    const args = writerArgs(fifo, join(folder, 'nowhere'));
    const child = spawn(settings.program, args, { cwd: settings.pinnedRoot(), ownSession: true });
    for (const stream of [child.stdout, child.stderr]) stream.resume();
    let isGone = false;
    void child.ended.then(() => {
      isGone = true;
    });
    // It opens a script beside it too, for somebody who would read the batch by hand.
    for (let looks = 0; looks < MOST_LOOKS && !isGone && !existsSync(`${fifo}.sh`); looks++) await sleep(OPENED_MS);
    await sleep(OPENED_MS);
    return { child, batch };
  } catch {
    return undefined; // it is for speed only: no room for one more file, or somebody clears what is temporary
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
