import type { Report } from '../core/event.js';
import { type Result, success } from '../core/failure.js';
import { remoteShell } from '../core/rsync/args.js';
import type { RsyncHere } from '../core/rsync/version.js';
import { isExplained } from '../core/ssh/exit.js';
import type { RemoteTarget } from '../core/target.js';
import { lookBy } from '../place/look.js';
import type { Programs } from '../programs.js';
import type { Master, Patience } from '../ssh/client.js';
import { aimOf, type SshOptions } from '../ssh/command.js';
import { askConfig } from '../ssh/config.js';
import { openMaster } from '../ssh/master.js';
import { findUsersMaster, rideOn } from '../ssh/users-master.js';
import { probeThere } from './probe.js';
import type { Connection, Transport } from './transport.js';

export interface SshTransportOptions {
  readonly programs: Programs;
  /** Us. */
  readonly uid: number;
  readonly here: RsyncHere;
  readonly target: RemoteTarget;
  readonly ssh: SshOptions;
  /** Where the socket of the next connection goes; never where that of the last one is, for its master removes it when it ends. */
  readonly controlPath: () => string;
  readonly report: Report;
  /** How long somebody there may take; as long as is usual where not given. */
  readonly patience?: Patience | undefined;
}

/**
 * A directory on a host that the system's ssh reaches: one master connection, through which everything goes. It is the user's own,
 * where they have one; else it is opened for us.
 */
export function sshTransport(options: SshTransportOptions): Transport {
  const { programs, target, ssh, uid, report, patience } = options;
  /** Why a connection of theirs is not used, as it was told last. */
  let unfit: string | undefined;
  return {
    target,
    aim: aimOf(target, ssh),
    open: async (signal): Promise<Result<Connection>> => {
      const onMessage = (line: string): void =>
        report({ kind: 'note', level: isExplained(line) ? 'debug' : 'normal', text: `ssh: ${line}` });
      const config = await askConfig(programs, target, ssh);
      if (!config.ok) return config;
      const by = { programs, target, ssh, config: config.value, patience };
      const theirs = ssh.ownMaster ? NONE : await findUsersMaster({ ...by, uid });
      const note = (text: string): void => report({ kind: 'note', level: 'normal', text });
      if (theirs.kind === 'there') {
        note(`going through your own ssh connection to ${target.host} (${theirs.path}), without a login`);
        const stopped = `your own ssh connection to ${target.host} takes nothing new any more (ssh -O stop?): syncwatch logs in by itself now`;
        const master = rideOn(theirs.client, patience);
        let isTold = false;
        const isReachable = (): boolean => {
          const is = master.isReachable();
          if (!is && !isTold) note(stopped);
          isTold ||= !is;
          return is;
        };
        return success(connectionBy({ ...master, isReachable }, options));
      }
      if (theirs.kind === 'unfit' && unfit !== theirs.why) {
        unfit = theirs.why;
        note(`the ssh connection at ${theirs.path} is not used: ${theirs.why}`);
      }
      const opened = await openMaster({ ...by, controlPath: options.controlPath(), onMessage }, signal);
      return opened.ok ? success(connectionBy(opened.value, options)) : opened;
    },
  };
}

const NONE = { kind: 'none' } as const;

function connectionBy(master: Master, { here, target, ssh }: SshTransportOptions): Connection {
  const { host, lost, session, controlPath } = master;
  const connection: Connection = {
    host,
    remoteShell: remoteShell(master.clientForRsync),
    patienceMs: master.patience.commandMs,
    lost,
    isReachable: master.isReachable,
    run: master.run,
    session: master.start,
    look: (asked) => lookBy(asked, (script) => master.run(['sh', '-s'], script)),
    probe: (asked) => probeThere({ here, connection, target, aim: aimOf(target, ssh) }, asked),
    reach: ({ path }) => ({ kind: 'remote', host: target.host, user: target.user, path, controlPath, session }),
    prove: master.prove,
    close: master.close,
  };
  return connection;
}
