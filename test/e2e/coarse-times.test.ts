import { appendFileSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { place, Running, run } from '../support/cli.js';
import { canMountImages, mountCoarse } from '../support/mount.js';
import { fill } from '../support/tree.js';

/** Of a real file system; what a look makes of others is in test/unit/place.test.ts. */
describe.skipIf(!canMountImages())('a file system there that keeps whole seconds', () => {
  const start = () => {
    const { env, local, remote } = place();
    mkdirSync(remote);
    mountCoarse(remote);
    rmSync(join(remote, 'lost+found'), { recursive: true });
    fill(local, { a: 'a', 'd/b': 'bb', 'd/c': 'ccc' });
    return { env, local, remote, args: ['--to', remote, '--json', local] };
  };

  it('gets nothing again in a full sync, and a rescan repairs nothing', async () => {
    const { env, local, remote, args } = start();
    const running = new Running([...args, '--rescan', '0.02', '-v'], { env });
    await running.inSync();
    const passes = running.events.length;
    writeFileSync(join(local, 'a'), 'A'); // at the same size, within the second
    await running.until('the save', () => readFileSync(join(remote, 'a'), 'latin1') === 'A');
    rmSync(join(remote, 'd/b'));
    const repaired = await running.event('repaired', () => true, passes);
    expect(repaired['items']).toMatchObject([{ path: 'd/b' }]);
    expect(await running.stop()).toBe(130);
    expect(running.stdout).toContain('keeps times coarsely');
    const again = await run([...args, '--once'], { env });
    expect(again.code).toBe(0);
    expect(again.stdout).not.toContain('"started"');
  });

  it('gets what has changed within the second while nobody watched', async () => {
    const { env, local, remote, args } = start();
    const at = new Date(1_700_000_000_250);
    utimesSync(join(local, 'a'), at, at);
    expect((await run([...args, '--once'], { env })).code).toBe(0);
    writeFileSync(join(local, 'a'), 'A');
    utimesSync(join(local, 'a'), at, new Date(1_700_000_000_750));
    appendFileSync(join(local, 'd/b'), 'more');
    expect((await run([...args, '--once'], { env })).code).toBe(0);
    expect(readFileSync(join(remote, 'a'), 'latin1')).toBe('A');
    expect(readFileSync(join(remote, 'd/b'), 'latin1')).toBe('bbmore');
  });
});
