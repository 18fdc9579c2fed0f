import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { type Failure, failed, type Result, success } from '../core/failure.js';
import type { Filter } from '../core/filter/filter.js';
import { nameFromText } from '../core/name.js';
import { usage } from './parsed.js';

const EXAMPLE = 'It is relative to the target, for example: --trash .trash';

/** `--trash` in its plainest form, without `.` and double slashes. Refused: what is not below the target. */
export function trashFrom(given: string | undefined): Result<string | undefined> {
  if (given === undefined) return success(undefined);
  const refuse = (why: string): Result<never> => failed(usage(`--trash ${JSON.stringify(given)}: ${why}`, EXAMPLE));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
  if (/[\0-\x1f\x7f]/.test(given)) return refuse('it may not hold line breaks or control characters');
  if (/^[/~]/.test(given)) return refuse('it has to be below the target');
  const parts = given.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length === 0) return refuse('this is the target itself');
  if (parts.includes('..')) return refuse('it may not lead out of the target');
  return success(parts.join('/'));
}

/**
 * What is synced from DIR can't hold the trash, or be it: it would be left out, or mixed with what was replaced. `filter`: without
 * the rule that leaves the trash alone.
 */
export function trashInTheWay(trash: string, root: string, filter: () => Result<Filter>): Failure | undefined {
  const [first = ''] = trash.split('/');
  const stats = lstatSync(join(root, first), { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  const made = filter();
  if (!made.ok) return made.failure;
  if (!made.value.decide(nameFromText(first), stats.isDirectory()).synced) return undefined;
  return usage(
    `--trash ${trash}: DIR has ${JSON.stringify(first)} too, and it would be synced to the same place`,
    'Name a directory that DIR does not have, for example: --trash .trash',
  );
}
