import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { type Result, success } from '../core/failure.js';
import { isTextByText } from './layer.js';
import { many, type Values } from './parsed.js';
import { isInside, realOf } from './places.js';
import type { SettingsFile } from './settings-file.js';
import { type ConsentFor, readSshConfig, type SshConfig } from './ssh-config.js';
import { type Power, type PowerfulKey, SETTING_KEYS } from './table.js';

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
    file,
    folder: realOf(dirname(file.source)),
    sshConfig: sshConfig.value,
    real: (path) => {
      const real = realOf(path);
      facts.push(real);
      return real;
    },
  };
  const words: string[] = [];
  const powers = new Set<Power>();
  for (const [key, tell] of Object.entries(WORDS)) {
    const value = key === 'targets' || key === 'dir' ? file.said[key] : file.values[key];
    const told = value === undefined ? [] : tell(value, view);
    if (told.length > 0) powers.add(SETTING_KEYS[key]?.power ?? 'runs');
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

/** What there is to tell of a setting, besides its value. */
interface View {
  readonly file: SettingsFile;
  /** The folder that the file is in, symlinks resolved. */
  readonly folder: string;
  readonly sshConfig: SshConfig | undefined;
  /** Where a path really leads. */
  readonly real: (path: string) => string;
}

/** What a setting makes happen, a line each; none: nothing. */
type Tell = (value: unknown, view: View) => readonly string[];

/** A line for each of the values of a list. */
const each =
  (tell: (text: string, view: View) => string): Tell =>
  (value, view) =>
    many(value as Values).map((text) => tell(text, view));

const ifOn =
  (text: string): Tell =>
  (value) =>
    value === true ? [text] : [];

const hook =
  (where: string, when: string): Tell =>
  (value) =>
    Object.entries(isTextByText(value) ? value : { '': String(value) })
      .filter(([, command]) => command.trim() !== '')
      .map(
        ([pattern, command]) => `run ${where}, ${when}${pattern === '' ? '' : ` that ${pattern} matches`}: ${command}`,
      );

/** The place of a target; where it is on this machine, where it really is. */
const placeIn = (text: string, { real }: View): string => (isPath(text) ? real(text) : text);

/** Whether a target is a path here: those in a file are absolute by then. */
const isPath = (target: string): boolean => target.startsWith('/');

const leaving =
  (tell: (path: string) => string): Tell =>
  (value, { folder, real }) =>
    many(value as Values)
      .map(real)
      .filter((path) => path !== folder && !isInside(path, folder))
      .map(tell);

/** In plain words, by the keys; in the order in which they are told. */
const WORDS: Readonly<Record<PowerfulKey, Tell>> = {
  to: (value, view) =>
    many(value as Values).map((text) => {
      const named = view.file.targets.get(text);
      return named === undefined
        ? `send to ${placeIn(text, view)}`
        : `send to ${text}, which is ${placeIn(named, view)}`;
    }),
  targets: (_value, view) =>
    [...view.file.targets].map(([name, place]) => `send to ${placeIn(place, view)}, which it calls ${name}`),
  dir: (_value, view) =>
    leaving((path) => `send ${path}, which is not in the folder of the settings`)(view.file.dir, view),
  'exclude-from': leaving((path) => `read patterns from ${path}, which is not in the folder of the settings`),
  'on-upload': hook('here', 'after each path'),
  'on-sync': hook('here', 'each time all is there'),
  'on-sync-remote': hook('there', 'each time all is there'),
  delete: (value) => (value === 'mirror' ? ['delete there whatever is not here ("delete": "mirror")'] : []),
  'delete-excluded': ifOn('delete there what is left out here ("delete-excluded")'),
  'allow-empty': ifOn('delete everything there when DIR becomes empty ("allow-empty")'),
  trash: (value) => [`move what is overwritten or deleted there to the directory ${String(value)} there`],
  chmod: (value) => [`set the permissions there to ${String(value)}`],
  port: (value) => [`log in at port ${String(value)}`],
  identity: each((path, { real }) => `log in with the key ${real(path)}`),
  'ssh-config': (value, { sshConfig, real }) => [
    `let ssh do what ${real(String(value))} says${sshConfig === undefined ? '' : ':'}`,
    ...(sshConfig?.lines ?? []).map((text) => `  ${text}`),
  ],
  'ssh-option': each((text) => `give ssh the option ${text}`),
  'rsync-args': each((text) => `give rsync the option ${text}`),
};
