import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isLong } from '../support/amount.js';
import type { Running } from '../support/cli.js';
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
