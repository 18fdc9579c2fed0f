import type { Target } from './target.js';

/**
 * What a session over a connection takes along, as the user's ssh config has it for that host. Data only: nothing in it starts
 * anything.
 */
export interface Session {
  readonly forwardAgent: boolean;
  readonly x11: 'no' | 'untrusted' | 'trusted';
  /** Names of environment variables, with wildcards. */
  readonly sendEnv: readonly string[];
  /** The key that, at the beginning of a line on a terminal, is for ssh: a sign, `^` and a letter, or `none`. */
  readonly escapeChar: string;
}

/** The way into a target's directory; its path is as in the target. */
export type Reach =
  | { readonly kind: 'local'; readonly path: string }
  | RemoteReach
  /** The connection is gone at the moment. */
  | { readonly kind: 'none' };

export interface RemoteReach {
  readonly kind: 'remote';
  /** As ssh takes them; for people only: what is reached says the connection. */
  readonly host: string;
  readonly user?: string | undefined;
  readonly path: string;
  /** The socket of the connection. */
  readonly controlPath: string;
  readonly session: Session;
  /** Commands may be begun ahead of time, to wait there for a word: by a POSIX shell, where there is room for more sessions. */
  readonly waits?: boolean | undefined;
}

/** Whether it leads to this target's machine, as far as it says. */
export function leadsTo(reach: Reach, target: Target): boolean {
  switch (reach.kind) {
    case 'none':
      return true;
    case 'local':
      return target.kind === 'local';
    case 'remote':
      return target.kind === 'remote' && reach.host === target.host && reach.user === target.user;
  }
}

/** The socket that it goes by; undefined where it takes none. */
export const socketOf = (reach: Reach): string | undefined => ('controlPath' in reach ? reach.controlPath : undefined);

/** Names and wildcards, as ssh takes them for `SendEnv`. */
export const SENT_NAME = /^[\w*?]+$/;

export const ESCAPE_CHAR = /^(\^?[!-~]|none)$/;

/** What `ssh -G HOST` says of it. */
export function sessionFrom(config: string): Session {
  const values = (key: string): string[] =>
    [...config.matchAll(new RegExp(`^${key} (.+)$`, 'gm'))].map(([, value = '']) => value);
  const isSet = (key: string): boolean => values(key).some((value) => value !== 'no');
  return {
    forwardAgent: isSet('forwardagent'), // or where its socket is, which the connection knows
    x11: !isSet('forwardx11') ? 'no' : isSet('forwardx11trusted') ? 'trusted' : 'untrusted',
    sendEnv: values('sendenv').filter((name) => SENT_NAME.test(name)),
    escapeChar: values('escapechar').find((char) => ESCAPE_CHAR.test(char)) ?? '~',
  };
}
