import { type ErrorKind, SyncwatchError } from './api/error.js';
import { EventStream } from './api/events.js';
import { checkCall, execIn } from './api/exec.js';
import type { Ended, ExecOptions, FlushOptions, Missed, Output, Syncwatch } from './api/syncwatch.js';
import { lookUpBy, worldOf } from './around.js';
import type { Answer } from './control/protocol.js';
import { EXIT, type Failure, failed, type Result, success } from './core/failure.js';
import { type Asked, readOptions } from './options/command-line.js';
import { type Options, optionsGiven } from './options/given.js';
import { findForCommands } from './programs.js';
import { toWire } from './report/wire.js';
import type { EventFailure, SyncwatchEvent } from './report/wire-event.js';
import { start } from './running.js';
import { ownUid } from './user-folders.js';

export type { Ended, ErrorKind, ExecOptions, FlushOptions, Missed, Options, Output, Syncwatch, SyncwatchEvent };
export { SyncwatchError };

/**
 * Keeps a target the same as a directory, as `syncwatch` on the command line does. Resolves when the options are all right; what
 * comes of it `events` and `ended` tell. Rejects with a {@link SyncwatchError} where they are not. It prints nothing, hears no
 * signals and asks nothing, but for ssh, which may ask for a password where there is a terminal (`'ssh-option': 'BatchMode=yes'`: it
 * does not). Whoever starts it has to {@link Syncwatch.stop} it.
 */
export async function syncwatch(options: Options): Promise<Syncwatch> {
  const read = await invocationFor(options);
  if (!read.ok) throw new SyncwatchError(read.failure);
  const { root } = read.value.settings;
  const events = new EventStream<SyncwatchEvent>();
  let failure: Failure | undefined;
  const running = start(
    read.value,
    {
      report: (event) => {
        if (event.kind === 'halted') failure ??= event.failure;
        const wire = toWire(event, new Date());
        if (wire !== undefined) events.push(wire);
      },
      ...worldOf(process),
      keys: undefined,
      confirm: undefined,
    },
    {
      begins: () => {},
      read: () => invocationFor(options),
      changed: () => read.value.edits.look(),
    },
  );
  const ended = running.code.then(
    (code): Ended => ({ code, ...(failure === undefined ? {} : { failure: failureFor(failure) }) }),
    // A bug; whoever waits for the end hears of it, too.
    (error: unknown): Ended => ({
      code: EXIT.cannotStart,
      failure: { kind: 'run', message: `a bug: ${String(error)}` },
    }),
  );
  void ended.then(() => events.end());

  /** The answer of a target, which is about to end where there is none. */
  const ask = async (target: string, question: 'flush' | 'reach', gone: AbortSignal): Promise<Answer> => {
    const answer = await running.ask(target, { ask: question }, gone);
    if (answer !== undefined && answer.answer !== 'error') return answer;
    if (failure !== undefined) throw new SyncwatchError(failure);
    throw new SyncwatchError({ kind: 'ended', message: `${target}: ${answer?.message ?? 'it has ended'}` });
  };
  const flush = async ({ target, timeoutMs, signal }: FlushOptions = {}): Promise<void> => {
    if (timeoutMs !== undefined && !(Number.isSafeInteger(timeoutMs) && timeoutMs >= 0))
      throw new SyncwatchError({ kind: 'usage', message: 'flush(): "timeoutMs" must be a whole number, 0 or more' });
    signal?.throwIfAborted();
    const late = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
    const gone = AbortSignal.any([late, signal].filter((each) => each !== undefined));
    const flushed = targetsFor(running.targets, target).map(async (each) => {
      const asked = ask(each, 'flush', gone);
      asked.catch(() => {}); // where it was given up
      const answer = await Promise.race([asked, abortOf(gone)]);
      const failed = answer === undefined ? undefined : whyNotFlushed(each, answer);
      if (failed !== undefined && !gone.aborted) throw failed;
    });
    await Promise.all(flushed);
    signal?.throwIfAborted();
    if (late?.aborted === true)
      throw new SyncwatchError({
        kind: 'timedOut',
        message: `not everything is there after ${(timeoutMs ?? 0) / 1_000} s`,
      });
  };
  return {
    events,
    ended,
    flush,
    exec: async (command, { flush: isFlushed = true, input = '', ...options } = {}) => {
      checkCall(command, input);
      const [target, other] = targetsFor(running.targets, options.target);
      if (target === undefined || other !== undefined)
        throw new SyncwatchError({
          kind: 'usage',
          message: 'there are several targets',
          hint: `Name one: ${running.targets.join(', ')}`,
        });
      const { signal: gone = new AbortController().signal } = options;
      if (isFlushed) {
        await ask(target, 'reach', gone); // what is only for later there gives way to what is to be run
        await flush({ ...options, target });
      }
      const answer = await ask(target, 'reach', gone);
      if (answer.answer !== 'reach' || answer.reach.kind === 'none')
        throw new SyncwatchError({ kind: 'connection', message: `there is no connection to ${target} at the moment` });
      const output = await execIn(answer.reach, command, findForCommands(lookUpBy(process), root), { input, gone });
      gone.throwIfAborted();
      return output;
    },
    stop: ({ now = false } = {}) => {
      running.stop();
      if (now) running.cut();
      return ended;
    },
  };
}

type Run = Extract<Asked, { kind: 'run' }>;

async function invocationFor(options: Options): Promise<Result<Run>> {
  const given = optionsGiven(options);
  if (!given.ok) return given;
  const { words, layer } = given.value;
  // Whoever names a settings file means it.
  const asked = await readOptions(words, {
    options: layer,
    env: {},
    warn: () => {}, // of the environment, which is none
    uid: ownUid(),
    permit: async (file) => success(file),
  });
  if (asked.kind === 'run') return success(asked);
  return failed(asked.kind === 'failed' ? asked.failure : { kind: 'usage', message: 'there is nothing to sync' });
}

const failureFor = ({ kind, message, hint, detail }: Failure): EventFailure => ({ kind, message, hint, detail });

function targetsFor(all: readonly string[], wanted: string | undefined): readonly string[] {
  if (wanted === undefined) return all;
  if (all.includes(wanted)) return [wanted];
  throw new SyncwatchError({
    kind: 'usage',
    message: `there is no target ${wanted}`,
    hint: `There is ${all.join(', ')}.`,
  });
}

const abortOf = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });

/** Undefined where all is there. */
function whyNotFlushed(target: string, answer: Answer): SyncwatchError | undefined {
  if (answer.answer !== 'flush') return undefined;
  const { flushed } = answer;
  switch (flushed.end) {
    case 'flushed':
      return undefined;
    case 'failed': {
      const all = flushed.paths.map(({ path, message }) => `${path}: ${message}`);
      const more = flushed.more > 0 ? [`and ${flushed.more} more`] : [];
      return new SyncwatchError({ kind: 'path', message: `${target}: ${[...all, ...more].join('; ')}` });
    }
    case 'paused':
      return new SyncwatchError({
        kind: 'paused',
        message: `${target}: it is paused`,
        hint: 'Go on with: syncwatch resume',
      });
    case 'stopped':
      return new SyncwatchError({ kind: 'ended', message: `${target}: it has ended, or is about to` });
  }
}
