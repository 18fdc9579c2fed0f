import { type Stats, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type BytePath, bytesOfPath } from '../core/name.js';
import { PATTERNS_LIMIT, readChecked, SETTINGS_LIMIT, whyNoFile } from '../read-checked.js';

/**
 * How long git may keep silent before it is taken to wait for ever, in milliseconds. It answers within some; a cold disk
 * or one on the network takes seconds.
 */
export const GIT_PATIENCE_MS = 30_000;

/**
 * How long git may think about what it ignores, in milliseconds. Before 2.41 it tries one way after the other (wildmatch.c):
 * with a few `**` in a line and a deep path that may take years.
 */
export const ANSWER_PATIENCE_MS = 5_000;

/**
 * Why git would wait at a file that it reads, in words that go after the path: it opens a FIFO and waits for somebody to
 * write to it, and reads what has no end. Undefined: it would not, or there is no such file.
 */
export function whyGitWaits(path: BytePath, limit = PATTERNS_LIMIT): string | undefined {
  const stats = statsOf(path);
  return stats === undefined || stats.isDirectory() ? undefined : whyNoFile(stats, limit);
}

/** The first of these files that git would wait at, and why. */
export function firstToWait(files: readonly BytePath[], limit?: number): string | undefined {
  for (const file of files) {
    const why = whyGitWaits(file, limit);
    if (why !== undefined) return `${bytesOfPath(file).toString()} ${why}`;
  }
  return undefined;
}

/** The first of git's own files of patterns that it would wait at, or end at: that it does where one is a directory. */
export function firstNoFile(files: readonly BytePath[]): string | undefined {
  for (const file of files) {
    const stats = statsOf(file);
    const why = stats === undefined ? undefined : whyNoFile(stats, PATTERNS_LIMIT);
    if (why !== undefined) return `${bytesOfPath(file).toString()} ${why}`;
  }
  return undefined;
}

/** What is told of a file that git would wait at. */
export const whyPlain = (what: string): string =>
  `${what}: it does not count, and where git would read it, ignore files are read without git`;

/** What is told of a directory where git gave no answer. */
export const whyStuck = (path: string): string =>
  `git does not come to an end about what it ignores in ${path}: until that changes, ignore files are read without git`;

/** What git reads of a repository before it says anything about it, below its own folder. The index may be as large as it is. */
const READ_FIRST = ['HEAD', 'config', 'config.worktree', 'commondir'];

/** Why git would wait at the repository that a directory is in, if it is in one; with the path. */
export function whyRepositoryWaits(from: BytePath): string | undefined {
  for (let dir = from; ; dir = dirname(dir)) {
    const folder = gitFolderIn(dir);
    if (folder !== undefined) return firstToWait(READ_FIRST.map((name) => join(folder, name)));
    if (dir === dirname(dir)) return undefined;
  }
}

/** Where git's folder of a directory's own repository is: its .git, or what the .git of a worktree or submodule names. */
function gitFolderIn(dir: BytePath): BytePath | undefined {
  const path = join(dir, '.git');
  if (statsOf(path)?.isDirectory() === true) return path;
  const read = readChecked(bytesOfPath(path), { limit: SETTINGS_LIMIT });
  const named = read.kind === 'read' ? /^gitdir: (.*)\n*$/.exec(read.bytes.toString('latin1'))?.[1] : undefined;
  return named === undefined ? undefined : resolve(dir, named);
}

function statsOf(path: BytePath): Stats | undefined {
  try {
    return statSync(bytesOfPath(path));
  } catch {
    return undefined; // then git can't read it either
  }
}
