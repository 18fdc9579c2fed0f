import type { Report } from '../core/event.js';
import type { RsyncHere } from '../core/rsync/version.js';
import type { Target } from '../core/target.js';
import type { Programs } from '../programs.js';
import type { SshOptions } from '../ssh/command.js';
import type { Patience } from '../ssh/master.js';
import { localTransport } from './local.js';
import { sshTransport } from './ssh.js';
import type { Transport } from './transport.js';

/** What the adapters need, each some of it. */
export interface TransportOptions {
  readonly programs: Programs;
  readonly here: RsyncHere;
  readonly ssh: SshOptions;
  /** Where the socket of the next connection may go, by turns. */
  readonly controlPath: () => string;
  readonly report: Report;
  /** How long somebody there may take; as long as is usual where not given. */
  readonly patience?: Patience | undefined;
}

/** The way to a target: one line for each kind there is. */
export function transportTo(target: Target, options: TransportOptions): Transport {
  switch (target.kind) {
    case 'remote':
      return sshTransport({ ...options, target });
    case 'local':
      return localTransport({ ...options, target });
  }
}
