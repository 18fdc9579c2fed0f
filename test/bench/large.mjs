// Large trees, and one large directory: starting, being idle, saves, memory.
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { bigWhat, HAND, IDLE_SSH, US, wideWhat } from './figures.mjs';
import { arrived, usage } from './looks.mjs';
import { startSyncwatch } from './rivals.mjs';
import { ours } from './stage.mjs';
import { save } from './workloads.mjs';

const run = promisify(execFile);

/**
 * It is idle once nothing has happened for a while: what it remembers is tidied up after a start, and its looks at the tree become
 * rarer, up to one in five minutes. The figures are for a minute of the time after that.
 */
const QUIET_MS = 120_000;
const IDLE_MS = 300_000;
const IDLE_MINUTES = IDLE_MS / 60_000;
const SAVES = 15;

/** @param {import('./play.mjs').Play} play */
export const measureBig = (play) =>
  play.onStage(0, 'login', async (stage) => {
    const { files, rounds } = play.amounts;
    const seat = await stage.seat(US);
    const hand = await stage.seat('by hand');
    const what = bigWhat(files);
    play.say(`making ${files.toLocaleString('en-US')} files in ${files / 20} directories`);
    for (let d = 0; d < files / 20; d++) {
      const dir = join(seat.local, `a${Math.floor(d / 100)}`, `d${d}`);
      mkdirSync(dir, { recursive: true });
      for (let f = 0; f < 20; f++) writeFileSync(join(dir, `f${f}`), `${d} ${f}`);
    }
    /** @param {string} what @param {string} rival @param {number[]} values @param {'ms' | 'MiB' | 'kB'} [unit] */
    const add = (what, rival, values, unit = 'ms') => play.add({ what, rival, rttMs: 0, shell: 'login', unit, values });
    const label = (/** @type {string} */ of) => `${files.toLocaleString('en-US')} files: ${of}`;
    const bySsh = async (/** @type {string} */ ssh, /** @type {string} */ to) => {
      const began = performance.now();
      await run('rsync', ['-a', '-e', ssh, `${seat.local}/`, `${to}/`]);
      return performance.now() - began;
    };
    const isInSync = (/** @type {string} */ events) => events.includes('"inSync"');
    add(label('first full sync'), HAND, [await bySsh(hand.ssh, hand.to)]);
    const first = startSyncwatch(seat);
    add(label('first full sync, from start'), US, [await first.until(isInSync)]);
    await first.stop();
    for (const [name, cli] of play.builds) {
      if (name === US) continue;
      const other = startSyncwatch(seat, cli); // so that it, too, remembers what is there
      await other.until(isInSync);
      await other.stop();
    }
    const fresh = `ssh -F ${hand.sshConfig}`;
    /** @type {[open: number[], login: number[]]} */
    const [open, login] = [[], []];
    const builds = [...play.builds].map(([name, cli]) => ({ name, cli, ms: /** @type {number[]} */ ([]) }));
    for (let round = 0; round < rounds; round++) {
      open.push(await bySsh(hand.ssh, hand.to));
      login.push(await bySsh(fresh, hand.to));
      for (const { cli, ms } of builds) {
        const again = startSyncwatch(seat, cli);
        ms.push(await again.until(isInSync));
        await again.stop();
      }
    }
    add(label('unchanged, through an open master'), HAND, open);
    add(what.restartByHand, HAND, login);
    for (const { name, ms } of builds) add(what.restart, name, ms);
    for (const { name, cli } of builds) {
      const watching = startSyncwatch(seat, cli);
      await watching.until(isInSync);
      await sleep(QUIET_MS);
      const idle = name === US ? await idleSsh(hand) : undefined;
      const [before, sent] = [usage(watching.child.pid ?? 0), await seat.relay.bytes()];
      const idleSent = await hand.relay.bytes();
      await sleep(IDLE_MS);
      const after = usage(watching.child.pid ?? 0);
      if (before !== undefined && after !== undefined) {
        add(what.idleCpu, name, [((after.cpu - before.cpu) * 1000) / IDLE_MINUTES]);
        add(what.memory, name, [after.mib], 'MiB');
        const parts = after.parts.map(({ name, mib }) => `${name} ${mib.toFixed(0)}`).join(', ');
        play.note(`${label('memory in MiB')}, ${name}: ${parts}`);
      }
      add(what.idleBytes, name, [(sum(await seat.relay.bytes()) - sum(sent)) / IDLE_MINUTES].map(inKb), 'kB');
      if (idle !== undefined) {
        add(what.idleBytes, IDLE_SSH, [(sum(await hand.relay.bytes()) - sum(idleSent)) / IDLE_MINUTES].map(inKb), 'kB');
        idle();
      }
      const saves = [];
      for (let n = 0; n < SAVES; n++) {
        const path = `a0/d${n % 50}/f1`;
        const began = performance.now();
        save(join(seat.local, path), `saved ${name} ${n}`, false);
        saves.push(await arrived(seat.local, seat.remote, [path], began));
        await sleep(1_000);
      }
      add(what.save, name, saves);
      add(what.flush, name, await flushes(cli, seat.local, rounds));
      await watching.stop();
    }
    play.compare(US, seat.local, seat.remote, label('in all'));
  });

/** One directory of so many files, and another one beside it. @param {import('./play.mjs').Play} play @param {number} files */
export const measureWide = (play, files) =>
  play.onStage(0, 'login', async (stage) => {
    const seat = await stage.seat(US);
    const what = wideWhat(files);
    for (const dir of ['wide', 'beside']) mkdirSync(join(seat.local, dir));
    for (let f = 0; f < files; f++) writeFileSync(join(seat.local, `wide/f${f}`), `${f}`);
    for (let f = 0; f < 50; f++) writeFileSync(join(seat.local, `beside/f${f}`), `${f}`);
    for (const [name, cli] of play.builds) {
      const watching = startSyncwatch(seat, cli);
      await watching.until((events) => events.includes('"inSync"'));
      await sleep(5_000);
      /** @type {Array<[string, string, number[]]>} */
      const places = [
        [what.inIt, 'wide', []],
        [what.elsewhere, 'beside', []],
      ];
      for (let n = 0; n < SAVES; n++) {
        for (const [, dir, ms] of places) {
          const path = `${dir}/f${n}`;
          const began = performance.now();
          save(join(seat.local, path), `saved ${name} ${n}`, false);
          ms.push(await arrived(seat.local, seat.remote, [path], began));
          await sleep(1_500);
        }
      }
      const flush = await flushes(cli, seat.local, play.amounts.rounds);
      for (const [what, , ms] of [...places, [`a flush, with a directory of ${files}`, '', flush]])
        play.add({
          what: String(what),
          rival: name,
          rttMs: 0,
          shell: 'login',
          unit: 'ms',
          values: [ms].flat().map(Number),
        });
      await watching.stop();
    }
    play.compare(US, seat.local, seat.remote, 'saves in a wide directory');
  });

/** A connection of ssh alone, kept alive as often as ours. @param {import('./stage.mjs').Seat} seat */
async function idleSsh({ sshConfig }) {
  const options = ['ServerAliveInterval=4', 'ServerAliveCountMax=2', 'ControlPath=none'].flatMap((option) => [
    '-o',
    option,
  ]);
  const child = spawn('ssh', ['-F', sshConfig, '-N', ...options, 'there'], { stdio: 'ignore' });
  if (child.pid !== undefined) ours.add(child.pid);
  await sleep(2_000); // it logs in: nothing tells when it has
  return () => {
    child.kill();
    if (child.pid !== undefined) ours.delete(child.pid);
  };
}

/** @param {string} cli @param {string} dir @param {number} rounds */
async function flushes(cli, dir, rounds) {
  const ms = [];
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    await run(process.execPath, [cli, 'flush', dir]);
    ms.push(performance.now() - began);
    await sleep(500);
  }
  return ms;
}

/** @param {{ toServer: number, toClient: number }} bytes */
const sum = ({ toServer, toClient }) => toServer + toClient;
const inKb = (/** @type {number} */ bytes) => bytes / 1000;
