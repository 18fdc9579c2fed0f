import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isComplete } from '../support/complete.js';
import { faultyPlace, processesOf, processOf, timed, took, WATCHER } from '../support/faulty.js';
import { canLimit, withLimit } from '../support/limits.js';
import { fill, temporaryDir } from '../support/tree.js';
import { unwatched } from '../support/watches.js';

const onLinux = process.platform === 'linux';

describe('the watcher process', () => {
  it('killed, stopped and sent signals: nothing is missed', async () => {
    const place = await faultyPlace();
    const { local, same, startWired } = place;
    fill(local, { a: 'a', 'd/e/f': 'f' });
    const running = startWired();
    await running.inSync();
    for (const signal of [
      'SIGHUP',
      'SIGINT',
      'SIGUSR2',
      'SIGTERM',
      'SIGCONT',
      'SIGWINCH',
      'SIGKILL',
      'SIGSTOP',
    ] as const) {
      const pid = await processOf(running, WATCHER);
      process.kill(pid, signal);
      writeFileSync(join(local, 'd/e/f'), signal); // in place: no directory shows it
      fill(local, { [`new-${signal}/n`]: 'n' });
      took(`watcher: ${signal}`, undefined, await timed(same(running)));
      // A stopped one is replaced too, not only walked around.
      if (signal === 'SIGSTOP')
        await running.until('another one', () => processesOf(running, WATCHER).some((one) => one !== pid));
    }
    await isComplete(place, running, 'watcher: after all signals');
  });

  it('with watches enough for one subscription but not for two, it renews all the same, and says nothing', async ({
    skip,
  }) => {
    if (!onLinux || (process.env['CI'] === undefined && !canLimit())) skip('no user namespaces here');
    const place = await faultyPlace();
    const { local, wired } = place;
    for (let d = 0; d < 20; d++) fill(local, { [`d${d}/f`]: '' });
    const running = place.start([...wired], { wrapper: withLimit('max_inotify_watches', 60) });
    await running.inSync();
    const old = await processOf(running, WATCHER);
    for (let d = 0; d < 20; d++) fill(local, { [`new${d}/f`]: '' });
    await running.until('another watcher alone', () => {
      const now = processesOf(running, WATCHER);
      return now.length === 1 && !now.includes(old);
    });
    await isComplete(place, running, 'watches for one subscription only');
    expect(running.events.filter(({ event }) => event === 'trouble')).toEqual([]);
  });

  it('out of watches later on: said once, walks find what changes, and it heals when the limit is raised', async ({
    skip,
  }) => {
    if (!onLinux || (process.env['CI'] === undefined && !canLimit())) skip('no user namespaces here');
    const place = await faultyPlace();
    const { local, same, wired } = place;
    for (let d = 0; d < 20; d++) fill(local, { [`d${d}/f`]: '' });
    const raise = join(temporaryDir(), 'raise');
    const wrapper = withLimit('max_inotify_watches', 60, { whenThere: raise, value: 1_000 });
    const running = place.start([...wired], { wrapper });
    await running.inSync();
    for (let d = 0; d < 100; d++) fill(local, { [`new${d}/f`]: '' });
    const noticedMs = await timed(
      running.event('trouble', ({ failure }) => /limit of inotify watches/.test(JSON.stringify(failure))),
    );
    await same(running);
    writeFileSync(join(local, 'new77/f'), 'in place, and nobody watches');
    const equalMs = await timed(same(running));
    took('watch limit reached while running', noticedMs, equalMs);
    writeFileSync(raise, '');
    await running.until('all watched', () => unwatched(running, local).length === 0);
    await isComplete(place, running, 'watch limit raised');
    expect(running.events.filter(({ event }) => event === 'trouble').length).toBe(1);
  });
});
