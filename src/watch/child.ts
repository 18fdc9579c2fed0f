import { fileURLToPath } from 'node:url';
import { msSince, steadyNow } from '../clock.js';
import type { SteadyMs } from '../core/clock.js';
import type { Program } from '../core/environment.js';
import { type NodeChild, spawnNode } from '../spawn.js';

/** What watch/process.ts is in the package (scripts/build.mjs): all is in one folder there. */
const WATCHER = fileURLToPath(new URL('./watcher.js', import.meta.url));

/** Starts a watcher in a process of its own. `onMessage` gets what it sends, unchecked. */
export type StartWatcher = (onMessage: (message: unknown) => void) => NodeChild;

/** `node`: what runs it. */
export const watcherBy =
  (node: Program): StartWatcher =>
  (onMessage) =>
    spawnNode(node, WATCHER, onMessage);

/**
 * How often the child is asked whether it is there, and after how long a silence it is replaced. A stopped process does not
 * end, and its watching thread may hang alone (docs/design.md#watching): every so many times that one has to answer. Not more
 * often, because such a change makes the watcher hold back a save right after it for 50 ms.
 */
const PING_MS = 5_000;
const DEAF_MS = 15_000;
const DEEP_EVERY = 12;

/** Asks a child for signs of life until it ends, and ends it when there are none. Gives what to call at each of them. */
export function keepAsking(child: NodeChild, isReady: () => boolean): () => void {
  let askedMs: SteadyMs | undefined;
  let count = 0;
  const timer = setInterval(() => {
    if (askedMs === undefined) {
      askedMs = steadyNow();
      child.send({ kind: 'ping', deep: isReady() && ++count % DEEP_EVERY === 0 });
    } else if (msSince(askedMs) > DEAF_MS) child.kill('SIGKILL');
  }, PING_MS);
  void child.ended.then(() => clearInterval(timer));
  return () => {
    askedMs = undefined;
  };
}
