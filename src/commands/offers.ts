import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { askFound, everyRunning, isUsable } from '../control/client.js';
import { EXIT } from '../core/failure.js';
import type { Printable } from '../core/printable.js';
import type { RemoteReach } from '../core/reach.js';
import { parseTarget, type RemoteTarget } from '../core/target.js';
import { directoriesThere, wayOfUser } from '../link/peek.js';
import { findSettings } from '../options/settings-file.js';
import { readSshFiles } from '../options/ssh-files.js';
import { findPrograms, type LookUp } from '../programs.js';
import { runtimeFolders, type Surroundings } from '../state/folders.js';
import { expandHome } from '../user-folders.js';
import { complete, type LookFor, written } from './complete.js';
import { unquoted } from './unquoted.js';

export interface OffersIo {
  readonly out: (text: Printable) => void;
  readonly around: Surroundings;
  readonly lookUp: LookUp;
}

/** How long a syncwatch that runs may take to say which connection it has, in milliseconds: somebody waits at a key. */
const ANSWER_MS = 1_000;

/**
 * Says what a shell may offer for the last of these words; before them stands the shell's name. Nothing is logged in to, nothing is
 * written, and nothing read but settings, ssh's own files and the sockets of connections that are open already.
 */
export async function offers([shell, ...words]: readonly string[], io: OffersIo): Promise<number> {
  // As they stand on the command line, where the shell does not take them out of their quotes.
  const plain = words.map((word, i) =>
    shell === 'bash' || (shell === 'fish' && i === words.length - 1) ? unquoted(word) : word,
  );
  io.out(written(await complete(plain, lookFor(io))));
  return EXIT.inSync;
}

function lookFor({ around, lookUp }: OffersIo): LookFor {
  const filesOf = (sshConfig: string | undefined) =>
    readSshFiles(around.home, sshConfig === undefined ? undefined : resolve(expandHome(sshConfig)));
  return {
    targetNames: () => {
      const found = findSettings(realpathSync('.'), around.uid);
      return found.ok ? [...(found.value?.targets.keys() ?? [])] : [];
    },
    hosts: (sshConfig) => filesOf(sshConfig).hosts,
    directoriesThere: async (to, sshConfig) => {
      const [, place = '', folder = ''] = /^([^/]*?:)(.*\/)?[^/]*$/s.exec(to) ?? [];
      // An empty path is the login directory.
      const target = parseTarget(`${place}${folder === '' ? '.' : folder}x`);
      if (!target.ok || target.value.kind !== 'remote') return [];
      const programs = findPrograms(lookUp, realpathSync('.'));
      const way =
        (await wayOfOurs(target.value, around)) ??
        (await wayOfUser({
          programs,
          target: target.value,
          ssh: { port: undefined, identities: [], configFile: sshConfig, options: [], ownMaster: false },
          ...around,
          controlPaths: filesOf(sshConfig).controlPaths,
        }));
      const names = way === undefined ? [] : await directoriesThere(way, folder === '' ? '.' : folder, programs);
      const isHidden = to.slice(place.length + folder.length).startsWith('.');
      return names.filter((name) => isHidden || !name.startsWith('.')).map((name) => `${place}${folder}${name}`);
    },
  };
}

/** The connection of a syncwatch that runs, to the same login. */
async function wayOfOurs(target: RemoteTarget, around: Surroundings): Promise<RemoteReach | undefined> {
  for (const found of await everyRunning(runtimeFolders(around), around.uid)) {
    const its = parseTarget(found.place);
    const isSame =
      its.ok && its.value.kind === 'remote' && its.value.host === target.host && its.value.user === target.user;
    const asked = isSame ? await askFound(found, { ask: 'reach' }, ANSWER_MS) : undefined;
    if (asked?.kind !== 'answered' || asked.answer.answer !== 'reach') continue;
    const { reach } = asked.answer;
    if (reach.kind === 'remote' && isUsable(found, reach, around.uid)) return reach;
  }
  return undefined;
}
