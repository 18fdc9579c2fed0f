import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { failed, type Result, success } from '../core/failure.js';
import type { RawRule } from '../core/filter.js';
import { rulesFromIgnoreFile } from '../core/ignore-lines.js';

/** In DIR: what is left out, in gitignore notation. */
export const SYNCIGNORE = '.syncignore';

/** The rules of DIR's .syncignore, none where there is none. Not yet checked. */
export function readSyncignore(root: string): Result<RawRule[]> {
  try {
    const content = readFileSync(join(root, SYNCIGNORE)).toString('latin1');
    return success(rulesFromIgnoreFile(content, (line) => ({ kind: 'ignoreFile', path: SYNCIGNORE, line })));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return success([]);
    return failed({
      kind: 'usage',
      message: `${join(root, SYNCIGNORE)} can't be read: ${error instanceof Error ? error.message : String(error)}`,
      hint: 'Make it a file that you may read, or remove it.',
    });
  }
}
