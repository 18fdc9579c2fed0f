// Single saves, and a second one right after the first.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WHAT } from './figures.mjs';
import { arrived } from './looks.mjs';
import { save } from './workloads.mjs';

/** How long one save may take before it counts as lost, in milliseconds. */
const SAVE_PATIENCE_MS = 10_000;

/** @param {import('./play.mjs').Play} play @param {number} rttMs @param {'login' | 'bare'} shell */
export const measureSaves = (play, rttMs, shell) =>
  play.onStage(rttMs, shell, async (stage) => {
    const rivals = await play.rivalsOn(stage, play.who.all, (local) => {
      mkdirSync(join(local, 'src'));
      for (let i = 0; i < 50; i++) writeFileSync(join(local, `src/f${i}`), 'x'.repeat(4096));
    });
    /** @type {Map<string, number[]>} */
    const times = new Map();
    const note = (/** @type {string} */ what, /** @type {string} */ rival, /** @type {number} */ ms) => {
      const key = `${what}\0${rival}`;
      times.set(key, [...(times.get(key) ?? []), ms]);
    };
    const one = (
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
    const { saves } = play.amounts;
    const count = Math.max(3, Math.round(rttMs > 0 ? saves / 2 : saves));
    for (let n = 0; n < count; n++) {
      for (const rival of rivals) {
        const { local, remote } = rival.seat;
        const until = (/** @type {{ path: string, began: number }} */ { path, began }) =>
          arrived(local, remote, [path], began, SAVE_PATIENCE_MS, rival.tickNs);
        for (const atomic of [false, true]) {
          const saved = one(rival, 2 * n + Number(atomic), atomic);
          note(atomic ? WHAT.atomic : WHAT.inPlace, rival.name, await until(saved));
          await rival.idle();
          await sleep(600 + Math.random() * 100 + 4 * rttMs); // so that the watcher is at rest too
        }
        // Two saves, the second one 20 to 100 ms after the first.
        const first = one(rival, 2 * n + 20, false);
        await sleep(20 + Math.random() * 80);
        const second = one(rival, 2 * n + 21, false);
        note(WHAT.second, rival.name, await until(second));
        await until(first);
        await rival.idle();
        await sleep(600 + 4 * rttMs);
      }
    }
    for (const [key, values] of times) {
      const [what = '', rival = ''] = key.split('\0');
      play.add({ what, rival, rttMs, shell, unit: 'ms', values });
    }
    await play.compareAll(rivals, `saves at RTT ${rttMs}`);
    for (const rival of rivals) await rival.stop();
  });
