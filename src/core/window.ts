/**
 * How the quick check compares times (`--modify-window`): -1 by nanoseconds (rsync 3.1.3), 0 by whole seconds, 1 takes those that
 * are a second apart for the same, as they are where only every other second is kept (FAT).
 */
export type Window = -1 | 0 | 1;
