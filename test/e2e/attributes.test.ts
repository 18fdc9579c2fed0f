import { chownSync, lchownSync, lstatSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { attributesOf, canChown, setAcl, setAttribute } from '../support/attributes.js';
import { place, Running, run } from '../support/cli.js';
import { fill } from '../support/tree.js';

/** In minutes: as often as leaves time in between. */
const RESCAN = ['--rescan', '0.02'];

/**
 * Waits for two rescans from now on: what comes into the target there by `put` gives it another time, which only a rescan
 * puts right.
 */
async function rescanned(running: Running, local: string, there: string, put: (name: string) => void): Promise<void> {
  const timeOf = (path: string): bigint => lstatSync(path, { bigint: true }).mtimeNs;
  for (const name of ['theirs', 'theirs too']) {
    put(name);
    await running.until('a rescan', () => timeOf(there) === timeOf(local));
  }
}

const repaired = (running: Running): unknown[] => running.events.filter(({ event }) => event === 'repaired');

describe.runIf(process.platform === 'linux')('what follows the -- goes along when it changes alone', () => {
  it('-X and -A: while it runs, by flush, and what changed before the next start; a rescan finds nothing', async () => {
    const { local, remote, start, env, fillRemote } = place();
    fill(local, { f: 'one', 'd/g': 'two', h: 'three' });
    const first = start([...RESCAN, '--', '-XA']);
    await first.inSync();
    setAttribute(join(local, 'f'), 'colour', 'red');
    setAttribute(join(local, 'd'), 'colour', 'blue');
    await first.until('attributes there', () =>
      ['f', 'd'].every((name) => String(attributesOf(join(remote, name))).includes('colour')),
    );
    setAcl(join(local, 'h'), 1234);
    expect(await run(['flush', local], { env })).toMatchObject({ code: 0 });
    expect(attributesOf(join(remote, 'h'))).toEqual(attributesOf(join(local, 'h')));
    await rescanned(first, local, remote, (name) => fillRemote({ [name]: '' }));
    expect(repaired(first)).toEqual([]);
    expect(await first.stop()).toBe(130);

    setAttribute(join(local, 'd/g'), 'colour', 'green');
    const second = start(['--', '-XA']);
    await second.inSync();
    expect(attributesOf(join(remote, 'd/g'))).toEqual(['xattr.user.colour=green']);
    const told = second.events.filter(({ event }) => event === 'started').map(({ path, action }) => [path, action]);
    expect(told).toEqual([['d/g', 'attributes']]);
    await second.stop();
  });

  it.runIf(canChown)('-og: files, directories, links and DIR itself; a rescan finds nothing', async () => {
    const { local, env } = place();
    const there = join(dirname(local), 'there');
    fill(local, { f: 'one', 'd/g': 'two' });
    symlinkSync('f', join(local, 'link'));
    mkdirSync(there);
    const running = new Running(['--to', there, '--json', ...RESCAN, local, '--', '-og', '--numeric-ids'], { env });
    await running.inSync();
    const isGiven = (name: string): boolean => {
      const { uid, gid } = lstatSync(join(there, name));
      return uid === 1234 && gid === 4321;
    };
    for (const name of ['f', 'd', 'link']) lchownSync(join(local, name), 1234, 4321);
    await running.until('owners there', () => ['f', 'd', 'link'].every(isGiven));
    chownSync(local, 1234, 4321);
    chownSync(join(local, 'd/g'), 1234, 4321);
    expect(await run(['flush', local], { env })).toMatchObject({ code: 0 });
    expect(['.', 'd/g'].filter((name) => !isGiven(name))).toEqual([]);
    await rescanned(running, local, there, (name) => fill(there, { [name]: '' }));
    expect(repaired(running)).toEqual([]);
    await running.stop();
  });
});
