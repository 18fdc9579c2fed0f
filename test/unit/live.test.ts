import stringWidth from 'string-width';
import { expect, it } from 'vitest';
import { steadyMs } from '../../src/core/clock.js';
import { line, type Printable, showControls } from '../../src/core/printable.js';
import { Live } from '../../src/report/live.js';
import { paintFor } from '../../src/report/paint.js';
import { NO_STANDING, type Standing } from '../../src/report/standing.js';
import { standingsInWords } from '../../src/report/standing-words.js';
import { Terminal } from '../support/screen.js';

/** What is drawn on a terminal of this width, which may change. */
function drawnOn(columns: number, lines: () => readonly string[]) {
  const terminal = new Terminal(columns);
  const size = { columns: () => terminal.columns, rows: () => 24, keyboard: undefined };
  const out = (text: Printable): void => terminal.write(text);
  const live = new Live(
    { ...size, out },
    () => lines().map(showControls),
    () => {},
  );
  return { terminal, live };
}

it.each([40, 80, 120])(
  'what is drawn has no more than one line each, %d columns wide, whatever is in it',
  (columns) => {
    const wide = ['語'.repeat(70), '👩‍👩‍👧'.repeat(70), 'e\u0301'.repeat(130), 'a\nb\x1b[2J'.repeat(20)];
    for (const text of wide) {
      const { terminal, live } = drawnOn(columns, () => [text, 'last']);
      live.print(line('before'));
      live.draw();
      live.print(line('after'));
      expect(terminal.lines.length).toBe(4);
      expect([terminal.lines[0], terminal.lines[1], terminal.lines[3]]).toEqual(['before', 'after', 'last']);
      expect(stringWidth(terminal.lines[2] ?? '')).toBeLessThan(columns);
    }
  },
);

it('nothing of it is left when the terminal becomes narrower, or wider again', () => {
  let last = 'x'.repeat(70);
  const { terminal, live } = drawnOn(80, () => ['y'.repeat(75), last]);
  live.print(line('history'));
  for (const columns of [40, 25, 80]) {
    terminal.resize(columns);
    last = `${columns} ${'x'.repeat(60)}`;
    live.resized();
    expect(terminal.lines.length).toBe(3);
    expect(terminal.lines[0]).toBe('history');
    expect(terminal.lines[2]).toMatch(new RegExp(`^${columns} x+`));
  }
});

it.each([
  [120, '◐ first sync [########------------] 2,000 of 5,000 paths, 20 of 50 MB, 2.0 MB/s, 15 s left'],
  [80, '◐ first sync [####------] 2,000 of 5,000 paths, 20 of 50 MB, 15 s left'],
  [40, '◐ first sync [####------] 15 s left'],
])('how far the first sync is, in %d columns', (columns, words) => {
  const target = 't';
  const progress = {
    kind: 'progress',
    target,
    bytes: 2e7,
    totalBytes: 5e7,
    names: 2_000,
    totalNames: 5_000,
    ms: 10_000,
  };
  const standing: Standing = {
    ...NO_STANDING,
    state: 'syncing',
    pass: { isFirst: true, sinceMs: steadyMs(0), names: 5_000, begun: 0 },
    progress: { ...progress, kind: 'progress' },
  };
  expect(standingsInWords(new Map([[target, standing]]), steadyMs(10_000), columns - 1, paintFor(false))).toBe(words);
});
