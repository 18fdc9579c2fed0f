/** What the watcher child is told. */
export type ToWatcher =
  /** First, and once. */
  | {
      readonly kind: 'watch';
      /** Absolute, symlinks resolved. */
      readonly root: string;
      /** Absolute paths whose subtrees need no watches. */
      readonly ignore: readonly string[];
      /** A directory of ours for the signs of life of its watching thread. */
      readonly beatDir: string;
    }
  /** Are you there? Answered at once, or (`deep`) when a change in the beat directory has been heard of. */
  | { readonly kind: 'ping'; readonly deep: boolean };

/** What the watcher child tells. */
export type FromWatcher =
  | { readonly kind: 'ready' }
  /** The answer to a ping. */
  | { readonly kind: 'pong' }
  /** Something happened at or near these names (relative to the root; the root itself is ''). Some hundreds at most. */
  | { readonly kind: 'hints'; readonly names: readonly string[] }
  /** The watcher lost track of something; its subscription may be dead. */
  | { readonly kind: 'doubt'; readonly message: string }
  /** It could not subscribe. */
  | { readonly kind: 'failed'; readonly message: string };

/** Checks what came over the channel. */
export function isFromWatcher(value: unknown): value is FromWatcher {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  switch (value.kind) {
    case 'ready':
    case 'pong':
      return true;
    case 'hints':
      return 'names' in value && Array.isArray(value.names) && value.names.every((name) => typeof name === 'string');
    case 'doubt':
    case 'failed':
      return 'message' in value && typeof value.message === 'string';
    default:
      return false;
  }
}
