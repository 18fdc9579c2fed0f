import { existsSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Program } from '../core/environment.js';
import { type Failure, failed, type Result, success } from '../core/failure.js';
import { sshFailure } from '../core/ssh-exit.js';
import { loginOf } from '../core/target.js';
import { noSsh, type Programs } from '../programs.js';
import { type Child, collect, type Ended, say, spawn } from '../spawn.js';
import { aimOf, clientArgs, commandForRsync, masterArgs, type RemoteTarget, type SshOptions } from './command.js';

/** How often the control socket is looked for while the master logs in, in milliseconds. */
const POLL_MS = 20;

/** How long a master may take to go after SIGTERM, in milliseconds, before it is killed. */
const CLOSE_MS = 2_000;

export interface ConnectionOptions {
  readonly programs: Programs;
  readonly target: RemoteTarget;
  readonly ssh: SshOptions;
  /** Where the control socket goes; at most 90 bytes (DESIGN section 7, ssh). */
  readonly controlPath: string;
  /** A line that ssh wrote while logging in: a banner, or what a login method has to say. */
  readonly onMessage: (line: string) => void;
}

/** One master connection to one host. Every rsync of that host goes through it. */
export interface Connection {
  /** ssh as a client of this connection: program and options. */
  readonly client: readonly string[];
  /** The same for rsync's `-e`; rsync adds user, host and command. */
  readonly clientForRsync: readonly string[];
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
  const { programs, target, ssh, controlPath } = options;
  if (programs.ssh.file === undefined) return failed(noSsh(programs.ssh));
  const client: Client = { ...options, program: programs.ssh };
  const [setpriv] = await Promise.all([endsWithUs(programs), closeStale(client)]);
  // In the terminal's foreground group, because only from there it may prompt; and deaf to Ctrl-C, because syncwatch
  // decides when it ends. An ignored signal stays ignored across exec, and ssh keeps it so (clientloop.c).
  const deaf = ['-c', 'trap "" INT; exec "$@"', 'sh', programs.ssh.file, ...masterArgs(target, ssh, controlPath)];
  const master =
    setpriv === undefined
      ? spawn(programs.shell, deaf, { ownSession: false })
      : spawn(setpriv, [...DIES_WITH_US, programs.shell.file, ...deaf], { ownSession: false });
  const stderr = collect(master.stderr, 20_000);
  let loggingIn = true;
  onLines(master, (line) => {
    if (loggingIn && line !== '') options.onMessage(line);
  });
  const aim = aimOf(target, ssh);
  const failure = (): Failure => sshFailure(stderr(), aim);

  let ended: Ended | undefined;
  void master.ended.then((end) => {
    ended = end;
  });
  while (ended === undefined && !(existsSync(controlPath) && (await answers(client)))) {
    if (signal.aborted) {
      await end(master, controlPath);
      return failed({ kind: 'connection', message: 'stopped while connecting' });
    }
    await sleep(POLL_MS);
  }
  loggingIn = false;
  if (ended !== undefined) {
    await end(master, controlPath);
    return failed(failure());
  }

  let closed = false;
  let givenUp: Failure | undefined;
  const args = clientArgs(ssh, controlPath);
  const run = (words: readonly string[]): ReturnType<typeof say> =>
    say(client.program, [...args, '--', loginOf(target), ...words], { ownSession: true });
  return success({
    client: [client.program.file, ...args],
    clientForRsync: commandForRsync(client.program, args),
    lost: new Promise((resolve) => {
      void master.ended.then(() => {
        if (!closed) resolve(givenUp ?? failure());
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

/** What it takes to speak to a master. */
interface Client extends Pick<ConnectionOptions, 'target' | 'ssh' | 'controlPath'> {
  readonly program: Program;
}

/** Whether a master answers on the control socket. */
async function answers(client: Client): Promise<boolean> {
  const { ended } = await control('check', client);
  return ended.kind === 'exited' && ended.code === 0;
}

const control = (request: 'check' | 'exit', { program, target, ssh, controlPath }: Client) =>
  say(program, [...clientArgs(ssh, controlPath), '-O', request, '--', loginOf(target)], { ownSession: true });

/** Ends a master that an earlier, killed syncwatch left on our socket. */
async function closeStale(client: Client): Promise<void> {
  if (!existsSync(client.controlPath)) return;
  await control('exit', client);
  rmSync(client.controlPath, { force: true });
}

/** With these a process does not outlive us, even when we are killed: prctl(2), PR_SET_PDEATHSIG. */
const DIES_WITH_US = ['--pdeathsig', 'TERM'];

/** The program that {@link DIES_WITH_US} is for: on Linux with util-linux; elsewhere the next start ends what is left, see closeStale. */
async function endsWithUs({ setpriv, shell }: Programs): Promise<Program | undefined> {
  if (setpriv.file === undefined) return undefined;
  const { ended } = await say(setpriv, [...DIES_WITH_US, shell.file, '-c', ':'], { ownSession: true });
  return ended.kind === 'exited' && ended.code === 0 ? setpriv : undefined;
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
