import type { Failure } from './failure.js';

/** What ssh was asked to reach. */
export interface SshAim {
  /** `user@host`, for people. */
  readonly login: string;
  readonly host: string;
  /** A port given with `-p`. */
  readonly port: number | undefined;
  /** The command with which people can try the same by hand. */
  readonly byHand: string;
}

/**
 * Why ssh could not log in or lost the connection, from what it wrote to stderr (`LC_ALL=C`; OpenSSH 9.2). Order
 * matters: the more telling line first.
 */
export function sshFailure(stderr: string, aim: SshAim): Failure {
  const { login, host, port, byHand } = aim;
  const at = port === undefined ? host : `${host} port ${port}`;
  const known = port === undefined ? host : `[${host}]:${port}`;
  const fail = (kind: Failure['kind'], message: string, hint: string): Failure => ({
    kind,
    message,
    hint,
    detail: stderr.trim(),
  });

  if (/REMOTE HOST IDENTIFICATION HAS CHANGED|host key for .* has changed/i.test(stderr)) {
    return fail(
      'login',
      `the host key of ${at} has changed: another machine may be answering in its place`,
      `Ask its keeper. If the change is right: ssh-keygen -R '${known}', then log in once with '${byHand}'.`,
    );
  }
  if (/Host key verification failed|No \S+ host key is known/i.test(stderr)) {
    return fail(
      'login',
      `the host key of ${at} is not known here`,
      `Log in once by hand, check the key and accept it: ${byHand}`,
    );
  }
  if (/Permission denied \(|Too many authentication failures|No more authentication methods/i.test(stderr)) {
    const methods = /Permission denied \(([^)]*)\)/.exec(stderr)?.[1];
    return fail(
      'login',
      `the login to ${at}${login === host ? '' : ` as ${login.slice(0, -host.length - 1)}`} was refused${methods === undefined ? '' : ` (it takes ${methods})`}`,
      `Check user and key with '${byHand}'; name another key with -i, or load it into ssh-agent.`,
    );
  }
  if (/Could not resolve hostname/i.test(stderr)) {
    return fail(
      'connection',
      `no such host: ${host}`,
      'Check the spelling, the network, and Host entries in ~/.ssh/config.',
    );
  }
  if (/Connection refused/i.test(stderr)) {
    return fail('connection', `${at} refused the connection`, 'Is sshd running there, and is the port right (-p)?');
  }
  if (/timed out|No route to host|Network is unreachable|Host is down/i.test(stderr)) {
    return fail('connection', `${at} can't be reached`, `Check the network or VPN; try '${byHand}'.`);
  }
  if (
    /Bad configuration option|Bad port|line \d+:|command-line: line|Can't open user config file|not accessible/i.test(
      stderr,
    )
  ) {
    return fail('start', `ssh refused its options: ${lastLine(stderr)}`, 'Check -p, -i, -F and -o, and ~/.ssh/config.');
  }
  const last = lastLine(stderr);
  return fail(
    'connection',
    `the connection to ${at} failed${last === '' ? '' : `: ${last}`}`,
    `Try '${byHand}' to see more.`,
  );
}

const lastLine = (text: string): string =>
  text
    .trim()
    .split(/[\r\n]+/)
    .at(-1) ?? '';
