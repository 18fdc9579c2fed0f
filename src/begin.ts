import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import { lookUpBy, surroundings } from './around.js';
import { control } from './commands/control.js';
import { type Asked, readCommand } from './commands/read.js';
import type { CommandName } from './commands/table.js';
import { EXIT, exitCodeOf, type Failure, failed, success } from './core/failure.js';
import { joined, line, lines, own, type Printable, trusted } from './core/printable.js';
import { isUnheardStart } from './descriptors.js';
import { isForeground } from './foreground.js';
import { isHangUpIgnored } from './hang-up.js';
import { type KeyBoard, STOP_SIGNALS, type StopSignal, type StopSignals } from './io.js';
import { later } from './later.js';
import { CONTROLS, controlNamed } from './options/controls.js';
import type { Permit } from './options/gather.js';
import type { Words } from './options/words.js';
import type { Programs } from './programs.js';
import { outletTo } from './report/outlet.js';
import { complaint } from './report/words.js';
import type { Settings } from './settings.js';
import type { Surroundings } from './state/folders.js';
import type { Anew } from './sync/restart.js';
import { ownUid, userHome } from './user-folders.js';

// The only reader of `process`, but for the watcher child. What others import of node:process is in .dependency-cruiser.mjs.
const { argv, env, pid } = process;

const stdout = outletTo(() => process.stdout);
const stderr = outletTo(() => process.stderr);

const outlets = {
  out: stdout.write,
  err: stderr.write,
  now: (): Date => new Date(),
  columns: (): number => process.stdout.columns || 80, // 0: a terminal that nobody gave a size
};

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

/** The line that is typed; an empty one where the input ends instead (Ctrl-D). */
async function ask(question: Printable): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  let isAnswered = false;
  const closed = new Promise<string>((resolve) =>
    terminal.once('close', () => {
      if (!isAnswered) outlets.err(own`\n`); // what follows is not to stand beside the question
      resolve('');
    }),
  );
  // The terminal is raw meanwhile: nobody but readline sees a Ctrl-C.
  terminal.once('SIGINT', () => {
    terminal.close();
    process.kill(pid, 'SIGINT');
  });
  const answer = await Promise.race([terminal.question(question).catch(() => ''), closed]);
  isAnswered = true;
  terminal.close();
  return answer;
}

const confirm = async (question: Printable): Promise<boolean> =>
  /^y(es)?$/i.test((await ask(joined(question, own` [y/N] `))).trim());

/** The ways to ask; none where there is no terminal. */
const asking = () => (isatty(0) && isatty(2) ? { ask, confirm } : NOBODY);
const NOBODY = { ask: undefined, confirm: undefined };

/** A text that was asked for. */
function tell(text: string): number {
  outlets.out(lines(text.replace(/\n$/, '').split('\n')));
  return EXIT.inSync;
}

function complain(failure: Failure): number {
  outlets.err(complaint(failure));
  return exitCodeOf(failure);
}

const warn = (text: string): void => outlets.err(line(`syncwatch: ${text}`));

/** What is in a file of this package. */
const ownFile = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

/** What package.json says of us. `bugs`: where to report one; only there is it filled in, once there is such a place. */
const ownPackage = () => JSON.parse(ownFile('package.json')) as { version: string; bugs?: { url?: string } };

const version = (): string => ownPackage().version;

/** Says what is asked for in the place of work. */
async function say(asked: Exclude<Asked, { kind: 'words' }>, name: CommandName | undefined): Promise<number> {
  switch (asked.kind) {
    case 'failed':
      return complain(asked.failure);
    case 'version':
      return tell(version());
    case 'help': {
      const { helpText } = await import('./commands/help.js');
      return tell(helpText(name, asked.isAll, outlets.columns()));
    }
  }
}

const uid = ownUid();

const around = (): Surroundings => surroundings(env);

/** What the scripts for Tab ask with; no command for people. The shell's name follows, then the words after `syncwatch`. */
const OFFERS = '__complete';

async function run(): Promise<number> {
  const [word, ...others] = argv.slice(2);
  // Before anything else is loaded, which takes longer than all that these do.
  if (word === '--version' && others.length === 0) return tell(version());
  const live = controlNamed(word);
  if (live !== undefined) {
    const asked = await readCommand(live, CONTROLS[live], others);
    if (asked.kind !== 'words') return say(asked, live);
    return control(live, asked.words, {
      ...outlets,
      around: around(),
      lookUp: lookUpBy(process),
      stdin: isatty(0) ? undefined : () => process.stdin,
      isTerminal: isatty(0) && isatty(1),
      sharesTerminal: [0, 1, 2].some(isatty),
      drawing: isatty(1) && env['TERM'] !== 'dumb' ? drawing : undefined,
      stopped: () => stopSignals().first,
    });
  }
  if (word === OFFERS) {
    const { offers } = await import('./commands/offers.js');
    return offers(others, { out: outlets.out, around: around(), lookUp: lookUpBy(process) });
  }
  // Loaded here, for the others need none of it.
  const { commandNamed, commandOf } = await import('./commands/table.js');
  const name = commandNamed(word);
  const asked = await readCommand(name, commandOf(name), name === undefined ? argv.slice(2) : others);
  if (asked.kind !== 'words') return say(asked, name);
  switch (name) {
    case 'allow': {
      const { allow } = await import('./commands/allow.js');
      return allow(asked.words, { ...outlets, around: around(), ...asking() });
    }
    case 'help': {
      const { help } = await import('./commands/help.js');
      const said = help(asked.words, outlets.columns());
      return said.ok ? tell(said.value) : complain(said.failure);
    }
    case 'completion': {
      const { completion } = await import('./commands/completion.js');
      const file = completion(asked.words, env['SHELL']);
      return file.ok ? tell(ownFile(`completions/${file.value}`)) : complain(file.failure);
    }
    case 'init': {
      const { init } = await import('./commands/init.js');
      return init(asked.words, { ...outlets, around: around(), env, programs: await finder(), pid, ...asking() });
    }
    default:
      return sync(asked.words, name === 'doctor');
  }
}

/** What looks programs up, for a DIR. */
async function finder(): Promise<(root: string) => Programs> {
  const { findPrograms } = await import('./programs.js');
  return (root) => findPrograms(lookUpBy(process), root);
}

/** Whether settings may be obeyed, asking in this way where that has to be. */
const permitAsking =
  (ways: ReturnType<typeof asking>): Permit =>
  async (file, isNamed) =>
    (await import('./commands/allow.js')).permit(file, isNamed, { ...outlets, around: around(), ...ways });

const rows = (): number => process.stdout.rows || 24;

/** Gives what draws lines in place of those before. */
async function drawing(): Promise<(lines: readonly Printable[]) => void> {
  const { Live } = await import('./report/live.js');
  const { brokenFurtherIn } = await import('./report/wrap.js');
  let now: readonly Printable[] = [];
  const live = new Live(
    { ...outlets, rows, keyboard: undefined },
    () => now,
    () => {},
  );
  return (next) => {
    now = next.flatMap((text) =>
      brokenFurtherIn(text, outlets.columns() - 1, 4).map((part) => trusted(text, () => part)),
    );
    live.draw();
  };
}

/** Where events are told: stdout, with the keyboard where that is a terminal. */
async function terminal() {
  const { Keyboard } = await import('./report/keyboard.js');
  const isTerminal = isatty(1);
  const keyboard = isTerminal
    ? new Keyboard({
        stdin: isatty(0) ? process.stdin : undefined,
        jobs: process,
        isForeground: () => isForeground(pid),
      })
    : undefined;
  const onResize = (listener: () => void): void => {
    if (isTerminal) process.stdout.on('resize', listener);
  };
  return { ...outlets, rows, onResize, keyboard, isTerminal, isErrorTerminal: isatty(2), env };
}

/** Syncs, or looks whether that would go well, as these words, the environment and the settings have it. */
async function sync(words: Words, isDoctor: boolean): Promise<number> {
  const { readOptions } = await import('./options/command-line.js');
  const { printerFor } = await import('./report/printer.js');
  const programs = await finder();
  const screen = await terminal();
  const asked = await readOptions(words, { env, uid, permit: permitAsking(asking()), warn });
  switch (asked.kind) {
    case 'failed':
      return complain(asked.failure);
    case 'why': {
      const { why } = await import('./commands/why.js');
      const { report } = printerFor(screen, asked.asked);
      const { git } = programs(asked.asked.root);
      return why(asked.asked, { git, home: userHome(), configHome: around().configHome }, report);
    }
    case 'run': {
      if (isDoctor) {
        const { doctor } = await import('./commands/doctor.js');
        const columns = isatty(1) ? outlets.columns() : Number.POSITIVE_INFINITY;
        return doctor(asked, { ...outlets, columns, around: around(), programs, pid });
      }
      const { worldOf } = await import('./around.js');
      const { start } = await import('./running.js');
      let onTyped: (text: string) => void = () => {};
      const printed = (settings: Settings) =>
        printerFor(
          screen,
          settings,
          settings.targets.map(({ label }) => label),
          (text) => onTyped(text),
        );
      let printer = printed(asked.settings);
      const keys: KeyBoard = {
        listen: (listener) => {
          onTyped = listener;
          return () => {
            onTyped = () => {};
          };
        },
        say: (texts) => printer.say(texts),
        clear: () => printer.clear(),
        interrupt: () => process.kill(pid, 'SIGINT'),
      };
      let { edits } = asked;
      const anew: Anew = {
        begins: (settings) => {
          printer.close();
          printer = printed(settings);
        },
        read: async (mayAsk) => {
          const readBy = (ways: ReturnType<typeof asking>) =>
            readOptions(words, { env, uid, permit: permitAsking(ways), warn: () => {} });
          const read = await (mayAsk ? printer.away(() => readBy(asking())) : readBy(NOBODY));
          if (read.kind === 'failed') return failed(read.failure);
          if (read.kind === 'why') return failed({ kind: 'usage', message: 'there is nothing to sync any more' });
          edits = read.edits;
          return success(read);
        },
        changed: () => edits.look(),
      };
      const { confirm } = asking();
      const running = start(
        asked,
        {
          ...worldOf(process),
          report: (event) => printer.report(event),
          keys: screen.keyboard === undefined ? undefined : keys,
          confirm: confirm && ((question) => printer.away(() => confirm(question))),
        },
        anew,
      );
      const signals = stopSignals();
      void signals.first.then(running.stop);
      void signals.second.then(running.cut);
      const code = await running.code;
      printer.close();
      return code;
    }
  }
}

/** What should never happen. Everything that users can meet is a Failure and never comes here. */
function bug(error: unknown): never {
  const text = error instanceof Error ? (argv.includes('--debug') ? error.stack : error.message) : String(error);
  const [first = '', ...more] = (text ?? '').split('\n');
  const { url } = ownPackage().bugs ?? {};
  const report = `  Please report it${url === undefined ? '' : ` at ${url}`}, with what --debug prints.`;
  outlets.err(lines([`syncwatch: a bug: ${first}`, ...more, report]));
  process.exit(70);
}

process.on('uncaughtException', (error) => {
  if (!isUnheardStart(error)) bug(error);
});
run().then((code) => {
  // Not at once: what was written must get out first.
  void Promise.all([stdout.allIsOut(), stderr.allIsOut()]).then(() => process.exit(code));
}, bug);
