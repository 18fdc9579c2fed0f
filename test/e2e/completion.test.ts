import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { CLI, cleanEnv, place, Running, run } from '../support/cli.js';
import { type Shell, tabbed } from '../support/shells.js';
import { fill, temporaryDir } from '../support/tree.js';
import { openUsersMaster } from '../support/users-master.js';

const SHELLS: readonly Shell[] = ['bash', 'zsh', 'fish'];

/** A project in a home of its own, with syncwatch first in PATH, and an ssh that notes that it was started. */
function project() {
  const base = temporaryDir();
  fill(base, {
    'bin/syncwatch': `#!/bin/sh\nexec '${process.execPath}' '${CLI}' "$@"\n`,
    'bin/ssh': `#!/bin/sh\necho "$@" >> '${join(base, 'started')}'\nexit 255\n`,
    'home/.ssh/config':
      'Include conf.d/*\nHost box *.example.com !odd\n  ControlPath ~/.ssh/cm-%C\nMatch exec "touch evil"\n',
    'home/.ssh/conf.d/more': 'Host "quoted"\nHost=equals\nInclude ~/.ssh/config\n',
    'home/.ssh/known_hosts':
      '|1|aGFzaA==|aGFzaA== ssh-rsa x\n[ported]:2222,10.0.0.1 ssh-rsa x\n@cert-authority *.ca ssh-rsa x\n',
    'p/syncwatch.json': JSON.stringify({
      targets: { staging: 'h:p', board: 'b:p' },
      to: 'board',
      'on-sync': 'touch evil',
    }),
    'p/src/a': '',
    'p/build.log': '',
  });
  for (const file of ['syncwatch', 'ssh']) chmodSync(join(base, 'bin', file), 0o755);
  mkdirSync(join(base, 'run'), { mode: 0o700 });
  onTestFinished(() => {
    // Whatever was offered, nothing was done.
    for (const path of ['started', 'state', 'p/evil']) expect(existsSync(join(base, path)), path).toBe(false);
    expect(readdirSync(join(base, 'run')).filter((name) => !name.startsWith('fish'))).toEqual([]);
  });
  const env = {
    ...cleanEnv(),
    PATH: `${join(base, 'bin')}:${process.env['PATH'] ?? ''}`,
    HOME: join(base, 'home'),
    XDG_STATE_HOME: join(base, 'state'),
    XDG_RUNTIME_DIR: join(base, 'run'),
  };
  return { env, cwd: join(base, 'p') };
}

describe.each(SHELLS)('Tab in %s', (shell) => {
  it.each([
    ['syncwatch flu', 'syncwatch flush'],
    ['syncwatch --to box:/path', 'syncwatch --to box:/path'],
    ['syncwatch --exclude bui', 'syncwatch --exclude bui'],
    ['syncwatch --to equ', 'syncwatch --to equals:'],
    ['syncwatch --delete=m', 'syncwatch --delete=mirror'],
    ['syncwatch --exclude-from bu', 'syncwatch --exclude-from build.log'],
  ])('makes of %j %j, and nothing is done', async (line, made) => {
    const { words, shown } = await tabbed(shell, line, project());
    expect(words.join(' '), shown).toBe(made);
  });
});

it('hosts are offered from the ssh config with what it includes, and from known_hosts', async () => {
  const { env, cwd } = project();
  const { stdout } = await run(['__complete', 'zsh', '--to', ''], { env, cwd });
  for (const host of ['quoted:', 'equals:', 'box:', 'ported:', '10.0.0.1:']) expect(stdout).toContain(`+${host}\t`);
  expect(stdout).not.toMatch(/example|odd|aGFz|\.ca/);
});

describe('directories there', () => {
  /** Nobody waits long at a key: on a busy machine they may come with a later Tab. */
  const inTime = (offers: () => Promise<string[]>, wanted: readonly string[]): Promise<void> =>
    vi.waitFor(async () => expect(await offers()).toEqual(wanted), { timeout: 60_000, interval: 10 });

  const offered = async (env: Readonly<Record<string, string>>, cwd: string, ...words: string[]): Promise<string[]> => {
    const { stdout, code } = await run(['__complete', 'zsh', ...words], { env, cwd });
    expect(code).toBe(0);
    return stdout.split('\n').slice(1, -1);
  };

  /** The server by a name that no other test has: any syncwatch that runs here may have a connection to `there`. */
  const alone = ({ sshConfig }: { readonly sshConfig: string }): string => {
    const file = join(temporaryDir(), 'config');
    const config = readFileSync(sshConfig, 'utf8');
    expect(config).toMatch(/^Host there$/m);
    writeFileSync(file, config.replace(/^Host there$/m, 'Host there alone'), { mode: 0o600 });
    return file;
  };

  it('are offered through the connection of a syncwatch that runs, and without one not', async () => {
    const { local, env, server, path, fillRemote } = place();
    fillRemote({ 'in/a': '', 'it is/b': '', '.hidden/c': '', file: '' });
    expect(await offered(env, local, '--to', `alone:${path}/i`)).toEqual([]);
    const running = new Running(['-F', alone(server), '--to', `alone:${path}`, '--json', local], { env });
    await running.inSync();
    await inTime(
      () => offered(env, local, '--to', `alone:${path}/i`),
      [`+alone:${path}/in/\t`, `+alone:${path}/it is/\t`],
    );
    await inTime(() => offered(env, local, '--to', `alone:${path}/.`), [`+alone:${path}/.hidden/\t`]);
    expect(await offered(env, local, '--to', `other@alone:${path}/i`)).toEqual([]);
    await running.stop();
    expect(await offered(env, local, '--to', `alone:${path}/i`)).toEqual([]);
  });

  it('are offered through a connection that the user has opened', async () => {
    const { local, env, server, path, fillRemote } = place();
    fillRemote({ 'in/a': '' });
    const theirs = openUsersMaster(alone(server));
    const words = ['-F', theirs.configFile, '--to', `alone:${path}/i`];
    await inTime(() => offered(env, local, ...words), [`+alone:${path}/in/\t`]);
    theirs.exit();
    expect(await offered(env, local, ...words)).toEqual([]);
  });
});
