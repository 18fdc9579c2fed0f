import { chmodSync, mkdirSync, realpathSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { control } from '../../src/commands/control.js';
import { readCommand } from '../../src/commands/read.js';
import { type Answer, written } from '../../src/control/protocol.js';
import { wallMs } from '../../src/core/clock.js';
import type { Event, Item } from '../../src/core/event.js';
import type { Failure, FailureKind } from '../../src/core/failure.js';
import { hooksAt } from '../../src/core/hook-kinds.js';
import { type Name, nameFromText } from '../../src/core/name.js';
import { jsonLine, line, lines, own, type Printable, showControls } from '../../src/core/printable.js';
import type { Status, TargetState } from '../../src/core/status.js';
import { EMPTY_SUMMARY } from '../../src/core/summary.js';
import { CONTROL_COMMANDS, CONTROLS } from '../../src/options/controls.js';
import { humanPrinter } from '../../src/report/human.js';
import { jsonPrinter } from '../../src/report/json.js';
import { logPrinter } from '../../src/report/log.js';
import { paintFor } from '../../src/report/paint.js';
import { statusInWords } from '../../src/report/status.js';
import { complaint } from '../../src/report/words.js';
import type { Verbosity } from '../../src/settings.js';
import { temporaryDir } from '../support/tree.js';

/** Clears the screen, sets the title, colours in C1, turns the direction, and forges lines in several ways. */
const NASTY = 'n\x1b[2J\x1b]0;owned\x07\x9b31m\x7f\u202e\u061c\u2028x\u0085y\r\nsyncwatch: all is well\n\t\x00z';
const HARMLESS = 'harmless';

/** The codes that are ours: colours, and what draws the last line anew. */
const OURS = /\x1b\[(?:0|2|22|3[123469])m|\r(?:\x1b\[\dA)?\x1b\[(?:2K|J)/g;
const RAW = /[^\P{Cc}\n]|[\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

type Texts = (text: string) => string;
const item = (text: string): Item => ({ action: 'send', name: nameFromText(text), bytes: 1, isNew: true });
const failure = (kind: FailureKind, text: string): Failure => ({ kind, message: text, hint: text, detail: text });

/** One of each kind of failure. A new kind does not compile until it is here. */
const FAILURES: Readonly<Record<FailureKind, true>> = {
  usage: true,
  start: true,
  watchLimit: true,
  guard: true,
  remote: true,
  login: true,
  hostKey: true,
  connection: true,
  path: true,
  run: true,
};
const KINDS = Object.keys(FAILURES) as FailureKind[];

/** Some of each kind of event, with `text` in every place that can hold any. A new kind does not compile until it is here. */
const EVENTS: { readonly [Kind in Event['kind']]: (text: string) => ReadonlyArray<Extract<Event, { kind: Kind }>> } = {
  connecting: (text) => [
    { kind: 'connecting', target: text, place: text },
    { kind: 'connecting', target: 't', place: text },
  ],
  connected: (text) => [{ kind: 'connected', target: text, ms: 1 }],
  watching: (text) => [{ kind: 'watching', root: text, directories: 1 }],
  passStarted: (text) => [{ kind: 'passStarted', target: text, names: 1 }],
  started: (text) => [
    { kind: 'started', target: text, ...item(text) },
    { kind: 'started', target: text, ...item(text), action: 'delete' },
  ],
  delivered: (text) => [
    { kind: 'delivered', target: text, items: [item(text)], ms: 1 },
    { kind: 'delivered', target: text, items: [item(text), item(`${text}2`)], ms: 1 },
  ],
  progress: (text) => [{ kind: 'progress', target: text, bytes: 1, totalBytes: 2, ms: 1 }],
  slowStart: (text) =>
    [text, undefined].map((pattern) => ({
      kind: 'slowStart',
      target: text,
      ms: 1,
      directories: [{ name: nameFromText(text), count: 2, paths: 1, bytes: 1, pattern, hint: text }],
    })),
  inSync: (text) => [{ kind: 'inSync', target: text, names: 1, ms: 1 }],
  pathFailed: (text) =>
    KINDS.map((kind) => ({ kind: 'pathFailed', target: text, name: nameFromText(text), failure: failure(kind, text) })),
  trouble: (text) =>
    KINDS.map((kind) => ({ kind: 'trouble', target: text, failure: failure(kind, text), waiting: 1, retryMs: 1 })),
  removedThere: (text) => [{ kind: 'removedThere', target: text, name: nameFromText(text) }],
  repaired: (text) => [{ kind: 'repaired', target: text, items: [item(text)] }],
  woke: () => [{ kind: 'woke', ms: 1 }],
  loggingIn: (text) => [{ kind: 'loggingIn', target: text, retryMs: 1_000 }],
  stands: (text) => [{ kind: 'stands', target: text, waiting: 3, failed: 2, retryMs: 1_000 }],
  waiting: (text) => [{ kind: 'waiting', target: text, waiting: 1 }],
  paused: (text) => [{ kind: 'paused', target: text }],
  resumed: (text) => [{ kind: 'resumed', target: text, waiting: 1 }],
  settingsChanged: (text) => [
    { kind: 'settingsChanged', source: text, failure: undefined },
    { kind: 'settingsChanged', source: text, failure: failure('usage', text) },
  ],
  rootGone: (text) => [{ kind: 'rootGone', root: text }],
  rulesUnsure: (text) => [
    { kind: 'rulesUnsure', root: text, why: text, newNames: 'wait' },
    { kind: 'rulesUnsure', root: text, why: text, newNames: 'byFiles' },
  ],
  rulesSure: (text) => [{ kind: 'rulesSure', root: text }],
  rootBack: (text) => [
    { kind: 'rootBack', root: text, replaced: true },
    { kind: 'rootBack', root: text, replaced: true, was: text },
  ],
  mountGone: (text) => [
    { kind: 'mountGone', name: nameFromText(text), inUse: false },
    { kind: 'mountGone', name: nameFromText(text), inUse: true },
  ],
  mountBack: (text) => [{ kind: 'mountBack', name: nameFromText(text), replaced: false }],
  hook: (text) =>
    [...hooksAt('eachPath'), ...hooksAt('inSync')].flatMap((hook) => [
      { kind: 'hook', hook, target: text, code: 0, end: undefined, ms: 1, output: oneLine(text) },
      { kind: 'hook', hook, target: text, code: undefined, end: text, ms: 1, output: oneLine(text) },
    ]),
  skipped: (text) => [{ kind: 'skipped', name: nameFromText(text), why: text }],
  kept: (text) => [{ kind: 'kept', target: text, name: nameFromText(text) }],
  why: (text) => [{ kind: 'why', name: nameFromText(text), synced: false, of: text, source: text, rule: text }],
  note: (text) => (['normal', 'verbose', 'debug'] as const).map((level) => ({ kind: 'note', level, text })),
  wouldDo: (text) => [{ kind: 'wouldDo', target: text, ...item(text) }],
  wouldDone: (text) => [{ kind: 'wouldDone', target: text, sends: 1, bytes: 1, deletes: 1 }],
  stopping: (text) => [{ kind: 'stopping', target: text, signal: text, waiting: 1 }],
  stopped: (text) => [
    { kind: 'stopped', target: text, summary: EMPTY_SUMMARY },
    {
      kind: 'stopped',
      target: text,
      summary: { ...EMPTY_SUMMARY, unsent: [[nameFromText(text), failure('path', text)]] },
    },
  ],
  halted: (text) => [
    ...KINDS.map((kind) => ({ kind: 'halted', failure: failure(kind, text) }) as const),
    { kind: 'halted', failure: failure('run', text), target: text },
  ],
};

/** A hook's output, and with --debug what a program said, has lines of its own, each behind an indent. */
const oneLine: Texts = (text) => text.replaceAll('\n', ' ');

type Printer = (targets: readonly string[]) => { print: (event: Event) => void; said: () => string };

const now = () => new Date(2026, 0, 2, 3, 4, 5);
const PRINTERS: Readonly<Record<string, Printer>> = Object.fromEntries(
  (['quiet', 'normal', 'verbose', 'debug'] satisfies Verbosity[]).flatMap((verbosity): Array<[string, Printer]> => {
    const printer =
      (make: (write: (text: Printable) => void, targets: readonly string[]) => (event: Event) => void): Printer =>
      (targets) => {
        let said = '';
        return { print: make((text) => void (said += text), targets), said: () => said };
      };
    const plain = { now, paint: paintFor(false), paintError: paintFor(false) };
    const terminal = { now, columns: () => 500, rows: () => 24, onResize: () => {}, keyboard: undefined };
    return [
      [`plain, ${verbosity}`, printer((out, targets) => logPrinter({ ...plain, out, err: out }, verbosity, targets))],
      ...[true, false].map((color): [string, Printer] => [
        `terminal, ${verbosity}, ${color ? 'colours' : 'none'}`,
        printer(
          (out, targets) => humanPrinter({ ...terminal, ...painted(color), out, err: out }, verbosity, targets).report,
        ),
      ]),
    ];
  }),
);

const painted = (color: boolean) => ({ paint: paintFor(color), paintError: paintFor(color) });

const breaks = (text: string): number => text.split('\n').length;

/** What is printed of an event with this text, on an otherwise empty screen. */
function printed(printer: Printer, text: string, event: Event, targets: readonly string[]): string {
  const { print, said } = printer(targets);
  print({ kind: 'passStarted', target: text, names: 2 }); // there is a last line to draw
  print({ kind: 'progress', target: text, bytes: 1, totalBytes: 2, ms: 1 });
  print(event);
  print({ kind: 'paused', target: text });
  return said();
}

describe('nothing raw reaches the terminal', () => {
  describe.each(Object.keys(EVENTS) as Event['kind'][])('of the event %s', (kind) => {
    it.each(Object.keys(PRINTERS))('%s', (named) => {
      const printer = PRINTERS[named];
      if (printer === undefined) throw new Error('no such printer');
      EVENTS[kind](NASTY).forEach((event, i) => {
        const same = EVENTS[kind](HARMLESS)[i];
        if (same === undefined) throw new Error('not as many');
        for (const other of [[], ['other']]) {
          const said = printed(printer, NASTY, event, [NASTY, ...other]).replace(OURS, '');
          expect(said).not.toMatch(RAW);
          const details =
            named.includes('debug') && 'failure' in event && event.failure !== undefined ? breaks(NASTY) - 1 : 0;
          expect(breaks(said)).toBe(breaks(printed(printer, HARMLESS, same, [HARMLESS, ...other])) + details);
          expect(said).not.toMatch(/^(?:[\d-]+ )?(?:\d\d:\d\d:\d\d )?syncwatch: all is well/m);
        }
      });
    });
  });

  it('of JSON, whose readers get the text as it was', () => {
    let said = '';
    const print = jsonPrinter((text) => void (said += text), now);
    for (const events of Object.values(EVENTS)) for (const event of events(NASTY)) print(event);
    expect(said).not.toMatch(RAW);
    expect(
      said
        .trimEnd()
        .split('\n')
        .filter((text) => !text.startsWith('{"v":1,')),
    ).toEqual([]);
    expect(JSON.parse(jsonLine({ [NASTY]: NASTY }))).toEqual({ [NASTY]: NASTY });
  });

  it.each(KINDS)('of the failure %s at the end of a command', (kind) => {
    const said = complaint(failure(kind, NASTY));
    expect(said).not.toMatch(RAW);
    expect(breaks(said)).toBe(3);
  });

  it('of what is put together', () => {
    for (const said of [line(NASTY), lines([NASTY]), own`${NASTY}\n`, own`${NASTY as Name}\n`])
      expect([said, RAW.test(said), breaks(said)]).toEqual([`${showControls(NASTY)}\n`, false, 2]);
    expect(showControls('a\tb\x9b\u2066')).toBe('a\\tb\\x9b\\u2066');
    expect(own`\r\x1b[2K`).toBe('\r\x1b[2K');
  });
});

const AT = wallMs(1);
const STATES: { readonly [Kind in TargetState['kind']]: (text: string) => Extract<TargetState, { kind: Kind }> } = {
  connecting: () => ({ kind: 'connecting' }),
  reconnecting: () => ({ kind: 'reconnecting', untilMs: AT }),
  sending: () => ({ kind: 'sending' }),
  inSync: () => ({ kind: 'inSync' }),
  pausing: () => ({ kind: 'pausing' }),
  paused: () => ({ kind: 'paused' }),
  rootGone: () => ({ kind: 'rootGone' }),
  halted: (message) => ({ kind: 'halted', message }),
};
const status = (text: string, root: string, state: TargetState): Status => ({
  ...{ pid: process.pid, root, target: text, place: text, state },
  ...{
    sinceMs: AT,
    waiting: 1,
    waitingSinceMs: AT,
    sent: 1,
    bytes: 1,
    deleted: 1,
    lastDeliveredMs: AT,
    lastPassMs: AT,
  },
  ...{ lastError: { ms: AT, path: text, message: text }, directories: 1 },
});

/** All answers that a socket can give. A new one does not compile until it is here. */
const ANSWERS: { readonly [Kind in Answer['answer']]: (text: string, root: string) => readonly Answer[] } = {
  who: (text, root) => [{ answer: 'who', who: { pid: process.pid, root, target: text, place: text } }],
  status: (text, root) =>
    Object.values(STATES).map((state) => ({ answer: 'status', status: status(text, root, state(text)) })),
  flush: (text) => [
    { answer: 'flush', flushed: { end: 'flushed' } },
    { answer: 'flush', flushed: { end: 'failed', paths: [{ path: text, message: text }], more: 1 } },
    { answer: 'flush', flushed: { end: 'paused' } },
    { answer: 'flush', flushed: { end: 'stopped' } },
  ],
  reach: () => [{ answer: 'reach', reach: { kind: 'none' } }],
  failed: (text) => [{ answer: 'failed', failed: { paths: [{ path: text, message: text }], more: 1, trouble: text } }],
  waiting: (text) => [{ answer: 'waiting', waiting: { paths: [text], more: 1, pass: true } }],
  done: () => [{ answer: 'done' }],
  error: (text) => [{ answer: 'error', message: text }],
};

describe('nothing raw reaches the terminal of what a socket answers', () => {
  it('in the words of status', () => {
    for (const state of Object.values(STATES)) {
      const said = statusInWords(status(NASTY, NASTY, state(NASTY)), wallMs(2));
      expect(said.filter((text) => /\n/.test(text) || RAW.test(text))).toEqual([]);
    }
  });

  it.each(CONTROL_COMMANDS)('to %s', async (command) => {
    const base = temporaryDir();
    // DIR's own name does what it can, too.
    mkdirSync(join(base, 'd\x1b[31m\nx\x9b'));
    const root = realpathSync(join(base, 'd\x1b[31m\nx\x9b'));
    const args = [root, ...(command === 'exec' ? ['--', 'true'] : [])];
    const answers = Object.values(ANSWERS).flatMap((each) => each(NASTY, root));
    // One after the other: of many at once some would not be answered in time on a busy machine.
    const said: string[] = [];
    for (const answer of answers) said.push(await saidBy(command, args, root, answer));
    said.push(await saidBy(command, [`${root}nowhere`, ...args.slice(1)], root));
    said.push(await saidBy(command, ['--to', NASTY, ...args], root));
    said.push(await saidBy(command, [`--${NASTY}`, ...args], root));
    expect(said.join('')).not.toMatch(RAW);
    expect(said.join('')).not.toMatch(/^syncwatch: all is well/m);
    const shows =
      command === 'status'
        ? /: has ended: n\\e\[2J/
        : command === 'flush'
          ? /z FAILED: n\\e\[2J/
          : /z: n\\e\[2J|\\e\[31m/;
    expect(said.join('')).toMatch(shows);
  });
});

/** What a command says where a syncwatch for `root` answers like this. */
async function saidBy(
  command: (typeof CONTROL_COMMANDS)[number],
  args: readonly string[],
  root: string,
  answer?: Answer,
): Promise<string> {
  const base = temporaryDir();
  mkdirSync(join(base, 'run', 'syncwatch'), { recursive: true, mode: 0o700 });
  const who: Answer = { answer: 'who', who: { pid: process.pid, root, target: NASTY, place: NASTY } };
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (chunk) => {
      const asksWho = chunk.toString().includes('"who"');
      socket.end(asksWho || answer === undefined ? written(who) : written(answer));
    });
  });
  onTestFinished(() => void server.close());
  const path = join(base, 'run', 'syncwatch', 'x.sock');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  chmodSync(path, 0o600);
  let said = '';
  const write = (text: Printable): void => void (said += text);
  const folders = { runtimeDir: join(base, 'run'), stateHome: base, tmpDir: base, configHome: base };
  const around = { home: base, uid: userInfo().uid, ...folders };
  const asked = await readCommand(command, CONTROLS[command], args);
  if (asked.kind === 'failed') return complaint(asked.failure);
  if (asked.kind !== 'words') throw new Error(asked.kind);
  await control(command, asked.words, {
    out: write,
    err: write,
    around,
    lookUp: { env: {}, home: base, nodePath: '/none' },
    sharesTerminal: false,
    stdin: undefined,
    isTerminal: false,
    drawing: undefined,
    now,
    stopped: () => new Promise<never>(() => {}),
  });
  return said;
}
