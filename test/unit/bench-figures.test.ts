import { describe, expect, it } from 'vitest';
import type { Row } from '../bench/figures.mjs';
import {
  BEFORE,
  bigWhat,
  HAND,
  MASTER,
  median,
  pageTable,
  targetsOf,
  targetTable,
  US,
  WHAT,
  wholeTable,
} from '../bench/figures.mjs';

const row = (what: string, rival: string, values: number[], more: Partial<Row> = {}): Row => ({
  what,
  rival,
  values,
  rttMs: 100,
  shell: 'login',
  unit: 'ms',
  ...more,
});

/** What this run reached of the target with this in its name. */
const reached = (rows: readonly Row[], what: string): number | undefined =>
  targetsOf(rows).find((target) => `${target.what} ${target.form}`.includes(what))?.reached;

const RENAMED = 'file of 100 MB renamed';

describe('the figures of a benchmark', () => {
  it('are compared by their medians, and what got lost counts as never', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([5, 1, 2, 3, 4], 0.95)).toBe(5);
    expect(median([Number.POSITIVE_INFINITY, 1, Number.POSITIVE_INFINITY])).toBe(Number.POSITIVE_INFINITY);
    expect(wholeTable([row('a save', 'loop', [Number.POSITIVE_INFINITY])])[2]).toContain('| never | never |');
  });

  it('say what was reached: in round trips, beside by hand at the same round trip, beyond what Node or ssh take', () => {
    const rows = [
      row(WHAT.inPlace, US, [70, 80, 600]),
      row(WHAT.inPlace, HAND, [500, 600, 700], { rttMs: 20 }),
      row(WHAT.inPlace, US, [60, 90, 30], { rttMs: 20 }),
      row(WHAT.inPlace, US, [6], { rttMs: 0, shell: 'bare' }),
      row(WHAT.inPlace, HAND, [60], { rttMs: 0 }), // another shell: no comparison
      row(WHAT.inPlace, BEFORE, [5], { rttMs: 0, shell: 'bare' }),
      row(WHAT.node, 'node -e 0', [50]),
      row(WHAT.flushSaved, US, [180]),
      row(WHAT.there, MASTER, [100], { rttMs: 0 }),
      row(WHAT.thereSaved, 'syncwatch exec', [230], { rttMs: 0 }),
      row(WHAT.one, US, [40], { rttMs: 20 }),
      row(WHAT.ten, US, [60], { rttMs: 20 }),
      row(WHAT.oneMemory, US, [80], { rttMs: 20, unit: 'MiB' }),
      row(WHAT.tenMemory, US, [170], { rttMs: 20, unit: 'MiB' }),
      row(bigWhat(100_000).memory, US, [171], { rttMs: 0, unit: 'MiB' }),
    ];
    expect(reached(rows, 'in place, RTT 100 ms, p50')).toBe(0.8);
    expect(reached(rows, 'in place, RTT 100 ms, p95')).toBe(6);
    expect(reached(rows, 'in place, RTT 20 ms')).toBe(0.1);
    expect(reached(rows, 'in place, RTT 0 ms, bare shell × by hand')).toBeUndefined();
    expect(reached(rows, 'in place, RTT 0 ms, bare shell × the build before')).toBe(1.2);
    expect(reached(rows, 'flush right after a save, RTT 100')).toBe(1.3);
    expect(reached(rows, 'exec')).toBe(130);
    expect(reached(rows, 'until it is in all')).toBe(1.5);
    expect(reached(rows, 'further target')).toBe(10);
    const table = targetTable(targetsOf(rows)).join('\n');
    expect(table).toMatch(/in place, RTT 20 ms \| 0.25 × by hand \| 0.10 \| ok \|/);
    expect(table).toMatch(/in place, RTT 100 ms, p50 \| 0.75 round trips \| 0.80 \| NOT \|/);
    expect(table).toMatch(/memory of all processes here \| 170 MiB \| 171 \| NOT \|/);
    expect(table).toMatch(/Not measured in this run: .*file of 100 MB renamed, RTT 0 ms/);
  });

  it('stand on the page with a column for each who took part, where it can be compared', () => {
    const rows = [
      row(RENAMED, US, [300], { bytes: [12_000] }),
      row(RENAMED, HAND, [12_000], { bytes: [100_000_000] }),
      row(WHAT.inPlace, US, [6.25], { shell: 'bare', rttMs: 0 }),
      row(WHAT.inPlace, HAND, [15], { shell: 'bare', rttMs: 0 }),
      row(WHAT.inPlace, 'lsyncd delay 0', [14], { shell: 'bare', rttMs: 0 }),
      row(WHAT.flushSaved, US, [180]),
    ];
    expect(pageTable(rows)).toEqual([
      '| RTT | what | syncwatch | rsync by hand | lsyncd delay 0 |',
      '| --- | --- | --- | --- | --- |',
      `| 100 ms | ${RENAMED} | 300 ms (0.01 MB) | 12.0 s (100 MB) | - |`,
      `| 0 ms, bare | ${WHAT.inPlace} | 6.3 ms | 15.0 ms | 14.0 ms |`,
    ]);
  });
});
