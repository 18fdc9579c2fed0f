import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BroughtItem, Event, Item } from '../../src/core/event.js';
import { nameFromText as name, nameFromBytes } from '../../src/core/name.js';
import { addDelivered, EMPTY_SUMMARY } from '../../src/core/summary.js';
import { humanPrinter } from '../../src/report/human.js';
import { jsonPrinter } from '../../src/report/json.js';
import { logPrinter } from '../../src/report/log.js';
import { paintFor } from '../../src/report/paint.js';
import { bytesInWords, summaryInWords, timeInWords } from '../../src/report/words.js';
import type { Verbosity } from '../../src/settings.js';
import { Terminal } from '../support/screen.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
});
afterEach(() => void vi.useRealTimers());

const BEGINNING = new Date(2026, 0, 2, 3, 4, 5, 100);
const now = () => new Date();
const target = 'host:dir';
const item = (path: string, action: Item['action'] = 'send', bytes = 10): Item => ({
  action,
  name: name(path),
  bytes,
  isNew: true,
});
const started = (...items: BroughtItem[]): Event[] => items.map((i): Event => ({ kind: 'started', target, ...i }));
const delivered = (...items: BroughtItem[]): Event => ({ kind: 'delivered', target, items, ms: 12 });
const upload = (...items: BroughtItem[]): Event[] => [...started(...items), delivered(...items)];
const inSync: Event = { kind: 'inSync', target, names: 2, ms: 0 };
const failed = (path: string, hint?: string): Event => ({
  kind: 'pathFailed',
  target,
  name: name(path),
  failure: { kind: 'path', message: 'no', ...(hint === undefined ? {} : { hint }) },
});
/** So much later, in milliseconds. */
const later = (ms: number) => ms;

/** What a log has of these. A number: so many milliseconds later. */
function plain(
  events: ReadonlyArray<Event | number>,
  verbosity: Verbosity = 'normal',
  targets: readonly string[] = [target],
): { out: string; err: string } {
  vi.setSystemTime(BEGINNING);
  let out = '';
  let err = '';
  const [paint, write] = [paintFor(false), (text: string) => void (out += text)];
  const terminal = { out: write, err: (text: string) => void (err += text), now, paint, paintError: paint };
  const print = logPrinter(terminal, verbosity, targets);
  for (const event of events) {
    if (typeof event === 'number') vi.advanceTimersByTime(event);
    else print(event);
  }
  return { out: out.replaceAll('2026-01-02 ', ''), err: err.replaceAll('2026-01-02 ', '') };
}

interface HumanOptions {
  readonly color?: boolean;
  readonly targets?: readonly string[];
  readonly columns?: number;
  readonly verbosity?: Verbosity;
}

/** What is written to a terminal for these. */
function human(events: ReadonlyArray<Event | number>, options: HumanOptions = {}): string {
  const { color = false, targets = [target], columns = 80, verbosity = 'normal' } = options;
  vi.setSystemTime(BEGINNING);
  let out = '';
  const write = (text: string): void => void (out += text);
  const paint = paintFor(color);
  const size = { columns: () => columns, rows: () => 24, onResize: () => {} };
  const terminal = { ...size, out: write, err: write, now, paint, paintError: paint, keyboard: undefined };
  const { report } = humanPrinter(terminal, verbosity, targets);
  for (const event of events) {
    if (typeof event === 'number') vi.advanceTimersByTime(event);
    else report(event);
  }
  return out;
}

/** What the terminal shows then. */
function screen(events: ReadonlyArray<Event | number>, options: HumanOptions = {}): string[] {
  const terminal = new Terminal(options.columns ?? 80);
  terminal.write(human(events, options));
  return terminal.lines;
}

const connected: Event = { kind: 'connected', target, ms: 1 };
/** After its first sync, and what is there until then. */
const begun: ReadonlyArray<Event | number> = [connected, { kind: 'passStarted', target, names: 2 }, inSync, later(100)];
const BEGUN = ['03:04:05 connected to host:dir (1 ms)', '03:04:05 in sync: 2 paths'];

describe('a log', () => {
  it('has a line for what was done at once, with date and time, and no path twice', () => {
    const { out } = plain([...upload(item('a'), item('d', 'mkdir'), item('x', 'delete')), inSync, 1_000]);
    expect(out).toBe('03:04:05 2 new, 1 deleted (10 B): a, x and 1 more .  12 ms\n03:04:05 in sync: 2 paths\n');
  });

  it('has the date', () => {
    vi.setSystemTime(BEGINNING);
    let out = '';
    const paint = paintFor(false);
    const write = (text: string): void => void (out += text);
    logPrinter({ out: write, err: write, now, paint, paintError: paint }, 'normal')(connected);
    expect(out).toBe('2026-01-02 03:04:05 connected to host:dir (1 ms)\n');
  });

  it('has one line for one path', () => {
    expect(
      plain([...begun, ...upload(item('a')), inSync, 1_000])
        .out.split('\n')
        .slice(2),
    ).toEqual(['03:04:05 a .  12 ms', '']);
  });

  it('no line for a touched directory, unless verbose', () => {
    const touched = [...upload(item('d', 'attributes')), inSync, 1_000];
    expect(plain([...begun, ...touched]).out.split('\n').length).toBe(3);
    expect(plain(touched, 'verbose').out).toMatch(/d \(mode or time\) \. {2}12 ms\n/);
  });

  it('verbose: a line for each path', () => {
    const { out } = plain([...upload(item('a'), item('b', 'delete')), 1_000], 'verbose');
    expect(out).toBe('03:04:05 a .\n03:04:05 b deleted .\n');
  });

  it('quiet: only errors', () => {
    expect(plain([...upload(item('a')), failed('b', 'do'), inSync, 5_000], 'quiet')).toEqual({
      out: '',
      err: '03:04:05 b FAILED: no\n03:04:05   do\n',
    });
  });

  it('a name can not forge a line', () => {
    const { out } = plain([...begun, ...upload(item('a\n03:04:05 b .')), inSync, 1_000]);
    expect(out.split('\n').length).toBe(4);
  });

  it('what was sent and what was not', () => {
    const summary = {
      ...addDelivered(EMPTY_SUMMARY, [item('a'), item('b', 'delete', 0)]),
      unsent: [[name('c'), { kind: 'path', message: 'why' }]] as const,
    };
    expect(plain([{ kind: 'stopped', target, summary }]).err).toBe(
      '03:04:05 host:dir: 1 file sent (10 B), 1 deleted, 1 NOT there yet:\n03:04:05   c: why\n',
    );
  });

  it('details and debug notes only when asked for', () => {
    const events: Event[] = [
      { kind: 'note', level: 'debug', text: 'rsync --x' },
      { kind: 'halted', failure: { kind: 'start', message: 'm', hint: 'h', detail: 'raw' } },
    ];
    expect(plain(events)).toEqual({ out: '', err: 'syncwatch: m\n  h\n' });
    expect(plain(events, 'debug')).toEqual({ out: '03:04:05 rsync --x\n', err: 'syncwatch: m\n  h\n  raw\n' });
  });
});

describe('failures', () => {
  it('are named one by one up to ten, and then counted; what to do is said once', () => {
    const many = Array.from({ length: 25 }, (_, i) => failed(`f${i}`, 'do'));
    const { err } = plain([...many, 5_000]);
    const lines = err.trimEnd().split('\n');
    expect(lines.slice(0, 3)).toEqual(['03:04:05 f0 FAILED: no', '03:04:05   do', '03:04:05 f1 FAILED: no']);
    expect(lines.length).toBe(12);
    expect(lines.at(-1)).toBe('03:04:06 15 more paths FAILED, the last one: no');
  });

  it('are all named with verbose', () => {
    const many = Array.from({ length: 25 }, (_, i) => failed(`f${i}`));
    expect(
      plain([...many, 5_000], 'verbose')
        .err.trimEnd()
        .split('\n').length,
    ).toBe(25);
  });

  it('a path that failed is not told as there, and that all is well again is', () => {
    const { out, err } = plain([
      ...begun,
      ...started(item('a')),
      failed('a'),
      5_000,
      ...upload(item('a')),
      inSync,
      500,
    ]);
    expect(err).toBe('03:04:05 a FAILED: no\n');
    expect(out.split('\n').slice(2)).toEqual(['03:04:10 a .  12 ms', '03:04:10 in sync: 2 paths', '']);
  });
});

describe('on a terminal', () => {
  it('the path is there when its upload starts, the dot and the time when it is there', () => {
    expect(screen([...begun, ...started(item('a.txt'))])).toEqual([...BEGUN, '03:04:05 a.txt', '◐ syncing']);
    const line = '03:04:05 a.txt .  12 ms';
    expect(screen([...begun, ...upload(item('a.txt')), inSync])).toEqual([...BEGUN, line, '● in sync']);
    expect(screen([...begun, ...upload(item('a.txt')), inSync, 1_000])).toEqual([...BEGUN, line, '● in sync']);
  });

  it('what follows within a moment is a part of it, what comes later is not', () => {
    const first = [...begun, ...upload(item('a')), inSync, later(200)];
    expect(screen([...first, ...upload(item('b')), inSync, later(1_000)]).slice(2)).toEqual([
      '03:04:05 2 new (20 B): a, b .  200 ms',
      '● in sync',
    ]);
    expect(screen([...first, later(200), ...upload(item('b')), inSync]).slice(2)).toEqual([
      '03:04:05 a .  12 ms',
      '03:04:05 b .  12 ms',
      '● in sync',
    ]);
  });

  it('a directory that was renamed is one line', () => {
    const files = Array.from({ length: 100 }, (_, i) => `lib/f${i}`);
    const dirs = ['src2', 'src2/lib'].map((path) => item(path, 'mkdir', 0));
    const sent = files.map((path): BroughtItem => ({ ...item(`src2/${path}`), from: name(`src/${path}`) }));
    const empty = item('src2/lib/__init__.py', 'send', 0);
    const gone = ['src', 'src/lib', 'src/lib/__init__.py', ...files.map((path) => `src/${path}`)];
    const events = [
      ...upload(...dirs, ...sent, empty),
      ...upload(...gone.map((path) => item(path, 'delete', 0))),
      inSync,
      later(1_000),
    ];
    expect(screen([...begun, ...events]).slice(2)).toEqual([
      '03:04:05 src → src2, 103 paths moved .  0 ms',
      '● in sync',
    ]);
  });

  it('and is not taken for another one with the same names in it that went at the same time', () => {
    const names = ['', '/a', '/b', '/c'];
    const gone = ['x', 'y'].flatMap((dir) => names.map((tail) => item(`${dir}${tail}`, 'delete', 0)));
    const come = (from?: string): BroughtItem[] =>
      names.map((tail) => ({
        ...item(`new${tail}`, tail === '' ? 'mkdir' : 'send'),
        ...(from !== undefined && tail !== '' ? { from: name(`${from}${tail}`) } : {}),
      }));
    const told = (from?: string): string | undefined =>
      screen([...begun, ...upload(...come(from)), ...upload(...gone), inSync, later(1_000)]).at(-2);
    expect(told('x')).toContain('x → new, 4 paths moved; 4 deleted: y, ');
    expect(told('y')).toContain('y → new, 4 paths moved; 4 deleted: x, ');
    expect(told()).toMatch(/^03:04:05 4 new, 8 deleted/);
  });

  it('so is one of which no file was found to have moved: the same names are gone and new', () => {
    const names = ['', '/a', '/b', '/b/c'];
    const come = names.map((tail) => item(`src2${tail}`, tail === '' || tail === '/b' ? 'mkdir' : 'send'));
    const went = names.map((tail) => item(`src${tail}`, 'delete', 0));
    const events = [...upload(...come), later(100), ...upload(...went), inSync, later(1_000)];
    expect(screen([...begun, ...events]).at(-2)).toBe('03:04:05 src → src2, 4 paths moved .  100 ms');
    const other = [...upload(...come, item('src2/d')), later(100), ...upload(...went), inSync, later(1_000)];
    expect(screen([...begun, ...other]).at(-2)).toContain('5 new, 4 deleted');
  });

  it('a moved file says from where, and what else was done at once beside it', () => {
    const moved: BroughtItem = { ...item('b/x', 'move', 0), from: name('a/x') };
    const one = [...upload(moved), ...upload(item('a/x', 'delete', 0)), inSync, later(1_000)];
    expect(screen([...begun, ...one]).at(-2)).toBe('03:04:05 a/x → b/x moved .  0 ms');
    const more = [
      ...upload(moved, item('n')),
      ...upload(item('a/x', 'delete', 0), item('a/y', 'delete', 0)),
      inSync,
      1_000,
    ];
    expect(screen([...begun, ...more]).at(-2)).toBe(
      '03:04:05 a/x → b/x moved; 1 new, 1 deleted (10 B): n, a/y .  0 ms',
    );
  });

  it('the first sync is a bar in the last line and one line when it is over', () => {
    const pass: Event[] = [connected, { kind: 'passStarted', target, names: 5_200 }];
    const items = Array.from({ length: 5_200 }, (_, i) => item(`f${i}`, 'send', 1_000));
    const half: Event = {
      kind: 'progress',
      target,
      bytes: 2_600_000,
      totalBytes: 5_200_000,
      names: 2_600,
      totalNames: 5_200,
      ms: 3_000,
    };
    expect(screen([...pass, later(3_000), half, later(100)], { columns: 100 })).toEqual([
      '03:04:05 connected to host:dir (1 ms)',
      '◐ first sync [##########----------] 2,600 of 5,200 paths, 2.6 of 5.2 MB, 867 kB/s, 3 s left',
    ]);
    expect(screen([...pass, ...upload(...items), { ...inSync, names: 5_200, ms: 6_000 }])).toEqual([
      '03:04:05 connected to host:dir (1 ms)',
      '03:04:05 in sync: 5,200 paths (6.0 s); 5,200 new (5.2 MB): f0 and 5,199 more .',
      '● in sync',
    ]);
  });

  it('the first sync stays one line, whatever is said while it goes on', () => {
    const pass: Event[] = [connected, { kind: 'passStarted', target, names: 3 }];
    const resumed: Event = { kind: 'resumed', target, waiting: 0 };
    expect(screen([...pass, ...upload(item('a')), resumed, ...upload(item('b'), item('c')), inSync])).toEqual([
      '03:04:05 connected to host:dir (1 ms)',
      '03:04:05 resumed',
      '03:04:05 in sync: 2 paths; 3 new (30 B): a, b, c .',
      '● in sync',
    ]);
  });

  it('a small save between a large file and its dot', () => {
    const large = { ...item('large'), bytes: 3e7 };
    const small = [...started(large), later(10), ...upload(item('small'))];
    expect(screen([...begun, ...small, later(3_000)]).slice(2)).toEqual([
      '03:04:05 small .  12 ms',
      '03:04:05 large',
      '◐ syncing',
    ]);
    expect(screen([...begun, ...small, later(3_000), delivered(large), inSync, later(1_000)]).slice(2)).toEqual([
      '03:04:05 small .  12 ms',
      '03:04:05 large .  12 ms',
      '● in sync',
    ]);
  });

  it('what is there does not wait for what has failed beside it', () => {
    const beside = [...begun, ...upload(item('a')), later(100), ...started(item('b')), failed('b')];
    const lines = [...BEGUN, '03:04:05 b FAILED: no', '03:04:05 a .  12 ms'];
    expect(screen([...beside, later(3_000), failed('c'), later(100)])).toEqual([
      ...lines,
      '03:04:08 c FAILED: no',
      '◐ syncing',
    ]);
  });

  it('the same words for information are said once in a while, and each time with verbose', () => {
    const note: Event = { kind: 'note', level: 'normal', text: 'the rules have changed' };
    const checkout = [note, later(500), note, { ...note, text: 'other' }, later(9_000), note, later(1_000), note];
    const said = ['03:04:05 the rules have changed', '03:04:05 other', '03:04:15 the rules have changed', ''];
    expect(plain(checkout).out.split('\n')).toEqual(said);
    expect(plain(checkout, 'verbose').out.split('\n').length).toBe(6);
  });

  it('what else is said comes after what is there already', () => {
    const hook: Event = { kind: 'hook', hook: 'onSync', target, code: 0, end: undefined, ms: 5, output: '' };
    expect(screen([...begun, ...upload(item('a')), inSync, hook]).slice(2)).toEqual([
      '03:04:05 a .  12 ms',
      '03:04:05 --on-sync done (5 ms)',
      '● in sync',
    ]);
  });

  it('a pause hides what happens meanwhile, and what goes on then is how it stands by then', () => {
    const failure = { kind: 'connection', message: 'box is gone' } as const;
    const lost: Event = { kind: 'trouble', target, failure, waiting: 0, retryMs: 4_000 };
    const paused: Event[] = [{ kind: 'paused', target }];
    const resumed: Event = { kind: 'resumed', target, waiting: 0 };
    const last = (...events: ReadonlyArray<Event | number>) => screen([...begun, ...events]).at(-1);
    expect(last(lost, ...paused)).toBe('○ paused');
    expect(last(lost, ...paused, resumed)).toBe('○ offline, next try in 4 s');
    expect(last(...paused, lost)).toBe('○ paused');
    expect(last(...paused, lost, connected)).toBe('○ paused');
    expect(last(...paused, lost, resumed)).toBe('○ offline, next try in 4 s');
    expect(last(...paused, lost, connected, resumed)).toBe('● in sync');
    expect(last(...paused, { kind: 'stopping', target, signal: 'SIGINT', waiting: 0 })).toBe('◐ finishing');
  });

  it('says nothing of what waits where nothing does', () => {
    const failure = { kind: 'connection', message: 'box is gone' } as const;
    const lines = (waiting: number) =>
      plain([
        { kind: 'trouble', target, failure, waiting, retryMs: 4_000 },
        { kind: 'resumed', target, waiting },
      ]);
    expect(lines(0).err).toBe('03:04:05 host:dir: box is gone; next try in 4.0 s\n');
    expect(lines(0).out).toBe('03:04:05 resumed\n');
    expect(lines(2).err).toBe('03:04:05 host:dir: box is gone; 2 paths waiting, next try in 4.0 s\n');
    expect(lines(2).out).toBe('03:04:05 resumed: 2 paths waiting\n');
  });

  it('no escape codes for colours without colour', () => {
    expect(human([...begun, ...upload(item('b', 'delete')), inSync])).not.toMatch(/\x1b\[\d+m/);
    expect(human([...begun, ...upload(item('b', 'delete')), inSync], { color: true })).toMatch(/\x1b\[33m/);
  });

  it('words that do not fit go below the first of them', () => {
    const hint = 'Give the user there the right to write to it, or leave it out.';
    expect(screen([...begun, failed('src/app.py', hint)], { columns: 40 }).slice(-5)).toEqual([
      '03:04:05 src/app.py FAILED: no',
      '           Give the user there the right',
      '         to write to it, or leave it',
      '         out.',
      '● in sync',
    ]);
  });
});

describe('JSON', () => {
  it('one object a line, names as paths, raw bytes where they are no text', () => {
    let out = '';
    const print = jsonPrinter((text) => void (out += text), now);
    for (const event of upload(item('a\n'), { ...item(''), name: nameFromBytes(Buffer.from([0xff])) })) print(event);
    print({ kind: 'note', level: 'debug', text: 'not this' });
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.length).toBe(3);
    expect(lines[0]).toMatchObject({ v: 1, event: 'started', path: 'a\\n', pathBase64: 'YQo=', action: 'send' });
    expect(lines[1]).toMatchObject({ path: '\\xff', pathBase64: '/w==' });
    expect(lines[2]).toMatchObject({ event: 'delivered', items: [{ path: 'a\\n' }, { path: '\\xff' }] });
  });
});

describe('in words', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [15_400, '15 kB'],
    [1_000_000, '1.0 MB'],
    [2.5e9, '2.5 GB'],
  ])('%d bytes: %s', (n, text) => {
    expect(bytesInWords(n)).toBe(text);
  });
  it.each([
    [4.4, '4 ms'],
    [1200, '1.2 s'],
    [45_000, '45 s'],
    [180_000, '3 min'],
  ])('%d ms: %s', (ms, text) => {
    expect(timeInWords(ms)).toBe(text);
  });
});

describe('several targets', () => {
  const two = ['one', 'two'];
  const of = (events: ReadonlyArray<Event | number>, label: string): Array<Event | number> =>
    events.map((event) => (typeof event === 'object' && 'target' in event ? { ...event, target: label } : event));

  it('each line says which one it is about, where it would not otherwise', () => {
    const { out, err } = plain(
      [
        { kind: 'connecting', target: 'one', place: 'me@host:a' },
        ...of([{ kind: 'passStarted', target, names: 3 }], 'one'),
        ...of(upload(item('a')), 'two'),
        ...of([inSync], 'two'),
        ...of([{ ...inSync, names: 3, ms: 5 }], 'one'),
        { kind: 'rootBack', root: '/r', replaced: false },
        { kind: 'halted', failure: { kind: 'remote', message: 'no rsync' }, target: 'two' },
      ],
      'normal',
      two,
    );
    const lines = [
      'connecting to one (me@host:a)',
      'two: a .  12 ms',
      'two: in sync: 2 paths',
      'one: in sync: 3 paths (5 ms)',
      '/r is back',
    ];
    expect(out).toBe(lines.map((line) => `03:04:05 ${line}\n`).join(''));
    expect(err).toBe('syncwatch: two: no rsync\n');
  });

  it('the last line says how things stand with each, what matters first, or with all where that is the same', () => {
    const last = (...events: ReadonlyArray<Event | number>): string | undefined =>
      screen(events, { targets: two }).at(-1);
    const both = [...of(begun, 'one'), ...of(begun, 'two')];
    expect(last(...both)).toBe('● in sync');
    const failing: Event = { kind: 'stands', target: 'one', waiting: 1, failed: 1, retryMs: 9_000 };
    expect(screen([...both, failing], { targets: two, columns: 30 }).at(-1)).toBe('one ✗ 1 failed  two ● in sync');
    expect(screen([...both, failing], { targets: two, columns: 16 }).at(-1)).toBe('one ✗ 1 failed…');
    expect(last(...both, { kind: 'paused', target: 'two' })).toBe('two ○ paused  one ● in sync');
    expect(last(...both, { kind: 'rootGone', root: '/r' })).toBe('○ waiting for the directory');
    expect(last(...both, { kind: 'halted', failure: { kind: 'remote', message: 'x' }, target: 'one' })).toBe(
      'two ● in sync',
    );
  });

  it('what is under way is told of each', () => {
    const events = [
      ...of(begun, 'one'),
      ...of(begun, 'two'),
      ...of(started(item('a')), 'one'),
      ...of(upload(item('b')), 'two'),
    ];
    expect(screen(events, { targets: two }).slice(-3)).toEqual([
      '03:04:05 one: a',
      '03:04:05 two: b .  12 ms',
      '◐ syncing',
    ]);
  });
});

describe('in 40 columns', () => {
  it('an answer is broken at words, as far in as it began, and what is not text stays escaped', () => {
    const shown = new Terminal(40);
    const size = { columns: () => 40, rows: () => 24, onResize: () => {} };
    const [paint, out] = [paintFor(false), (text: string) => shown.write(text)];
    const print = humanPrinter(
      { out, err: out, now, paint, paintError: paint, keyboard: undefined, ...size },
      'normal',
    );
    print.say(['  r  a full sync now; takes settings that were edited', '  a\n\x1b[2Jb']);
    expect(shown.lines).toEqual(['  r  a full sync now; takes settings', '  that were edited', '  a\\n\\e[2Jb', '']);
  });

  it('a first sync that does not fit says its number of paths only once', () => {
    const many = Array.from({ length: 1_521 }, (_, i) => item(`f${i}`));
    const synced: Event = { kind: 'inSync', target, names: 1_521, ms: 0 };
    const shown = screen([{ kind: 'passStarted', target, names: 1_521 }, ...upload(...many), synced], { columns: 40 });
    expect(shown.join(' ').replace(/ +/g, ' ')).toContain('; 1,521 new (15 kB) .');
  });
});

it('numbers at the end are written alike', () => {
  const summary = { ...EMPTY_SUMMARY, sent: 4_623, bytes: 19_000, deleted: 3_103 };
  expect(summaryInWords(target, summary)).toEqual(['host:dir: 4,623 files sent (19 kB), 3,103 deleted']);
});
