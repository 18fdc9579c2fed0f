import { fstatSync, readFileSync, readlinkSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { control } from './commands/control.js';
import { exitCodeOf, type Failure, failed, success } from './core/failure.js';
import { joined, lines, own, type Printable } from './core/printable.js';
import { isUnheardStart } from './descriptors.js';
import { isHangUpIgnored } from './hang-up.js';
import { type OwnStream, STOP_SIGNALS, type StopSignal, type StopSignals } from './io.js';
import { CONTROL_COMMANDS } from './options/controls.js';
import type { Permit } from './options/gather.js';
import type { LookUp } from './programs.js';
import { allIsOut, outletTo } from './report/outlet.js';
import { complaint } from './report/words.js';
import type { Surroundings } from './state/folders.js';
import { ownUid, temporaryFolder, userHome } from './user-folders.js';

// The only reader of `process`, but for the watcher child. What others import of node:process is in .dependency-cruiser.mjs.
const { argv, env, execPath, stdin, stdout, stderr, pid } = process;

const outlets = {
  out: outletTo(stdout),
  err: outletTo(stderr),
  now: (): Date => new Date(),
  columns: (): number => stdout.columns ?? 80,
};

/** XDG base directory specification: an empty or relative path counts as not set. */
function folderFrom(variable: string): string | undefined {
  const path = env[variable];
  return path !== undefined && isAbsolute(path) ? path : undefined;
}

const configHome = (): string => folderFrom('XDG_CONFIG_HOME') ?? join(userHome(), '.config');

/** `timeout` sends each signal twice: what comes so soon after the first one, in milliseconds, is still that. */
const SAME_MS = 100;

function stopSignals(): StopSignals {
  const first = later<StopSignal>();
  const second = later<StopSignal>();
  let heard: StopSignal | undefined;
  let isSame = true;
  const take = (signal: StopSignal): void => {
    if (heard === undefined) {
      heard = signal;
      setTimeout(() => {
        isSame = false;
        first.resolve(signal);
      }, SAME_MS);
    } else if (!isSame || signal !== heard) {
      first.resolve(heard);
      second.resolve(signal);
    }
  };
  const isDeaf = isHangUpIgnored({ env, ppid: process.ppid });
  for (const signal of Object.keys(STOP_SIGNALS) as StopSignal[])
    process.on(signal, signal === 'SIGHUP' && isDeaf ? () => {} : () => take(signal));
  return { first: first.promise, second: second.promise };
}

function later<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** The line that is typed; an empty one where the input ends instead (Ctrl-D). */
async function ask(question: Printable): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: stdin, output: stderr });
  const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
  // The terminal is raw meanwhile: nobody but readline sees a Ctrl-C.
  terminal.once('SIGINT', () => {
    terminal.close();
    process.kill(pid, 'SIGINT');
  });
  const answer = await Promise.race([terminal.question(question).catch(() => ''), closed]);
  terminal.close();
  return answer;
}

const confirm = async (question: Printable): Promise<boolean> =>
  /^y(es)?$/i.test((await ask(joined(question, own` [y/N] `))).trim());

/** The ways to ask; none where there is no terminal. */
const asking = () => (stdin.isTTY && stderr.isTTY ? { ask, confirm } : { ask: undefined, confirm: undefined });

/** A text that was asked for, or what is wrong with the command line. */
function say(asked: { kind: 'text'; text: string } | { kind: 'failed'; failure: Failure }): number {
  if (asked.kind === 'text') {
    if (asked.text !== '') outlets.out(lines(asked.text.split('\n')));
    return 0;
  }
  outlets.err(complaint(asked.failure));
  return exitCodeOf(asked.failure);
}

const uid = ownUid();

/** All that is known of the user and the machine. */
const around = (): Surroundings => ({
  home: userHome(),
  uid,
  runtimeDir: folderFrom('XDG_RUNTIME_DIR'),
  stateHome: folderFrom('XDG_STATE_HOME'),
  tmpDir: temporaryFolder(),
  configHome: configHome(),
});

/** What programs are looked up by. */
const lookUp = (): LookUp => ({ env, home: userHome(), nodePath: execPath });

/** Where it was opened (Linux). */
function pathOf(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}

/** Where stdout and stderr go, if those are files: a shell's `> sync.log`, nohup's. */
function streams(): OwnStream[] {
  return [1, 2].flatMap((fd) => {
    try {
      const stats = fstatSync(fd, { bigint: true });
      return stats.isFile() ? [{ identity: `${stats.dev}:${stats.ino}`, path: pathOf(fd) }] : [];
    } catch {
      return []; // closed
    }
  });
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

async function run(): Promise<number> {
  const command = CONTROL_COMMANDS.find((each) => each === argv[2]);
  if (command !== undefined)
    return control(command, argv.slice(3), {
      ...outlets,
      around: around(),
      lookUp: lookUp(),
      isTerminal: stdin.isTTY && stdout.isTTY,
      sharesTerminal: [stdin, stdout, stderr].some(({ isTTY }) => isTTY),
    });
  if (argv[2] === 'allow') {
    const { allow } = await import('./commands/allow.js');
    return allow(argv.slice(3), { ...outlets, around: around(), ...asking() });
  }
  // Loaded here, for the others need none of it: it takes longer than all that they do.
  const { readFlags, readOptions } = await import('./options/command-line.js');
  const { findPrograms } = await import('./programs.js');
  const { printerFor } = await import('./report/printer.js');
  const programs = (root: string) => findPrograms(lookUp(), root);
  const screen = { ...outlets, isTerminal: stdout.isTTY, env };
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const permit: Permit = async (file, isNamed) =>
    (await import('./commands/allow.js')).permit(file, isNamed, { ...outlets, around: around(), ...asking() });
  const first = argv[2] === 'init' || argv[2] === 'doctor' ? argv[2] : undefined;
  const rest = argv.slice(first === undefined ? 2 : 3);
  if (first === 'init') {
    const read = await readFlags(rest, version, stdout.columns);
    if (read.kind !== 'flags') return say(read);
    const { init } = await import('./commands/init.js');
    return init(read.flags, rest, {
      ...outlets,
      around: around(),
      programs,
      pid,
      ...asking(),
    });
  }
  const asked = await readOptions(rest, version, stdout.columns, { env, uid, permit });
  switch (asked.kind) {
    case 'text':
    case 'failed':
      return say(asked);
    case 'why': {
      const { why } = await import('./commands/why.js');
      const report = printerFor(screen, asked.asked);
      const { git } = programs(asked.asked.root);
      return why(asked.asked, { git, home: userHome(), configHome: configHome() }, report);
    }
    case 'run': {
      if (first === 'doctor') {
        const { doctor } = await import('./commands/doctor.js');
        return doctor(asked, { ...outlets, around: around(), programs, pid });
      }
      const { watch } = await import('./main.js');
      // DIR may be a link: what it leads to by then may have other settings.
      const again: Parameters<typeof watch>[2] = async () => {
        const anew = await readOptions(rest, version, stdout.columns, { env, uid, permit });
        if (anew.kind === 'run') return success(anew);
        return failed(
          anew.kind === 'failed' ? anew.failure : { kind: 'usage', message: 'there is nothing to sync any more' },
        );
      };
      return watch(
        asked,
        {
          report: printerFor(
            screen,
            asked.settings,
            asked.settings.targets.map(({ label }) => label),
          ),
          around: around(),
          programs,
          pid,
          cpuMs,
          streams: streams(),
          signals: stopSignals(),
          confirm: asking().confirm,
        },
        again,
      );
    }
  }
}

for (const stream of [stdout, stderr]) {
  stream.on('error', () => {}); // the reader is gone (EPIPE): go on, the remote matters more
}

/** What should never happen. Everything that users can meet is a Failure and never comes here. */
function bug(error: unknown): never {
  const text = error instanceof Error ? (argv.includes('--debug') ? error.stack : error.message) : String(error);
  const [first = '', ...more] = (text ?? '').split('\n');
  outlets.err(lines([`syncwatch: a bug: ${first}`, ...more, '  Please report it, with what --debug prints.']));
  process.exit(70);
}

process.on('uncaughtException', (error) => {
  if (!isUnheardStart(error)) bug(error);
});
run().then((code) => {
  // Not at once: what was written must get out first.
  void allIsOut([stdout, stderr]).then(() => process.exit(code));
}, bug);
