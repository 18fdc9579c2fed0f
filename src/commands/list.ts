import { wallNow } from '../clock.js';
import { findAll } from '../control/client.js';
import { EXIT } from '../core/failure.js';
import { line } from '../core/printable.js';
import { statusInALine } from '../report/status.js';
import { runtimeFolders } from '../state/folders.js';
import { ANSWER_MS, ask, busy, statusJson } from './ask.js';
import type { ControlIo } from './control-io.js';

/** `syncwatch list`: every one that runs on this machine for this user. Gives the exit code. */
export async function list({ json }: { readonly json: boolean }, io: ControlIo): Promise<number> {
  const { found, silent } = await findAll(runtimeFolders(io.around), io.around.uid);
  const all = await Promise.all(
    found.map(
      async (one) => [one, one.isSilent === true ? undefined : await ask(one, { ask: 'status' }, ANSWER_MS)] as const,
    ),
  );
  let lines = 0;
  for (const [one, answer] of all) {
    if (answer?.answer === 'gone') continue; // it has ended meanwhile
    lines++;
    const isKnown = answer?.answer === 'status';
    if (json) io.out(statusJson(one, answer));
    else io.out(line(isKnown ? statusInALine(answer.status, wallNow()) : `${one.root} → ${one.target}: ${busy(one)}`));
  }
  if (silent > 0)
    io.err(
      line(
        `${silent} ${silent === 1 ? 'other does' : 'others do'} not answer, and nobody knows what for: stopped (Ctrl-Z)?`,
      ),
    );
  if (lines === 0 && silent === 0 && !json) io.out(line('none is running'));
  return EXIT.inSync;
}
