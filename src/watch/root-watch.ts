import type { Report } from '../core/event.js';
import type { RootGuard } from './root-guard.js';

/**
 * To be called every so often: looks at the root itself. `onBack`: it was away; `replaced`: another one is in its place.
 * `onMoved`: DIR leads elsewhere; once, and nothing is looked at any more.
 */
export function watchRoot(
  guard: Pick<RootGuard, 'look' | 'adopt'>,
  report: Report,
  root: string,
  onBack: (replaced: boolean) => void,
  onMoved: () => void,
): () => void {
  let gone = false;
  let moved = false;
  return () => {
    if (moved) return;
    const state = guard.look();
    if (state === 'there' && !gone) return;
    if (typeof state === 'object') {
      moved = true;
      report({ kind: 'rootBack', root: state.leadsTo, replaced: true, was: root });
      onMoved();
      return;
    }
    if (state === 'gone') {
      if (!gone) report({ kind: 'rootGone', root });
      gone = true;
      return;
    }
    gone = false;
    guard.adopt(); // the same one mounted anew, or another
    report({ kind: 'rootBack', root, replaced: state === 'replaced' });
    onBack(state === 'replaced');
  };
}
