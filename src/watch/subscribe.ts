import { cantStart, type Failure } from '../core/failure.js';
import type { NodeChild } from '../spawn.js';
import { keepAsking, type StartWatcher } from './child.js';
import { isFromWatcher } from './protocol.js';
import { isPathTooLong, whyNotWatched } from './why-not.js';

/** How long a subscription may take before its child is taken for stuck, in milliseconds (500,000 files: 4 s). */
const SUBSCRIBE_TIMEOUT_MS = 60_000;

const SEE_DOCTOR = 'Try again; with --debug it says more.';

/** What a child is for, and who hears of it. */
export interface Subscriber {
  /** Nothing that it says counts any more. */
  readonly isOver: () => boolean;
  /** Whether it is the one that watches: before, and once another is in its place, it is not asked to show that it hears. */
  readonly isInUse: () => boolean;
  /** How many directories are there, as far as is known. */
  readonly directories: () => number;
  readonly onHints: (names: readonly string[]) => void;
  /** Something may have been missed. */
  readonly onDoubt: (why: string) => void;
}

/** `isPathTooLong`: because of a path that is too long and was not left out. */
export type Subscribed = 'ready' | { readonly failure: Failure; readonly isPathTooLong: boolean };

/** Starts a child that watches `root` but for `ignore`. `subscribed`: once it has the whole tree, or why not; it is ended then. */
export function subscribe(
  startWatcher: StartWatcher,
  root: string,
  beatDir: string,
  ignore: readonly string[],
  { isOver, isInUse, directories, onHints, onDoubt }: Subscriber,
): { readonly child: NodeChild; readonly subscribed: Promise<Subscribed> } {
  let settle: (end: Subscribed) => void = () => {};
  const settled = new Promise<Subscribed>((resolve) => {
    settle = resolve;
  });
  const fail = (failure: Failure, isPathTooLong = false): void => settle({ failure, isPathTooLong });
  const child = startWatcher((message) => {
    if (isOver() || !isFromWatcher(message)) return;
    switch (message.kind) {
      case 'ready':
        settle('ready');
        break;
      case 'failed':
        fail(whyNotWatched(message.message, root, directories()), isPathTooLong(message.message));
        break;
      case 'pong':
        onPong();
        break;
      case 'hints':
        onHints(message.names);
        break;
      case 'doubt':
        onDoubt(message.message);
        break;
    }
  });
  const onPong = keepAsking(child, isInUse);
  const timer = setTimeout(
    () => fail({ kind: 'start', message: `watching ${root} did not begin in time`, hint: SEE_DOCTOR }),
    SUBSCRIBE_TIMEOUT_MS,
  );
  void child.ended.then((ended) => {
    const message = 'the watcher process ended before it was ready';
    fail(
      ended.kind === 'notStarted'
        ? cantStart('the watcher', ended.why, 'start')
        : { kind: 'start', message, hint: SEE_DOCTOR },
    );
  });
  child.send({ kind: 'watch', root, beatDir, ignore });
  const subscribed = settled.then((end) => {
    clearTimeout(timer);
    if (end !== 'ready') child.kill('SIGKILL');
    return end;
  });
  return { child, subscribed };
}
