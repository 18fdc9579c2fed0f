import type { Program } from '../core/environment.js';
import type { RemoteReach } from '../core/reach.js';
import type { SshAim } from '../core/ssh/exit.js';
import { loginOf, type RemoteTarget } from '../core/target.js';

/** What the user gave for ssh. Everything else comes from their own ssh config. */
export interface SshOptions {
  readonly port: number | undefined;
  readonly identities: readonly string[];
  readonly configFile: string | undefined;
  /** `-o` values, `Key=value`. */
  readonly options: readonly string[];
  /** Whether to log in even where a master of the user's own is there. */
  readonly ownMaster: boolean;
}

/** The user's own options as ssh takes them. Of an option given twice ssh takes the first: ours go before or after. */
function userArgs(ssh: SshOptions): string[] {
  return [
    ...(ssh.configFile === undefined ? [] : ['-F', ssh.configFile]),
    ...(ssh.port === undefined ? [] : ['-p', String(ssh.port)]),
    ...ssh.identities.flatMap((identity) => ['-i', identity]),
    ...ssh.options.flatMap((option) => ['-o', option]),
  ];
}

/** What a master needs beside its target. `config`: what `ssh -G` says of it. */
export interface MasterPlaces {
  readonly controlPath: string;
  readonly logPath: string;
  readonly config: string;
}

/**
 * What a config may say of a host that is right for a person's ssh and would be in the way of ours. Only where it says so: an
 * older ssh does not know all of them.
 */
const ODDITIES: ReadonlyArray<readonly [key: string, usual: RegExp, option: string]> = [
  ['remotecommand', /^none$/, 'RemoteCommand=none'],
  ['requesttty', /^(auto|false|no)$/, 'RequestTTY=no'],
  ['sessiontype', /^default$/, 'SessionType=default'],
  ['stdinnull', /^no$/, 'StdinNull=no'],
  ['forkafterauthentication', /^no$/, 'ForkAfterAuthentication=no'],
];

const withoutOddities = (config: string): string[] =>
  ODDITIES.flatMap(([key, usual, option]) => {
    const value = valueIn(config, key);
    return value === undefined || usual.test(value) ? [] : ['-o', option];
  });

/** A quiet ssh would not say why, and a talkative one hides it among the rest. */
const logLevelOf = (config: string): string =>
  isQuiet(config) || isTalkative(config) ? 'INFO' : (valueIn(config, 'loglevel') ?? 'INFO');

/** Whether the user wants to hear nothing of ssh: https://man.openbsd.org/ssh_config#LogLevel. */
export const isQuiet = (config: string): boolean => /^(SILENT|QUIET|FATAL)$/.test(valueIn(config, 'loglevel') ?? '');
const isTalkative = (config: string): boolean => /^(VERBOSE|DEBUG\d?)$/.test(valueIn(config, 'loglevel') ?? '');

/** What `ssh -G` says of a key. */
export const valueIn = (config: string, key: string): string | undefined =>
  new RegExp(`^${key} (.*)$`, 'm').exec(config)?.[1];

/**
 * The master connection: in the foreground, so that its exit is the news that the link is gone. A dead link without
 * traffic is noticed after 8 to 12 s (ServerAlive…; `-O check` asks only the local process). Forwardings from the
 * user's config are theirs to open elsewhere. What ssh itself has to say goes to `logPath`: on stderr others speak too, such as
 * the server's banner and a ProxyCommand.
 */
export function masterArgs(
  target: RemoteTarget,
  ssh: SshOptions,
  { controlPath, logPath, config }: MasterPlaces,
): string[] {
  return [
    ...['-N', '-T', '-x', '-E', logPath, ...withoutOddities(config), '-o', `LogLevel=${logLevelOf(config)}`],
    ...['-o', 'ControlMaster=auto', '-o', `ControlPath=${controlPath}`, '-o', 'ControlPersist=no'],
    ...userArgs(ssh),
    ...['-o', 'ServerAliveInterval=4', '-o', 'ServerAliveCountMax=2'],
    ...['-o', 'ConnectTimeout=20', '-o', 'ClearAllForwardings=yes', '-o', 'PermitLocalCommand=no'],
    ...['--', loginOf(target)],
  ];
}

/**
 * For ssh as a client of the master. Without its master such a client would quietly log in anew and might prompt:
 * `ProxyCommand=false` makes it fail at once instead.
 * `config`: what `ssh -G` says of its host. `mayTidy`: it may remove a socket on which nobody listens, as `ControlMaster=auto` does.
 */
export function clientArgs(
  ssh: SshOptions,
  {
    controlPath,
    config,
    mayTidy,
  }: { readonly controlPath: string; readonly config: string; readonly mayTidy: boolean },
): string[] {
  return [
    ...['-T', '-o', 'LogLevel=ERROR', '-o', 'PermitLocalCommand=no', ...withoutOddities(config)],
    ...[
      '-o',
      `ControlMaster=${mayTidy ? 'auto' : 'no'}`,
      '-o',
      `ControlPath=${controlPath}`,
      '-o',
      'ControlPersist=no',
    ],
    ...['-o', 'ProxyCommand=false', '-o', 'BatchMode=yes', '-o', 'ClearAllForwardings=yes'],
    ...userArgs(ssh),
  ];
}

/**
 * For ssh as a client of a connection of ours, for one command there. Its own config says nothing more here, so that a
 * `RemoteCommand` or `Match exec` in it neither gets in the way nor runs. Without LogLevel it ends with "Shared connection to …
 * closed." where there is a terminal. `isQuiet`: not even what goes wrong, where there is another way then.
 */
export function sessionArgs(
  way: RemoteReach,
  { isTerminal, isQuiet }: { readonly isTerminal: boolean; readonly isQuiet: boolean },
  command: string,
): string[] {
  const { forwardAgent, x11, sendEnv, escapeChar } = way.session;
  return [
    ...['-F', 'none', '-o', 'ControlMaster=no', '-o', `ControlPath=${way.controlPath}`],
    ...['-o', 'ProxyCommand=false', '-o', 'BatchMode=yes', '-o', `LogLevel=${isQuiet ? 'QUIET' : 'ERROR'}`],
    ...[forwardAgent ? '-A' : '-a', { no: '-x', untrusted: '-X', trusted: '-Y' }[x11]],
    ...sendEnv.flatMap((name) => ['-o', `SendEnv=${name}`]),
    ...['-e', escapeChar, isTerminal ? '-t' : '-T', '--', loginOf(way), command],
  ];
}

/** For asking the master of a connection of ours whether it is there. It does not ask the other side. */
export const checkArgs = (way: RemoteReach): string[] => [
  ...['-F', 'none', '-O', 'check', '-o', `ControlPath=${way.controlPath}`, '--', loginOf(way)],
];

/** For rsync's `-e`: rsync has no HOME (core/environment.ts), and ssh's config and what it starts may need one. */
export const commandForRsync = ({ file, env }: Program, args: readonly string[]): string[] => [
  '/usr/bin/env',
  `HOME=${env['HOME'] ?? ''}`,
  file,
  ...args,
];

/** For ssh as the user would call it, without anything of ours; `more`: options before the rest. */
export const plainArgs = (target: RemoteTarget, ssh: SshOptions, more: readonly string[]): string[] => [
  ...more,
  ...userArgs(ssh),
  loginOf(target),
];

/** Whom ssh was asked to reach, for messages. */
export const aimOf = (target: RemoteTarget, ssh: SshOptions): SshAim => ({
  login: loginOf(target),
  host: target.host,
  port: ssh.port,
  byHand: ['ssh', ...plainArgs(target, ssh, [])]
    .map((word) => (/^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' '),
});
