// How soon commands start, and what it takes to ask a running syncwatch.
import { execFile } from 'node:child_process';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { MASTER, WHAT } from './figures.mjs';
import { startSyncwatch } from './rivals.mjs';

const run = promisify(execFile);

/** @typedef {[what: string, rival: string, prepare: (() => void) | undefined, command: readonly string[]]} Command */

/**
 * Commands that ask a running syncwatch, next to Node's own start and to ssh by hand.
 * @param {import('./play.mjs').Play} play @param {number} rttMs @param {'login' | 'bare'} shell
 */
export const measureAsks = (play, rttMs, shell) =>
  play.onStage(rttMs, shell, async (stage) => {
    const watching = [];
    for (const [name, cli] of play.builds) {
      const seat = await stage.seat(`asks ${name}`);
      for (let i = 0; i < 200; i++) writeFileSync(join(seat.local, `f${i}`), 'x'.repeat(4096));
      const started = startSyncwatch(seat, cli);
      await started.until((events) => events.includes('"inSync"'));
      const changed = () => writeFileSync(join(seat.local, 'f7'), String(performance.now()));
      watching.push({ name, cli, seat, changed, started });
    }
    const [{ seat } = { seat: await stage.seat('nobody') }] = watching;
    const ssh = seat.ssh.split(' ');
    /** @type {Command[]} */
    const commands = [
      [WHAT.node, 'node -e 0', undefined, [process.execPath, '-e', '0']],
      [WHAT.there, MASTER, undefined, [...ssh, 'there', 'true']],
      [WHAT.there, 'ssh, with a login', undefined, ['ssh', '-F', seat.sshConfig, 'there', 'true']],
    ];
    for (const { name, cli, seat, changed } of watching) {
      const ask = (/** @type {string[]} */ ...words) => [process.execPath, cli, ...words];
      const exec = ask('exec', seat.local, '--', 'true');
      commands.push(
        ['a flush, nothing waits', name, undefined, ask('flush', seat.local)],
        [WHAT.flushSaved, name, changed, ask('flush', seat.local)],
        [WHAT.there, `${name} exec`, undefined, exec],
        [WHAT.thereSaved, `${name} exec`, changed, exec],
      );
    }
    const times = await timesOf(commands, play.amounts.asks, 100 + 4 * rttMs);
    for (const [i, [what, rival]] of commands.entries())
      play.add({ what, rival, rttMs, shell, unit: 'ms', values: times[i] ?? [] });
    for (const { started } of watching) await started.stop();
  });

/** What needs nobody else: how long it takes to begin, and to end; and how large what is installed is. @param {import('./play.mjs').Play} play */
export async function measureStarts(play) {
  const { base } = play;
  /** @type {Command[]} */
  const commands = [[WHAT.node, 'node -e 0', undefined, [process.execPath, '-e', '0']]];
  for (const [name, cli] of play.builds)
    for (const words of [['--version'], ['--help'], ['completion', 'bash'], ['status', base], ['flush', base]])
      commands.push([
        `syncwatch ${words.join(' ').replace(base, 'DIR')}`,
        name,
        undefined,
        [process.execPath, cli, ...words],
      ]);
  const times = await timesOf(commands, play.amounts.saves, 0);
  for (const [i, [what, rival]] of commands.entries())
    play.add({ what, rival, rttMs: 0, shell: 'bare', unit: 'ms', values: times[i] ?? [] });
  await run('sh', [join(import.meta.dirname, '../../scripts/pack.sh'), base]);
  const [tarball = ''] = readdirSync(base).filter((file) => file.endsWith('.tgz'));
  play.note(`${tarball}: ${Math.round(statSync(join(base, tarball)).size / 1000)} kB`);
}

/** They take turns. @param {readonly Command[]} commands @param {number} rounds @param {number} pauseMs */
async function timesOf(commands, rounds, pauseMs) {
  /** @type {number[][]} */
  const times = commands.map(() => []);
  for (let n = 0; n < rounds; n++) {
    for (const [i, [, , prepare, [file = '', ...args]]] of commands.entries()) {
      await sleep(pauseMs);
      const began = performance.now();
      prepare?.();
      await run(file, args).catch(() => {}); // some ask in vain
      times[i]?.push(performance.now() - began);
    }
  }
  return times;
}
