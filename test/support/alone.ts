import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { rolldown } from 'rolldown';

const SRC = resolve(import.meta.dirname, '../../src');

/**
 * Makes a file of its own, in `dir`, of code that imports parts of src/ (as 'src/…'), for a process of its own: with limits, or a
 * terminal, that are not ours. Gives its path.
 */
export async function programOf(dir: string, code: string): Promise<string> {
  const source = join(dir, 'program.ts');
  writeFileSync(source, code.replaceAll(`from 'src/`, `from '${SRC}/`));
  const file = join(dir, 'program.mjs');
  const bundle = await rolldown({ input: source, platform: 'node' });
  await bundle.write({ file, format: 'esm' });
  await bundle.close();
  return file;
}
