import { isBelow, type Name, nameFromText } from '../core/name.js';
import { type Excluded, excludedName, literalPattern } from '../core/rsync/rules.js';

export interface OwnPlaces {
  /** Absolute paths: folders of syncwatch's, and what the names of others begin with. */
  readonly folders: readonly string[];
  readonly beginnings: readonly string[];
  /** Files that are open for what is said: device and inode, and where each was opened, if that is known. */
  readonly streams: ReadonlyArray<{ readonly identity: string; readonly path: string | undefined }>;
}

const NOTHING: OwnPlaces = { folders: [], beginnings: [], streams: [] };

/**
 * What syncwatch itself writes below the root: its own folders, and files that its output goes to. Sending them would change them
 * again, for ever, so they are left out.
 */
export class OwnFiles {
  readonly #folders: readonly Name[];
  readonly #beginnings: readonly Name[];
  readonly #streams: ReadonlySet<string>;
  /** The names that the files of streams were seen under last. */
  readonly #names = new Set<Name>();
  readonly #met = new Set<Name>();
  readonly #onMet: (name: Name) => void;

  /** `root`: absolute, symlinks resolved, as all of these. `onMet`: one was looked at, for the first time. */
  constructor(root: string, places: OwnPlaces = NOTHING, onMet: (name: Name) => void = () => {}) {
    const within = (path: string): Name[] =>
      path.startsWith(`${root}/`) ? [nameFromText(path.slice(root.length + 1))] : [];
    this.#folders = places.folders.flatMap(within);
    this.#beginnings = places.beginnings.flatMap(within);
    this.#streams = new Set(places.streams.map(({ identity }) => identity));
    for (const { path } of places.streams) for (const name of within(path ?? '')) this.#names.add(name);
    this.#onMet = onMet;
  }

  /** Those that are known by their paths. */
  get folders(): readonly Name[] {
    return this.#folders;
  }

  /** As far as its name tells. */
  has(name: Name): boolean {
    return this.#names.has(name) || this.#isInFolder(name);
  }

  /** A look shows this under a name, `identity` where it is a file: whether it is ours. */
  meets(name: Name, identity: () => string | undefined): boolean {
    let isOwn = this.#isInFolder(name);
    if (!isOwn && this.#streams.size > 0) {
      isOwn = this.#streams.has(identity() ?? '');
      if (isOwn) this.#names.add(name);
      else this.#names.delete(name);
    }
    if (isOwn && !this.#met.has(name)) {
      this.#met.add(name);
      this.#onMet(name);
    }
    return isOwn;
  }

  /** For rsync, which looks for itself. */
  get excluded(): readonly Excluded[] {
    const byBeginning = this.#beginnings.map((name) => ({ pattern: `${literalPattern(name)}*`, isRsyncs: false }));
    return [...[...this.#folders, ...this.#names].map((name) => excludedName(name, false, false)), ...byBeginning];
  }

  #isInFolder(name: Name): boolean {
    return (
      (this.#folders.length > 0 && this.#folders.some((folder) => name === folder || isBelow(name, folder))) ||
      (this.#beginnings.length > 0 && this.#beginnings.some((beginning) => name.startsWith(beginning)))
    );
  }
}
