import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { place, Running } from '../support/cli.js';
import { canMountFolded, mountFolded } from '../support/mount.js';
import { fill } from '../support/tree.js';

/** Of a real file system (exFAT, by FUSE); its like in process, for every machine, is in test/integration/spelling.test.ts. */
describe.skipIf(!canMountFolded())('a file system there that makes no difference of case', () => {
  it('has what is renamed in case only, and of two names that are one always the same', async () => {
    const { env, local, remote } = place();
    mkdirSync(remote);
    mountFolded(remote);
    fill(local, { 'User.ts': 'u', 'Src/a': 'a', b: 'b' });
    const running = new Running(['--to', remote, '--json', local, '--', '--no-perms'], { env });
    await running.inSync();
    renameSync(join(local, 'User.ts'), join(local, 'user.ts'));
    await running.until('the new name', () => readdirSync(remote).includes('user.ts'));
    renameSync(join(local, 'Src'), join(local, 'src'));
    await running.until(
      'the new names',
      () => readdirSync(remote).includes('src') && existsSync(join(remote, 'src/a')),
    );
    writeFileSync(join(local, 'B'), 'x');
    const failed = await running.event('pathFailed');
    expect(failed).toMatchObject({ path: 'B', failure: { message: expect.stringContaining('the same name as b') } });
    expect(await running.stop()).toBe(130);
    expect(readdirSync(remote).sort()).toEqual(['b', 'src', 'user.ts']);
    for (const [name, content] of Object.entries({ 'user.ts': 'u', 'src/a': 'a', b: 'b' }))
      expect(readFileSync(join(remote, name), 'utf8')).toBe(content);
  });

  it('that keeps no modes either has nothing repaired by a rescan but what was changed there', async () => {
    const { env, local, remote } = place();
    mkdirSync(remote);
    mountFolded(remote);
    fill(local, { a: 'a', 'd/b': 'b' });
    const running = new Running(['--to', remote, '--json', local, '--rescan', '0.02'], { env });
    await running.inSync();
    writeFileSync(join(remote, 'd/b'), 'changed');
    await running.event('repaired');
    writeFileSync(join(local, 'a'), 'A');
    rmSync(join(remote, 'd/b'));
    await running.until('two repairs', () => running.events.filter((e) => e.event === 'repaired').length > 1);
    for (const { items } of running.events.filter((e) => e.event === 'repaired'))
      expect(items).toMatchObject([{ path: 'd/b' }]);
    expect(await running.stop()).toBe(130);
  });
});
