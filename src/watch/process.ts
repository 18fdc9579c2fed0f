/**
 * The watcher child: a process of its own, started by supervisor.ts, that subscribes to one root and sends the names
 * it hears of. The only importer of @parcel/watcher. Why a process: docs/design.md#watching; its subscriptions can't be
 * renewed, die or block within a process without a gap.
 */
import { watch as probe, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import watcher from '@parcel/watcher';
import type { FromWatcher, ToWatcher } from './protocol.js';

const BACKENDS: Readonly<Partial<Record<NodeJS.Platform, watcher.BackendType>>> = {
  // Named, because the default takes watchman where its binary answers.
  linux: 'inotify',
  darwin: 'fs-events',
};

/** So many names go in one message: syncwatch hears each message without a pause, in a few milliseconds. */
const AT_ONCE = 500;

const tell = (message: FromWatcher): void => {
  process.send?.(message, undefined, undefined, () => {});
};

process.on('disconnect', () => process.exit(0)); // syncwatch is gone
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {}); // syncwatch decides when we end

process.on('message', (message: ToWatcher) => {
  switch (message.kind) {
    case 'watch':
      void start(message);
      break;
    case 'ping':
      if (message.deep) beat();
      else tell({ kind: 'pong' });
      break;
  }
});

/** Makes a change that only its own subscription tells of: all subscriptions of a process share one thread. */
let beat = (): void => {};

async function start({ root, ignore, beatDir }: Extract<ToWatcher, { kind: 'watch' }>): Promise<void> {
  try {
    // With all inotify instances in use `subscribe` blocks this thread for ever; fs.watch says EMFILE at once.
    probe(root).close();
    const backend = BACKENDS[process.platform];
    const options = backend === undefined ? {} : { backend };
    await watcher.subscribe(
      root,
      (error, events) => {
        // Nothing may be thrown here: it would end the process.
        if (error !== null) tell({ kind: 'doubt', message: error.message });
        else
          for (let from = 0; from < events.length; from += AT_ONCE) {
            const some = events.slice(from, from + AT_ONCE);
            tell({ kind: 'hints', names: some.map((event) => event.path.slice(root.length + 1)) });
          }
      },
      { ...options, ignore: [...ignore] },
    );
    const own = join(beatDir, String(process.pid));
    await watcher.subscribe(
      beatDir,
      (_error, events) => {
        if (!events.some((event) => event.path === own && event.type !== 'delete')) return;
        rmSync(own, { force: true });
        tell({ kind: 'pong' });
      },
      options,
    );
    beat = () => {
      try {
        writeFileSync(own, '');
      } catch (error) {
        tell({ kind: 'doubt', message: error instanceof Error ? error.message : String(error) }); // that folder was removed
      }
    };
    tell({ kind: 'ready' });
  } catch (error) {
    tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
}
