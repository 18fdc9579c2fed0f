import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { type Result, success } from '../core/failure.js';
import { realOf } from './places.js';
import type { Power, Row, View } from './row.js';
import type { SettingsFile } from './settings-file.js';
import { type ConsentFor, readSshConfig, type SshConfig } from './ssh-config.js';
import { namesOf, ROWS } from './table.js';

/** What a settings file needs the user's yes for. */
export interface Consent {
  /** What it can make happen, in words, a line each. */
  readonly words: readonly string[];
  /** The same in a few words, for one line: `it says where to and runs commands`. */
  readonly summary: string;
  /** SHA-256 of what it says, and of what that leads to: as long as it is the same, so is the yes. */
  readonly sum: string;
  /** The ssh config that it names, as it was read for this. */
  readonly sshConfig: SshConfig | undefined;
}

/** What a file needs the user's yes for; undefined where it can make nothing run, go anywhere or be deleted. */
export function consentFor(file: SettingsFile, who: ConsentFor): Result<Consent | undefined> {
  const sshConfig = readSshConfig(file.values['ssh-config'], who);
  if (!sshConfig.ok) return sshConfig;
  /** Where paths in it really lead: another link is another word. */
  const facts: string[] = [];
  const view: View = {
    dir: file.dir,
    targets: file.targets,
    folder: realOf(dirname(file.source)),
    sshConfig: sshConfig.value?.lines,
    real: (path) => {
      const real = realOf(path);
      facts.push(real);
      return real;
    },
  };
  const words: string[] = [];
  const powers = new Set<Power>();
  for (const key of namesOf(({ power }) => power !== 'none')) {
    const row: Row = ROWS[key];
    const value = file.values[key] ?? file.said[key];
    if (row.power === 'none' || value === undefined) continue;
    const told = row.tell(value, view);
    if (told.length > 0) powers.add(row.power);
    words.push(...told.map(withoutGaps));
  }
  if (words.length === 0) return success(undefined);
  const { to, targets, delete: deletes = 'seen' } = file.said;
  if (deletes === 'seen' && (to ?? targets) !== undefined) words.push('delete there what is deleted here');
  // The order of the settings says nothing; that of the patterns of a hook does.
  const said = Object.entries(file.said).sort(([a], [b]) => (a < b ? -1 : 1));
  const sum = createHash('sha256')
    .update(JSON.stringify([said, facts, sshConfig.value?.bytes.toString('latin1')]))
    .digest('hex');
  return success({ words, summary: inShort(powers), sum, sshConfig: sshConfig.value });
}

/** What is pushed out of sight by blanks can be missed, and what shows nothing at all. */
const withoutGaps = (text: string): string =>
  text
    .replace(/\p{Zs}{4,}/gu, (gap) => ` [${gap.length} blanks] `)
    .replace(/[\p{DI}\u2800]/gu, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);

function inShort(powers: ReadonlySet<Power>): string {
  const parts = [
    ...(powers.has('goes') || powers.has('outside') ? ['says what goes where'] : []),
    ...(powers.has('runs') ? ['makes programs run'] : []),
    ...(powers.has('deletes') ? ['says what is deleted there'] : []),
  ];
  const last = parts.pop() ?? '';
  return `it ${[parts.join(', '), last].filter((part) => part !== '').join(' and ')}`;
}
