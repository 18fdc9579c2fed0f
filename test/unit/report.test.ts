import { describe, expect, it } from 'vitest';
import type { Event, Item } from '../../src/core/event.js';
import { nameFromText as name, nameFromBytes } from '../../src/core/name.js';
import { addDelivered, EMPTY_SUMMARY } from '../../src/core/summary.js';
import { humanPrinter } from '../../src/report/human.js';
import { jsonPrinter } from '../../src/report/json.js';
import { plainPrinter } from '../../src/report/plain.js';
import { bytesInWords, timeInWords } from '../../src/report/words.js';
import type { Verbosity } from '../../src/settings.js';
import { Terminal } from '../support/screen.js';

const now = () => new Date(2026, 0, 2, 3, 4, 5);
const target = 'host:dir';
const item = (path: string, action: Item['action'] = 'send', bytes = 10): Item => ({
  action,
  name: name(path),
  bytes,
  isNew: true,
});
const upload = (...items: Item[]): Event[] => [
  ...items.map((i): Event => ({ kind: 'started', target, ...i })),
  { kind: 'delivered', target, items, ms: 12 },
];

function plain(
  events: readonly Event[],
  verbosity: Verbosity = 'normal',
  targets?: readonly string[],
): { out: string; err: string } {
  let out = '';
  let err = '';
  const print = plainPrinter({ out: (t) => void (out += t), err: (t) => void (err += t), now }, verbosity, targets);
  for (const event of events) print(event);
  return { out, err };
}

function human(events: readonly Event[], color = false, targets?: readonly string[]): string {
  let out = '';
  const write = (text: string): void => void (out += text);
  const terminal = {
    out: write,
    err: write,
    now,
    color,
    columns: () => 80,
    rows: () => 24,
    onResize: () => {},
    keyboard: undefined,
  };
  const { report } = humanPrinter(terminal, 'normal', targets);
  for (const event of events) report(event);
  return out;
}

/** What a terminal would show in the end. */
function screen(text: string): string[] {
  const terminal = new Terminal(80);
  terminal.write(text);
  return terminal.lines;
}

describe('plain lines', () => {
  it('the path when its upload starts, the same with a dot when it is there', () => {
    expect(plain(upload(item('a'), item('d', 'mkdir'), item('x', 'delete'))).out).toBe(
      ['a', 'd/', 'x deleted', 'a .', 'd/ .', 'x deleted .'].map((line) => `03:04:05 ${line}\n`).join(''),
    );
  });

  it('no line for a touched directory, unless verbose', () => {
    expect(plain(upload(item('d', 'attributes'))).out).toBe('');
    expect(plain(upload(item('d', 'attributes')), 'verbose').out).toMatch(/d \(mode or time\) \.\n/);
  });

  it('quiet: only errors', () => {
    const events: Event[] = [
      ...upload(item('a')),
      { kind: 'pathFailed', target, name: name('b'), failure: { kind: 'path', message: 'no', hint: 'do' } },
    ];
    expect(plain(events, 'quiet')).toEqual({ out: '', err: '03:04:05 b FAILED: no\n03:04:05   do\n' });
  });

  it('a name can not forge a line', () => {
    expect(plain(upload(item('a\n03:04:05 b .'))).out.split('\n').length).toBe(3);
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

describe('on a terminal', () => {
  it('the dot comes on the same line', () => {
    const [start, delivered] = upload(item('a.txt'));
    if (start === undefined || delivered === undefined) throw new Error('no events');
    expect(human([start])).toBe('03:04:05 a.txt');
    expect(screen(human([start, delivered]))).toEqual(['03:04:05 a.txt .', '']);
  });

  it('what shared a run gets its dots together', () => {
    expect(screen(human(upload(item('a'), item('b', 'delete'))))).toEqual([
      '03:04:05 a',
      '03:04:05 b deleted',
      '03:04:05 .. 2 paths (12 ms)',
      '',
    ]);
  });

  it('the last line says how things stand, and never stays between others', () => {
    const inSync: Event = { kind: 'inSync', target, names: 2, ms: 0 };
    expect(screen(human([inSync, ...upload(item('a')), inSync]))).toEqual([
      '03:04:05 in sync: 2 paths',
      '03:04:05 a .',
      '● in sync',
    ]);
  });

  it('no escape codes for colours without colour', () => {
    expect(human(upload(item('b', 'delete')))).not.toMatch(/\x1b\[\d+m/);
    expect(human(upload(item('b', 'delete')), true)).toMatch(/\x1b\[33m/);
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

describe('runs beside one another on a terminal', () => {
  const started = (path: string): Event => ({ kind: 'started', target, ...item(path) });
  const delivered = (path: string): Event => ({ kind: 'delivered', target, items: [item(path)], ms: 12 });

  it('a small save between a large file and its dot', () => {
    const shown = screen(human([started('large'), started('small'), delivered('small'), delivered('large')]));
    expect(shown).toEqual(['03:04:05 large', '03:04:05 small .', '03:04:05 . large (12 ms)', '']);
  });

  it('how far a long run is, below its path', () => {
    const progress = (bytes: number, totalBytes?: number): Event => ({
      kind: 'progress',
      target,
      bytes,
      totalBytes,
      ms: 2_000,
    });
    expect(screen(human([started('large'), progress(5_000_000, 20_000_000)])).at(-1)).toBe(
      '◐ [#####---------------] 5.0 MB of 20 MB, 2.5 MB/s, 6.0 s left',
    );
    expect(screen(human([started('large'), progress(1, 20_000_000)])).at(-1)).toBe(
      '◐ [--------------------] 1 B of 20 MB, 1 B/s',
    );
    expect(screen(human([progress(5_000_000)])).at(-1)).toBe('◐ 5.0 MB, 2.5 MB/s');
  });

  it('a moved file says so', () => {
    expect(screen(human(upload(item('b', 'move'))))).toEqual(['03:04:05 b (moved) .', '']);
  });
});

describe('several targets', () => {
  const two = ['one', 'two'];
  const of = (events: readonly Event[], label: string): Event[] =>
    events.map((event) => ('target' in event ? { ...event, target: label } : event));
  const inSync: Event = { kind: 'inSync', target, names: 3, ms: 5 };

  it('each line says which one it is about, where it would not otherwise', () => {
    const { out, err } = plain(
      [
        { kind: 'connecting', target: 'one', place: 'me@host:a' },
        ...of(upload(item('a')), 'two'),
        ...of([inSync], 'one'),
        { kind: 'rootBack', root: '/r', replaced: false },
        { kind: 'halted', failure: { kind: 'remote', message: 'no rsync' }, target: 'two' },
      ],
      'normal',
      two,
    );
    const lines = ['connecting to one (me@host:a)', 'two: a', 'two: a .', 'one: in sync: 3 paths (5 ms)', '/r is back'];
    expect(out).toBe(lines.map((line) => `03:04:05 ${line}\n`).join(''));
    expect(err).toBe('syncwatch: two: no rsync\n');
  });

  it('the last line says how things stand with each, or with all where that is the same', () => {
    const last = (...events: readonly Event[]): string | undefined => screen(human(events, false, two)).at(-1);
    const both = [...of([inSync], 'one'), ...of([inSync], 'two')];
    expect(last(...both)).toBe('● in sync');
    expect(last(...both, { kind: 'paused', target: 'two' })).toBe('one ● in sync  two ○ paused');
    expect(last(...both, { kind: 'rootGone', root: '/r' })).toBe('○ waiting for the directory');
    expect(last(...both, { kind: 'halted', failure: { kind: 'remote', message: 'x' }, target: 'one' })).toBe(
      'two ● in sync',
    );
  });

  it('a dot belongs to the path of the same target', () => {
    const [started, delivered] = upload(item('a'));
    if (started === undefined || delivered === undefined) throw new Error('no events');
    const shown = screen(
      human([...of([started], 'one'), ...of([started], 'two'), ...of([delivered], 'one')], false, two),
    );
    expect(shown.slice(0, 3)).toEqual(['03:04:05 one: a', '03:04:05 two: a', '03:04:05 one: . a (12 ms)']);
  });
});
