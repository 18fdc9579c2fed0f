import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Failure, Result } from '../core/failure.js';
import { PACKAGE, SETTINGS_FILE, type SettingsFile } from './settings-file.js';

/** Where settings are looked for, and what is found there. */
export interface SettingsPlace {
  /** The files that they may be in. */
  readonly paths: readonly string[];
  readonly read: () => Result<SettingsFile | undefined>;
}

/** All files that may be the nearest settings of this directory. */
export function pathsFrom(from: string): string[] {
  const paths: string[] = [];
  for (let folder = from; ; folder = dirname(folder)) {
    paths.push(join(folder, SETTINGS_FILE), join(folder, PACKAGE));
    if (folder === dirname(folder)) return paths;
  }
}

/** What has become of settings. `failure`: why they can't be obeyed as they are. */
export interface Edited {
  readonly source: string;
  readonly failure: Failure | undefined;
}

/** Sees that the settings say something else than those that are obeyed; tells it once of each. */
export class SettingsWatch {
  readonly #place: SettingsPlace;
  readonly #obeyed: string;
  readonly #source: string | undefined;
  #stamps: string;
  /** What was told of, or is obeyed. */
  #known: string;
  /** It could not be read at the last look: it may just be being written. */
  #problem: string | undefined;

  constructor(place: SettingsPlace, obeyed: SettingsFile | undefined) {
    this.#place = place;
    this.#source = obeyed?.source;
    this.#obeyed = saidBy(obeyed);
    this.#known = this.#obeyed;
    this.#stamps = '';
  }

  /** To be called every so often. */
  look(): Edited | undefined {
    const stamps = this.#place.paths.map(stampOf).join();
    if (stamps === this.#stamps && this.#problem === undefined) return undefined;
    this.#stamps = stamps;
    const read = this.#place.read();
    if (!read.ok) return this.#unreadable(read.failure);
    this.#problem = undefined;
    const said = saidBy(read.value);
    if (said === this.#known) return undefined;
    this.#known = said;
    const source = read.value?.source ?? this.#source;
    return said === this.#obeyed || source === undefined ? undefined : { source, failure: undefined };
  }

  #unreadable(failure: Failure): Edited | undefined {
    const isSame = this.#problem === failure.message;
    this.#problem = failure.message;
    if (!isSame || this.#known === failure.message) return undefined;
    this.#known = failure.message;
    return { source: this.#source ?? SETTINGS_FILE, failure };
  }
}

/** Whose word it is, and what it says. */
const saidBy = (file: SettingsFile | undefined): string =>
  file === undefined ? '' : JSON.stringify([file.source, file.said]);

function stampOf(path: string): string {
  try {
    const stats = statSync(path, { throwIfNoEntry: false }); // most are not there, and an error takes its time
    return stats === undefined ? '' : `${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}`;
  } catch {
    return '';
  }
}
