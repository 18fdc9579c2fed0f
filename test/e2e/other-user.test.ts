import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Place, place, Running, run } from '../support/cli.js';
import { fakePeer } from '../support/fake-peer.js';
import { asOther, giveAway, OTHER_UID, takeBack, withInstead } from '../support/other-user.js';
import { fill, temporaryDir } from '../support/tree.js';

const { uid } = userInfo();
const USUAL = `/tmp/syncwatch-${uid}`;

/** All that another user's socket could say to have his own way, for each question; the old ways too. */
function lies(root: string): (question: string) => string {
  const who = { pid: 1, root, target: 'evil', place: 'evil:' };
  const told: Readonly<Record<string, unknown>> = {
    who: { answer: 'who', who },
    flush: { answer: 'flush', flushed: { end: 'flushed' } },
    status: {
      answer: 'status',
      status: { ...who, state: { kind: 'inSync' }, sent: 0, bytes: 0, deleted: 0, waiting: 0 },
    },
    reach: { answer: 'reach', reach: { kind: 'remote', client: ['touch', '/tmp/evil'], login: 'x', path: '/' } },
  };
  return (question) => {
    const { ask } = JSON.parse(question) as { ask: string };
    return `${JSON.stringify({ v: 1, ...((told[ask] ?? { answer: 'done' }) as object) })}\n`;
  };
}

/** A folder with a socket of the other user's, who claims to be the syncwatch of `root`. */
async function evilFolder(root: string) {
  const folder = temporaryDir();
  chmodSync(folder, 0o755);
  const answer = lies(root);
  const peer = await fakePeer(join(folder, '0123456789abcdef.sock'), (socket, question) =>
    socket.end(answer(question)),
  );
  giveAway(join(folder, '0123456789abcdef.sock'));
  giveAway(folder);
  return { folder, peer };
}

/** Without a XDG_RUNTIME_DIR, and with the other user's folder where the usual one would be. */
const robbed = ({ env }: Place, evil: string) => ({
  env: { ...env, XDG_RUNTIME_DIR: '', TMPDIR: '/tmp' },
  wrapper: withInstead(USUAL, evil),
});

describe('another user on this machine', () => {
  beforeAll(() => void (existsSync(USUAL) || mkdirSync(USUAL, { mode: 0o700 })));

  it('who makes the usual folder first is not spoken to, and stops nothing', async () => {
    const there = place();
    fill(there.local, { 'a/b': 'one' });
    const { folder, peer } = await evilFolder('/');
    const deeper = await evilFolder(join(there.local, 'a'));
    const options = robbed(there, folder);
    const ask = (...args: string[]) => run(args, { ...options, cwd: join(there.local, 'a') });
    const nobody = await ask('exec', '--', 'touch', '/tmp/ran');
    expect([nobody.code, nobody.stdout, nobody.stderr]).toEqual([
      3,
      '',
      expect.stringMatching(/^syncwatch: no syncwatch is running for /),
    ]);
    const running = there.start([], options);
    await running.inSync();
    expect(
      running.events.find(({ event, text }) => event === 'note' && String(text).includes('other user')),
    ).toMatchObject({
      text: `${USUAL} belongs to another user (uid ${OTHER_UID}): sockets are in ${there.env['XDG_STATE_HOME']}/syncwatch/run`,
    });
    // Next to the real one, and further down; and as the runtime folder of the shell, as after su without a dash.
    for (const env of [options.env, { ...options.env, XDG_RUNTIME_DIR: deeper.folder, TMPDIR: deeper.folder }]) {
      const asked = (...args: string[]) => run(args, { ...options, env, cwd: join(there.local, 'a') });
      expect(await asked('exec', '--', 'pwd')).toMatchObject({ code: 0, stdout: `${there.path}\n`, stderr: '' });
      expect(JSON.parse((await asked('status', '--json')).stdout)).toMatchObject({
        root: there.local,
        target: there.to,
      });
      expect((await asked('flush')).code).toBe(0);
    }
    const second = await there.run(['--once'], options);
    expect(second).toMatchObject({ code: 3, stderr: expect.stringMatching(/another syncwatch \(pid \d+\) already/) });
    expect([peer.connections(), deeper.peer.connections()]).toEqual([0, 0]);
    expect(readdirSync(folder)).toEqual(['0123456789abcdef.sock']);
    expect((await ask('stop')).code).toBe(0);
    const doctor = await run(['doctor', ...there.args, there.local], options);
    expect(doctor.stdout).toContain(`WARNING  runtime folder: ${USUAL} belongs to another user`);
  });

  it('whose sockets got into our folder while it was open is not spoken to either', async () => {
    const there = place();
    fill(there.local, { a: 'one' });
    const folder = join(there.env['XDG_RUNTIME_DIR'] ?? '', 'syncwatch');
    const running = there.start();
    await running.inSync();
    const answer = lies(there.local);
    const planted = await fakePeer(join(folder, 'planted.sock'), (socket, question) => socket.end(answer(question)));
    giveAway(join(folder, 'planted.sock'));
    expect(await run(['exec', there.local, '--', 'pwd'], { env: there.env })).toMatchObject({
      code: 0,
      stdout: `${there.path}\n`,
    });
    // Where ours would be: as if not there, for the next one that starts.
    const [own = ''] = readdirSync(folder).filter((name) => /^[0-9a-f]{16}\.sock$/.test(name));
    expect(await running.stop()).toBe(130);
    const inPlace = await fakePeer(join(folder, own), (socket, question) => socket.end(answer(question)));
    const master = await fakePeer(join(folder, own.replace('.sock', '.ssh')), (socket) => void socket.end());
    for (const name of [own, own.replace('.sock', '.ssh')]) giveAway(join(folder, name));
    const again = there.start();
    await again.inSync();
    expect((await run(['flush', there.local], { env: there.env })).code).toBe(0);
    expect([planted.connections(), inPlace.connections(), master.connections()]).toEqual([0, 0, 0]);
    // Open again: nothing in it counts, not even what is ours.
    chmodSync(folder, 0o777);
    expect((await run(['flush', there.local], { env: there.env })).code).toBe(3);
  });

  it('who takes all the usual places: a short one in /tmp, which the state folder knows', async () => {
    const there = place();
    fill(there.local, { a: 'one' });
    const { folder } = await evilFolder('/');
    const state = join(there.env['XDG_STATE_HOME'] ?? '', 'a-path-that-is-much-too-long-for-the-sockets-of-ssh');
    const options = robbed(there, folder);
    const env = { ...options.env, XDG_STATE_HOME: state };
    const running = new Running([...there.args, '--json', there.local], { ...options, env });
    await running.inSync();
    const asked = await run(['exec', there.local, '--', 'pwd'], { ...options, env });
    expect(asked).toMatchObject({ code: 0, stdout: `${there.path}\n` });
    const note = running.events.find(({ event, text }) => event === 'note' && String(text).includes('sockets are in'));
    const [, short = ''] = /sockets are in (\/tmp\/syncwatch-\d+-.{6})$/.exec(String(note?.['text'])) ?? [];
    expect(readdirSync(short).filter((name) => name.endsWith('.ssh'))).toHaveLength(1);
    onTestFinished(() => rmSync(short, { recursive: true }));
  });

  it('as whom one may come in with the environment: a folder of his is as if not there', async () => {
    const there = place();
    const evil = join(there.local, '../evil');
    chmodSync(join(there.local, '..'), 0o777);
    asOther('mkdir', '-m', '755', evil);
    onTestFinished(() => takeBack(evil));
    chmodSync(join(there.local, '..'), 0o700);
    fill(there.local, { a: 'one' });
    const env = { ...there.env, XDG_RUNTIME_DIR: evil, TMPDIR: evil };
    // What a hook is handed is not in it either.
    const out = join(there.env['HOME'] ?? '', 'hook');
    const running = there.start(['--on-sync', `ls -A ${evil} >${out}; echo "$SYNCWATCH_PATHS_FILE" >>${out}`], { env });
    await running.event('hook');
    expect(readFileSync(out, 'utf8')).toMatch(/^\/tmp\/syncwatch-hook-.*\n$/);
    expect((await run(['flush', there.local], { env })).code).toBe(0);
    expect(running.events.filter(({ event, text }) => event === 'note' && String(text).includes('sockets'))).toEqual(
      [],
    );
  });
});
