import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Alerts, LASTING_MS, PAUSE_MS, TOGETHER_MS } from '../../src/core/alerts.js';
import { type SteadyMs, steadyMs } from '../../src/core/clock.js';
import type { Event, Item } from '../../src/core/event.js';
import { nameFromText } from '../../src/core/name.js';
import { EMPTY_SUMMARY } from '../../src/core/summary.js';
import { Notifier } from '../../src/notify/notifier.js';
import { findPrograms } from '../../src/programs.js';
import { temporaryDir } from '../support/tree.js';

const target = 'me@box:app';
const trouble: Event = {
  ...{ kind: 'trouble', target, waiting: 3, retryMs: 1_000 },
  failure: { kind: 'connection', message: 'the connection to box was lost' },
};
const connected: Event = { kind: 'connected', target, ms: 1 };
const inSync: Event = { kind: 'inSync', target, names: 1, ms: 1 };
const failed = (path: string): Event => ({
  ...{ kind: 'pathFailed', target, name: nameFromText(path) },
  failure: { kind: 'path', message: 'no room there' },
});
const item = (path: string): Item => ({ action: 'send', name: nameFromText(path), bytes: 1, isNew: true });
const delivered = (path: string): Event => ({ kind: 'delivered', target, items: [item(path)], ms: 1 });
const WELL = 'syncwatch|all is well again';
const LOST = 'syncwatch me@box:app|the connection to box was lost';

/** Events at their moments, in milliseconds; gives what was told, with its moment, until `endMs`. */
function told(events: ReadonlyArray<readonly [number, Event]>, endMs = 10 * PAUSE_MS): string[] {
  const alerts = new Alerts();
  const said: string[] = [];
  const look = (ms: SteadyMs): void => {
    const due = alerts.due(ms);
    if (due !== undefined) said.push(`${String(ms)} ${due.summary}|${due.body}`);
  };
  const left = [...events];
  for (;;) {
    const { nextMs } = alerts;
    const [next] = left;
    const ms = Math.min(Number(nextMs ?? endMs), next?.[0] ?? endMs);
    if (ms >= endMs) return said;
    if (next !== undefined && next[0] === ms) {
      left.shift();
      alerts.take(next[1], steadyMs(ms));
    }
    look(steadyMs(ms));
  }
}

describe('what is told on the desktop', () => {
  it('is a connection that stays away, and that it is back; not one that comes back soon', () => {
    expect(
      told([
        [0, trouble],
        [LASTING_MS - 1, connected],
      ]),
    ).toEqual([]);
    expect(
      told([
        [0, trouble],
        [LASTING_MS + 5, connected],
        [LASTING_MS + 6, inSync],
      ]),
    ).toEqual([`${LASTING_MS} ${LOST}`, `${LASTING_MS + PAUSE_MS} ${WELL}`]);
    expect(
      told([
        [0, trouble],
        [PAUSE_MS * 3, connected],
      ]),
    ).toEqual([`${LASTING_MS} ${LOST}`, `${PAUSE_MS * 3} ${WELL}`]);
  });

  it('is at most one in a while: what comes and goes in between is not told', () => {
    const flapping = Array.from({ length: 200 }, (_, i): [number, Event] => [
      i * 100,
      i % 2 === 0 ? failed('a') : delivered('a'),
    ]);
    expect(told([[0, failed('x')], ...flapping.map(([ms, event]) => [ms + 1, event] as const)], PAUSE_MS).length).toBe(
      1,
    );
    expect(
      told(
        [
          [0, failed('a')],
          [2_000, delivered('a')],
          [3_000, failed('a')],
        ],
        3 * PAUSE_MS,
      ),
    ).toEqual([
      `${TOGETHER_MS} syncwatch me@box:app|a FAILED: no room there`,
      `${TOGETHER_MS + PAUSE_MS} syncwatch me@box:app|a FAILED: no room there`,
    ]);
  });

  it('is paths that fail, together; another one later; and that they are there', () => {
    const said = told([
      [0, failed('a')],
      [500, failed('b')],
      [5 * PAUSE_MS, failed('c')],
      [6 * PAUSE_MS, inSync],
    ]);
    expect(said).toEqual([
      `${TOGETHER_MS} syncwatch me@box:app|b FAILED (and 1 more): no room there`,
      `${5 * PAUSE_MS} syncwatch me@box:app|c FAILED (and 2 more): no room there`,
      `${6 * PAUSE_MS} ${WELL}`,
    ]);
  });

  it('is that DIR is gone, and at once why it has ended, whatever was told just before', () => {
    const gone: Event = { kind: 'rootGone', root: '/d' };
    const halted: Event = { kind: 'halted', failure: { kind: 'guard', message: 'DIR is empty' } };
    expect(
      told([
        [0, gone],
        [1, halted],
      ]),
    ).toEqual(['0 syncwatch /d|/d is gone: waiting for it to come back', '1 syncwatch|ended: DIR is empty']);
    const back: Event = { kind: 'rootBack', root: '/d', replaced: false };
    expect(
      told([
        [0, gone],
        [PAUSE_MS, back],
      ]),
    ).toEqual([expect.anything(), `${PAUSE_MS} ${WELL}`]);
  });

  it('is what --once left, not what somebody ended', () => {
    const stopped: Event = {
      ...{ kind: 'stopped', target },
      summary: { ...EMPTY_SUMMARY, unsent: [[nameFromText('a'), undefined]] },
    };
    expect(told([[0, stopped]])).toEqual(['0 syncwatch me@box:app|ended: 1 path is NOT there']);
    expect(
      told([
        [0, { kind: 'stopping', target, signal: 'SIGINT', waiting: 1 }],
        [1, stopped],
      ]),
    ).toEqual([]);
  });

  it('is short, and has no control characters', () => {
    const [said = ''] = told([[0, failed(`\x1b[2J${'x'.repeat(1_000)}`)]]);
    expect(said).toContain('\\e[2Jxxx');
    expect(said.length).toBeLessThan(300);
  });
});

/** Programs that write down how they are called, and what is said while some events are told by them. */
async function shown(names: readonly string[], env: Readonly<Record<string, string>>, text: string, code = 0) {
  const bin = temporaryDir();
  const calls = join(bin, 'calls');
  writeFileSync(calls, '');
  for (const name of names) {
    writeFileSync(
      join(bin, name),
      `#!/bin/sh\nprintf '%s\\0' '${name}' "$@" >> '${calls}'; echo >> '${calls}'; echo broken >&2; exit ${code}\n`,
    );
    chmodSync(join(bin, name), 0o755);
  }
  const notes: string[] = [];
  const programs = findPrograms({ env: { PATH: bin, ...env }, home: '/', nodePath: process.execPath }, '/nowhere');
  const notifier = Notifier.open(programs, (event) => void (event.kind === 'note' && notes.push(event.text)));
  for (let i = 0; i < 2; i++) notifier?.handle({ kind: 'halted', failure: { kind: 'guard', message: text } });
  await notifier?.close();
  const lines = readFileSync(calls, 'utf8').split('\n').slice(0, -1);
  return { calls: lines.map((line) => line.split('\0').slice(0, -1)), notes };
}

describe.runIf(process.platform === 'linux')('what shows it', () => {
  it('is notify-send, whose body is markup', async () => {
    const { calls, notes } = await shown(['notify-send'], {}, '--help "<b>$(id)</b>" \\n &');
    const body = 'ended: --help "&lt;b&gt;$(id)&lt;/b&gt;" \\\\n &amp;';
    expect(calls).toEqual(Array(2).fill(['notify-send', '--app-name=syncwatch', '--', 'syncwatch', body]));
    expect(notes).toEqual([]);
  });

  it("on WSL is Windows' own, where what is said can't end its text", async () => {
    const wsl = { WSL_DISTRO_NAME: 'Debian' };
    const { calls } = await shown(['wsl-notify-send.exe', 'notify-send'], wsl, "');id;('");
    expect(calls[0]).toEqual(['wsl-notify-send.exe', '--category', 'syncwatch', "syncwatch: ended: ');id;('"]);
    const { calls: others } = await shown(['powershell.exe', 'notify-send'], wsl, "');id;('");
    expect(others[0]?.slice(0, 4)).toEqual(['powershell.exe', '-NoProfile', '-NonInteractive', '-EncodedCommand']);
    const script = Buffer.from(others[0]?.[4] ?? '', 'base64').toString('utf16le');
    expect(script).not.toContain('id;');
    expect(script).toContain(Buffer.from("ended: ');id;('").toString('base64'));
  });

  it('is missing: that is said at once, and one that fails, once', async () => {
    expect(await shown([], {}, 'x')).toEqual({
      calls: [],
      notes: ['--notify: there is no notify-send here: nothing can be told on the desktop'],
    });
    const { notes } = await shown(['notify-send'], {}, 'x', 1);
    expect(notes).toEqual(['--notify: notify-send could not tell it on the desktop: broken']);
  });
});
