import { join } from 'node:path';
import { failed, type Result, success } from '../core/failure.js';
import { rulesFromIgnoreFile } from '../core/filter/ignore-lines.js';
import type { RawRule } from '../core/filter/rule.js';
import { type FileSource, SOURCES } from '../core/filter/sources.js';
import { PATTERN_LINES, PATTERNS_LIMIT, readChecked } from '../read-checked.js';

/** The rules of a file in DIR in gitignore notation (`.syncignore`), none where there is none. Not yet checked. */
export function readIgnoreFile(root: string, source: FileSource): Result<RawRule[]> {
  const { file } = SOURCES[source];
  const path = join(root, file);
  const read = readChecked(path, { limit: PATTERNS_LIMIT, lines: PATTERN_LINES });
  switch (read.kind) {
    case 'missing':
      return success([]);
    case 'unreadable':
    case 'refused':
      return failed({
        kind: 'usage',
        message: `${path} ${read.why}`,
        hint: 'Make it a file that you may read, or remove it.',
      });
    case 'read':
      return success(
        rulesFromIgnoreFile(read.bytes.toString('latin1'), (line) => ({ kind: 'ignoreFile', path: file, line })),
      );
  }
}
