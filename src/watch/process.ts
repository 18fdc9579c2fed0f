/**
 * The watcher child: a process of its own, started by supervisor.ts, that subscribes to one root and sends the names
 * it hears of. The only importer of @parcel/watcher. Why a process: DESIGN section 3; its subscriptions can't be
 * renewed, die or block within a process without a gap.
 */
import { watch as probe } from 'node:fs';
import watcher from '@parcel/watcher';
import type { FromWatcher, ToWatcher } from './protocol.js';

const BACKENDS: Readonly<Partial<Record<NodeJS.Platform, watcher.BackendType>>> = {
  // Named, because the default takes watchman where its binary answers.
  linux: 'inotify',
  darwin: 'fs-events',
};

const tell = (message: FromWatcher): void => {
  process.send?.(message, undefined, undefined, () => {});
};

process.on('disconnect', () => process.exit(0)); // syncwatch is gone
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {}); // syncwatch decides when we end

process.once('message', (message: ToWatcher) => {
  void start(message);
});

async function start({ root, ignore }: ToWatcher): Promise<void> {
  try {
    // With all inotify instances in use `subscribe` blocks this thread for ever; fs.watch says EMFILE at once.
    probe(root).close();
    const backend = BACKENDS[process.platform];
    await watcher.subscribe(
      root,
      (error, events) => {
        // Nothing may be thrown here: it would end the process.
        if (error !== null) tell({ kind: 'doubt', message: error.message });
        else tell({ kind: 'hints', names: events.map((event) => event.path.slice(root.length + 1)) });
      },
      { ignore: [...ignore], ...(backend === undefined ? {} : { backend }) },
    );
    tell({ kind: 'ready' });
  } catch (error) {
    tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
}
