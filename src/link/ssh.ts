import type { Report } from '../core/event.js';
import { type Result, success } from '../core/failure.js';
import { remoteShell } from '../core/rsync/args.js';
import type { RsyncHere } from '../core/rsync/version.js';
import { isExplained } from '../core/ssh/exit.js';
import type { RemoteTarget } from '../core/target.js';
import { lookBy } from '../place/look.js';
import type { Programs } from '../programs.js';
import { aimOf, type SshOptions } from '../ssh/command.js';
import { type Master, openMaster, type Patience } from '../ssh/master.js';
import { probeThere } from './probe.js';
import type { Connection, Transport } from './transport.js';

export interface SshTransportOptions {
  readonly programs: Programs;
  readonly here: RsyncHere;
  readonly target: RemoteTarget;
  readonly ssh: SshOptions;
  /** Where the socket of the next connection goes; never where that of the last one is, for its master removes it when it ends. */
  readonly controlPath: () => string;
  readonly report: Report;
  /** How long somebody there may take; as long as is usual where not given. */
  readonly patience?: Patience | undefined;
}

/** A directory on a host that the system's ssh reaches: one master connection, through which everything goes. */
export function sshTransport(options: SshTransportOptions): Transport {
  const { programs, target, ssh, report, patience } = options;
  return {
    target,
    aim: aimOf(target, ssh),
    open: async (signal): Promise<Result<Connection>> => {
      const onMessage = (line: string): void =>
        report({ kind: 'note', level: isExplained(line) ? 'debug' : 'normal', text: `ssh: ${line}` });
      const opened = await openMaster(
        { programs, target, ssh, controlPath: options.controlPath(), patience, onMessage },
        signal,
      );
      return opened.ok ? success(connectionBy(opened.value, options)) : opened;
    },
  };
}

function connectionBy(master: Master, { here, target, ssh }: SshTransportOptions): Connection {
  const { host, lost, session, controlPath } = master;
  const connection: Connection = {
    host,
    remoteShell: remoteShell(master.clientForRsync),
    patienceMs: master.patience.commandMs,
    lost,
    isReachable: master.isReachable,
    run: master.run,
    look: (asked) => lookBy(asked, (script) => master.run(['sh', '-s'], script)),
    probe: (asked) => probeThere({ here, connection, target, aim: aimOf(target, ssh) }, asked),
    reach: ({ path }) => ({ kind: 'remote', host: target.host, user: target.user, path, controlPath, session }),
    prove: master.prove,
    close: master.close,
  };
  return connection;
}
