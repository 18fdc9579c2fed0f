import type { Report } from '../core/event.js';
import type { Line } from '../target/line.js';
import type { TargetSession } from '../target/session.js';
import type { RootGuard } from './root-guard.js';
import type { WatchSupervisor } from './supervisor.js';

/** To be called every so often: looks at the root itself, and brings everything back to life when it comes back. */
export function watchRoot(
  guard: RootGuard,
  report: Report,
  root: string,
  parts: { line: Line; session: TargetSession; supervisor: WatchSupervisor; save: () => void },
): () => void {
  const { line, session, supervisor, save } = parts;
  let gone = false;
  return () => {
    const state = guard.look();
    if (state === 'there' && !gone) return;
    if (state === 'gone') {
      if (!gone) report({ kind: 'rootGone', root });
      gone = true;
      return;
    }
    gone = false;
    if (state === 'replaced') {
      guard.adopt();
      line.forget();
      save(); // what was remembered belongs to the other directory
    } else guard.adopt(); // the same one, mounted anew
    void line.renewStandbys();
    report({ kind: 'rootBack', root, replaced: state === 'replaced' });
    supervisor.renew('the root is back');
    void session.pass();
  };
}
