import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { EXIT, exitCodeOf, type Failure, failed, type Result, success } from '../core/failure.js';
import { joined, line, lines, own, type Printable } from '../core/printable.js';
import { shellWord } from '../core/shell-word.js';
import type { Io } from '../io.js';
import { type Consent, consentFor } from '../options/consent.js';
import { findSettings, readSettings, type SettingsFile } from '../options/settings-file.js';
import type { Words } from '../options/words.js';
import { complaint } from '../report/words.js';
import { Allowed } from '../state/allowed.js';
import { type Surroundings, stateFolder } from '../state/folders.js';
import { expandHome } from '../user-folders.js';

export interface AllowIo {
  readonly out: (text: Printable) => void;
  readonly err: (text: Printable) => void;
  readonly around: Surroundings;
  readonly confirm: Io['confirm'];
}

/** `syncwatch allow [FILE]` and `syncwatch allow --revoke [FILE]`. Gives the exit code. */
export async function allow({ flags }: Words, io: AllowIo): Promise<number> {
  const complain = (failure: Failure): number => {
    io.err(complaint(failure));
    return exitCodeOf(failure);
  };
  const [given = '.'] = flags._.map(String);
  const state = stateFolder(io.around);
  if (!state.ok) return complain(state.failure);
  const allowed = new Allowed(state.value, io.around.uid);
  const file = fileAt(given, io.around.uid);
  if (flags['revoke'] === true) {
    // It may be gone by now, or be no settings file any more.
    const path = file.ok ? file.value.source : pathOf(given).path;
    io.out(line(allowed.revoke(path) ? `${path} is not allowed any more` : `${path} was not allowed`));
    return EXIT.inSync;
  }
  if (!file.ok) return complain(file.failure);
  const { source } = file.value;
  const consent = consentFor(file.value, { ...io.around, isNamed: false });
  if (!consent.ok) return complain(consent.failure);
  if (consent.value === undefined) {
    io.out(line(`${source} needs no yes: nothing in it makes anything run, go anywhere or be deleted`));
    return EXIT.inSync;
  }
  io.out(inWords(source, consent.value));
  const problem = allowed.allow(source, consent.value.sum);
  if (problem !== undefined) return complain(problem);
  io.out(line('allowed, until it says something else'));
  return EXIT.inSync;
}

/** The settings that are meant: this file, or for a directory the nearest ones. */
function fileAt(given: string, uid: number): Result<SettingsFile> {
  const { path, isDirectory } = pathOf(given);
  if (!isDirectory) return readSettings(path, uid);
  const found = findSettings(path, uid);
  if (!found.ok) return found;
  if (found.value !== undefined) return success(found.value);
  return failed({
    kind: 'start',
    message: `there are no settings in ${path} or above`,
    hint: 'syncwatch init writes them.',
  });
}

/** Where a file is, as it is found from a directory: that without symlinks, its own name as it is. */
function pathOf(given: string): { path: string; isDirectory: boolean } {
  const path = resolve(expandHome(given));
  try {
    if (statSync(path).isDirectory()) return { path: realpathSync(path), isDirectory: true };
    return { path: join(realpathSync(dirname(path)), basename(path)), isDirectory: false };
  } catch {
    return { path, isDirectory: false };
  }
}

/**
 * Whether a settings file may be obeyed: it can make nothing happen, the user has named it or allowed it, or says yes now.
 * Gives it as it may be obeyed.
 */
export async function permit(file: SettingsFile, isNamed: boolean, io: AllowIo): Promise<Result<SettingsFile>> {
  const consent = consentFor(file, { ...io.around, isNamed });
  if (!consent.ok) return consent;
  if (consent.value === undefined) return success(file);
  const state = stateFolder(io.around);
  if (!state.ok) return state;
  const allowed = new Allowed(state.value, io.around.uid);
  const { sum, sshConfig } = consent.value;
  const before = isNamed ? sum : allowed.sumOf(file.source);
  if (before !== sum) {
    const refused = await ask(file.source, consent.value, before !== undefined, io);
    if (refused !== undefined) return failed(refused);
    const problem = allowed.allow(file.source, sum);
    if (problem !== undefined) io.err(complaint(problem)); // they are asked again the next time
  }
  if (sshConfig === undefined) return success(file);
  const kept = allowed.keepSshConfig(file.source, sshConfig.bytes, sshConfig.path);
  return kept.ok ? success({ ...file, values: { ...file.values, 'ssh-config': kept.value } }) : kept;
}

/** Asks where there is a terminal. Gives why it is not allowed. */
async function ask(
  path: string,
  consent: Consent,
  isChanged: boolean,
  { confirm, err }: AllowIo,
): Promise<Failure | undefined> {
  const why = isChanged ? 'says something else than when you allowed it' : 'is not allowed yet';
  if (confirm === undefined)
    return {
      kind: 'start',
      message: `${path} ${why}, and ${consent.summary}`,
      hint: `See and allow it: syncwatch allow ${shellWord(path)}. To go without it: --no-settings.`,
    };
  err(joined(line(`${path} ${why}.`), inWords(path, consent)));
  if (await confirm(own`Allow it?`)) return undefined;
  return {
    kind: 'start',
    message: `${path} was not allowed: nothing was done`,
    hint: `To allow it after all: syncwatch allow ${shellWord(path)}. To go without it: --no-settings.`,
  };
}

const inWords = (path: string, { words }: Consent): Printable =>
  lines([`What ${path} makes syncwatch do:`, ...words.map((text) => `  ${text}`)]);
