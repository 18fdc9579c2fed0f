import { isBelow, type Name, ROOT } from '../core/name.js';

export interface MountPoints {
  /** Where something is mounted, or was. */
  readonly on: readonly Name[];
  /** Where something was, and the directory itself is in use instead. */
  readonly bare: readonly Name[];
  /** Where something was and is not any more, or not yet again. */
  readonly away: readonly Name[];
}

/** The mount points below DIR, as their guard (watch/mount-guard) knows them. */
export class Mounts {
  #points: MountPoints = { on: [], bare: [], away: [] };
  #age = 0;

  set(points: MountPoints): void {
    if (JSON.stringify(points) === JSON.stringify(this.#points)) return;
    this.#points = points;
    this.#age++;
  }

  /** Another number whenever one has come or gone: what was seen before may be of another file system. */
  get age(): number {
    return this.#age;
  }

  get away(): readonly Name[] {
    return this.#points.away;
  }

  /** Those that can be looked into. */
  get there(): readonly Name[] {
    const { on, away } = this.#points;
    return on.length === 0 ? on : on.filter((name) => !away.includes(name));
  }

  /** Whether it is on another file system than DIR, or may have been. */
  isOn(name: Name): boolean {
    return isIn(name, this.#points.on);
  }

  /** Whether it is below where something was mounted that is not there now. What is only there is perhaps of that. */
  isBare(name: Name): boolean {
    return isIn(name, this.#points.bare);
  }

  /** Whether it is a mount point that is away, or below one: nobody knows whether it is there. */
  isAway(name: Name): boolean {
    return isIn(name, this.#points.away);
  }

  /** Whether it leads to one that is away: it stays there, as long as that may come back. */
  leadsToAway(name: Name): boolean {
    const { away } = this.#points;
    return away.length > 0 && name !== ROOT && away.some((point) => isBelow(point, name));
  }

  /** Either of these. */
  isHeld(name: Name): boolean {
    return this.isAway(name) || this.leadsToAway(name);
  }
}

const isIn = (name: Name, points: readonly Name[]): boolean =>
  points.length > 0 && points.some((point) => name === point || isBelow(name, point));
