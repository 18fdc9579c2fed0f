import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Running } from './cli.js';
import { type FaultyPlace, took } from './faulty.js';
import { directories, unwatched } from './watches.js';

const onLinux = process.platform === 'linux';
const PATIENCE_MS = 180_000;

/** Once it is quiet: every directory has a watch, a probe in each of them is delivered, both trees are equal. */
export async function isComplete(
  { local, same }: FaultyPlace,
  running: Running,
  what: string,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const begun = performance.now();
  await same(running, undefined, patienceMs);
  const equalMs = performance.now() - begun;
  await running.until(
    'a watch on every directory',
    () => (onLinux ? unwatched(running, local).length === 0 : true),
    patienceMs,
  );
  took(what, undefined, equalMs);
  for (const dir of directories(local)) writeFileSync(join(dir, 'probe'), dir);
  await same(running, undefined, patienceMs);
}

/** A tree of so many directories with so many files each. */
export function many(root: string, dirs: number, files: number, content = ''): void {
  for (let d = 0; d < dirs; d++) {
    const dir = join(root, `g${d % 20}`, `d${d}`);
    mkdirSync(dir, { recursive: true });
    for (let f = 0; f < files; f++) writeFileSync(join(dir, `f${f}`), `${content}${d} ${f}`);
  }
}
