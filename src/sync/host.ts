import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { wallNow } from '../clock.js';
import { failed, type Result, success } from '../core/failure.js';
import type { Holder } from '../core/place/lock.js';
import type { RsyncHere } from '../core/rsync/version.js';
import { tooFewDescriptors } from '../descriptors.js';
import type { Io } from '../io.js';
import type { Programs } from '../programs.js';
import { probeHere } from '../rsync/probe.js';
import type { RunsUnderWay } from '../rsync/standby.js';
import type { Settings } from '../settings.js';
import { runtimeFolder, type Surroundings, stateFolder, takenFolders } from '../state/folders.js';
import { machineId } from '../state/machine-id.js';
import { whyNotMade } from '../state/ours.js';
import { removeLeft, temporaryPlaces, userName } from '../user-folders.js';

/** What all targets of one syncwatch have in common on this machine: its programs, its folders, and who has which place. */
export class Host {
  readonly programs: Programs;
  readonly here: RsyncHere;
  /** See {@link RunsUnderWay}. */
  readonly underWay: RunsUnderWay = new Map();
  /** Where state is kept. */
  readonly state: string;
  readonly #around: Surroundings;
  readonly #sinceMs = wallNow();
  #runtime: string;
  /** Which target has which place. */
  readonly #places = new Map<string, string>();

  private constructor(
    around: Surroundings,
    found: { programs: Programs; here: RsyncHere; runtime: string; state: string },
  ) {
    this.programs = found.programs;
    this.here = found.here;
    this.state = found.state;
    this.#around = around;
    this.#runtime = found.runtime;
  }

  /** Checks what can be checked here, without any target. */
  static async open(settings: Settings, io: Io): Promise<Result<Host>> {
    const tooFew = tooFewDescriptors(settings.targets.length);
    if (tooFew !== undefined) return failed(tooFew);
    const programs = io.programs(settings.root);
    const here = await probeHere(programs.rsync, settings.rsync.extras);
    if (!here.ok) return here;
    const runtime = runtimeFolder(io.around);
    if (!runtime.ok) return runtime;
    for (const why of takenFolders(io.around))
      io.report({ kind: 'note', level: 'normal', text: `${why}: sockets are in ${runtime.value}` });
    const state = stateFolder(io.around);
    if (!state.ok) return state;
    void removeLeft(temporaryPlaces());
    return success(new Host(io.around, { programs, here: here.value, runtime: runtime.value, state: state.value }));
  }

  /** Where sockets are kept: made again where it was removed, and another one where that can't be. */
  get runtime(): string {
    if (whyNotMade(this.#runtime, this.#around.uid) !== undefined) {
      const other = runtimeFolder(this.#around);
      if (other.ok) this.#runtime = other.value;
    }
    return this.#runtime;
  }

  /** Who we are to others who sync to the same place: the same whenever DIR is synced by this user from this machine. */
  owner(root: string): { readonly id: string; readonly holder: Omit<Holder, 'from'> } {
    const { uid } = this.#around;
    const host = hostname();
    const whole = JSON.stringify([machineId(join(this.state, 'machine'), uid), host, uid, root]);
    const id = createHash('sha256').update(whole).digest('hex').slice(0, 32);
    return { id, holder: { user: userName(uid), host, dir: root, sinceMs: this.#sinceMs } };
  }

  /** The target that has this place (see placeKey) from now on: this one, or another one that was first. */
  claim(place: string, target: string): string {
    const by = this.#places.get(place) ?? target;
    this.#places.set(place, by);
    return by;
  }
}
