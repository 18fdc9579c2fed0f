import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { steadyMs } from '../../src/core/clock.js';
import type { Event } from '../../src/core/event.js';
import { compilePattern } from '../../src/core/filter/pattern.js';
import { forEachHook } from '../../src/core/hook-kinds.js';
import { nameFromText } from '../../src/core/name.js';
import { Pending } from '../../src/core/sync/pending.js';
import { Hooks } from '../../src/hooks/hooks.js';
import { ENDING_MS } from '../../src/hooks/run-hook.js';
import { NOTHING_WAITS } from '../support/outstanding.js';
import { PROGRAMS } from '../support/programs.js';
import { temporaryDir } from '../support/tree.js';

/** What is told of the output of a command that runs after an upload. */
async function outputOf(command: string): Promise<string | undefined> {
  const told: Event[] = [];
  const hooks = new Hooks({
    programs: PROGRAMS,
    commands: { ...forEachHook(() => []), onUpload: [{ command, only: undefined }] },
    root: temporaryDir(),
    target: 't',
    reach: () => ({ kind: 'none' }),
    report: (event) => told.push(event),
    outstanding: NOTHING_WAITS,
  });
  const item = { action: 'send', name: nameFromText('a'), bytes: 1, isNew: true } as const;
  hooks.handle({ kind: 'delivered', target: 't', items: [item], ms: 1 });
  await hooks.idle();
  const [event] = told;
  return event?.kind === 'hook' ? event.output : undefined;
}

it.each([
  ['that comes in two pieces', "printf 'caf\\303'; sleep 0.2; printf '\\251\\n'", 'café\n'],
  [
    'with something from stderr in between',
    "printf 'caf\\303'; sleep 0.2; printf 'x' >&2; sleep 0.2; printf '\\251\\n'",
    'cafxé\n',
  ],
  [
    'of which there is more than is kept',
    `i=0; while [ $i -lt 2500 ]; do printf 'é'; i=$((i+1)); done; printf 'x'`,
    `${'é'.repeat(2_500)}x`,
  ],
  [
    'of which there is much more than is kept',
    `i=0; while [ $i -lt 300 ]; do printf '😀😀😀😀😀😀😀😀😀😀'; i=$((i+1)); done; printf 'x'`,
    `${'😀'.repeat(1_999)}x`,
  ],
])("a hook's output %s is whole characters", async (_what, command, output) => {
  expect(await outputOf(command)).toBe(output);
});

describe('a hook for the whole sync', () => {
  /** Hooks with something that waits; a turn ends when the test says so. */
  function bench(only: string | undefined, caughtUp = async (): Promise<boolean> => true) {
    const told: Event[] = [];
    const pending = new Pending();
    const turns: Array<() => void> = [];
    const compiled = only === undefined ? undefined : compilePattern(only);
    if (typeof compiled === 'string') throw new Error(compiled);
    let isUnknown = false;
    const hooks = new Hooks({
      programs: PROGRAMS,
      commands: {
        ...forEachHook(() => []),
        onSync: [{ command: 'tr "\\0" " " < "$SYNCWATCH_PATHS_FILE"', only: compiled }],
      },
      root: temporaryDir(),
      target: 't',
      reach: () => ({ kind: 'none' }),
      report: (event) => told.push(event),
      outstanding: {
        pending,
        isUnknown: () => isUnknown,
        turnEnded: () => new Promise((resolve) => turns.push(resolve)),
        caughtUp,
      },
      patienceMs: 10,
    });
    onTestFinished(() => hooks.stop());
    return {
      hooks,
      told,
      deliver: (...paths: string[]) => {
        const items = paths.map(
          (path) => ({ action: 'send', name: nameFromText(path), bytes: 1, isNew: true }) as const,
        );
        hooks.handle({ kind: 'delivered', target: 't', items, ms: 1 });
      },
      waits: (path: string) => void pending.note(nameFromText(path), steadyMs(0)),
      settle: (path: string) => pending.settle(nameFromText(path)),
      pass: (is: boolean) => {
        isUnknown = is;
      },
      endTurn: async () => {
        for (const end of turns.splice(0)) end();
        await new Promise((resolve) => setImmediate(resolve));
        await hooks.idle();
      },
      outputs: () => told.flatMap((event) => (event.kind === 'hook' ? [event.output] : [])),
    };
  }

  it('with a pattern runs when none of its own names waits, whatever else does', async () => {
    const never = (): Promise<boolean> => new Promise(() => {});
    const { deliver, waits, settle, pass, endTurn, outputs } = bench('*.py', never);
    waits('log');
    waits('src/b.py');
    deliver('a.py', 'x.txt');
    await endTurn();
    expect(outputs()).toEqual([]); // src/b.py may belong to it
    settle('src/b.py');
    deliver('src/b.py');
    pass(true);
    await endTurn();
    expect(outputs()).toEqual([]); // nobody knows what waits
    pass(false);
    await endTurn();
    expect(outputs()).toEqual(['a.py src/b.py ']);
    waits('c.py');
    deliver('log');
    await endTurn();
    expect(outputs()).toHaveLength(1);
  });

  it('loses patience where there is never a moment in which nothing waits, tells so, and what waited is there by then', async () => {
    const caught: Array<(is: boolean) => void> = [];
    const { hooks, told, deliver, waits, outputs } = bench(
      undefined,
      () => new Promise((resolve) => caught.push(resolve)),
    );
    waits('log');
    deliver('log', 'a');
    await vi.waitFor(() => expect(caught).toHaveLength(1));
    await hooks.idle();
    expect(outputs()).toEqual([]); // what waited is still on its way
    caught[0]?.(true);
    await vi.waitFor(() => expect(outputs()).toEqual(['log a ']));
    expect(told[0]).toMatchObject({
      kind: 'note',
      level: 'normal',
      text: expect.stringMatching(/^on-sync runs for t though.*: log$/),
    });
    deliver('log');
    await vi.waitFor(() => expect(caught).toHaveLength(2));
    caught[1]?.(true);
    await vi.waitFor(() => expect(outputs()).toEqual(['log a ', 'log ']));
  });

  it('waits on where what waits can’t be had (paused), and runs once everything is there, without a word', async () => {
    let asked = 0;
    const { hooks, told, deliver, waits, settle, outputs } = bench(undefined, async () => {
      asked++;
      return false;
    });
    waits('a');
    deliver('b');
    await vi.waitFor(() => expect(asked).toBeGreaterThan(1));
    expect(outputs()).toEqual([]);
    settle('a');
    hooks.handle({ kind: 'inSync', target: 't', names: 2, ms: 1 });
    await hooks.idle();
    expect(outputs()).toEqual(['b ']);
    expect(told.map(({ kind }) => kind)).toEqual(['hook']);
  });
});

it('a hook that is deaf to SIGTERM ends with syncwatch all the same', async () => {
  const root = temporaryDir();
  const told: Event[] = [];
  const hooks = new Hooks({
    programs: PROGRAMS,
    commands: {
      ...forEachHook(() => []),
      onSync: [{ command: 'trap "" TERM; : > up; while [ -e up ]; do sleep 1; done', only: undefined }],
    },
    root,
    target: 't',
    reach: () => ({ kind: 'none' }),
    report: (event) => told.push(event),
    outstanding: NOTHING_WAITS,
  });
  const item = { action: 'send', name: nameFromText('a'), bytes: 1, isNew: true } as const;
  hooks.handle({ kind: 'delivered', target: 't', items: [item], ms: 1 });
  hooks.handle({ kind: 'inSync', target: 't', names: 1, ms: 1 });
  await vi.waitFor(() => expect(existsSync(join(root, 'up'))).toBe(true), { timeout: 30_000 });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const stopped = hooks.stop();
  await vi.advanceTimersByTimeAsync(ENDING_MS);
  vi.useRealTimers();
  await stopped;
  expect(told).toMatchObject([{ kind: 'hook', end: 'it was ended by SIGKILL' }]);
});
