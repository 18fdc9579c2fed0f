import { setTimeout as sleep } from 'node:timers/promises';
import type { WriteStream } from 'node:tty';
import { msSince, steadyNow } from '../clock.js';
import { own, type Printable } from '../core/printable.js';

/** So much may wait for a terminal that takes nothing, in characters; what comes after that is left out. */
const MOST_WAITING = 1_000_000;

/** Whoever has not taken anything for so long hangs, in milliseconds. */
const HANGS_MS = 1_000;

/** How often it is looked whether all has got out, in milliseconds. */
const LOOK_MS = 20;

/**
 * Writes to stdout or stderr. A terminal may take nothing for a long time (Ctrl-S, an ssh session that hangs) and must not
 * hold us up: what is shown waits here.
 */
export function outletTo(stream: WriteStream): (text: Printable) => void {
  if (stream.isTTY) neverBlock(stream);
  let isFull = false;
  return (text) => {
    if (isFull) return;
    stream.write(text);
    if (!stream.isTTY || stream.writableLength < MOST_WAITING) return;
    isFull = true;
    stream.once('drain', () => {
      isFull = false;
      stream.write(own`\n… (the terminal did not take what came next)\n`);
    });
  };
}

/**
 * Node makes terminals blocking. Not so one that libuv has opened anew for us, and has another number therefore: with the one
 * that we were given we would change it for everybody who has it too.
 */
function neverBlock(stream: WriteStream): void {
  const { _handle: handle, fd } = stream as Partial<WithHandle> & WriteStream;
  if (handle?.fd !== undefined && handle.fd >= 0 && handle.fd !== fd) handle.setBlocking?.(false);
}

/** What node does not document, but set-blocking and others have used for years. */
interface WithHandle {
  readonly fd: number;
  readonly _handle: { readonly fd?: number; readonly setBlocking?: (on: boolean) => unknown };
}

/** Resolves when all that was written has got out; or when whoever reads it hangs. */
export async function allIsOut(streams: readonly WriteStream[]): Promise<void> {
  const left = (): number => streams.reduce((sum, { writableLength }) => sum + writableLength, 0);
  let before = left();
  let sinceMs = steadyNow();
  while (before > 0 && msSince(sinceMs) < HANGS_MS) {
    await sleep(LOOK_MS);
    const now = left();
    if (now !== before) sinceMs = steadyNow();
    before = now;
  }
}
