import type { Stats } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type Failure, failed, type Result, success } from '../core/failure.js';
import { isObject } from '../core/json.js';
import { parseTarget, withPathHere } from '../core/target.js';
import { readChecked, SETTINGS_LIMIT, whyNotOurs } from '../read-checked.js';
import { expandHome } from '../user-folders.js';
import { closest } from './closest.js';
import { type ReadJsonc, readJsonc } from './jsonc.js';
import { isTextByText } from './kinds.js';
import { type Layer, problemOf } from './layer.js';
import { many, usage, type Values } from './parsed.js';
import { TARGET_NAME } from './places.js';
import { isSetting, namesOf, rowOf, settingKind } from './table.js';

/** The settings of a project, with all paths in them made absolute. */
export interface SettingsFile extends Layer {
  /** DIR, where the command line names none. */
  readonly dir: string;
  /** Named targets, as `--to` takes them. */
  readonly targets: ReadonlyMap<string, string>;
  /** What it says, as it says it. */
  readonly said: Readonly<Record<string, unknown>>;
}

export const SETTINGS_FILE = 'syncwatch.json';

/** Where they may be too, and under which key. */
export const PACKAGE = 'package.json';
const PACKAGE_KEY = 'syncwatch';
/** In a package.json that can't be read: no dependency is like that. Without what it leaves out, too much would be sent. */
const LIKE_SETTINGS = /"syncwatch"\s*:\s*\{/;

/**
 * The nearest settings in `from` or above: a syncwatch.json, or "syncwatch" in a package.json. They are somebody's word
 * for what is to be run, so they have to be the user's own, or root's, and nobody else's to write. `uid`: who we are.
 */
export function findSettings(from: string, uid: number): Result<SettingsFile | undefined> {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = settingsAt(folder, uid);
    if (!found.ok || found.value !== undefined || folder === dirname(folder)) return found;
  }
}

/** The settings in this directory itself. */
export function settingsAt(folder: string, uid: number): Result<SettingsFile | undefined> {
  const own = readJson(join(folder, SETTINGS_FILE));
  if (own.kind === 'failed') return failed(own.failure);
  const shared = readJson(join(folder, PACKAGE));
  // One that may not be read, or is no JSON, is npm's to complain about.
  if (shared.kind === 'failed' && !shared.isNpms) return failed(shared.failure);
  const inPackage = shared.kind === 'json' && isObject(shared.value) ? shared.value[PACKAGE_KEY] : undefined;
  if (own.kind === 'json' && inPackage !== undefined)
    return failed(
      usage(`both ${SETTINGS_FILE} and package.json in ${folder} have settings`, 'Keep them in one of the two.'),
    );
  const found = own.kind === 'json' ? own : shared.kind === 'json' && inPackage !== undefined ? shared : undefined;
  if (found === undefined) return success(undefined);
  const why = whyNotOurs(found.stats, uid);
  return why === undefined
    ? settingsIn(inPackage ?? found.value, found.path, inPackage === undefined ? found.json : inside(found.json))
    : failed(notOurs(found.path, why, found.stats.uid === uid));
}

/** The settings in this very file. `uid`: who we are; undefined: whoever may write to it, as the user has named it. */
export function readSettings(path: string, uid: number | undefined): Result<SettingsFile> {
  const read = readJson(path);
  if (read.kind === 'failed') return failed(read.failure);
  if (read.kind === 'none') return failed(usage(`there is no file ${path}`, 'Check the spelling.'));
  const why = uid === undefined ? undefined : whyNotOurs(read.stats, uid);
  if (why !== undefined) return failed(notOurs(path, why, read.stats.uid === uid));
  const isPackage = basename(path) === PACKAGE && isObject(read.value);
  return settingsIn(isPackage ? read.value[PACKAGE_KEY] : read.value, path, isPackage ? inside(read.json) : read.json);
}

/** What is said of the settings in a package.json. What is there twice elsewhere in it is npm's. */
const inside = ({ placeOf }: GoodJson): Pick<GoodJson, 'placeOf' | 'twice'> => ({
  placeOf: (...keys) => placeOf(PACKAGE_KEY, ...keys),
  twice: undefined,
});

const notOurs = (path: string, why: string, isOurs: boolean): Failure => ({
  kind: 'start',
  message: `${path} ${why}, and settings can run commands`,
  hint: `${isOurs ? `Take that right away: chmod go-w ${path}` : `If you trust it: --settings ${path}`}. To go without it: --no-settings.`,
});

type GoodJson = Extract<ReadJsonc, { ok: true }>;

/** What a file holds, with what the descriptor says of it. */
type Json =
  | {
      readonly kind: 'json';
      readonly path: string;
      readonly value: unknown;
      readonly json: GoodJson;
      readonly stats: Stats;
    }
  | { readonly kind: 'none' }
  /** `isNpms`: what is wrong with it is no sign of anything but a broken package.json. */
  | { readonly kind: 'failed'; readonly failure: Failure; readonly isNpms: boolean };

function readJson(path: string): Json {
  const read = readChecked(path, { limit: SETTINGS_LIMIT });
  switch (read.kind) {
    case 'missing':
      return { kind: 'none' };
    case 'unreadable':
      return {
        kind: 'failed',
        failure: { kind: 'start', message: `${path} ${read.why}`, hint: 'Check its rights.' },
        isNpms: true,
      };
    case 'refused':
      return {
        kind: 'failed',
        failure: {
          kind: 'start',
          message: `${path} ${read.why}, so it can't be read for settings`,
          hint: 'Remove it, or go without settings: --no-settings.',
        },
        isNpms: false,
      };
    case 'read':
      break;
  }
  const text = read.bytes.toString('utf8');
  const json = readJsonc(text, basename(path) === PACKAGE);
  if (!json.ok)
    return {
      kind: 'failed',
      failure: usage(`${path} ${json.why}`, 'Mind commas and quotes.'),
      isNpms: !LIKE_SETTINGS.test(text),
    };
  return { kind: 'json', path, value: json.value, json, stats: read.stats };
}

/** The settings that a file at `path` with this in it would be. */
export function settingsIn(
  value: unknown,
  path: string,
  json?: Pick<GoodJson, 'placeOf' | 'twice'>,
): Result<SettingsFile> {
  const refuse = (what: string, hint = 'See "Settings" in docs/manual.md.') => failed(usage(`${path}: ${what}`, hint));
  const at = (...keys: readonly string[]): string => {
    const place = json?.placeOf(...keys);
    return place === undefined ? '' : `${place}: `;
  };
  if (json?.twice !== undefined)
    return refuse(`${json.twice.place}: "${json.twice.key}" is there twice`, 'Keep one of the two.');
  if (!isObject(value)) return refuse('the settings must be an object, { "to": "host:path" }');
  const { $schema: _schema, ...values } = value;
  for (const [key, each] of Object.entries(values)) {
    const problem = problemOf(key, each);
    if (problem === undefined) continue;
    const best = settingKind(key) === undefined ? closest(key, namesOf(isSetting)) : undefined;
    return refuse(`${at(key)}"${key}" ${problem}`, best === undefined ? undefined : `Did you mean "${best}"?`);
  }
  const folder = dirname(path);
  const from = (text: string): string => resolve(folder, expandHome(text));
  const targets = new Map<string, string>();
  for (const [name, text] of Object.entries(isTextByText(values['targets']) ? values['targets'] : {})) {
    if (!TARGET_NAME.test(name))
      return refuse(`${at('targets', name)}"targets": "${name}" can't be a name`, 'Letters, digits, . - and _.');
    const target = parseTarget(text);
    if (!target.ok)
      return refuse(`${at('targets', name)}"targets": "${name}": ${target.failure.message}`, target.failure.hint);
    targets.set(name, withPathHere(text, from));
  }
  const absolute = Object.fromEntries(
    Object.entries(values).map(([key, each]) => [key, withPaths(key, each, from, (text) => targets.has(text))]),
  );
  const { targets: _targets, dir = folder, ...rest } = absolute;
  return success({
    source: path,
    values: rest,
    dir: String(dir),
    targets,
    said: values,
  });
}

/** A value with the paths in it as `at` makes them. `isName`: of a target. */
export function withPaths(
  key: string,
  value: unknown,
  at: (path: string) => string,
  isName: (text: string) => boolean = () => false,
): unknown {
  const kind = rowOf(key)?.value;
  if ((kind?.kind !== 'text' && kind?.kind !== 'texts') || kind.path === undefined) return value;
  const isAlways = kind.path === 'always';
  const made = many(value as Values).map((text) =>
    isAlways ? at(text) : isName(text) ? text : withPathHere(text, at),
  );
  return kind.kind === 'text' ? made[0] : made;
}
