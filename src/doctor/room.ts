import { wallNow } from '../clock.js';
import { EPOCH, msBetween } from '../core/clock.js';
import { type Look, targetAt } from '../core/place/place.js';
import { remoteCommand } from '../core/ssh/remote-command.js';
import type { Target } from '../core/target.js';
import type { Connection } from '../link/transport.js';
import { bytesInWords, timeInWords } from '../report/words.js';
import { error, type Finding, ok, warning } from './finding.js';
import type { Tree } from './here.js';

/** From how much on the clocks differ, in seconds; they are read to the second. */
const CLOCK_S = 3;

/** Less room than this is little, in bytes. */
const LITTLE_ROOM = 100_000_000;

/** Of the path there, or else of what it will be made in; in words that every sh knows. */
const LOOK = `p=$1; [ -e "$p" ] && echo exists=1
while [ ! -d "$p" ]; do n=$(dirname -- "$p"); [ "$n" != "$p" ] || break; p=$n; done
[ -w "$p" ] && [ -x "$p" ] && echo writable=1
echo "room=$(df -Pk "$p" 2>/dev/null | tail -n 1)"
echo "inodes=$(df -Pi "$p" 2>/dev/null | tail -n 1)"
echo "now=$(date +%s)"`;

/**
 * The path there, the room in it, and the clock. `look`: where it really is, if that is known. `mayBeMade`: rsync has tried; otherwise
 * what it has said tells more than that it will be made.
 */
export async function lookAtPlace(
  connection: Pick<Connection, 'run'>,
  target: Target,
  look: Look | undefined,
  tree: Pick<Tree, 'bytes'>,
  mayBeMade = true,
): Promise<Finding[]> {
  const real = look === undefined ? target : targetAt(target, look);
  // Somebody else's home directory only the login shell could find.
  if (/^~[^/]/.test(real.path)) return [ok('place', 'not looked at: it is in the home directory of another user')];
  const path = real.path.replace(/^~\/?/, '').replace(/^(?=-)/, './');
  const beganMs = wallNow();
  const said = await connection.run([remoteCommand('', ['sh', '-c', LOOK, 'sh', path === '' ? '.' : path])]);
  const middleS = (msBetween(EPOCH, beganMs) + msBetween(EPOCH, wallNow())) / 2_000;
  const sayOf = (key: string): string | undefined => new RegExp(`^${key}=(.*)$`, 'm').exec(said.stdout)?.[1];
  const exists = sayOf('exists') !== undefined;
  const [, , , freeKiB] = sayOf('room')?.split(/\s+/) ?? [];
  const [, , , freeInodes] = sayOf('inodes')?.split(/\s+/) ?? [];
  const inodes = numberIn(freeInodes);
  const nowS = numberIn(sayOf('now'));
  const isWritable = sayOf('writable') !== undefined;
  return [
    ...(exists || mayBeMade || !isWritable ? [place(inWords(target, real), exists, isWritable)] : []),
    ...(freeKiB === undefined ? [] : [room(Number(freeKiB) * 1_024, inodes, exists ? 0 : tree.bytes)]),
    clock(nowS === undefined ? undefined : nowS + 0.5 - middleS),
  ];
}

/** Only where it is one: a `date` without `%s` may say nothing, or just that. */
const numberIn = (text: string | undefined): number | undefined =>
  /^\d+$/.test(text ?? '') ? Number(text) : undefined;

/** The path as it was given, and where that really is. */
const inWords = (given: Target, real: Target): string =>
  given.path === real.path ? given.path : `${given.path === '' ? '~' : given.path} (${real.path})`;

export function place(path: string, exists: boolean, isWritable: boolean): Finding {
  const what = exists ? `${path} is there` : `${path} will be made`;
  if (isWritable) return ok('place', what);
  return error('place', `${what}, but it may not be written to`, 'Change its rights there, or take another path.');
}

/** `needed`: how much is sent at the start, as far as that is known, in bytes. */
export function room(free: number, inodes: number | undefined, needed: number): Finding {
  const what = `${bytesInWords(free)} free`;
  const hint = 'Make room there, or leave more out.';
  if (free < needed) return error('room', `${what}, and ${bytesInWords(needed)} to send`, hint);
  // Some file systems have no limit and say 0.
  if (inodes !== undefined && inodes > 0 && inodes < 1_000) return warning('room', `only ${inodes} inodes free`, hint);
  return free - needed < LITTLE_ROOM ? warning('room', what, hint) : ok('room', what);
}

function clock(seconds: number | undefined): Finding {
  if (seconds === undefined) return ok('clock', 'not known: date there does not say');
  const ms = Math.abs(seconds) * 1_000;
  if (ms < CLOCK_S * 1_000) return ok('clock', 'the same there as here');
  return warning(
    'clock',
    `${timeInWords(ms)} ${seconds > 0 ? 'ahead' : 'behind'} there`,
    'Nothing is lost by it, but make and its like compare times: set both clocks by NTP.',
  );
}
