import type { Look } from '../place/place.js';
import type { Takes } from './args.js';
import type { Version } from './version.js';

/** What is known about the other side before anything is sent. `version`: undefined where it would not say. */
export interface There {
  readonly version: Version | undefined;
  readonly takes: Takes;
  /** What its shell says on stderr at each start. */
  readonly chatter: readonly string[];
  /** Of two sessions at once one was refused: there is room for one only (sshd's MaxSessions). */
  readonly isCramped: boolean;
  /** Whether the target directory is there already. */
  readonly exists: boolean;
  /** Where it really is. */
  readonly look: Look;
}
