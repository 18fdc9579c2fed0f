// One directory, synced to one target and to ten.
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HAND, WHAT } from './figures.mjs';
import { arrived, usage } from './looks.mjs';
import { startSyncwatch } from './rivals.mjs';
import { save } from './workloads.mjs';

const TEN = 10;
/** Files in the directory. */
const FILES = 5_000;
const FILES_EACH = 20;

/** @param {import('./play.mjs').Play} play @param {number} rttMs */
export const measureSeveral = (play, rttMs) =>
  play.onStage(rttMs, 'login', async (stage) => {
    /** @param {string} what @param {string} rival @param {number[]} values @param {'ms' | 'MiB'} [unit] */
    const add = (what, rival, values, unit = 'ms') => play.add({ what, rival, rttMs, shell: 'login', unit, values });
    const count = play.amounts.asks;
    const cases = [];
    for (const [name, cli] of play.builds) {
      for (const targets of [1, TEN]) {
        const seat = await stage.seat(`${name} ${targets}`);
        const remotes = Array.from({ length: targets }, (_, n) => join(seat.dir, `target${n}`));
        for (const remote of remotes) mkdirSync(remote);
        for (let d = 0; d < FILES / FILES_EACH; d++) {
          mkdirSync(join(seat.local, `d${d}`));
          for (let f = 0; f < FILES_EACH; f++) writeFileSync(join(seat.local, `d${d}/f${f}`), 'x'.repeat(400));
        }
        const to = remotes.map((remote) => `there:${remote}`);
        const started = startSyncwatch(seat, cli, to);
        await started.until((events) => events.split('"inSync"').length > targets);
        cases.push({ name, targets, seat, remotes, started, ms: /** @type {number[]} */ ([]) });
      }
    }
    await sleep(45_000); // their standbys connect, and Node gives back what the start took (V8: from 8 s on, in up to three collections)
    for (const { name, targets, started } of cases) {
      const used = usage(started.child.pid ?? 0);
      if (used === undefined) continue;
      add(targets === 1 ? WHAT.oneMemory : WHAT.tenMemory, name, [used.mib], 'MiB');
      play.note(`${targets} targets, ${name}: ${used.parts.length} processes, ${inParts(used.parts)}`);
    }
    /** @type {number[]} */
    const byHand = [];
    for (let n = 0; n < count; n++) {
      const path = `d${n}/f3`;
      for (const { seat, remotes, ms } of cases) {
        const began = performance.now();
        save(join(seat.local, path), `saved ${n}`.padEnd(400), false);
        ms.push(await arrivedInAll(seat.local, remotes, path, began));
        await sleep(1_000 + 4 * rttMs);
      }
      const ten = cases.find(({ targets }) => targets === TEN);
      if (ten !== undefined) byHand.push(await tenByHand(ten, `d${n + 100}/f3`));
      await sleep(1_000 + 4 * rttMs);
    }
    for (const { name, targets, ms } of cases) add(targets === 1 ? WHAT.one : WHAT.ten, name, ms);
    add(WHAT.ten, HAND, byHand);
    await sleep(1_500);
    for (const { name, seat, remotes, started } of cases) {
      for (const remote of remotes) play.compare(name, seat.local, remote, 'saves to several targets');
      await started.stop();
    }
  });

/**
 * The same to places of their own, all ten at once.
 * @param {{ seat: import('./stage.mjs').Seat }} ten @param {string} path
 */
async function tenByHand({ seat }, path) {
  const places = Array.from({ length: TEN }, (_, n) => join(seat.dir, `hand${n}`));
  for (const place of places) mkdirSync(join(place, path, '..'), { recursive: true });
  const began = performance.now();
  const children = places.map((place) =>
    spawn('rsync', ['-a', '-e', seat.ssh, join(seat.local, path), `there:${place}/${path}`], { stdio: 'ignore' }),
  );
  const ended = children.map((child) => new Promise((done) => child.once('exit', done)));
  const ms = await arrivedInAll(seat.local, places, path, began);
  await Promise.all(ended);
  return ms;
}

/**
 * Looks at one after the other: to look at all of them every millisecond takes a good part of a processor from those who are measured.
 * @param {string} local @param {readonly string[]} remotes @param {string} path @param {number} began
 */
async function arrivedInAll(local, remotes, path, began) {
  let last = 0;
  for (const remote of remotes) last = Math.max(last, await arrived(local, remote, [path], began, 10_000));
  return last;
}

/** @param {ReadonlyArray<{ name: string, mib: number }>} parts in MiB, together for each program */
function inParts(parts) {
  /** @type {Map<string, number>} */
  const sums = new Map();
  for (const { name, mib } of parts) sums.set(name, (sums.get(name) ?? 0) + mib);
  return [...sums].map(([name, mib]) => `${name} ${mib.toFixed(1)} MiB`).join(', ');
}
