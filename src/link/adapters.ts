import type { Target } from '../core/target.js';
import { type LocalOptions, localTransport } from './local.js';
import { type SshTransportOptions, sshTransport } from './ssh.js';
import type { Transport } from './transport.js';

/** What the adapters need, each some of it. */
export type TransportOptions = Omit<SshTransportOptions & LocalOptions, 'target'>;

/** The way to a target: one line for each kind there is. */
export function transportTo(target: Target, options: TransportOptions): Transport {
  switch (target.kind) {
    case 'remote':
      return sshTransport({ ...options, target });
    case 'local':
      return localTransport({ ...options, target });
  }
}
