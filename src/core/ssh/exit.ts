import type { Failure } from '../failure.js';
import { looseTextOf, type Name } from '../name.js';

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

interface Explanation {
  /** What ssh logs (`LC_ALL=C`; OpenSSH 9.2), from the beginning of a line: what comes later in it may be the server's. */
  readonly pattern: RegExp;
  readonly kind: Failure['kind'];
  readonly message: (aim: SshAim, log: string) => string;
  readonly hint: (aim: SshAim, log: string) => string;
}

const at = ({ host, port }: SshAim): string => (port === undefined ? host : `${host} port ${port}`);

/** The more telling first: a changed host key is followed by the lines of an unknown one. */
const EXPLANATIONS: readonly Explanation[] = [
  {
    pattern: /^@+ +WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! +@+\s*$|^Host key for \S+ has changed and /m,
    kind: 'hostKey',
    message: (aim) => `the host key of ${at(aim)} has changed: another machine may be answering in its place`,
    hint: ({ host, port, byHand }) =>
      `Ask its keeper. If the change is right: ssh-keygen -R '${port === undefined ? host : `[${host}]:${port}`}', then log in once with '${byHand}'.`,
  },
  {
    pattern: /^Host key verification failed\.|^No \S+ host key is known for /m,
    kind: 'hostKey',
    message: (aim) => `the host key of ${at(aim)} is not known here`,
    hint: ({ byHand }) => `Log in once by hand, check the key and accept it: ${byHand}`,
  },
  {
    pattern:
      /^\S+: Permission denied \(|^Received disconnect from \S+ port \d+:2: Too many authentication failures|^\S*No more authentication methods/m,
    kind: 'login',
    message: (aim, log) => {
      const user = aim.login === aim.host ? '' : ` as ${aim.login.slice(0, -aim.host.length - 1)}`;
      const methods = /^\S+: Permission denied \(([^)]*)\)/m.exec(log)?.[1];
      return `the login to ${at(aim)}${user} was refused${methods === undefined ? '' : ` (it takes ${methods})`}`;
    },
    hint: ({ byHand }, log) =>
      `Check user and key with '${byHand}'; name another key with -i, or load it into ssh-agent.${
        /password|keyboard-interactive/.test(log) ? ' Without a terminal nobody can be asked for a password.' : ''
      }`,
  },
  {
    pattern: /^ssh: Could not resolve hostname /m,
    kind: 'connection',
    message: ({ host }) => `no such host: ${host}`,
    hint: () => 'Check the spelling, the network, and Host entries in ~/.ssh/config.',
  },
  {
    pattern: /^ssh: connect to host .* port \d+: Connection refused/m,
    kind: 'connection',
    message: (aim) => `${at(aim)} refused the connection`,
    hint: () => 'Is sshd running there, and is the port right (-p)?',
  },
  {
    pattern:
      /^ssh: connect to host .* port \d+: (.*timed out|No route to host|Network is unreachable|Host is down)|^(Connection|Timeout).* (timed out|not responding)/m,
    kind: 'connection',
    message: (aim) => `${at(aim)} can't be reached`,
    hint: ({ byHand }) => `Check the network or VPN; try '${byHand}'.`,
  },
];

const explanationOf = (log: string): Explanation | undefined => EXPLANATIONS.find(({ pattern }) => pattern.test(log));

/**
 * Why ssh could not log in. `log`: its own, and nobody else's. `others`: what came on its stderr, where banners, a
 * ProxyCommand and the like speak too: only repeated, where the log explains nothing.
 */
export function sshFailure(loggedBytes: string, othersBytes: string, aim: SshAim): Failure {
  const log = looseTextOf(loggedBytes as Name);
  const others = looseTextOf(othersBytes as Name);
  const detail = `${log}${others}`.trim();
  const explained = explanationOf(log);
  if (explained !== undefined) {
    const { kind, message, hint } = explained;
    return { kind, message: message(aim, log), hint: hint(aim, log), detail };
  }
  const reasons = [lastLine(others), lastLine(log)].filter((line) => line !== '');
  const reason = reasons.length === 0 ? '' : `: ${reasons.join('; ')}`;
  return {
    kind: 'connection',
    message: `the connection to ${at(aim)} failed${reason}`,
    hint: `Try '${aim.byHand}' to see more.`,
    detail,
  };
}

/** A connection that was there is gone: whatever ssh says, it was neither the login nor the host's key. */
export const lostFailure = (log: string, others: string, aim: SshAim): Failure => ({
  ...sshFailure(log, others, aim),
  kind: 'connection',
});

/** `ssh -G` does not get through its options and config, which it reads before all else. `said`: what it then says. */
export function refusedOptions(said: string): Failure {
  const detail = said.trim();
  const nameless = /^No user exists for uid (\d+)/m.exec(said)?.[1];
  if (nameless !== undefined)
    return {
      kind: 'start',
      message: `ssh does not run for uid ${nameless}, which has no name here`,
      hint: 'Run as a user that is in /etc/passwd, or add this one to it; a local target needs no ssh.',
      detail,
    };
  return {
    kind: 'start',
    message: `ssh refused its options: ${lastLine(looseTextOf(said as Name))}`,
    hint: 'Check -p, -i, -F and -o, and ~/.ssh/config.',
    detail,
  };
}

/** Whether a line that ssh wrote while logging in will come back as a failure of ours; else it is for the user. */
export const isExplained = (line: string): boolean => explanationOf(line) !== undefined;

/**
 * A run lost its connection. `reason`: what came on rsync's stderr, where ssh, the remote shell and rsync all speak, so it
 * is only repeated; why the connection went is for the master's own stderr to say ({@link sshFailure}).
 */
export const connectionFailure = (reason: string, code: number, aim: SshAim): Failure => ({
  kind: 'connection',
  message: `the connection to ${at(aim)} failed${reason === '' ? ` (rsync's exit code ${code})` : `: ${reason}`}`,
  hint: `Try '${aim.byHand}' to see more.`,
});

const lastLine = (text: string): string =>
  text
    .trim()
    .split(/[\r\n]+/)
    .at(-1)
    ?.replace(/\.$/, '') ?? '';
