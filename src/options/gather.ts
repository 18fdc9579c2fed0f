import { resolve } from 'node:path';
import { failed, type Result, success } from '../core/failure.js';
import { expandHome } from '../user-folders.js';
import { pathsFrom, type SettingsPlace, SettingsWatch } from './edited.js';
import { environmentLayer } from './environment.js';
import { type Given, join, type Layer } from './layer.js';
import { many, type Parsed, usage, type Values } from './parsed.js';
import { type Place, realOf, rootFrom } from './places.js';
import { findSettings, readSettings, type SettingsFile } from './settings-file.js';
import type { Words } from './words.js';

/** What the options depend on beside the command line. */
export interface Around {
  /** Options of a program's (`syncwatch()`), which count in the place of the environment. */
  readonly options?: Layer;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  readonly permit: Permit;
  /** Tells of what is not used. */
  readonly warn: (text: string) => void;
}

/**
 * Whether a settings file may be obeyed, asking the user where that has to be. `isNamed`: they have named it with
 * `--settings`, which is a yes. Gives it as it may be obeyed.
 */
export type Permit = (file: SettingsFile, isNamed: boolean) => Promise<Result<SettingsFile>>;

/** DIR, and everything that was given about it. */
export interface Gathered extends Given, Place {
  /** Named targets, as `--to` takes them. */
  readonly targets: ReadonlyMap<string, string>;
  /** Sees what becomes of the settings. */
  readonly edits: SettingsWatch;
}

/**
 * Joins command line, environment and settings file. The file is looked for from DIR on; without a DIR it says what that is.
 * Before anything of it is obeyed the user is asked, but for `--why`, which only reads patterns.
 */
export async function gather(words: Words, around: Around): Promise<Result<Gathered>> {
  const { flags } = words;
  const positional = flags._.map(String);
  const named = rootFrom(positional);
  if (!named.ok) return named;
  const settings = settingsPlace(flags, named.value.root, around.uid);
  const found = settings.read();
  if (!found.ok) return found;
  const environment =
    around.options === undefined ? environmentLayer(around.env, around.warn) : success(around.options);
  if (!environment.ok) return environment;
  const file = found.value;
  const place = positional.length > 0 || file === undefined ? named : rootFrom([file.dir]);
  if (!place.ok) return place;
  const isFilesTarget =
    many(flags['to'] as Values).length === 0 &&
    environment.value.values['to'] === undefined &&
    flags['why'] === undefined;
  if (file !== undefined && isFilesTarget && realOf(file.dir) !== place.value.root)
    return failed(
      usage(
        `${file.source} is about ${file.dir}, not about ${place.value.dir}: its target would get other files`,
        'Run syncwatch without DIR, or give --to as well.',
      ),
    );
  const isObeyed = file !== undefined && flags['why'] === undefined;
  const permitted = isObeyed ? await around.permit(file, typeof flags['settings'] === 'string') : success(file);
  if (!permitted.ok) return permitted;
  const layers = [environment.value, ...(permitted.value === undefined ? [] : [permitted.value])];
  const edits = new SettingsWatch(settings, file);
  return success({ ...join(words, layers), ...place.value, targets: file?.targets ?? new Map(), edits });
}

function settingsPlace(flags: Parsed, root: string, uid: number): SettingsPlace {
  const { settings } = flags;
  if (settings === false) return { paths: [], read: () => success(undefined) };
  if (typeof settings !== 'string') return { paths: pathsFrom(root), read: () => findSettings(root, uid) };
  const path = resolve(expandHome(settings));
  return { paths: [path], read: () => readSettings(path, undefined) };
}
