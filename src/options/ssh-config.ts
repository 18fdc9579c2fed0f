import { devNull } from 'node:os';
import { join } from 'node:path';
import { type Failure, failed, type Result, success } from '../core/failure.js';
import { readChecked, SETTINGS_LIMIT, whyNotOurs } from '../read-checked.js';
import { isInside, realOf } from './places.js';

/** Whom a settings file is read for. */
export interface ConsentFor {
  readonly uid: number;
  readonly home: string;
  /** Whether the user has named the file, and so answers for whoever may write to what it names. */
  readonly isNamed: boolean;
}

/** An ssh config that a settings file names and that is not among the user's own: as it was read. */
export interface SshConfig {
  readonly path: string;
  readonly bytes: Buffer;
  /** What it says, without comments and empty lines. */
  readonly lines: readonly string[];
}

/**
 * The ssh config that a settings file names. It can start programs (`ProxyCommand`, `Match exec`, …), so it is part of what
 * is asked about. Undefined where there is none, and where it is in `~/.ssh` or `/etc/ssh`: those are the user's own.
 */
export function readSshConfig(value: unknown, { uid, home, isNamed }: ConsentFor): Result<SshConfig | undefined> {
  if (typeof value !== 'string') return success(undefined);
  const path = realOf(value);
  if (path === devNull) return success(undefined); // none at all
  if ([join(home, '.ssh'), '/etc/ssh'].some((own) => isInside(path, realOf(own)))) return success(undefined);
  const refuse = (why: string): { readonly ok: false; readonly failure: Failure } =>
    failed({
      kind: 'start',
      message: `the ssh config ${value}, which the settings name, ${why}`,
      hint: 'Put it into ~/.ssh, or go without these settings: --no-settings.',
    });
  const read = readChecked(value, { limit: SETTINGS_LIMIT });
  if (read.kind === 'missing') return success(undefined); // said where all options are checked
  if (read.kind !== 'read') return refuse(read.why);
  const why = isNamed ? undefined : whyNotOurs(read.stats, uid);
  if (why !== undefined) return refuse(why);
  const lines = read.bytes
    .toString('utf8')
    .split('\n')
    .map((line) => line.replaceAll('\t', ' ').trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const odd = lines.find((line) => /^"?include\b/i.test(line) && !INCLUDES_OWN.test(line));
  if (odd !== undefined) return refuse(`includes files that are not in ~/.ssh or /etc/ssh: ${odd}`);
  return success({ path, bytes: read.bytes, lines });
}

/**
 * Included are only files which ssh itself checks for their owner and rights and which no repository brings: what is relative
 * is in ~/.ssh (ssh_config(5), Include). One path a line, without quotes, variables and anything that leads upwards.
 */
const INCLUDES_OWN = /^include[\s=]+(?:~\/\.ssh\/|\/etc\/ssh\/)?(?!\.[.*?])[\w.*?@+-]+(?:\/(?!\.[.*?])[\w.*?@+-]+)*$/i;
