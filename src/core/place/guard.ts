import type { Failure } from '../failure.js';
import { type Name, ROOT, textOf } from '../name.js';
import type { Target } from '../target.js';
import { isIn, isSeenIn } from './mounts.js';
import { atPath, type Here, type Identity, isHere, isSame, type Look, type Place } from './place.js';
import { type ModeThere, strictAt, tooOpen } from './strict.js';

export interface PlaceOptions {
  readonly target: Target;
  /** DIR as it was given. */
  readonly dir: string;
  readonly here: Here;
  readonly isMirror: boolean;
  /** `--trash`, relative to the target. */
  readonly trash: string | undefined;
  readonly modeThere: ModeThere;
}

/** Why nothing may be synced to a place, judged by what it is and not by its name; undefined where it may. */
export function refusalOf(look: Look, options: PlaceOptions): Failure | undefined {
  const { target } = options;
  switch (look.kind) {
    case 'noUser':
      return {
        kind: 'remote',
        message: `${target.label}: there is no user ${look.user.slice(1)} there`,
        hint: `Check the spelling. For a directory of that name write ./${look.user}.`,
      };
    case 'deadLink':
      return {
        kind: 'guard',
        message: `${target.label} is a link that leads to no directory that can be entered`,
        hint: 'Make that directory there, remove the link, or name another directory.',
      };
    case 'unknown':
      return undefined;
    case 'place':
      return (
        refuseWholeSystem(look.place, options) ??
        refuseAroundDir(look.place, options) ??
        (options.isMirror ? refuseHomes(look.place, options) : undefined) ??
        refuseTrash(look.place, options) ??
        refuseOpen(look, options)
      );
  }
}

function refuseWholeSystem(place: Place, { target }: PlaceOptions): Failure | undefined {
  if (place.path !== '/') return undefined;
  return {
    kind: 'guard',
    message: `${atPath(target, place)} is the host's whole file system`,
    hint: 'Name a directory below it.',
  };
}

/** Through ssh to this machine, by another mount, or on a shared file system: it would be synced into itself without end. */
function refuseAroundDir(place: Place, { target, dir, here }: PlaceOptions): Failure | undefined {
  const isOneKernel = place.boot !== undefined && place.boot === here.boot;
  const [root, ...aboveRoot] = here.chain;
  const self = place.exists ? place.chain[0] : undefined;
  const isRoot = (each: Identity): boolean => root !== undefined && isHere(each, root, isOneKernel);
  const isInside = place.chain.some(isRoot) || (isOneKernel && isSeenIn(place, here));
  const holds =
    (self !== undefined && aboveRoot.some((each) => isHere(self, each, isOneKernel))) ||
    (isOneKernel && isSeenIn(here, place));

  const where = atPath(target, place);
  const refuse = (message: string): Failure => ({ kind: 'guard', message, hint: 'Name a directory elsewhere.' });
  if ((self !== undefined && isRoot(self)) || (isInside && holds)) return refuse(`${where} is DIR itself (${dir})`);
  if (isInside) return refuse(`${where} is inside DIR (${dir}): it would sync itself into itself`);
  return holds ? refuse(`DIR (${dir}) is inside ${where}: it would be synced over itself`) : undefined;
}

function refuseHomes(place: Place, { target }: PlaceOptions): Failure | undefined {
  const self = place.exists ? place.chain[0] : undefined;
  if (self === undefined) return undefined;
  const where = atPath(target, place);
  const refuse = (what: string): Failure => ({
    kind: 'guard',
    message: `--delete mirror would delete everything else in ${what}`,
    hint: 'Name a directory below it, or use --delete seen.',
  });
  for (const { whose, path, itself, above } of place.homes) {
    const home = `the home directory${whose === undefined ? '' : ` of ${whose}`}`;
    if (itself.some((each) => isSame(each, self))) return refuse(`${home} (${where})`);
    const isAbove = above.some((each) => isSame(each, self)) || isSeenIn({ path, mounts: place.mounts }, place);
    if (isAbove) return refuse(`${where}, and ${home} is in it`);
  }
  for (const { name, home } of place.users) {
    if (home === place.path) return refuse(`the home directory of ${name} (${where})`);
    if (isIn(home, place.path)) return refuse(`${where}, and the home directory of ${name} is in it`);
  }
  return undefined;
}

/** Of DIR itself; what is in it is looked at before it is sent. */
function refuseOpen(look: Look, { target, dir, here: { mode }, modeThere }: PlaceOptions): Failure | undefined {
  const see = (name: Name) => (name === ROOT && mode !== undefined ? ({ type: 'dir', mode } as const) : undefined);
  return tooOpen(strictAt(look, target), see, { dir, modeThere });
}

/** What is replaced or deleted has to stay where `--trash` says. */
function refuseTrash(place: Place, { target, trash }: PlaceOptions): Failure | undefined {
  if (trash === undefined || place.trash === undefined) return undefined;
  const { part, at } = place.trash;
  if (at === `${place.path}/${part}`) return undefined;
  return {
    kind: 'guard',
    message:
      at === ''
        ? `--trash ${trash}: ${textOf(part)} on ${target.label} is not a directory`
        : `--trash ${trash}: ${textOf(part)} on ${target.label} is a link to ${textOf(at)}`,
    hint: 'Name another directory, or move that away.',
  };
}
