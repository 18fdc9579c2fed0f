// npm run bench [-- --only starts,saves,trees,moves,bursts,big,asks] [--rtt 0,20,100] [--saves 40] [--rounds 3] [--files 100000]
//   [--workload PART-OF-ITS-NAME] [--json FILE] [--before OTHER/dist/cli.js]
//
// --before: another build of syncwatch, side by side with this one, for all but "big".
// How fast is it, side by side with what people use today? Starts its own servers, measures all rivals in turn on the same
// machine in the same run, and compares both trees at the end of each: a fast wrong answer is a failure.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { CLI, RIVALS, startSyncwatch, syncwatch } from './rivals.mjs';
import { endAll, median, openStage } from './stage.mjs';
import { arrived, BURSTS, differences, MOVES, save, TREES, usage } from './workloads.mjs';

const run = promisify(execFile);
const { values: given } = parseArgs({
  options: {
    only: { type: 'string', default: 'starts,saves,trees,moves,bursts,big,asks' },
    rtt: { type: 'string', default: '0,20,100' },
    saves: { type: 'string', default: '40' },
    rounds: { type: 'string', default: '3' },
    workload: { type: 'string', default: '' },
    files: { type: 'string', default: '100000' },
    json: { type: 'string', default: 'bench.json' },
    before: { type: 'string' },
    dir: { type: 'string', default: tmpdir() },
  },
});
const only = given.only.split(',');
const rtts = given.rtt.split(',').map(Number);
const saves = Number(given.saves);
const rounds = Number(given.rounds);
const base = realpathSync(mkdtempSync(join(resolve(given.dir), 'syncwatch-bench-')));
for (const [signal, code] of /** @type {const} */ ([
  ['SIGINT', 130],
  ['SIGTERM', 143],
])) {
  process.on(signal, () => process.exit(code));
}
process.on('exit', () => {
  endAll();
  rmSync(base, { recursive: true, force: true });
});

/**
 * @typedef {object} Row
 * @property {string} what
 * @property {string} rival
 * @property {number} rttMs
 * @property {'login' | 'bare'} shell
 * @property {number[]} ms one for each round or save
 * @property {number[]} [bytes] on the wire, both ways
 */

/** @type {Row[]} */
const rows = [];
/** @type {string[]} */
const notes = [];
let wrong = 0;
const say = (/** @type {string} */ text) => console.log(text);

const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? '?'}, Linux ${release()}, Node ${process.version}`;
say(`# ${new Date().toISOString().slice(0, 10)}, ${machine}`);
for (const [file, arg] of /** @type {const} */ ([
  ['rsync', '--version'],
  ['ssh', '-V'],
])) {
  const { stdout, stderr } = await run(file, [arg]);
  say(`# ${(stdout || stderr).split('\n')[0]}`);
}

let stages = 0;
/**
 * @param {number} rttMs @param {'login' | 'bare'} shell
 * @param {(stage: import('./stage.mjs').Stage) => Promise<void>} play
 */
async function onStage(rttMs, shell, play) {
  const dir = join(base, `stage${stages++}`);
  mkdirSync(dir);
  const stage = await openStage(dir, { rttMs, shell });
  say(
    `\n## RTT ${rttMs} ms, ${shell} shell: 'ssh there true' through an open master takes ${stage.loginMs.toFixed(0)} ms`,
  );
  try {
    await play(stage);
  } finally {
    await stage.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** @param {import('./stage.mjs').Stage} stage @param {readonly string[]} names @param {(local: string) => void} prepare */
async function rivalsOn(stage, names, prepare) {
  const rivals = [];
  for (const name of names) {
    const seat = await stage.seat(name);
    prepare(seat.local);
    await run('rsync', ['-a', `${seat.local}/`, `${seat.remote}/`]); // all begin in sync
    const rival = await RIVALS[name]?.(seat);
    if (rival === undefined) notes.push(`${name}: not installed, left out`);
    else rivals.push(rival);
  }
  return rivals;
}

/** @param {readonly import('./rivals.mjs').Rival[]} rivals @param {string} where */
async function compareAll(rivals, where) {
  await sleep(1_500); // for what the slow ones still have to do
  for (const { name, seat } of rivals) {
    const differ = differences(seat.local, seat.remote);
    if (differ.length === 0) continue;
    if (name === 'syncwatch') wrong++;
    notes.push(`${name} ended with ${differ.length} names wrong after ${where}: ${differ.slice(0, 3).join(', ')}`);
  }
}

/** @param {Row} row */
function add(row) {
  rows.push(row);
  const bytes = row.bytes === undefined ? '' : `, ${Math.round(median(row.bytes) / 1000)} kB`;
  const [p50, p95] = [median(row.ms), median(row.ms, 0.95)];
  say(`${row.what} | ${row.rival}: p50 ${p50.toFixed(1)}, p95 ${p95.toFixed(1)} ms (${row.ms.length})${bytes}`);
}

/** How long one save may take before it counts as lost, in milliseconds. */
const SAVE_PATIENCE_MS = 10_000;

/** The builds of syncwatch that are measured, by name. */
const BUILDS = new Map([['syncwatch', CLI]]);
if (given.before !== undefined) BUILDS.set('syncwatch before', resolve(given.before));
for (const [name, cli] of BUILDS) RIVALS[name] = (seat) => syncwatch(name, cli, seat);
const ALL = Object.keys(RIVALS);
const HAND = 'rsync by hand';
const US = [...BUILDS.keys()];
const FEW = [HAND, ...US, 'lsyncd delay 0'];

/** @param {number} rttMs @param {'login' | 'bare'} shell */
const measureSaves = (rttMs, shell) =>
  onStage(rttMs, shell, async (stage) => {
    const rivals = await rivalsOn(stage, ALL, (local) => {
      mkdirSync(join(local, 'src'));
      for (let i = 0; i < 50; i++) writeFileSync(join(local, `src/f${i}`), 'x'.repeat(4096));
    });
    /** @type {Map<string, number[]>} */
    const times = new Map();
    const note = (/** @type {string} */ what, /** @type {string} */ rival, /** @type {number} */ ms) => {
      const key = `${what}\0${rival}`;
      times.set(key, [...(times.get(key) ?? []), ms]);
    };
    const one = async (
      /** @type {import('./rivals.mjs').Rival} */ rival,
      /** @type {number} */ n,
      /** @type {boolean} */ atomic,
    ) => {
      const path = `src/f${n % 50}`;
      const began = performance.now();
      save(join(rival.seat.local, path), `${n} ${atomic} `.padEnd(4096, 'y'), atomic);
      rival.changed(path);
      return { path, began };
    };
    const count = Math.max(5, Math.round(rttMs > 0 ? saves / 2 : saves));
    for (let n = 0; n < count; n++) {
      for (const rival of rivals) {
        const { local, remote } = rival.seat;
        for (const atomic of [false, true]) {
          const { path, began } = await one(rival, 2 * n + Number(atomic), atomic);
          note(
            atomic ? 'save of 4 KB, atomic' : 'save of 4 KB, in place',
            rival.name,
            await arrived(local, remote, [path], began, SAVE_PATIENCE_MS),
          );
          await rival.idle();
          await sleep(600 + Math.random() * 100 + 4 * rttMs); // so that the watcher is at rest too
        }
        // Two saves, the second one 20 to 100 ms after the first.
        const first = await one(rival, 2 * n + 20, false);
        await sleep(20 + Math.random() * 80);
        const second = await one(rival, 2 * n + 21, false);
        note(
          'second save within 100 ms',
          rival.name,
          await arrived(local, remote, [second.path], second.began, SAVE_PATIENCE_MS),
        );
        await arrived(local, remote, [first.path], first.began, SAVE_PATIENCE_MS);
        await rival.idle();
        await sleep(600 + 4 * rttMs);
      }
    }
    for (const [key, ms] of times) {
      const [what = '', rival = ''] = key.split('\0');
      add({ what, rival, rttMs, shell, ms });
    }
    await compareAll(rivals, `saves at RTT ${rttMs}`);
    for (const rival of rivals) await rival.stop();
  });

/**
 * @param {number} rttMs @param {readonly import('./workloads.mjs').Workload[]} workloads @param {readonly string[]} names
 */
const measureTrees = (rttMs, workloads, names) =>
  onStage(rttMs, 'login', async (stage) => {
    const rivals = await rivalsOn(stage, names, (local) => {
      for (const workload of workloads) workload.prepare(local);
    });
    for (const workload of workloads.filter(({ name }) => name.includes(given.workload))) {
      /** @type {Map<string, { ms: number[], bytes: number[] }>} */
      const got = new Map(rivals.map(({ name }) => [name, { ms: [], bytes: [] }]));
      for (let round = 0; round < rounds; round++) {
        for (const rival of rivals) {
          const { local, remote, relay } = rival.seat;
          await sleep(1_000);
          const before = relay.bytes();
          const paths = await workload.change(local, round);
          const began = performance.now(); // by hand, rsync starts right after the change
          rival.changed();
          const ms = await arrived(local, remote, paths, began);
          await rival.idle();
          await sleep(500);
          const after = relay.bytes();
          got.get(rival.name)?.ms.push(ms);
          got.get(rival.name)?.bytes.push(after.toServer + after.toClient - before.toServer - before.toClient);
        }
      }
      for (const [rival, { ms, bytes }] of got) add({ what: workload.name, rival, rttMs, shell: 'login', ms, bytes });
    }
    await compareAll(rivals, `trees at RTT ${rttMs}`);
    for (const rival of rivals) await rival.stop();
  });

/** @param {number} files */
const measureBig = (files) =>
  onStage(0, 'login', async (stage) => {
    const seat = await stage.seat('syncwatch');
    const hand = await stage.seat('by hand');
    const label = files.toLocaleString('en-US');
    say(`making ${label} files in ${files / 20} directories`);
    for (let d = 0; d < files / 20; d++) {
      const dir = join(seat.local, `a${Math.floor(d / 100)}`, `d${d}`);
      mkdirSync(dir, { recursive: true });
      for (let f = 0; f < 20; f++) writeFileSync(join(dir, `f${f}`), `${d} ${f}`);
    }
    const add1 = (/** @type {string} */ what, /** @type {string} */ rival, /** @type {number[]} */ ms) =>
      add({ what: `${label} files: ${what}`, rival, rttMs: 0, shell: 'login', ms });
    const bySsh = async (/** @type {string} */ ssh, /** @type {string} */ to) => {
      const began = performance.now();
      await run('rsync', ['-a', '-e', ssh, `${seat.local}/`, `${to}/`]);
      return performance.now() - began;
    };
    add1('first full sync', HAND, [await bySsh(hand.ssh, hand.to)]);
    const first = startSyncwatch(seat);
    add1('first full sync, from start', 'syncwatch', [await first.until((out) => out.includes('"inSync"'))]);
    await first.stop();
    const fresh = `ssh -F ${hand.sshConfig}`;
    /** @type {number[][]} */
    const [open = [], login = [], ours = []] = [[], [], []];
    for (let round = 0; round < rounds; round++) {
      open.push(await bySsh(hand.ssh, hand.to));
      login.push(await bySsh(fresh, hand.to));
      const again = startSyncwatch(seat);
      ours.push(await again.until((out) => out.includes('"inSync"')));
      await again.stop();
    }
    add1('unchanged, through an open master', HAND, open);
    add1('unchanged, with a login', HAND, login);
    add1('unchanged, from start to in sync', 'syncwatch', ours);

    const watching = startSyncwatch(seat);
    await watching.until((out) => out.includes('"inSync"'));
    await sleep(10_000);
    const { pid } = watching.child;
    if (pid !== undefined) {
      const [idle, IDLE_S] = [usage(pid), 60];
      await sleep(IDLE_S * 1000);
      const later = usage(pid);
      const SAVES = 30;
      for (let n = 0; n < SAVES; n++) {
        save(join(seat.local, `a0/d${n % 50}/f1`), `saved ${n}`, false);
        await sleep(1_000);
      }
      const busy = usage(pid);
      if (idle !== undefined && later !== undefined && busy !== undefined) {
        add1('CPU in an idle minute', 'syncwatch', [(later.cpu - idle.cpu) * 1000]);
        add1('CPU for one save a second, per minute', 'syncwatch', [((busy.cpu - later.cpu) * 1000 * 60) / SAVES]);
        const parts = busy.parts.map(({ name, mb }) => `${name} ${mb}`).join(', ');
        notes.push(`${label} files: resident memory in MB: ${parts}`);
        say(`memory in MB: ${parts}`);
      }
    }
    await watching.stop();
    const differ = differences(seat.local, seat.remote);
    if (differ.length > 0) {
      wrong++;
      notes.push(`syncwatch ended with ${differ.length} names wrong in ${label} files`);
    }
  });

/**
 * Commands that ask a running syncwatch, next to Node's own start and to ssh by hand.
 * @param {number} rttMs @param {'login' | 'bare'} shell
 */
const measureAsks = (rttMs, shell) =>
  onStage(rttMs, shell, async (stage) => {
    const watching = [];
    for (const [name, cli] of BUILDS) {
      const seat = await stage.seat(`asks ${name}`);
      for (let i = 0; i < 200; i++) writeFileSync(join(seat.local, `f${i}`), 'x'.repeat(4096));
      const started = startSyncwatch(seat, cli);
      await started.until((events) => events.includes('"inSync"'));
      const changed = () => writeFileSync(join(seat.local, 'f7'), String(performance.now()));
      watching.push({ name, cli, seat, changed, started });
    }
    const [{ seat } = { seat: await stage.seat('nobody') }] = watching;
    const ssh = seat.ssh.split(' ');
    /** @type {Array<[string, string, (() => void) | undefined, readonly string[]]>} */
    const commands = [
      ['starting Node', 'node -e 0', undefined, [process.execPath, '-e', '0']],
      ['true in the target', 'ssh, through an open master', undefined, [...ssh, 'there', 'true']],
      ['true in the target', 'ssh, with a login', undefined, ['ssh', '-F', seat.sshConfig, 'there', 'true']],
    ];
    for (const { name, cli, seat, changed } of watching) {
      const ask = (/** @type {string[]} */ ...words) => [process.execPath, cli, ...words];
      const exec = ask('exec', seat.local, '--', 'true');
      commands.push(
        ['a flush, nothing waits', name, undefined, ask('flush', seat.local)],
        ['a flush right after a save', name, changed, ask('flush', seat.local)],
        ['true in the target', `${name} exec`, undefined, exec],
        ['true in the target, right after a save', `${name} exec`, changed, exec],
      );
    }
    /** @type {number[][]} */
    const times = commands.map(() => []);
    for (let n = 0; n < Math.max(5, Math.round(saves / 2)); n++) {
      for (const [i, [, , prepare, [file = '', ...args]]] of commands.entries()) {
        await sleep(100 + 4 * rttMs);
        const began = performance.now();
        prepare?.();
        await run(file, args);
        times[i]?.push(performance.now() - began);
      }
    }
    for (const [i, [what, rival]] of commands.entries()) add({ what, rival, rttMs, shell, ms: times[i] ?? [] });
    for (const { started } of watching) await started.stop();
  });

/** What needs nobody else: how long it takes to begin, and to end; and how large what is installed is. */
async function measureStarts() {
  /** @type {Array<[string, string, readonly string[]]>} */
  const commands = [['starting Node', 'node -e 0', ['-e', '0']]];
  for (const [name, cli] of BUILDS)
    for (const words of [['--version'], ['--help'], ['completion', 'bash'], ['status', base], ['flush', base]])
      commands.push([`syncwatch ${words.join(' ').replace(base, 'DIR')}`, name, [cli, ...words]]);
  /** @type {number[][]} */
  const times = commands.map(() => []);
  for (let n = 0; n < saves; n++)
    for (const [i, [, , args]] of commands.entries()) {
      const began = performance.now();
      await run(process.execPath, args).catch(() => {}); // nobody syncs it
      times[i]?.push(performance.now() - began);
    }
  for (const [i, [what, rival]] of commands.entries())
    add({ what, rival, rttMs: 0, shell: 'bare', ms: times[i] ?? [] });
  await run('sh', [join(import.meta.dirname, '../../scripts/pack.sh'), base]);
  const [tarball = ''] = readdirSync(base).filter((file) => file.endsWith('.tgz'));
  notes.push(`${tarball}: ${Math.round(statSync(join(base, tarball)).size / 1000)} kB`);
}

if (only.includes('starts')) await measureStarts();
for (const rtt of rtts) {
  if (only.includes('asks')) {
    await measureAsks(rtt, 'login');
    if (rtt === 0) await measureAsks(0, 'bare');
  }
  if (only.includes('saves')) {
    await measureSaves(rtt, 'login');
    if (rtt === 0) await measureSaves(0, 'bare');
  }
  if (only.includes('trees')) await measureTrees(rtt, TREES, rtt === 0 ? ALL : [HAND, ...US]);
  if (only.includes('bursts'))
    for (const workload of BURSTS.filter(({ name }) => name.includes(given.workload)))
      await measureTrees(rtt, [workload], rtt === 0 ? FEW : [HAND, ...US]);
  if (only.includes('moves')) await measureTrees(rtt, MOVES, rtt === 0 ? FEW : [HAND, ...US]);
}
if (only.includes('big')) await measureBig(Number(given.files));

/** @param {number} ms */
const inWords = (ms) =>
  ms < 10_000 ? `${ms < 100 ? ms.toFixed(1) : Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
say('\n| RTT, shell | what | by | p50 | p95 | ÷ by hand | kB on the wire |\n|---|---|---|---|---|---|---|');
for (const row of rows) {
  const hand = rows.find(
    (r) => r.what === row.what && r.rival === HAND && r.rttMs === row.rttMs && r.shell === row.shell,
  );
  const ratio = hand === undefined || row.rival === HAND ? '' : (median(row.ms) / median(hand.ms)).toFixed(2);
  const kB = row.bytes === undefined ? '' : Math.round(median(row.bytes) / 1000).toLocaleString('en-US');
  say(
    `| ${row.rttMs} ms, ${row.shell} | ${row.what} | ${row.rival} | ${inWords(median(row.ms))} | ${inWords(median(row.ms, 0.95))} | ${ratio} | ${kB} |`,
  );
}
for (const note of notes) say(`- ${note}`);
writeFileSync(given.json, `${JSON.stringify({ machine, rows, notes, wrong }, undefined, 1)}\n`);
say(
  `\n${wrong === 0 ? 'both trees were the same every time' : `${wrong} WRONG ANSWERS`}; all figures in ${given.json}`,
);
process.exit(wrong === 0 ? 0 : 1);
