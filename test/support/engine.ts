import type { Filter } from '../../src/core/filter/filter.js';
import type { RsyncSettings } from '../../src/core/rsync/args.js';
import { Engine, type EngineOptions } from '../../src/sync/engine.js';
import { localWork } from './deliver.js';

/** An engine from a local directory to a local one (or as `more` says), with the real rsync and without a watcher. */
export function localEngine(
  root: string,
  there: string,
  filter: Filter,
  more: Partial<RsyncSettings> = {},
  options: Partial<EngineOptions> = {},
): Engine {
  return new Engine({
    ...localWork(root, there, filter, more, options),
    aim: undefined,
    wayThere: async () => {},
    policy: { oneByOne: false, rescanMs: 0 },
    pass: { mirror: 'off', guard: async () => undefined },
    link: { state: { kind: 'up' }, wake: async () => {}, nudge: () => {} },
    noteListing: () => {},
    checksRemovals: true,
    onShort: () => {},
    ...options,
  });
}
