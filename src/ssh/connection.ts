import { existsSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Failure, failed, type Result, success } from '../core/failure.js';
import { sshFailure } from '../core/ssh-exit.js';
import { loginOf } from '../core/target.js';
import { type Child, collect, type Ended, say, spawn } from '../spawn.js';
import { aimOf, clientCommand, masterCommand, type RemoteTarget, type SshOptions } from './command.js';

/** How often the control socket is looked for while the master logs in, in milliseconds. */
const POLL_MS = 20;

/** How long a master may take to go after SIGTERM, in milliseconds, before it is killed. */
const CLOSE_MS = 2_000;

export interface ConnectionOptions {
  readonly target: RemoteTarget;
  readonly ssh: SshOptions;
  /** Where the control socket goes; at most 90 bytes (DESIGN section 7, ssh). */
  readonly controlPath: string;
  /** A line that ssh wrote while logging in: a banner, or what a login method has to say. */
  readonly onMessage: (line: string) => void;
}

/** ssh is not installed on this machine. */
export const NO_SSH: Failure = {
  kind: 'start',
  message: 'there is no ssh here',
  hint: 'Install it: apt install openssh-client',
};

/** One master connection to one host. Every rsync of that host goes through it. */
export interface Connection {
  /** ssh as a client of this connection, for rsync's `-e`. */
  readonly client: readonly string[];
  /** Resolves with the reason when the connection is gone, unless {@link Connection.close} was called. */
  readonly lost: Promise<Failure>;
  /** Runs a command there, given as words that any shell leaves alone. */
  run(words: readonly string[]): ReturnType<typeof say>;
  /** Asks the other side for a sign of life, for at most `withinMs`; without one the connection is given up as lost. */
  probe(withinMs: number): Promise<void>;
  /** Ends it; nothing of it is left afterwards. */
  close(): Promise<void>;
}

/** Logs in and keeps the connection as a supervised child. Prompts go to the terminal, where there is one. */
export async function openConnection(options: ConnectionOptions, signal: AbortSignal): Promise<Result<Connection>> {
  const { target, ssh, controlPath } = options;
  const [prefix] = await Promise.all([endsWithUs(), closeStale(options)]);
  const [file = 'ssh', ...args] = masterCommand(target, ssh, controlPath);
  // In the terminal's foreground group, because only from there it may prompt; and deaf to Ctrl-C, because syncwatch
  // decides when it ends. An ignored signal stays ignored across exec, and ssh keeps it so (clientloop.c).
  const deaf = ['sh', '-c', 'trap "" INT; exec "$@"', 'sh', file, ...args];
  const [first = 'sh', ...others] = [...prefix, ...deaf];
  const master = spawn(first, others, { ownSession: false });
  const stderr = collect(master.stderr, 20_000);
  let loggingIn = true;
  onLines(master, (line) => {
    if (loggingIn && line !== '') options.onMessage(line);
  });
  const aim = aimOf(target, ssh);
  const failure = (ended: Ended): Failure =>
    ended.kind === 'notFound' || (ended.kind === 'exited' && ended.code === 127) ? NO_SSH : sshFailure(stderr(), aim);

  let ended: Ended | undefined;
  void master.ended.then((end) => {
    ended = end;
  });
  while (ended === undefined && !(existsSync(controlPath) && (await answers(options)))) {
    if (signal.aborted) {
      await end(master, controlPath);
      return failed({ kind: 'connection', message: 'stopped while connecting' });
    }
    await sleep(POLL_MS);
  }
  loggingIn = false;
  if (ended !== undefined) {
    await end(master, controlPath);
    return failed(failure(ended));
  }

  const client = clientCommand(ssh, controlPath);
  let closed = false;
  let givenUp: Failure | undefined;
  const run = (words: readonly string[]): ReturnType<typeof say> => {
    const [clientFile = 'ssh', ...clientArgs] = client;
    return say(clientFile, [...clientArgs, '--', loginOf(target), ...words], { ownSession: true });
  };
  return success({
    client,
    lost: new Promise((resolve) => {
      void master.ended.then((end) => {
        if (!closed) resolve(givenUp ?? failure(end));
      });
    }),
    run,
    probe: async (withinMs) => {
      const answer = await Promise.race([run(['true']), sleep(withinMs)]);
      if (answer !== undefined || closed || ended !== undefined) return;
      givenUp = { kind: 'connection', message: `${aim.host} does not answer any more` };
      await end(master, controlPath);
    },
    close: async () => {
      closed = true;
      await end(master, controlPath);
    },
  });
}

/** Whether a master answers on the control socket. */
async function answers({ target, ssh, controlPath }: ConnectionOptions): Promise<boolean> {
  const { ended } = await control('check', target, ssh, controlPath);
  return ended.kind === 'exited' && ended.code === 0;
}

const control = (request: 'check' | 'exit', target: RemoteTarget, ssh: SshOptions, controlPath: string) => {
  const [file = 'ssh', ...args] = clientCommand(ssh, controlPath);
  return say(file, [...args, '-O', request, '--', loginOf(target)], { ownSession: true });
};

/** Ends a master that an earlier, killed syncwatch left on our socket. */
async function closeStale({ target, ssh, controlPath }: ConnectionOptions): Promise<void> {
  if (!existsSync(controlPath)) return;
  await control('exit', target, ssh, controlPath);
  rmSync(controlPath, { force: true });
}

/**
 * A command prefix with which a process does not outlive us, even when we are killed: prctl(2), PR_SET_PDEATHSIG. Linux
 * with util-linux only; elsewhere the next start ends what is left, see closeStale.
 */
async function endsWithUs(): Promise<readonly string[]> {
  const prefix = ['setpriv', '--pdeathsig', 'TERM'];
  const [file = 'setpriv', ...args] = prefix;
  const { ended } = await say(file, [...args, 'true'], { ownSession: true });
  return ended.kind === 'exited' && ended.code === 0 ? prefix : [];
}

async function end(master: Child, controlPath: string): Promise<void> {
  const timer = setTimeout(() => master.kill('SIGKILL'), CLOSE_MS);
  master.kill('SIGTERM');
  await master.ended;
  clearTimeout(timer);
  rmSync(controlPath, { force: true });
}

function onLines(child: Child, onLine: (line: string) => void): void {
  let rest = '';
  child.stderr.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('utf8')).split(/\r?\n/);
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
}
