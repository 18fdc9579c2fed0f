import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { msSince, steadyNow } from '../clock.js';
import { plusMs } from '../core/clock.js';
import type { Program } from '../core/environment.js';
import { cantStart, type Failure, failed, type Result, success } from '../core/failure.js';
import { hostFrom } from '../core/place/place.js';
import { sessionFrom } from '../core/reach.js';
import { lostFailure, sshFailure } from '../core/ssh/exit.js';
import type { RemoteTarget } from '../core/target.js';
import { noSsh, type Programs } from '../programs.js';
import { stampOf } from '../scan/stamp.js';
import { type Child, collect, type Ended, type Said, say, spawn } from '../spawn.js';
import { removeForeign } from '../state/ours.js';
import {
  answers,
  argsOf,
  type Client,
  control,
  type Master,
  PATIENCE,
  type Patience,
  runThrough,
  startThrough,
} from './client.js';
import { aimOf, commandForRsync, isQuiet, masterArgs, type SshOptions } from './command.js';

/** How often the control socket is looked for while the master logs in, in milliseconds. */
const POLL_MS = 20;

/** How long a master may take to go when it is asked to, in milliseconds, before it is killed. */
const CLOSE_MS = 2_000;

/** How often it is looked whether ssh asks somebody, in milliseconds. */
const ASKING_MS = 1_000;

export interface MasterOptions {
  readonly programs: Programs;
  /** What `ssh -G` says of the target, see askConfig. */
  readonly config: string;
  readonly target: RemoteTarget;
  readonly ssh: SshOptions;
  /** Where the control socket goes; at most 90 bytes (docs/design.md#ssh). */
  readonly controlPath: string;
  /** A line that ssh wrote while logging in: a banner, or what a login method has to say. */
  readonly onMessage: (line: string) => void;
  readonly patience?: Patience | undefined;
}

/** What {@link openMaster} has found out for it. */
interface Start extends MasterOptions {
  readonly program: string;
  readonly setpriv: Program | undefined;
  readonly logPath: string;
}

/** ssh as a child that nothing ends but us. */
function startMaster({ programs, target, ssh, config, controlPath, program, setpriv, logPath }: Start): Child {
  // In the terminal's foreground group, because only from there it may prompt; and deaf to what reaches the whole group (Ctrl-C,
  // `timeout`, a terminal that goes), because syncwatch decides when it ends, and has still to send what waits. An ignored signal
  // stays ignored across exec, and ssh keeps it so (clientloop.c).
  const deaf = [
    '-c',
    'trap "" HUP INT QUIT TERM; exec "$@"',
    'sh',
    program,
    ...masterArgs(target, ssh, { controlPath, logPath, config }),
  ];
  const master =
    setpriv === undefined
      ? spawn(programs.shell, deaf, { ownSession: false })
      : spawn(setpriv, [...DIES_WITH_US, programs.shell.file, ...deaf], { ownSession: false });
  // It uses neither, and there may be few descriptors.
  master.stdin.destroy();
  master.stdout.destroy();
  return master;
}

/**
 * Logs in and keeps the connection as a supervised child. Prompts go to the terminal, where there is one. `signal`: ends it, at
 * any time.
 */
export async function openMaster(options: MasterOptions, signal: AbortSignal): Promise<Result<Master>> {
  const { programs, target, ssh, config, controlPath, patience = PATIENCE } = options;
  if (programs.ssh.file === undefined) return failed(noSsh(programs.ssh));
  const client: Client = { ...options, program: programs.ssh, whose: 'ours' };
  const [setpriv] = await Promise.all([endsWithUs(programs), closeStale(client)]);
  const logPath = logOf(controlPath);
  const master = startMaster({ ...options, program: programs.ssh.file, setpriv, logPath });
  const stderr = collect(master.stderr, 20_000);
  let loggingIn = true;
  const tell = (line: string): void => {
    if (loggingIn && line !== '' && !isQuiet(config)) options.onMessage(line);
  };
  onLines(master, tell);
  let told = 0;
  const log = (): string => {
    const text = existsSync(logPath) ? readFileSync(logPath, 'latin1') : '';
    const end = ended === undefined ? text.lastIndexOf('\n') + 1 : text.length;
    for (const line of text.slice(told, end).split(/\r?\n/)) tell(Buffer.from(line, 'latin1').toString('utf8'));
    told = Math.max(told, end);
    return text;
  };
  const aim = aimOf(target, ssh);
  let ended: Ended | undefined;
  const failure = (): Failure =>
    ended?.kind === 'notStarted' ? cantStart('ssh', ended.why, 'connection') : sshFailure(log(), stderr(), aim);
  void master.ended.then((end) => {
    ended = end;
  });
  const isLate = waitingFor(master.pid, patience.loginMs);
  while (ended === undefined && !(existsSync(controlPath) && (await answers(client)))) {
    const why = signal.aborted
      ? 'stopped while connecting'
      : isLate()
        ? `the login to ${aim.host} was not through after ${Math.round(patience.loginMs / 1_000)} s`
        : undefined;
    if (why !== undefined) {
      await end(master, client);
      return failed({ kind: 'connection', message: why, hint: `See what it waits for: ${aim.byHand} -v` });
    }
    await sleep(POLL_MS);
    log();
  }
  const why = ended === undefined ? undefined : failure();
  const before = { log: log().length, others: stderr() };
  loggingIn = false;
  if (why !== undefined) {
    await end(master, client);
    return failed(why);
  }
  /** Why it was lost: what was said at the login is over. */
  const loss = (): Failure => lostFailure(log().slice(before.log), after(stderr(), before.others), aim);

  let closed = false;
  let givenUp: Failure | undefined;
  const stamp = stampOf(controlPath);
  const run = (words: readonly string[], input?: string): Promise<Said> => runThrough(client, patience, words, input);
  return success({
    session: sessionFrom(config),
    host: hostFrom(config, target),
    clientForRsync: commandForRsync(client.program, argsOf(client)),
    patience,
    controlPath,
    isReachable: () => stampOf(controlPath) === stamp,
    lost: new Promise((resolve) => {
      void master.ended.then(() => {
        if (!closed) resolve(givenUp ?? loss());
        rmSync(logPath, { force: true });
      });
    }),
    run,
    start: (words) => startThrough(client, words),
    prove: async (withinMs) => {
      const answer = await Promise.race([run(['true']), sleep(withinMs)]);
      if (answer !== undefined || closed || ended !== undefined) return;
      givenUp = { kind: 'connection', message: `${aim.host} does not answer any more` };
      await end(master, client);
    },
    close: async () => {
      closed = true;
      await end(master, client);
    },
  });
}

/**
 * Gives what says whether `ms` are over, apart from the time in which this ssh had the terminal open, which it has while it
 * asks. Elsewhere than on Linux nobody can tell.
 */
function waitingFor(pid: number | undefined, ms: number): () => boolean {
  let leftMs = ms;
  let lookedMs = steadyNow();
  return () => {
    const passedMs = msSince(lookedMs);
    if (passedMs < Math.min(ASKING_MS, leftMs)) return false;
    lookedMs = plusMs(lookedMs, passedMs);
    if (!isAsking(pid)) leftMs -= passedMs;
    return leftMs <= 0;
  };
}

function isAsking(pid: number | undefined): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).some((fd) => readlinkSync(join(folder, fd)) === '/dev/tty');
  } catch {
    return false; // one was closed just now, or there is no /proc
  }
}

/** Where the master of a connection logs. */
const logOf = (controlPath: string): string => `${controlPath}.log`;

/** What has come after the beginning of a text of which only the end is kept. */
const after = (text: string, before: string): string => (text.startsWith(before) ? text.slice(before.length) : text);

/** Ends a master that an earlier, killed syncwatch left on our socket. */
async function closeStale(client: Client): Promise<void> {
  rmSync(logOf(client.controlPath), { force: true });
  removeForeign(client.controlPath);
  if (!existsSync(client.controlPath)) return;
  await control('exit', client);
  rmSync(client.controlPath, { force: true });
}

/** With these a process does not outlive us, even when we are killed: prctl(2), PR_SET_PDEATHSIG. */
const DIES_WITH_US = ['--pdeathsig', 'KILL'];

/** The program that {@link DIES_WITH_US} is for: on Linux with util-linux; elsewhere the next start ends what is left, see closeStale. */
async function endsWithUs({ setpriv, shell }: Programs): Promise<Program | undefined> {
  if (setpriv.file === undefined) return undefined;
  const { ended } = await say(setpriv, [...DIES_WITH_US, shell.file, '-c', ':'], { ownSession: true });
  return ended.kind === 'exited' && ended.code === 0 ? setpriv : undefined;
}

/** It is deaf to SIGTERM. */
async function end(master: Child, client: Client): Promise<void> {
  const { controlPath } = client;
  const kill = (): void => master.kill('SIGKILL');
  const timer = setTimeout(kill, CLOSE_MS);
  if (existsSync(controlPath)) void control('exit', client);
  else kill();
  await master.ended;
  clearTimeout(timer);
  rmSync(controlPath, { force: true });
  rmSync(logOf(controlPath), { force: true });
}

function onLines(child: Child, onLine: (line: string) => void): void {
  let rest = '';
  child.stderr.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('latin1')).split(/\r?\n/);
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(Buffer.from(line, 'latin1').toString('utf8')); // whole: a character may come in pieces
  });
}
