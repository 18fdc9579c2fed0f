import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { askOnce } from '../../src/control/client.js';
import { amount } from '../support/amount.js';
import { CLI, cleanEnv, type JsonEvent, Running, run } from '../support/cli.js';
import { temporaryDir } from '../support/tree.js';

/** No part of the program may keep the event loop for longer, in milliseconds. */
const LONGEST_MS = 50;

/** A signal and a question are answered within so many, whatever happens. */
const ANSWERED_MS = 1_000;

const PROBE = resolve(import.meta.dirname, '../support/loop-probe.mjs');

interface Hold {
  readonly delayMs: number;
  readonly processorMs: number;
}

/** A directory and a local target. */
function localPlace() {
  const base = temporaryDir();
  const [local, remote, runtime] = [join(base, 'local'), join(base, 'remote'), join(base, 'run')];
  for (const dir of [local, runtime, join(base, 'home')]) mkdirSync(dir, { mode: 0o700 });
  const probe = join(base, 'probe');
  const env = {
    HOME: join(base, 'home'),
    XDG_STATE_HOME: join(base, 'state'),
    XDG_RUNTIME_DIR: runtime,
    LOOP_PROBE: probe,
    NODE_OPTIONS: `--import=${PROBE}`,
  };
  const start = (): Running => new Running(['--json', '--to', remote, local], { env });
  /** How long it has held its event loop since the last time that it was asked. */
  const hold = async (running: Running): Promise<Hold> => {
    rmSync(probe, { force: true });
    running.child.kill('SIGUSR2');
    return running.until('the probe', () => existsSync(probe) && (JSON.parse(readFileSync(probe, 'utf8')) as Hold));
  };
  return { base, local, remote, runtime, env, start, hold };
}

type LocalPlace = ReturnType<typeof localPlace>;

function expectShort({ delayMs, processorMs }: Hold, what: string): void {
  const text = `${what}: the event loop was held for ${delayMs.toFixed(0)} ms, ${processorMs.toFixed(0)} ms of processor time`;
  expect(Math.min(delayMs, processorMs), text).toBeLessThan(LONGEST_MS);
}

/** Asks for the status again and again, a few times at least; gives the longest that an answer took beyond what this process itself came late. */
async function askAllTheTime({ runtime }: LocalPlace, until: Promise<unknown>): Promise<number> {
  const folder = join(runtime, 'syncwatch');
  const socket = join(folder, readdirSync(folder).find((base) => base.endsWith('.sock')) ?? '');
  let isOver = false;
  void until.then(() => (isOver = true));
  let longestMs = 0;
  for (let count = 0; !isOver || count < 5; count++) {
    const own = monitorEventLoopDelay({ resolution: 1 });
    own.enable();
    const began = performance.now();
    const { kind } = await askOnce(socket, { ask: 'status' }, 30_000);
    longestMs = Math.max(longestMs, performance.now() - began - own.max / 1e6);
    own.disable();
    expect(kind).toBe('answered');
    await sleep(20);
  }
  return longestMs;
}

/** Does something so often, evenly over a time, or until it gives false. */
async function spread(count: number, ms: number, what: (n: number) => unknown): Promise<void> {
  const began = performance.now();
  for (let n = 0; n < count; n++) {
    if (what(n) === false) return;
    const ahead = (ms * (n + 1)) / count - (performance.now() - began);
    if (ahead > 1) await sleep(ahead);
  }
}

const isSame = (a: string, b: string): boolean => {
  const [here, there] = [a, b].map((path) => statSync(path, { bigint: true, throwIfNoEntry: false }));
  return here?.size === there?.size && here?.mtimeNs === there?.mtimeNs;
};

/** Waits until these are the same there. */
const arrived = ({ local, remote }: LocalPlace, running: Running, paths: Iterable<string>): Promise<unknown> => {
  const left = new Set(paths);
  return running.until('all of it is there', () => {
    for (const path of left) {
      if (!isSame(join(local, path), join(remote, path))) return false;
      left.delete(path);
    }
    return true;
  });
};

/** How many names a directory has. */
const NAMES = amount(4_000, 21_000);

describe('many changes in one directory', () => {
  it(`of ${NAMES} names: it hears, answers and sends all the time, and when it starts, flushes and ends, too`, async () => {
    const place = localPlace();
    const { local, remote, env, start, hold } = place;
    writeFileSync(join(local, 'keep'), '');
    mkdirSync(join(local, 'big'));
    for (let n = 0; n < NAMES; n++) writeFileSync(join(local, `big/f${n}`), 'x');
    let running = start();
    await running.inSync();
    expectShort(await hold(running), 'the first full sync');

    const saved = new Set<string>();
    const storm = spread(300, 1_500, (n) => {
      const path = `big/f${(n * 71) % NAMES}`;
      saved.add(path);
      writeFileSync(join(local, path), `saved ${n}`);
      if (n % 10 === 0) writeFileSync(join(local, `big/new${n}`), 'x');
    });
    expect(await askAllTheTime(place, storm)).toBeLessThan(ANSWERED_MS);
    await arrived(place, running, saved);
    const { code } = await run(['flush', local], { env });
    expect(code).toBe(0);
    expect(readdirSync(join(remote, 'big'))).toHaveLength(NAMES + 30);
    expectShort(await hold(running), '300 saves and 30 new ones');
    expect(await running.stop('SIGTERM')).toBe(143);

    utimesSync(join(local, 'big/f1'), 1, 1);
    running = start();
    await running.inSync();
    await arrived(place, running, ['big/f1']);
    expectShort(await hold(running), 'the next start');
    rmSync(join(local, 'big'), { recursive: true });
    await running.until('nothing is left there', () => !existsSync(join(remote, 'big')));
    expectShort(await hold(running), 'deletions');
  });

  /** How many files are written until a flush is asked for in the middle of it. */
  const BEFORE = amount(300, 1_000);

  it('that is new, beside one that was just saved in: a flush and a signal come through in the middle of it', async () => {
    const place = localPlace();
    const { local, remote, env, start, hold } = place;
    mkdirSync(join(local, 'src'));
    writeFileSync(join(local, 'src/a'), 'a');
    const running = start();
    await running.inSync();
    await hold(running);
    writeFileSync(join(local, 'src/a'), 'b');
    await sleep(30); // its directory is watched directly by now
    mkdirSync(join(local, 'src/new'));
    let isOver = false;
    let count = 0;
    const storm = spread(20_000, 40_000, (n) => {
      writeFileSync(join(local, `src/new/f${n}`), 'x'.repeat(n % 200));
      count = n + 1;
      return !isOver;
    });
    await running.until(`${BEFORE} of them`, () => count > BEFORE);
    const before = count;
    const { code } = await run(['flush', local], { env });
    expect(code).toBe(0);
    expect(count).toBeLessThan(20_000); // the storm goes on
    for (let n = 0; n < before; n++)
      if (!existsSync(join(remote, `src/new/f${n}`))) throw new Error(`f${n} is missing`);
    expectShort(await hold(running), 'new files');

    const own = monitorEventLoopDelay({ resolution: 1 });
    own.enable();
    const began = performance.now();
    running.child.kill('SIGTERM');
    await running.until('it says that it ends', () => running.stdout.includes('"event":"stopping"'));
    expect(performance.now() - began - own.max / 1e6).toBeLessThan(ANSWERED_MS);
    own.disable();
    isOver = true;
    expect(await running.ended).toBe(143);
    await storm;
    const events: readonly JsonEvent[] = running.events;
    expect(events.filter(({ event }) => ['woke', 'trouble', 'halted'].includes(event))).toEqual([]);
  });
});

describe('a terminal that takes nothing', () => {
  /** More than a terminal keeps, at 100 bytes and more a line. */
  const MANY = amount(1_000, 3_000);

  it('holds nothing up: it goes on sending, answers, and ends when it is asked to', async () => {
    const { base, local, remote, env } = localPlace();
    writeFileSync(join(local, 'first'), '');
    const pidFile = join(base, 'pid');
    const words = ['exec', process.execPath, CLI, '--to', remote, local].map((word) =>
      `'${word}'`.replace(/^'exec'$/, 'exec'),
    );
    // What script shows nobody reads: soon it takes nothing more of its terminal.
    const child = spawn('script', ['-qec', `echo $$ >'${pidFile}'; ${words.join(' ')}`, '/dev/null'], {
      env: { ...cleanEnv(), ...env, SHELL: '/bin/sh' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const until = async (what: string, check: () => boolean): Promise<void> => {
      for (const deadline = Date.now() + 45_000; !check(); await sleep(20))
        if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    };
    await until('the first file', () => existsSync(join(remote, 'first')));
    const names = Array.from({ length: MANY }, (_, n) => `${n}-${'long'.repeat(25)}`);
    for (const name of names) writeFileSync(join(local, name), '');
    await until('all of them', () => readdirSync(remote).length === names.length + 1);
    const { code, stdout } = await run(['status', local], { env });
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(new RegExp(`${(MANY + 1).toLocaleString('en')} files sent`)),
    });
    const pid = Number(readFileSync(pidFile, 'utf8'));
    process.kill(pid, 'SIGTERM');
    const hasEnded = (): boolean => {
      try {
        return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
      } catch {
        return true; // it is gone, perhaps just now
      }
    };
    await until('its end', hasEnded);
  });
});
