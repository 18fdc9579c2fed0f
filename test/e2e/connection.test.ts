import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { place, type Running } from '../support/cli.js';
import { MASTER, processesOf, processOf, WATCHER } from '../support/faulty.js';
import { fill } from '../support/tree.js';

/** Kills the one process of this syncwatch whose command matches, as soon as there is one. */
const killOne = async (running: Running, pattern: RegExp): Promise<void> =>
  void process.kill(await processOf(running, pattern), 'SIGKILL');

describe('one connection', () => {
  it('one master for everything, and every rsync goes through it', async () => {
    const { local, start } = place();
    fill(local, { a: 'a' });
    const running = start(['--debug']);
    await running.inSync();
    expect(processesOf(running, MASTER).length).toBe(1);
    expect(running.events.filter((e) => e.event === 'connected').length).toBe(1);
  });

  it('lost: said once, logged in again, and what was changed meanwhile arrives', async () => {
    const { local, start, same } = place();
    fill(local, { a: 'a', 'd/b': 'b' });
    const running = start();
    await running.inSync();
    for (let i = 0; i < 3; i++) {
      const before = running.events.length;
      await killOne(running, MASTER);
      writeFileSync(join(local, 'a'), `changed ${i}`);
      fill(local, { [`n/${i}/new`]: 'n' });
      await running.event('trouble', () => true, before);
      await running.event('connected', () => true, before);
      await same(running);
      writeFileSync(join(local, 'd/b'), `after ${i}`);
      await same(running);
      await running.event('inSync', () => true, before);
      expect(running.events.slice(before).filter((e) => e.event === 'trouble').length).toBe(1);
    }
    expect(await running.stop()).toBe(130);
    expect(running.events.find((e) => e.event === 'stopped')?.['summary']).toMatchObject({ unsent: [] });
  });

  it('the watcher process killed: another one takes over, nothing is missed', async () => {
    const { local, start, same } = place();
    fill(local, { a: 'a', 'd/b': 'b' });
    const running = start();
    await running.inSync();
    for (let i = 0; i < 3; i++) {
      await killOne(running, WATCHER);
      // in place: nothing but a watcher, or a walk after its death, can find this
      writeFileSync(join(local, 'd/b'), `while nobody watched ${i}`);
      await same(running);
      fill(local, { [`n/${i}/new`]: 'n' });
      await same(running);
      writeFileSync(join(local, `n/${i}/new`), `changed ${i}`);
      await same(running);
    }
  });
});
