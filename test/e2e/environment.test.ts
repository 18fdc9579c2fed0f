import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { Script } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { CLI, freshName, type Place, place, Running, run } from '../support/cli.js';
import { withoutName } from '../support/other-user.js';
import { fill, names, temporaryDir, tree } from '../support/tree.js';

/** All that syncwatch or what it starts could start. */
const STARTED = ['rsync', 'ssh', 'git', 'setpriv', 'sh', 'env', 'true', 'false', 'node', 'bash', 'id', 'test'];

/** Programs in DIR that tell of being started, and search lists that lead to them. Gives what was started. */
function trap({ local }: Place): { env: Record<string, string>; sprung: () => string } {
  const told = join(temporaryDir(), 'told');
  for (const folder of ['.', 'bin']) {
    mkdirSync(join(local, folder), { recursive: true });
    for (const name of STARTED) {
      writeFileSync(join(local, folder, name), `#!/bin/sh\necho "${folder}/${name} $*" >> '${told}'\n`);
      chmodSync(join(local, folder, name), 0o755);
    }
  }
  // What rsync, git and ssh need, and node does not: they would not even begin.
  for (const library of ['libpopt.so.0', 'libpcre2-8.so.0', 'libcrypto.so.3']) writeFileSync(join(local, library), '');
  const link = join(temporaryDir(), 'link');
  symlinkSync(join(local, 'bin'), link);
  const path = ['', '.', 'bin', join(local, 'bin'), link, process.env['PATH'] ?? '', ''].join(delimiter);
  return {
    env: { PATH: path, LD_LIBRARY_PATH: `${delimiter}${local}`, GIT_EXEC_PATH: join(local, 'bin') },
    sprung: () => (existsSync(told) ? readFileSync(told, 'utf8') : ''),
  };
}

describe('PATH and library paths that lead into DIR', () => {
  it('start nothing of DIR’s: syncing, hooks, exec, doctor, --why', async () => {
    const at = place();
    const { local } = at;
    const { env, sprung } = trap(at);
    const options = { cwd: local, env: { ...at.env, ...env } };
    const out = join(temporaryDir(), 'out');
    // ssh's own children: found by PATH, too.
    const config = join(temporaryDir(), 'config');
    writeFileSync(config, 'Match exec "id -u && false"\n  User nobody\nMatch all\n');
    appendFileSync(config, readFileSync(at.server.sshConfig));
    const hooks = ['--on-sync-remote', 'pwd', '--on-sync', `printf %s "$PATH" > ${out}`];
    const args = ['-F', config, '--to', at.to];
    const running = new Running([...args, '--json', ...hooks], options);
    await running.inSync();
    await running.event('hook', ({ hook }) => hook === 'onSyncRemote');
    await running.event('hook', ({ hook }) => hook === 'onSync');
    // A hook is a command of the user's: it gets what they have.
    expect(readFileSync(out, 'utf8')).toBe(env.PATH);
    expect(await run(['exec', '--', 'echo', 'hi'], options)).toMatchObject({ code: 0, stdout: 'hi\n' });
    await running.stop();
    const doctor = await run(['doctor', ...args], options);
    expect(doctor.stdout).toMatch(/rsync here: .*\(\/.*rsync\)/);
    expect(doctor.stdout).toMatch(/PATH: nothing is started from .*: \(empty\), \., bin, \//);
    expect(doctor.stdout).not.toMatch(/ERROR/);
    await run(['--why', 'rsync', local], options);
    expect(sprung()).toBe('');
    expect(tree(at.remote)).toEqual(tree(local));
  });

  it('the same where the target is local', async () => {
    const at = place();
    const { env, sprung } = trap(at);
    const there = join(temporaryDir(), 'there');
    const options = { cwd: at.local, env: { ...at.env, ...env } };
    const said = await run(['--to', there, '--once', '--on-sync-remote', '/bin/pwd'], options);
    expect(said.stdout).toContain(there);
    expect(said).toMatchObject({ code: 0 });
    expect(sprung()).toBe('');
    expect(tree(there)).toEqual(tree(at.local));
  });

  it('where rsync is only in DIR there is none, and that is said', async () => {
    const at = place();
    trap(at);
    for (const path of [join(at.local, 'bin'), `bin${delimiter}${temporaryDir()}`]) {
      const options = { cwd: at.local, env: { ...at.env, PATH: `${path}${delimiter}${temporaryDir()}` } };
      const said = await run([...at.args, '--once'], options);
      expect(said.stderr).toMatch(/there is no rsync here \(.*bin\/rsync is not started: nothing in DIR is/);
      expect(said.code).toBe(3);
    }
  });
});

describe('the user’s environment', () => {
  it('makes rsync do nothing else: RSYNC_… with a space in the target, aliases in ~/.popt', async () => {
    const at = place();
    const { local, server, env } = at;
    const told = join(temporaryDir(), 'told');
    const beside = `beside-${freshName()}`;
    const to = `${at.to} and ${beside}`;
    const base = join(at.remote, '..');
    fill(local, { a: 'a', 'dir/b': 'b' });
    symlinkSync('a', join(local, 'link'));
    // What the words of an unquoted target would be.
    mkdirSync(at.remote);
    mkdirSync(join(base, beside));
    for (const each of [at.remote, join(base, beside)]) chmodSync(each, 0o777);
    writeFileSync(join(at.remote, 'kept'), '');
    writeFileSync(join(base, beside, 'kept'), '');
    const home = env['HOME'] ?? '';
    const exec = join(home, 'exec');
    writeFileSync(exec, `#!/bin/sh\necho "$*" >> '${told}'\n`);
    chmodSync(exec, 0o755);
    const aliases = ['--links --copy-links', '--times --omit-dir-times', '--perms --dry-run', '-e -e false -e'];
    writeFileSync(
      join(home, '.popt'),
      [
        ...aliases.map((alias) => `rsync alias ${alias}`),
        `rsync exec --recursive ${exec}`,
        `rsync exec --from0 ${exec}`,
        `rsync exec --version ${exec}`,
        '',
      ].join('\n'),
    );
    const variables = {
      RSYNC_OLD_ARGS: '1',
      RSYNC_PROTECT_ARGS: '0',
      RSYNC_RSH: 'false',
      RSYNC_CONNECT_PROG: 'false',
      RSYNC_PROXY: 'localhost:1',
      RSYNC_ICONV: 'utf8,latin1',
      RSYNC_PARTIAL_DIR: 'partial',
      RSYNC_MAX_ALLOC: '1',
      RSYNC_CHECKSUM_LIST: 'none',
      RSYNC_COMPRESS_LIST: 'none',
      POSIXLY_CORRECT: '1',
      SHELLOPTS: 'noexec',
      BASH_ENV: exec,
      ENV: exec,
    };
    const once = ['-F', server.sshConfig, '--to', to, '--once', '--delete', 'mirror', local];
    for (let time = 0; time < 2; time++) {
      const said = await run(once, { env: { ...env, ...variables } });
      expect(said.stderr).toBe('');
      expect(said.code).toBe(0);
      expect(tree(`${at.remote} and ${beside}`)).toEqual(tree(local));
      fill(local, { c: 'c' });
    }
    expect(existsSync(told)).toBe(false);
    expect(names(at.remote)).toEqual(['kept']);
    expect(names(join(base, beside))).toEqual(['kept']);
  });

  it('is there for ssh, with its home, whoever starts it', async () => {
    const at = place();
    const told = join(temporaryDir(), 'told');
    const config = join(temporaryDir(), 'config');
    // ssh does not begin where a variable in its config is not set.
    const match = `Match exec "echo $HOME $MINE ok >> ${told}"\n  IdentityAgent \${HOME}/none-\${MINE}\nMatch all\n`;
    writeFileSync(config, match + readFileSync(at.server.sshConfig, 'utf8'));
    fill(at.local, { a: '' });
    const home = join(temporaryDir(), "it's my home");
    mkdirSync(home);
    const options = { env: { ...at.env, HOME: home, MINE: 'it’s mine' } };
    const said = await run(['-F', config, '--to', at.to, '--once', at.local], options);
    expect(said).toMatchObject({ code: 0, stderr: '' });
    const lines = readFileSync(told, 'utf8').trim().split('\n');
    // The master, its clients, and those that rsync has started.
    expect(lines.length).toBeGreaterThan(3);
    expect(new Set(lines)).toEqual(new Set([`${home} it’s mine ok`]));
  });

  it('-F and -i are as seen from where syncwatch was started, not from DIR', async () => {
    const at = place();
    const from = temporaryDir();
    const told = join(from, 'told');
    writeFileSync(join(from, 'config'), readFileSync(at.server.sshConfig));
    // What rsync's ssh would find in DIR.
    writeFileSync(join(at.local, 'config'), `Match exec "echo sprung >> ${told}"\nMatch all\n`);
    const said = await run(['-F', 'config', '--to', at.to, '--once', at.local], { cwd: from, env: at.env });
    expect(said).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(told)).toBe(false);
  });

  it('a home or a folder for temporary things that is no absolute path is not in DIR', async () => {
    const at = place();
    fill(at.local, { a: '', d: '' });
    // Of it only that there is one is looked at: nothing in a home of anybody's is changed.
    for (const HOME of ['', '.']) {
      const env = { ...at.env, HOME, XDG_CONFIG_HOME: 'config' };
      expect(await run(['--why', 'a'], { cwd: at.local, env })).toMatchObject({ code: 0 });
    }
    // A file in the place of a directory: rsync is given an empty folder of ours.
    const options = { cwd: at.local, env: { ...at.env, TMPDIR: 'tmp' } };
    const there = join(temporaryDir(), 'there');
    const hook = ['--on-sync', 'echo "hook: $SYNCWATCH_COUNT"'];
    const said = await run(['--to', there, '--once', ...hook], options);
    expect(said.stdout).toContain('hook: 2');
    expect(said).toMatchObject({ code: 0, stderr: '' });
    rmSync(join(at.local, 'd'));
    fill(at.local, { 'd/e': '' });
    expect(await run(['--to', there, '--once', ...hook], options)).toMatchObject({ code: 0, stderr: '' });
    expect(names(there)).toEqual(['a', 'd', 'd/e']);
    expect(names(at.local)).toEqual(['a', 'd', 'd/e']);
  });
});

describe('without what is usually there', () => {
  it('a user without a name or a home: a local target works, hooks and deletions too; ssh says why it does not', async () => {
    const at = place();
    fill(at.local, { a: '', 'd/e': '' });
    const there = join(temporaryDir(), 'there');
    const options = { wrapper: withoutName, env: { ...at.env, HOME: '' } };
    const hook = ['--on-sync', 'echo "hook: $SYNCWATCH_COUNT"'];
    const running = new Running(['--to', there, '--json', at.local, ...hook], options);
    await running.event('hook', ({ output }) => output === 'hook: 3\n');
    rmSync(join(at.local, 'd'), { recursive: true });
    fill(at.local, { d: '' });
    await running.event('hook', ({ output }) => output === 'hook: 2\n');
    expect(names(there)).toEqual(['a', 'd']);
    expect(await run(['flush', at.local], options)).toMatchObject({ code: 0, stderr: '' });
    expect(await running.stop('SIGTERM')).toBe(143);
    expect(await run([...at.args, '--once', at.local], options)).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/^syncwatch: ssh does not run for uid \d+, which has no name here\n {2}\S.*\n$/),
    });
  });

  it.each([
    ['TMPDIR is not there', { TMPDIR: '/none/at/all' }],
    ['TMPDIR is a file', { TMPDIR: '/etc/passwd' }],
    ['TMPDIR takes nothing', { TMPDIR: '/proc' }],
    ['HOME is not there', { HOME: '/proc/none' }],
    ['XDG_RUNTIME_DIR is not there', { XDG_RUNTIME_DIR: '/proc/none' }],
  ])('%s: it works all the same', async (_, env) => {
    const at = place();
    fill(at.local, { a: '', d: '' });
    const there = join(temporaryDir(), 'there');
    fill(there, { 'd/e': '' });
    const mirror = ['--delete', 'mirror', '--max-delete', '5', '--on-sync', 'echo "hook: $SYNCWATCH_COUNT"'];
    const said = await run(['--to', there, '--once', ...mirror, at.local], { env: { ...at.env, ...env } });
    expect(said).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('hook: ') });
    expect(names(there)).toEqual(['a', 'd']);
  });

  it('a state folder that can’t be made is one error, which says what to set', async () => {
    const at = place();
    const one =
      /^syncwatch: can't make \S+\/syncwatch: E.*\n {2}Set XDG_STATE_HOME to a directory that you may write to\.\n$/;
    for (const XDG_STATE_HOME of ['/proc/none', '/dev/null', '/etc/passwd/x']) {
      const said = await run(['--to', '/tmp/none', '--once', at.local], { env: { ...at.env, XDG_STATE_HOME } });
      expect(said).toMatchObject({ code: 3, stdout: '', stderr: expect.stringMatching(one) });
    }
  });

  it('a Node that is too old can read what it is given, and is told', async () => {
    // As scripts are read since Node 10: no module, and nothing newer.
    const text = readFileSync(CLI, 'utf8');
    expect(() => new Script(text)).not.toThrow();
    expect(text).not.toMatch(/\?\.|\?\?|\bimport [^(]|\bexport\b|\?\?=|#\w+[;(]/);
    const fake = join(temporaryDir(), 'fake.cjs');
    for (const [version, isFine] of [
      ['10.24.1', false],
      ['18.20.4', false],
      ['20.18.3', false],
      ['21.7.0', false],
      ['22.11.0', false],
      ['20.19.0', true],
      ['22.12.0', true],
      ['30.0.0', true],
    ] as const) {
      writeFileSync(
        fake,
        `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });`,
      );
      const said = await run(['--version'], { env: { NODE_OPTIONS: `--require ${fake}` } });
      const needs = expect.stringMatching(`^syncwatch: needs Node 20\\.19, .*: this is ${version} `);
      expect(said).toMatchObject(isFine ? { code: 0, stderr: '' } : { code: 3, stdout: '', stderr: needs });
    }
  });
});

it('the watcher child does not load what NODE_OPTIONS names', async () => {
  const at = place();
  fill(at.local, { a: '' });
  const told = join(temporaryDir(), 'told');
  const spy = join(temporaryDir(), 'spy.cjs');
  writeFileSync(spy, `require('node:fs').appendFileSync(${JSON.stringify(told)}, process.argv[1] + '\\n');\n`);
  const running = at.start([], { env: { ...at.env, NODE_OPTIONS: `--require ${spy}` } });
  await running.inSync();
  await running.stop();
  expect(readFileSync(told, 'utf8')).toBe(`${CLI}\n`);
});
