import type { Failure } from './failure.js';
import { looseTextOf, type Name } from './name.js';

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
  /** What ssh writes to stderr (`LC_ALL=C`; OpenSSH 9.2). */
  readonly pattern: RegExp;
  readonly kind: Failure['kind'];
  readonly message: (aim: SshAim, stderr: string) => string;
  readonly hint: (aim: SshAim, stderr: string) => string;
}

const at = ({ host, port }: SshAim): string => (port === undefined ? host : `${host} port ${port}`);

/** The more telling first: a changed host key is followed by the lines of an unknown one. */
const EXPLANATIONS: readonly Explanation[] = [
  {
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED|host key for .* has changed/i,
    kind: 'hostKey',
    message: (aim) => `the host key of ${at(aim)} has changed: another machine may be answering in its place`,
    hint: ({ host, port, byHand }) =>
      `Ask its keeper. If the change is right: ssh-keygen -R '${port === undefined ? host : `[${host}]:${port}`}', then log in once with '${byHand}'.`,
  },
  {
    pattern: /Host key verification failed|No \S+ host key is known/i,
    kind: 'hostKey',
    message: (aim) => `the host key of ${at(aim)} is not known here`,
    hint: ({ byHand }) => `Log in once by hand, check the key and accept it: ${byHand}`,
  },
  {
    pattern: /Permission denied[ ,]|Too many authentication failures|No more authentication methods/i,
    kind: 'login',
    message: (aim, stderr) => {
      const user = aim.login === aim.host ? '' : ` as ${aim.login.slice(0, -aim.host.length - 1)}`;
      const methods = /Permission denied \(([^)]*)\)/.exec(stderr)?.[1];
      return `the login to ${at(aim)}${user} was refused${methods === undefined ? '' : ` (it takes ${methods})`}`;
    },
    hint: ({ byHand }, stderr) =>
      `Check user and key with '${byHand}'; name another key with -i, or load it into ssh-agent.${
        /password|keyboard-interactive/.test(stderr) ? ' Without a terminal nobody can be asked for a password.' : ''
      }`,
  },
  {
    pattern: /Could not resolve hostname/i,
    kind: 'connection',
    message: ({ host }) => `no such host: ${host}`,
    hint: () => 'Check the spelling, the network, and Host entries in ~/.ssh/config.',
  },
  {
    pattern: /Connection refused/i,
    kind: 'connection',
    message: (aim) => `${at(aim)} refused the connection`,
    hint: () => 'Is sshd running there, and is the port right (-p)?',
  },
  {
    pattern: /timed out|No route to host|Network is unreachable|Host is down/i,
    kind: 'connection',
    message: (aim) => `${at(aim)} can't be reached`,
    hint: ({ byHand }) => `Check the network or VPN; try '${byHand}'.`,
  },
  {
    pattern:
      /Bad configuration option|Bad port|line \d+:|command-line: line|Can't open user config file|not accessible/i,
    kind: 'start',
    message: (_aim, stderr) => `ssh refused its options: ${lastLine(stderr)}`,
    hint: () => 'Check -p, -i, -F and -o, and ~/.ssh/config.',
  },
];

const UNEXPLAINED: Omit<Explanation, 'pattern'> = {
  kind: 'connection',
  message: (aim, stderr) => {
    const last = lastLine(stderr);
    return `the connection to ${at(aim)} failed${last === '' ? '' : `: ${last}`}`;
  },
  hint: ({ byHand }) => `Try '${byHand}' to see more.`,
};

const explanationOf = (stderr: string): Omit<Explanation, 'pattern'> =>
  EXPLANATIONS.find(({ pattern }) => pattern.test(stderr)) ?? UNEXPLAINED;

/** Why ssh could not log in or lost the connection, from what it wrote to stderr, one character per byte. */
export function sshFailure(bytes: string, aim: SshAim): Failure {
  const stderr = looseTextOf(bytes as Name);
  const { kind, message, hint } = explanationOf(stderr);
  return { kind, message: message(aim, stderr), hint: hint(aim, stderr), detail: stderr.trim() };
}

/** Whether a line that ssh wrote while logging in will come back as a failure of ours; else it is for the user. */
export const isExplained = (line: string): boolean => explanationOf(line) !== UNEXPLAINED;

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
