import type { Command } from './command.js';
import type { Row } from './row.js';

const OFF = { kind: 'flag', byDefault: false } as const;
const HERE = {
  name: 'DIR',
  describe: 'the directory that is synced, or one below it; by default the one you are in',
} as const;

/** The options of the commands here. */
const ROWS = {
  to: {
    value: { kind: 'text', completes: 'targets' },
    where: 'commandLine',
    describe: 'only of this target: as it was given, or its name from the settings',
    valueName: 'TARGET',
    power: 'none',
  },
  timeout: {
    value: { kind: 'number', from: 0, to: 86_400, what: 'a number of seconds' },
    where: 'commandLine',
    describe: 'give up after so many seconds: exit code 4',
    valueName: 'SECONDS',
    power: 'none',
  },
  flush: {
    value: { kind: 'flag', byDefault: true },
    where: 'commandLine',
    describe: 'wait for changes first; --no-flush: run CMD at once',
    power: 'none',
  },
  json: { value: OFF, where: 'commandLine', describe: 'one JSON object a line, for each target', power: 'none' },
  watch: {
    value: OFF,
    where: 'commandLine',
    describe: 'draw it anew every second, or print a line each time that something changes, until Ctrl-C',
    power: 'none',
  },
} as const satisfies Readonly<Record<string, Row>>;

const { to, timeout, flush, json, watch } = ROWS;

/**
 * The commands that talk to a syncwatch that is running, in the order of `--help`. Apart from the others, which need far more to be
 * loaded: a flush has to be fast.
 */
export const CONTROLS = {
  status: {
    summary: 'say what a running one is doing, and what waits',
    positional: HERE,
    options: { json, watch, to },
  },
  flush: {
    summary: 'wait until every change up to now is there',
    positional: HERE,
    options: { timeout, to },
    examples: [['syncwatch flush --timeout 10 && ssh server make', 'build there what was saved here']],
  },
  exec: {
    summary: 'flush, then run a command in the directory there',
    positional: HERE,
    rest: { name: 'CMD ARGS…', describe: 'what to run there, exactly as given', isNeeded: true },
    options: { timeout, flush, to },
    about: [
      "It runs over the connection that is there already: no login. Stdin, stdout, stderr, a terminal, signals and the exit code are CMD's own.",
    ],
    examples: [['syncwatch exec -- make test', 'test on the server what was just saved']],
  },
  list: {
    summary: 'say what runs on this machine: DIR, target, state',
    options: { json },
    about: ['Of this user. Those that do not answer, as when they are stopped (Ctrl-Z), are told as such.'],
  },
  pause: { summary: 'send nothing more until resume; changes collect', positional: HERE, options: { to } },
  resume: { summary: 'go on after pause', positional: HERE, options: { to } },
  restart: {
    summary: 'take the settings as they are by now',
    positional: HERE,
    options: { to },
    about: [
      'The syncwatch there begins anew in its own process, with all its targets. Returns when that is in place. Where the settings are wrong, or not allowed, it says why and goes on with those that it has.',
    ],
  },
  stop: { summary: 'send what waits, then end it', positional: HERE, options: { to } },
} as const satisfies Readonly<Record<string, Command>>;

export type ControlCommand = keyof typeof CONTROLS;

export const CONTROL_COMMANDS = Object.keys(CONTROLS) as readonly ControlCommand[];

/** Its name, where it is one of them. */
export const controlNamed = (word: string | undefined): ControlCommand | undefined =>
  CONTROL_COMMANDS.find((name) => name === word);
