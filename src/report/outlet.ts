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

/** Stdout or stderr. */
export interface Outlet {
  readonly write: (text: Printable) => void;
  /** Resolves when all that was written has got out; or when whoever reads it hangs. */
  readonly allIsOut: () => Promise<void>;
}

/** `open`: not called before there is something to write, for node takes a while to make a stream. */
export function outletTo(open: () => WriteStream): Outlet {
  let opened: ReturnType<typeof openedOutlet> | undefined;
  return {
    write: (text) => {
      opened ??= openedOutlet(open());
      opened.write(text);
    },
    allIsOut: async () => {
      if (opened !== undefined) await allIsOut(opened.stream);
    },
  };
}

/**
 * A terminal may take nothing for a long time (Ctrl-S, an ssh session that hangs) and must not hold us up: what is shown waits
 * here. Whoever reads may be gone (EPIPE): then we go on, the remote matters more.
 */
function openedOutlet(stream: WriteStream): { readonly stream: WriteStream; readonly write: Outlet['write'] } {
  stream.on('error', () => {});
  if (stream.isTTY) neverBlock(stream);
  let isFull = false;
  const write = (text: Printable): void => {
    if (isFull) return;
    stream.write(text);
    if (!stream.isTTY || stream.writableLength < MOST_WAITING) return;
    isFull = true;
    stream.once('drain', () => {
      isFull = false;
      stream.write(own`\n… (the terminal did not take what came next)\n`);
    });
  };
  return { stream, write };
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

async function allIsOut(stream: WriteStream): Promise<void> {
  let before = stream.writableLength;
  let sinceMs = steadyNow();
  while (before > 0 && msSince(sinceMs) < HANGS_MS) {
    await sleep(LOOK_MS);
    if (stream.writableLength !== before) sinceMs = steadyNow();
    before = stream.writableLength;
  }
}
