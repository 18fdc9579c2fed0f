import { setTimeout as sleep } from 'node:timers/promises';
import { msSince, steadyNow, wallNow } from '../clock.js';
import type { Found } from '../control/client.js';
import { EXIT } from '../core/failure.js';
import { line, own, type Printable, showControls } from '../core/printable.js';
import type { Status } from '../core/status.js';
import { STOP_SIGNALS } from '../io.js';
import { statusInALine, statusInWords } from '../report/status.js';
import { clockTime } from '../report/words.js';
import { ANSWER_MS, ask, busy, statusJson } from './ask.js';
import type { ControlIo } from './control-io.js';

/** How often `status --watch` looks, in milliseconds. */
const WATCH_MS = 1_000;

/** How long one may be away, in milliseconds, before it has ended: it may be about to begin anew. */
const AWAY_MS = 3_000;

/**
 * `status --watch`: on a terminal drawn anew every second, elsewhere a line each time that something changes, until Ctrl-C or until
 * none is left. `find`: those it is about, as they are now. Gives the exit code.
 */
export async function follow(
  find: () => Promise<readonly Found[]>,
  { json }: { readonly json: boolean },
  io: ControlIo,
): Promise<number> {
  const draw = json ? undefined : await io.drawing?.();
  const before = new Map<string, string>();
  let seenMs = steadyNow();
  const stopped = io.stopped();
  for (;;) {
    const found = await find();
    const answers = await Promise.all(
      found.map(async (one) => [one, await ask(one, { ask: 'status' }, ANSWER_MS)] as const),
    );
    const there = answers.filter(([, { answer }]) => answer !== 'gone');
    if (there.length > 0) seenMs = steadyNow();
    else if (msSince(seenMs) > AWAY_MS) {
      if (draw !== undefined) io.out(own`\n`);
      io.err(line('none is running any more'));
      return EXIT.cannotStart;
    }
    if (draw !== undefined && there.length > 0)
      draw(
        there.flatMap(([one, answer]) =>
          answer.answer === 'status' ? statusInWords(answer.status, wallNow()) : [silent(one)],
        ),
      );
    if (draw === undefined)
      for (const [one, answer] of there) {
        const isKnown = answer.answer === 'status';
        const what = isKnown ? essence(answer.status) : '';
        if (before.get(one.socket) === what) continue;
        before.set(one.socket, what);
        if (json) io.out(statusJson(one, answer));
        else io.out(line(`${clockTime(io.now())} ${isKnown ? statusInALine(answer.status, wallNow()) : silent(one)}`));
      }
    const signal = await Promise.race([stopped, sleep(WATCH_MS)]);
    if (signal === undefined) continue;
    if (draw !== undefined) io.out(own`\n`);
    return STOP_SIGNALS[signal];
  }
}

const silent = (one: Found): Printable => showControls(`${one.target}: ${busy(one)}`);

/** What has to change for a new line: not how long it is that the first one waits, which is reckoned anew each time. */
const essence = ({ waitingSinceMs: _since, ...status }: Status): string => JSON.stringify(status);
