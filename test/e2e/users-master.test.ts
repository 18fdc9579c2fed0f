import { chmodSync, lstatSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Place, place, Running, run } from '../support/cli.js';
import { MASTER, processesOf } from '../support/faulty.js';
import { giveAway } from '../support/other-user.js';
import { fill } from '../support/tree.js';
import { openUsersMaster, type UsersMaster } from '../support/users-master.js';

const startWith = ({ local, to, env }: Place, { configFile }: UsersMaster, more: readonly string[] = []): Running =>
  new Running(['-F', configFile, '--to', to, '--json', local, ...more], { env });

const notes = (running: Running): string => JSON.stringify(running.events.filter((e) => e.event === 'note'));

/** A syncwatch that goes through one, with a file that is there. */
async function inStep() {
  const there = place();
  const theirs = openUsersMaster(there.server.sshConfig);
  fill(there.local, { a: 'a' });
  const running = startWith(there, theirs);
  await running.inSync();
  return { there, theirs, running };
}

describe('an ssh connection that the user has opened by hand', () => {
  it('is what everything goes through, without a login of ours; afterwards it is as it was', async () => {
    const there = place();
    const { local, same, env, to, server } = there;
    const theirs = openUsersMaster(server.sshConfig);
    const before = { pid: theirs.pid(), stamp: lstatSync(theirs.path).ino };
    expect(before.pid).toBeGreaterThan(1);
    fill(local, { a: 'a', 'd/b': 'b' });
    const running = startWith(there, theirs);
    await running.inSync();
    expect(notes(running)).toContain(
      `going through your own ssh connection to there (${theirs.path}), without a login`,
    );
    writeFileSync(join(local, 'a'), 'changed');
    await same(running);
    expect(processesOf(running, MASTER)).toEqual([]);
    const exec = await run(['exec', '--to', to, '--', 'cat', 'a'], { env, cwd: local });
    expect(exec).toMatchObject({ code: 0, stdout: 'changed' });
    expect(await running.stop()).toBe(130);
    expect({ pid: theirs.pid(), stamp: lstatSync(theirs.path).ino }).toEqual(before);
    const doctor = await run(['doctor', '-F', theirs.configFile, '--to', to, local], { env });
    expect(doctor.stdout).toMatch(/own master: one is running \(.*\): syncwatch goes through it/);
    expect(theirs.pid()).toBe(before.pid);
  });

  it('that goes: said once, logged in as usual, nothing is lost; with --own-master it is not used at all', async () => {
    const { there, theirs, running } = await inStep();
    const { local, same } = there;
    const before = running.events.length;
    theirs.exit();
    writeFileSync(join(local, 'a'), 'meanwhile');
    fill(local, { 'n/new': 'n' });
    const trouble = await running.event('trouble', () => true, before);
    expect(JSON.stringify(trouble)).toContain('your own ssh connection to there has ended');
    await running.event('connected', () => true, before);
    await same(running);
    expect(processesOf(running, MASTER)).toHaveLength(1);
    expect(running.events.slice(before).filter((e) => e.event === 'trouble')).toHaveLength(1);
    expect(await running.stop()).toBe(130);
    theirs.open();
    const own = startWith(there, theirs, ['--own-master']);
    await own.inSync();
    expect(processesOf(own, MASTER)).toHaveLength(1);
    await own.stop();
    expect(theirs.pid()).toBeGreaterThan(1);
  });

  it('whose socket is taken away but which lives on: what is new goes through one of ours', async () => {
    const { there, theirs, running } = await inStep();
    const { local, same } = there;
    // It no longer listens, and what goes through it goes on: ssh(1), -O stop.
    theirs.stop();
    for (let i = 0; i < 3; i++) {
      writeFileSync(join(local, 'a'), `changed ${i}`);
      fill(local, { [`n${i}`]: 'n' });
      await same(running);
    }
    expect(processesOf(running, MASTER)).toHaveLength(1);
    expect(notes(running).split('takes nothing new any more (ssh -O stop?)')).toHaveLength(2);
    await running.stop();
  });
});

describe('a socket that may lead elsewhere is left alone, which is said, and we log in', () => {
  const UNFIT: ReadonlyArray<readonly [string, RegExp, (server: string) => UsersMaster]> = [
    [
      'other users may use it',
      /other users may use it/,
      (server) => {
        const theirs = openUsersMaster(server);
        chmodSync(theirs.path, 0o666);
        return theirs;
      },
    ],
    [
      'it belongs to somebody else',
      /belongs to another user \(uid 65534\)/,
      (server) => {
        const theirs = openUsersMaster(server);
        giveAway(theirs.path);
        return theirs;
      },
    ],
    [
      'it is where others may put another one',
      /other users may write to/,
      (server) =>
        openUsersMaster(server, {
          pathIn: (folder) => {
            mkdirSync(join(folder, 'open'));
            chmodSync(join(folder, 'open'), 0o777);
            return join(folder, 'open/cm-%C');
          },
        }),
    ],
    [
      'every host has it',
      /other hosts have the same ControlPath/,
      (server) => openUsersMaster(server, { pathIn: (folder) => join(folder, 'cm') }),
    ],
  ];

  it.each(UNFIT)('%s', async (_what, why, open) => {
    const there = place();
    const theirs = open(there.server.sshConfig);
    const { mode, uid } = statSync(theirs.path);
    fill(there.local, { a: 'a' });
    const running = startWith(there, theirs);
    await running.inSync();
    expect(notes(running)).toMatch(why);
    expect(processesOf(running, MASTER)).toHaveLength(1);
    await running.stop();
    expect(statSync(theirs.path)).toMatchObject({ mode, uid });
  });

  it('another login on that host has it', async () => {
    const there = place();
    const { server, env, path, local } = there;
    const theirs = openUsersMaster(server.sshConfig, { pathIn: (folder) => join(folder, 'cm-%h') });
    const plain = startWith(there, theirs);
    await plain.inSync();
    expect(processesOf(plain, MASTER)).toEqual([]);
    await plain.stop();
    const other = await run(['-F', theirs.configFile, '--once', '--to', `nobody-here@there:${path}`, local], { env });
    expect(other.stdout + other.stderr).toMatch(/other logins on there have the same ControlPath/);
    expect(other.code).not.toBe(0);
  });
});
