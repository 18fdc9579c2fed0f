import { setTimeout as sleep } from 'node:timers/promises';
import { msSince, steadyNow } from '../clock.js';
import { type Found, findAll } from '../control/client.js';
import { EXIT } from '../core/failure.js';
import { line } from '../core/printable.js';
import type { Status } from '../core/status.js';
import { runtimeFolders } from '../state/folders.js';
import { ANSWER_MS, ask, whyNot } from './ask.js';
import type { ControlIo } from './control-io.js';

/** How often it is looked whether the new start is in place, in milliseconds. */
const LOOK_MS = 100;

/** How long it may be between two starts, when nobody answers, in milliseconds. */
const BETWEEN_MS = 10_000;

/**
 * `syncwatch restart`: has the settings taken as they are now. Returns when the new start is in place: it has logged in everywhere.
 * Gives the exit code.
 */
export async function restart(found: readonly Found[], io: ControlIo): Promise<number> {
  // Several targets are of one process, which begins anew as a whole.
  const [, ...others] = new Set(found.map(({ pid }) => pid));
  const codes = await Promise.all(
    [...new Map(found.map((one) => [one.pid, one])).values()].map((one) =>
      restartOne(one, io, others.length > 0 ? `pid ${one.pid}: ` : ''),
    ),
  );
  return Math.max(...codes);
}

async function restartOne(one: Found, io: ControlIo, prefix: string): Promise<number> {
  const complain = (text: string): number => {
    io.err(line(`${prefix}${text}`));
    return EXIT.cannotStart;
  };
  const before = await ask(one, { ask: 'status' }, undefined);
  if (before.answer !== 'status') return complain(whyNot(before));
  const taken = await ask(one, { ask: 'restart' }, undefined);
  if (taken.answer !== 'done')
    return complain(`${whyNot(taken)}${taken.answer === 'error' ? ' It goes on with the settings that it has.' : ''}`);
  for (let seenMs = steadyNow(); ; ) {
    const now = (await statusesOf(one, io)).filter(({ sinceMs }) => sinceMs > before.status.sinceMs);
    if (now.length > 0) seenMs = steadyNow();
    else if (msSince(seenMs) > BETWEEN_MS) return complain('it has ended instead: see what it said');
    const halted = now.flatMap(({ target, state }) => (state.kind === 'halted' ? [`${target}: ${state.message}`] : []));
    if (now.length > 0 && now.every(({ state }) => state.kind !== 'connecting'))
      return halted.length === 0 ? EXIT.inSync : complain(halted.join('; '));
    await sleep(LOOK_MS);
  }
}

/** How things stand with all targets of this process. */
async function statusesOf({ pid, root }: Found, io: ControlIo): Promise<Status[]> {
  const { found } = await findAll(runtimeFolders(io.around), io.around.uid);
  const same = found.filter((each) => each.pid === pid && each.root === root);
  const answers = await Promise.all(same.map((each) => ask(each, { ask: 'status' }, ANSWER_MS)));
  return answers.flatMap((answer) => (answer.answer === 'status' ? [answer.status] : []));
}
