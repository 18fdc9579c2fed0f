import { describe, expect, it } from 'vitest';
import {
  type Environment,
  gitEnvironment,
  nodeEnvironment,
  rsyncEnvironment,
  searchPath,
  toolEnvironment,
  unusedPath,
} from '../../src/core/environment.js';

/** DIR is /dir. */
const ground = (env: Environment) => ({
  env,
  home: '/home/me',
  isOutside: (path: string): boolean => path.startsWith('/') && path !== '/dir' && !path.startsWith('/dir/'),
});

/** What is left of one variable for ssh. */
const ssh = (name: string, value: string): string | undefined => toolEnvironment(ground({ [name]: value }))[name];

describe('PATH', () => {
  it.each([
    ['/a:/b', '/a:/b'],
    ['.:/a', '/a'],
    [':/a', '/a'],
    ['/a:', '/a'],
    ['/a::/b', '/a:/b'],
    ['bin:/a:../x:~/bin', '/a'],
    ['/dir/bin:/a:/dir', '/a'],
    ['', '/usr/bin:/bin'],
    ['.', '/usr/bin:/bin'],
    ['::/dir/node_modules/.bin', '/usr/bin:/bin'],
  ])('%j is %j', (given, expected) => {
    expect(searchPath(ground({ PATH: given })).join(':')).toBe(expected);
    expect(ssh('PATH', given)).toBe(expected);
  });

  it('not set at all', () => {
    expect(searchPath(ground({})).join(':')).toBe('/usr/bin:/bin');
    expect(unusedPath(ground({}))).toEqual([]);
  });

  it('what is not used of it, once each', () => {
    expect(unusedPath(ground({ PATH: '.:/a::/dir/bin:.' }))).toEqual(['.', '', '/dir/bin']);
  });
});

describe('the environment of ssh', () => {
  it('is the user’s own, but for what would make it do something else', () => {
    const kept = {
      SSH_AUTH_SOCK: '/run/agent',
      DISPLAY: ':0',
      TERM: 'xterm',
      LANG: 'de_DE.UTF-8',
      MY_PROXY: './x',
      E: '',
    };
    expect(toolEnvironment(ground(kept))).toEqual({ ...kept, HOME: '/home/me', PATH: '/usr/bin:/bin' });
  });

  it.each([
    'BASH_ENV',
    'ENV',
    'SHELLOPTS',
    'BASHOPTS',
    'BASH_XTRACEFD',
    'PS4',
    'CDPATH',
    'IFS',
    'BASH_FUNC_exec%%',
    'POSIXLY_CORRECT',
    'POSIX_ME_HARDER',
  ])('%s is dropped', (name) => expect(ssh(name, '/x')).toBeUndefined());

  it.each([
    ['LD_LIBRARY_PATH', ':/lib:', '/lib'],
    ['LD_LIBRARY_PATH', '/lib:/dir/lib:lib', '/lib'],
    ['LD_LIBRARY_PATH', '.', undefined],
    ['DYLD_FALLBACK_LIBRARY_PATH', '/lib:', '/lib'],
    ['GCONV_PATH', '/lib:.', '/lib'],
    ['PYTHONPATH', '/lib:', '/lib'],
    ['LD_PRELOAD', 'libfast.so /lib/a.so ./b.so /dir/c.so', 'libfast.so:/lib/a.so'],
    ['LD_PRELOAD', './b.so', undefined],
    ['LD_AUDIT', '/dir/c.so', undefined],
    ['SSH_ASKPASS', 'ssh-askpass', 'ssh-askpass'],
    ['SSH_ASKPASS', './askpass', undefined],
    ['SSH_ASKPASS', '/dir/askpass', undefined],
    ['SSH_SK_PROVIDER', 'internal', 'internal'],
    ['SHELL', '/bin/zsh', '/bin/zsh'],
    ['SHELL', 'zsh', undefined],
    ['SHELL', '/dir/zsh', undefined],
    ['OPENSSL_CONF', 'openssl.cnf', undefined],
    ['HOSTALIASES', 'hosts', undefined],
    ['HOSTALIASES', '/etc/hosts.aliases', '/etc/hosts.aliases'],
    ['KRB5_CONFIG', '/etc/krb5.conf:krb5.conf', '/etc/krb5.conf'],
    ['TMPDIR', 'tmp', undefined],
    ['TMPDIR', '/dir/tmp', '/dir/tmp'],
    ['XDG_CONFIG_HOME', '.config', undefined],
    ['XDG_CONFIG_HOME', '/dir/.config', '/dir/.config'],
    ['HOME', '.', '/home/me'],
    ['HOME', '', '/home/me'],
  ])('%s=%s becomes %s', (name, given, expected) => expect(ssh(name, given)).toBe(expected));
});

describe('the environment of rsync', () => {
  const some = [
    'OLD_ARGS',
    'PROTECT_ARGS',
    'RSH',
    'CONNECT_PROG',
    'ICONV',
    'PARTIAL_DIR',
    'MAX_ALLOC',
    'SHELL',
    'NEW_ONE',
  ];

  it('has none of rsync’s own variables, and no home for popt to find aliases in', () => {
    const env = Object.fromEntries(some.map((name) => [`RSYNC_${name}`, '1']));
    expect(rsyncEnvironment(ground({ ...env, CVSIGNORE: '*', SSH_AUTH_SOCK: '/a' }))).toEqual({
      SSH_AUTH_SOCK: '/a',
      PATH: '/usr/bin:/bin',
    });
  });
});

describe('the environment of git', () => {
  const own = {
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: '',
  };

  it('has of git’s own variables only where the user’s config is and how far up to look', () => {
    const kept = {
      GIT_CONFIG_GLOBAL: '/home/me/git',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CEILING_DIRECTORIES: '/home',
      GIT_DISCOVERY_ACROSS_FILESYSTEM: '1',
    };
    const dropped = {
      GIT_DIR: '/x',
      GIT_WORK_TREE: '/x',
      GIT_INDEX_FILE: '/x',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'core.fsmonitor',
      GIT_CONFIG_VALUE_0: '/x',
      GIT_CONFIG_PARAMETERS: "'core.fsmonitor'='/x'",
      GIT_SSH: '/x',
      GIT_SSH_COMMAND: '/x',
      GIT_EXTERNAL_DIFF: '/x',
      GIT_ASKPASS: '/x',
      GIT_PAGER: '/x',
      GIT_EXEC_PATH: '/x',
      GIT_TRACE: '/x',
      GIT_TRACE2_EVENT: '/x',
      GIT_ALLOW_PROTOCOL: 'ext',
      GIT_NO_LAZY_FETCH: '0',
      GIT_LITERAL_PATHSPECS: '1',
    };
    expect(gitEnvironment(ground({ ...kept, ...dropped }))).toEqual({
      ...kept,
      ...own,
      HOME: '/home/me',
      PATH: '/usr/bin:/bin',
    });
  });

  it('a config of the user’s at a relative place would be DIR’s', () => {
    const env = gitEnvironment(ground({ GIT_CONFIG_GLOBAL: 'gitconfig', GIT_CONFIG_SYSTEM: './x' }));
    expect(env).toEqual({ ...own, HOME: '/home/me', PATH: '/usr/bin:/bin' });
  });
});

it('our own child gets nothing that is for the user’s node', () => {
  const env = { NODE_OPTIONS: '--require ./x.js', NODE_PATH: '/lib', NODE_V8_COVERAGE: '/x', LANG: 'C' };
  expect(nodeEnvironment(ground(env))).toEqual({ LANG: 'C', HOME: '/home/me', PATH: '/usr/bin:/bin' });
});
