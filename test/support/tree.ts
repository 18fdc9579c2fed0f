import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A temporary directory that goes when the test has finished. */
export function temporaryDir(): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'syncwatch-test-')));
  onTestFinished(() => {
    execFileSync('chmod', ['-R', 'u+rwX', dir]);
    execFileSync('rm', ['-rf', dir]); // not by path: some are too long
  });
  return dir;
}

/** Writes files: a path ending in `/` is a directory. */
export function fill(root: string, files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    const full = join(root, path);
    if (path.endsWith('/')) mkdirSync(full, { recursive: true });
    else {
      mkdirSync(dirname(full), { recursive: true });
      writeFileSync(full, content);
    }
  }
}

/**
 * Everything below a directory and the directory itself, one line a name, sorted: type, mode, time to the nanosecond,
 * link target or content. Names and targets as latin1, so that no byte is lost. Two trees are the same when these are.
 */
export function tree(root: string, leaveOut: (name: string) => boolean = () => false): string[] {
  const lines: string[] = [];
  const add = (path: Buffer, name: string): void => {
    const stats = lstatSync(path, { bigint: true });
    const isDir = stats.isDirectory();
    if (!isDir && !stats.isFile() && !stats.isSymbolicLink()) return;
    const type = isDir ? 'dir' : stats.isSymbolicLink() ? 'link' : 'file';
    const mode = type === 'link' ? '' : (Number(stats.mode) & 0o7777).toString(8);
    const content =
      type === 'file'
        ? readFileSync(path).toString('latin1')
        : type === 'link'
          ? readlinkSync(path, 'buffer').toString('latin1')
          : '';
    lines.push(JSON.stringify([name, type, mode, String(stats.mtimeNs), content]));
    if (!isDir) return;
    for (const base of readdirSync(path, { encoding: 'buffer' })) {
      const child = name === '.' ? base.toString('latin1') : `${name}/${base.toString('latin1')}`;
      if (!leaveOut(child)) add(Buffer.concat([path, Buffer.from('/'), base]), child);
    }
  };
  add(Buffer.from(root), '.');
  return lines.sort();
}

/** The names in a tree, without the rest. */
export const names = (root: string, leaveOut?: (name: string) => boolean): string[] =>
  tree(root, leaveOut)
    .map((line) => (JSON.parse(line) as [string])[0])
    .filter((name) => name !== '.');
