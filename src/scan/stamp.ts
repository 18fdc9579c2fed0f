import { lstatSync } from 'node:fs';

/** What shows that a file has been written again, as text; `-` for one that is not there. */
export function stampOf(path: string | Buffer): string {
  try {
    const { ino, size, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true });
    return `${ino}:${size}:${mtimeNs}:${ctimeNs}`;
  } catch {
    return '-';
  }
}
