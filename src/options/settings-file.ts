import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Failure, failed, type Result, success } from '../core/failure.js';
import { isObject } from '../core/json.js';
import { parseTarget } from '../core/target.js';
import { isTextByText, type Layer, problemOf } from './layer.js';
import { closest, many, usage, type Values } from './parsed.js';
import { expandHome } from './places.js';
import { PATH_KEYS, SETTING_KEYS, TARGET_NAME } from './table.js';

/** The settings of a project, with all paths in them made absolute. */
export interface SettingsFile extends Layer {
  /** DIR, where the command line names none. */
  readonly dir: string;
  /** Named targets, as `--to` takes them. */
  readonly targets: ReadonlyMap<string, string>;
}

export const SETTINGS_FILE = 'syncwatch.json';

/** The key in package.json. */
const PACKAGE_KEY = 'syncwatch';

/**
 * The nearest settings in `from` or above: a syncwatch.json, or "syncwatch" in a package.json. Settings can run commands,
 * so those that belong to another user are refused, as git refuses such a repository. `uid`: who we are.
 */
export function findSettings(from: string, uid: number): Result<SettingsFile | undefined> {
  for (let folder = from; ; folder = dirname(folder)) {
    const own = readJson(join(folder, SETTINGS_FILE));
    const shared = readJson(join(folder, 'package.json'));
    if (!own.ok) return own;
    // A package.json that can't be read is npm's to complain about.
    const inPackage = shared.ok && isObject(shared.value) ? shared.value[PACKAGE_KEY] : undefined;
    if (own.value !== undefined && inPackage !== undefined)
      return failed(
        usage(`both ${SETTINGS_FILE} and package.json in ${folder} have settings`, 'Keep them in one of the two.'),
      );
    const [value, path] =
      inPackage === undefined ? [own.value, join(folder, SETTINGS_FILE)] : [inPackage, join(folder, 'package.json')];
    if (value !== undefined) {
      const owner = statSync(path, { throwIfNoEntry: false })?.uid ?? uid;
      return owner === uid || owner === 0 ? settingsIn(value, path) : failed(notOurs(path, owner));
    }
    if (folder === dirname(folder)) return success(undefined);
  }
}

/** The settings in this very file. */
export function readSettings(path: string): Result<SettingsFile> {
  const absolute = resolve(expandHome(path));
  const read = readJson(absolute);
  if (!read.ok) return read;
  if (read.value === undefined) return failed(usage(`--settings: there is no file ${path}`, 'Check the spelling.'));
  const isPackage = absolute.endsWith('/package.json') && isObject(read.value);
  return settingsIn(isPackage ? read.value[PACKAGE_KEY] : read.value, absolute);
}

const notOurs = (path: string, owner: number): Failure => ({
  kind: 'start',
  message: `${path} belongs to another user (uid ${owner}), and settings can run commands`,
  hint: `If you trust it: --settings ${path}. To go without it: --no-settings.`,
});

/** Undefined where there is no such file. */
function readJson(path: string): Result<unknown> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return success(undefined);
    return failed({ kind: 'start', message: `${path} can't be read (${String(code)})`, hint: 'Check its rights.' });
  }
  try {
    return success(JSON.parse(text) as unknown);
  } catch (error) {
    return failed(usage(`${path} is no valid JSON${whereIn(text, String(error))}`, 'Mind commas and quotes.'));
  }
}

/** The line that JSON.parse complains about, where it says. */
function whereIn(text: string, message: string): string {
  const position = /position (\d+)/.exec(message)?.[1];
  const before = text.slice(0, position === undefined ? text.length : Number(position));
  return `: ${message.replace(/^SyntaxError: | in JSON at position.*$/g, '')}, line ${before.split('\n').length}`;
}

function settingsIn(value: unknown, path: string): Result<SettingsFile> {
  const refuse = (what: string, hint = 'See "Settings" in the README.') => failed(usage(`${path}: ${what}`, hint));
  if (!isObject(value)) return refuse('the settings must be an object, { "to": "host:path" }');
  const { $schema: _schema, ...values } = value;
  for (const [key, each] of Object.entries(values)) {
    const problem = problemOf(key, each);
    if (problem === undefined) continue;
    const best = Object.hasOwn(SETTING_KEYS, key) ? undefined : closest(key, Object.keys(SETTING_KEYS));
    return refuse(`"${key}" ${problem}`, best === undefined ? undefined : `Did you mean "${best}"?`);
  }
  const folder = dirname(path);
  const at = (text: string): string => resolve(folder, expandHome(text));
  const targets = new Map<string, string>();
  for (const [name, text] of Object.entries(isTextByText(values['targets']) ? values['targets'] : {})) {
    if (!TARGET_NAME.test(name)) return refuse(`"targets": "${name}" can't be a name`, 'Letters, digits, . - and _.');
    const target = parseTarget(text);
    if (!target.ok) return refuse(`"targets": "${name}": ${target.failure.message}`, target.failure.hint);
    targets.set(name, target.value.kind === 'local' ? at(text) : text);
  }
  const paths = Object.fromEntries(
    PATH_KEYS.flatMap((key) => {
      const given = many(values[key] as Values);
      return given.length === 0 ? [] : [[key, key === 'ssh-config' ? at(given[0] ?? '') : given.map(at)]];
    }),
  );
  const to = many(values['to'] as Values).map((text) => {
    const target = targets.has(text) ? undefined : parseTarget(text);
    return target?.ok === true && target.value.kind === 'local' ? at(text) : text;
  });
  const dir = typeof values['dir'] === 'string' ? at(values['dir']) : folder;
  const { targets: _targets, dir: _dir, ...rest } = values;
  return success({
    source: path,
    values: { ...rest, ...paths, ...(to.length > 0 ? { to } : {}) },
    dir,
    targets,
  });
}
