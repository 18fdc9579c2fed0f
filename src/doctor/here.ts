import type { Program } from '../core/environment.js';
import type { Report } from '../core/event.js';
import type { Filter } from '../core/filter/filter.js';
import { type Name, ROOT, textOf } from '../core/name.js';
import type { Extra } from '../core/rsync/extras.js';
import type { RsyncHere } from '../core/rsync/version.js';
import { tooFewDescriptors } from '../descriptors.js';
import type { UsersGit } from '../git/git.js';
import { type NoProgram, noSsh, type Programs } from '../programs.js';
import { bytesInWords, count } from '../report/words.js';
import { probeHere } from '../rsync/probe.js';
import { RuleFiles } from '../rules/rule-files.js';
import { countsInWords } from '../rules/words.js';
import { Disk } from '../scan/disk.js';
import { silentParts } from '../scan/mount-table.js';
import { silentInWords } from '../scan/silent-words.js';
import { takeSnapshot } from '../scan/snapshot.js';
import type { Settings } from '../settings.js';
import { say } from '../spawn.js';
import { runtimeFolder, type Surroundings, takenFolders } from '../state/folders.js';
import { TOO_LONG } from '../sync/long-paths.js';
import { lookAtPath, lookAtPopt } from './environment.js';
import { error, type Finding, ok, warning } from './finding.js';
import { judgeWatches, watchLimits } from './inotify.js';

/** What there is to sync. */
export interface Tree {
  readonly directories: number;
  readonly files: number;
  readonly bytes: number;
}

/** What was found here and is needed for the looks at targets; not defined where that is wrong. */
export interface Here {
  readonly rsync: RsyncHere | undefined;
  readonly tree: Tree;
  /** Where sockets are. */
  readonly runtime: string | undefined;
}

/** DIR, and what is left out of it. */
type Dir = Settings & { readonly filter: Filter };

/** Looks at this machine and at DIR; `tell` gets what was found as soon as it is. */
export async function lookHere(
  settings: Dir,
  { programs, around }: { readonly programs: Programs; readonly around: Surroundings },
  tell: (findings: readonly Finding[]) => void,
): Promise<Here> {
  const { here: rsync, findings } = await programsHere(programs, settings.rsync.extras);
  tell([...findings, ...lookAtPath(programs.unusedPath), ...lookAtPopt()]);
  const { tree, findings: inDir } = await lookAtDir(settings, { ...around, git: programs.git }, () => {});
  tell(inDir);
  tell([...judgeWatches(tree.directories, watchLimits()), openFiles(settings.targets.length)]);
  const runtime = runtimeFolder(around);
  tell(
    takenFolders(around).map((why) =>
      warning('runtime folder', why, 'Find out who made it. Until then sockets are elsewhere, which does no harm.'),
    ),
  );
  if (!runtime.ok) tell([error('runtime folder', runtime.failure.message, runtime.failure.hint)]);
  return { rsync, tree, runtime: runtime.ok ? runtime.value : undefined };
}

/** The programs of this machine. */
async function programsHere(
  programs: Programs,
  extras: readonly Extra[],
): Promise<{ readonly here?: RsyncHere; readonly findings: Finding[] }> {
  const rsync = await probeHere(programs.rsync, extras);
  const ssh = await sshHere(programs.ssh);
  if (!rsync.ok) return { findings: [error('rsync here', rsync.failure.message, rsync.failure.hint), ssh] };
  const { program, version } = rsync.value;
  return { here: rsync.value, findings: [ok('rsync here', `${version.join('.')} (${program.file})`), ssh] };
}

async function sshHere(ssh: Program | NoProgram): Promise<Finding> {
  if (ssh.file !== undefined) {
    const { ended, stderr } = await say(ssh, ['-V'], { ownSession: true });
    const isFine = ended.kind === 'exited' && ended.code === 0;
    const said = `${stderr.trim()} (${ssh.file})`;
    return isFine ? ok('ssh here', said) : error('ssh here', `it does not run: ${said}`, 'Only local targets work.');
  }
  const { message, hint } = noSsh(ssh);
  return error('ssh here', message, hint);
}

/** DIR, read as syncwatch would: what can't be read, and how much it is. */
async function lookAtDir(
  settings: Dir,
  usersGit: UsersGit,
  report: Report,
): Promise<{ readonly tree: Tree; readonly findings: Finding[] }> {
  const rules = await RuleFiles.open(settings, usersGit, report);
  await rules.atRest();
  const listed = new Set<Name>();
  let excluded = 0;
  let tooLong = 0;
  const { tree } = await takeSnapshot(new Disk(settings.root), settings.filter, (listing) => {
    listed.add(listing.dir);
    excluded += listing.excluded.filter((each) => each.isDir).length;
    tooLong += listing.tooLong.length;
  });
  const git = rules.gitInWords;
  rules.close();
  let [directories, files, bytes] = [0, 0, 0];
  const unreadable: string[] = listed.has(ROOT) ? [] : ['all of it'];
  for (const [name, entry] of tree.entries()) {
    if (entry.type === 'dir') {
      directories++;
      if (!listed.has(name)) unreadable.push(textOf(name));
    } else {
      files++;
      bytes += entry.size;
    }
  }
  const what = `${settings.root}: ${count(files, 'file')} (${bytesInWords(bytes)}) in ${count(directories, 'directory', 'directories')}`;
  return {
    tree: { directories, files, bytes },
    findings: [
      unreadable.length === 0
        ? ok('DIR', what)
        : warning(
            'DIR',
            `${what}; ${unreadable.length} can't be read: ${unreadable.slice(0, 3).join(', ')}`,
            'What is in them is not synced. Change their rights, or leave them out.',
          ),
      ...(tooLong === 0
        ? []
        : [warning('long paths', `${count(tooLong, 'path')}: ${TOO_LONG.message}`, TOO_LONG.hint)]),
      ...silentParts(settings.root)
        .filter(({ name }) => settings.filter.decideDeep(name, true).synced)
        .map((part) =>
          warning(
            'events',
            silentInWords(part, settings.root, settings.pace.pollSeconds),
            'Choose how often: --poll SECONDS.',
          ),
        ),
      ok('filter', countsInWords(settings.filter.counts, git, excluded)),
    ],
  };
}

/** Whether as many files may be open at once as that takes. */
function openFiles(targets: number): Finding {
  const tooFew = tooFewDescriptors(targets);
  return tooFew === undefined
    ? ok('open files', 'enough may be open at once')
    : error('open files', tooFew.message, tooFew.hint);
}
