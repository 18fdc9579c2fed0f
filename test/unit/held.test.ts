import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/event.js';
import { later } from '../../src/later.js';
import { printerFor } from '../../src/report/printer.js';

const note = (text: string): Event => ({ kind: 'note', level: 'normal', text });
const trouble: Event = { kind: 'halted', failure: { kind: 'guard', message: 'an error' } };

/** A terminal on which somebody is asked `question`, and what reports there meanwhile. */
function asked(kind: { readonly term?: string; readonly json?: boolean; readonly isTerminal?: boolean }) {
  const { term = 'xterm', json = false, isTerminal = true } = kind;
  const shown = { text: '' };
  const out = (text: string): void => void (shown.text += text);
  const printer = printerFor(
    {
      ...{ out, err: out, isTerminal, isErrorTerminal: true, env: { TERM: term } },
      ...{ columns: () => 80, rows: () => 24, onResize: () => {}, now: () => new Date(), keyboard: undefined },
    },
    { output: { verbosity: 'normal', json, color: 'never' } },
  );
  const answer = later<boolean>();
  printer.report(note('before'));
  const answered = printer.away(() => {
    shown.text += 'question? ';
    return answer.promise;
  });
  return { shown, printer, answer, answered };
}

describe('while a question is open on the terminal', () => {
  it.each([
    ['that draws', {}],
    ['that can do no more than lines', { term: 'dumb' }],
    ['that gets JSON', { json: true }],
  ])('%s, what is told waits for the answer, in its order', async (_, kind) => {
    const { shown, printer, answer, answered } = asked(kind);
    expect(shown.text).toMatch(/before.*\n.*question\? $/s);
    printer.report(note('meanwhile'));
    printer.report(trouble);
    printer.say(['said']);
    expect(shown.text).toMatch(/question\? $/);
    answer.resolve(true);
    expect(await answered).toBe(true);
    expect(shown.text).toMatch(/question\? .*meanwhile.*an error.*said/s);
    const { length } = shown.text;
    printer.report(note('after'));
    expect(shown.text.slice(length)).toContain('after');
  });

  it('what is not written there does not wait', () => {
    const { shown, printer } = asked({ json: true, isTerminal: false });
    printer.report(note('meanwhile'));
    expect(shown.text).toContain('meanwhile');
  });

  it('all of two questions have to be answered', async () => {
    const { shown, printer, answer, answered } = asked({});
    const second = later<undefined>();
    const both = printer.away(() => second.promise);
    printer.report(note('meanwhile'));
    answer.resolve(false);
    await answered;
    expect(shown.text).not.toContain('meanwhile');
    second.resolve(undefined);
    await both;
    expect(shown.text).toContain('meanwhile');
  });

  it('and all is over, what has waited is told, on a line of its own', () => {
    const { shown, printer } = asked({});
    printer.report(trouble);
    printer.close();
    expect(shown.text).toMatch(/question\? \n.*an error/s);
  });

  it('more than can be kept is left out, and that is said', async () => {
    const { shown, printer, answer, answered } = asked({ term: 'dumb' });
    for (let i = 0; i < 20; i++) printer.report(note(`${i} ${'x'.repeat(100_000)}`));
    answer.resolve(true);
    await answered;
    expect(shown.text.length).toBeLessThan(1_100_000);
    expect(shown.text.match(/is left out/g)).toHaveLength(1);
    printer.report(note('after'));
    expect(shown.text).toContain('after');
  });
});
