import { appendFileSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { place, run } from '../support/cli.js';
import { fill } from '../support/tree.js';

/** So much that to send it takes longer than the time between two lines: it is never there as it is here. */
const LARGE = 'line '.repeat(3_000_000);

/** Appends a line to a file all the time, until the test has finished. Gives how much there is of it. */
function writeAllTheTime(path: string): () => number {
  const timer = setInterval(() => appendFileSync(path, `${'line '.repeat(20)}\n`), 10);
  onTestFinished(() => clearInterval(timer));
  return () => statSync(path).size;
}

describe('a file that is written all the time', () => {
  it('is sent less and less often, holds up nothing, and is there at once when somebody asks, and at the end', async () => {
    const { local, remote, env, start } = place();
    fill(local, { a: 'a', 'logs/app.log': LARGE });
    const running = start();
    await running.inSync();
    const size = writeAllTheTime(join(local, 'logs/app.log'));
    const times = (): number[] =>
      running.events
        .filter(({ event, items }) => event === 'delivered' && JSON.stringify(items).includes('logs/app.log'))
        .map(({ time }) => Date.parse(String(time)));
    // The first full sync, five times at once, and then after 0.5, 1 and 2 s.
    const sent = await running.until('ten times', () => times().length >= 10 && times().slice(0, 10));
    const gaps = sent.slice(1).map((ms, i) => ms - (sent[i] ?? 0));
    expect(gaps[8]).toBeGreaterThanOrEqual(2_000);
    expect(gaps[7]).toBeGreaterThanOrEqual(1_000);
    // Beside it, and while its next time is not there yet.
    const before = times().length;
    fill(local, { b: 'b' });
    await running.until('b', () => readFileSync(join(remote, 'b'), 'utf8') === 'b');
    expect(times().length).toBe(before);
    const atLeast = size();
    expect(await run(['flush', local], { env })).toMatchObject({ code: 0 });
    expect(statSync(join(remote, 'logs/app.log')).size).toBeGreaterThanOrEqual(atLeast);
    const atTheEnd = size();
    expect(await running.stop()).toBe(130);
    expect(statSync(join(remote, 'logs/app.log')).size).toBeGreaterThanOrEqual(atTheEnd);
    expect(running.events.at(-1)).toMatchObject({ summary: { unsent: [{ path: 'logs/app.log' }] } });
  });

  it('does not keep --once, nor stop, from ending, which say that it is not there as it is', async () => {
    const { local, env, start, run: once } = place();
    fill(local, { a: 'a', 'logs/app.log': LARGE });
    writeAllTheTime(join(local, 'logs/app.log'));
    const first = await once(['--once']);
    expect(first.code).toBe(1);
    expect(first.stdout + first.stderr).toMatch(/logs\/app\.log/);
    const running = start();
    await running.event('delivered');
    await run(['stop', local], { env });
    expect(await running.ended).toBe(1);
    expect(running.events.at(-1)).toMatchObject({ summary: { unsent: [{ path: 'logs/app.log' }] } });
  });
});
