import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { isLong } from '../support/amount.js';
import { Running } from '../support/cli.js';
import { type FaultyPlace, faultyPlace, MASTER, processOf, timed, took } from '../support/faulty.js';
import { fill, names } from '../support/tree.js';

const troubles = (running: Running, from = 0) => running.events.slice(from).filter(({ event }) => event === 'trouble');

/** A fault, how it is done, and how it is undone. */
interface Fault {
  readonly name: string;
  readonly begin: (place: FaultyPlace, running: Running) => unknown;
  readonly end?: (place: FaultyPlace) => unknown;
}

const FAULTS: readonly Fault[] = [
  { name: 'cable cut', begin: ({ relay }) => relay.cut() },
  { name: 'link frozen', begin: ({ relay }) => relay.freeze(true), end: ({ relay }) => relay.freeze(false) },
  { name: 'server killed', begin: ({ sshd }) => sshd.crash(), end: ({ sshd }) => sshd.again() },
  { name: 'master killed', begin: async (_, running) => process.kill(await processOf(running, MASTER), 'SIGKILL') },
];

/** All of them, or every second one. */
const some = (from: 0 | 1): readonly Fault[] => FAULTS.filter((_, i) => isLong || i % 2 === from);

describe('a lost connection', () => {
  it.each(some(0))(
    '$name, without traffic: noticed, said once, and all is there afterwards',
    async ({ name, begin, end }) => {
      const place = await faultyPlace();
      const { local, same } = place;
      fill(local, { a: 'a', 'd/b': 'b', 'gone/x': 'x' });
      const running = place.startWired();
      await running.inSync();
      const from = running.events.length;
      await begin(place, running);
      const noticedMs = await timed(running.event('trouble', () => true, from));
      // What happens meanwhile waits, deletions too.
      writeFileSync(join(local, 'a'), 'changed');
      rmSync(join(local, 'gone'), { recursive: true });
      fill(local, { 'new/n': 'n' });
      await end?.(place);
      const connected = running.event('connected', () => true, from);
      const equalMs = await timed(same(running));
      await connected;
      await running.event('inSync', () => true, from);
      took(name, noticedMs, equalMs);
      expect(troubles(running, from).length).toBe(1);
      expect(await running.stop()).toBe(130);
      expect(running.events.find((e) => e.event === 'stopped')?.['summary']).toMatchObject({ unsent: [] });
    },
  );

  it.each(some(1))(
    '$name, in the middle of a run: it is run again, and nobody ever sees half a file',
    async ({ name, begin, end }) => {
      const place = await faultyPlace();
      const { local, remote, same } = place;
      fill(local, { a: 'a' });
      const running = place.startWired(['--bwlimit', '4m']);
      await running.inSync();
      const from = running.events.length;
      fill(local, { 'd/small': 'small', 'd/big': 'x'.repeat(12_000_000) });
      await running.event('started', ({ path }) => path === 'd/big', from);
      const noticedMs = await timed(Promise.all([begin(place, running), running.event('trouble', () => true, from)]));
      expect(names(remote).filter((file) => /big/.test(file))).not.toContain('d/big');
      await end?.(place);
      const equalMs = await timed(same(running));
      took(`${name}, in the middle of a run`, noticedMs, equalMs);
      expect(names(remote).filter((file) => /\.big\./.test(file))).toEqual([]);
    },
  );
});

/** Real waits for what test/unit/link.test.ts and schedule.test.ts decide on fake time: of these `npm test` has others. */
if (isLong) {
  describe('a wait', () => {
    it('a change does not wait for a try to log in that is far off', async () => {
      const place = await faultyPlace();
      const { local, sshd, env, same, args, wired } = place;
      fill(local, { a: 'a' });
      const running = new Running([...args, ...wired, '--debug', local], { env });
      await running.until('in sync', () => running.stdout.includes('in sync:'));
      await sshd.crash();
      // Tries come ever later; at last one is more than 6 s off.
      const waitMs = await running.until('a long wait', () => {
        const ms = [...running.stdout.matchAll(/next login in (\d+) ms/g)].at(-1)?.[1];
        return Number(ms) > 6_000 && Number(ms);
      });
      const begun = performance.now();
      await sshd.again();
      const change = setInterval(() => writeFileSync(join(local, 'a'), String(performance.now())), 200);
      const before = running.stdout.length;
      await running.until('logged in', () => running.stdout.slice(before).includes('connected to'));
      clearInterval(change);
      expect(performance.now() - begun).toBeLessThan(waitMs);
      await same(running);
    });

    it('of a machine that was asleep, whose connection survived: nothing is said but that', async () => {
      const place = await faultyPlace();
      const { local, remote, same } = place;
      fill(local, { a: 'a', 'd/b': 'b' });
      const running = place.startWired();
      await running.inSync();
      const from = running.events.length;
      running.child.kill('SIGSTOP');
      copyFileSync(join(local, 'a'), join(remote, 'd/b')); // somebody changes it there: only a full pass can find that
      await sleep(7_000);
      running.child.kill('SIGCONT');
      await running.event('inSync', () => true, from);
      await same(running);
      expect(troubles(running, from)).toEqual([]);
    });
  });
}
