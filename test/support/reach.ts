import type { RemoteReach } from '../../src/core/reach.js';

/** A way there that leads nowhere: for a program in the place of ssh. */
export const NOWHERE: RemoteReach = {
  kind: 'remote',
  host: 'there',
  path: '/there',
  controlPath: '/nowhere',
  session: { forwardAgent: false, x11: 'no', sendEnv: [], escapeChar: 'none' },
};
