import type { Ignores } from '../core/filter/filter.js';
import type { BytePath } from '../core/name.js';

/** What became of what is ignored: it may be something else, or what nobody knew can be known now. */
export type News = 'changed' | 'sure' | 'none';

/** Says what is ignored, and keeps up with the files that this comes from. */
export interface IgnoreSource extends Ignores {
  /** What is in these files is in force from now on. */
  believe(changed: ReadonlySet<BytePath>): Promise<News>;
  /** How many .gitignore files were met, and who reads them. */
  readonly inWords: string;
  close(): void;
}

/** Says that a file of rules does not count, and why. */
export type OnSkipped = (text: string) => void;
