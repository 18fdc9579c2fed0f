// Many files at once: new, rewritten, deleted, renamed.
import { setTimeout as sleep } from 'node:timers/promises';
import { arrived } from './looks.mjs';

/**
 * @param {import('./play.mjs').Play} play @param {number} rttMs @param {readonly import('./workloads.mjs').Workload[]} workloads
 * @param {readonly string[]} names who takes part
 */
export async function measureTrees(play, rttMs, workloads, names) {
  const meant = play.meant(workloads);
  if (meant.length === 0) return;
  await play.onStage(rttMs, 'login', async (stage) => {
    const rivals = await play.rivalsOn(stage, names, (local) => {
      for (const workload of meant) workload.prepare(local);
    });
    for (const workload of meant) {
      /** @type {Map<string, { ms: number[], bytes: number[] }>} */
      const got = new Map(rivals.map(({ name }) => [name, { ms: [], bytes: [] }]));
      for (let round = 0; round < play.amounts.rounds; round++) {
        for (const rival of rivals) {
          const { local, remote, relay } = rival.seat;
          await sleep(1_000);
          const before = await relay.bytes();
          const paths = await workload.change(local, round);
          const began = performance.now(); // by hand, rsync starts right after the change
          rival.changed();
          const ms = await arrived(local, remote, paths, began, undefined, rival.tickNs);
          await rival.idle();
          await sleep(500);
          const after = await relay.bytes();
          got.get(rival.name)?.ms.push(ms);
          got.get(rival.name)?.bytes.push(after.toServer + after.toClient - before.toServer - before.toClient);
          const restored = workload.restore?.(local);
          if (restored === undefined) continue;
          rival.changed();
          await arrived(local, remote, restored, performance.now(), undefined, rival.tickNs);
          await rival.idle();
          await sleep(1_000);
        }
      }
      for (const [rival, { ms, bytes }] of got)
        play.add({ what: workload.name, rival, rttMs, shell: 'login', unit: 'ms', values: ms, bytes });
    }
    await play.compareAll(rivals, `trees at RTT ${rttMs}`);
    for (const rival of rivals) await rival.stop();
  });
}
