import type { Name } from '../core/name.js';
import { linksScript, readLinks } from '../core/place/links.js';
import { newWord } from '../place/look.js';
import type { Connection } from './transport.js';

/**
 * Which of these directories of ours are symbolic links there, to something that is not empty; as far as that can be told. `path`:
 * where the target really is.
 */
export async function linksThere(
  { run }: Pick<Connection, 'run'>,
  path: string,
  dirs: readonly Name[],
): Promise<ReadonlySet<Name>> {
  const asked = { path, dirs, mark: newWord() };
  const { stdout } = await run(['sh', '-s'], linksScript(asked));
  return readLinks(stdout, asked);
}
