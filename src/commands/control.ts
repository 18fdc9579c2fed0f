import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { wallNow } from '../clock.js';
import { type Found, findRunning, isUsable } from '../control/client.js';
import { EXIT, exitCodeOf, type Failure } from '../core/failure.js';
import { jsonLine, line, lines } from '../core/printable.js';
import type { Reach } from '../core/reach.js';
import type { Word } from '../core/ssh/remote-command.js';
import type { ControlCommand } from '../options/controls.js';
import type { Words } from '../options/words.js';
import { statusInWords } from '../report/status.js';
import { complaint } from '../report/words.js';
import { runtimeFolders } from '../state/folders.js';
import { ANSWER_MS, ask, busy, whyNot } from './ask.js';
import type { ControlIo } from './control-io.js';
import { exactWords } from './exact-words.js';
import type { BegunThere } from './run-in.js';

/** After so many milliseconds it is told what `pause` waits for. */
const TELL_MS = 1_000;
const UNDER_WAY = 'waiting for what is being sent; nothing more begins';

interface Options {
  readonly dir: string;
  readonly timeoutMs: number | undefined;
  readonly json: boolean;
  readonly watch: boolean;
  readonly flush: boolean;
  /** Only of this target. */
  readonly to: string | undefined;
  /** What follows the `--`. */
  readonly words: readonly string[];
}

/**
 * `flush`, `exec`, `status` and the like: asks every syncwatch of DIR. Gives the exit code. Loads nothing but what it needs: a flush has
 * to be fast.
 */
export async function control(command: ControlCommand, words: Words, io: ControlIo): Promise<number> {
  const complain = (failure: Failure): number => {
    io.err(complaint(failure));
    return exitCodeOf(failure);
  };
  const options = optionsFrom(words);
  if (command === 'list') return (await import('./list.js')).list(options, io);
  let dir: string;
  try {
    dir = realpathSync(resolve(options.dir));
  } catch {
    return complain({ kind: 'usage', message: `there is no directory ${options.dir}`, hint: 'Check the spelling.' });
  }
  let silent = false;
  const findAll = (): Promise<Found[]> =>
    findRunning(runtimeFolders(io.around), io.around.uid, dir, () => {
      silent = true;
    });
  const meant = (found: readonly Found[]): Found[] =>
    found.filter(({ target, place }) => options.to === undefined || options.to === target || options.to === place);
  const finding = findAll();
  const loading = command === 'exec' ? loadForExec() : undefined;
  const all = await finding;
  const found = meant(all);
  if (all.length > 0 && found.length === 0)
    return complain({
      kind: 'usage',
      message: `${dir} is not synced to ${options.to}`,
      hint: `It is to: ${all.map(({ target }) => target).join(', ')}`,
    });
  if (found.length === 0)
    return complain({
      kind: 'start',
      message: `no syncwatch is running for ${dir} or a directory above it`,
      hint: `Start one there: syncwatch --to HOST:PATH${silent ? '. Or let it go on: there is one that does not answer, as when it is stopped (Ctrl-Z).' : ''}`,
    });
  if (command !== 'status')
    for (const each of found) if (each.isSilent === true) io.err(line(`${each.target}: ${busy(each)}: waiting for it`));
  switch (command) {
    case 'flush':
      return flush(found, options, io);
    case 'exec':
      return exec(found, options, { ...io, loading: loading ?? loadForExec() }, complain);
    case 'status':
      if (!options.watch) return status(found, options, io);
      return (await import('./follow.js')).follow(async () => meant(await findAll()), options, io);
    case 'restart':
      return (await import('./restart.js')).restart(found, io);
    default:
      return tell(command, found, io);
  }
}

/** What the words say: each value is of its kind. */
const optionsFrom = ({ flags }: Words): Options => ({
  dir: String(flags._[0] ?? '.'),
  timeoutMs: typeof flags['timeout'] === 'number' ? flags['timeout'] * 1_000 : undefined,
  json: flags['json'] === true,
  watch: flags['watch'] === true,
  flush: flags['flush'] !== false,
  to: typeof flags['to'] === 'string' ? flags['to'] : undefined,
  words: flags['--'] ?? [],
});

async function flush(found: readonly Found[], { timeoutMs }: Options, io: ControlIo): Promise<number> {
  const codes = await Promise.all(
    found.map(async (each): Promise<number> => {
      const { target } = each;
      const complain = (text: string): void => io.err(line(text));
      const answer = await ask(each, { ask: 'flush' }, timeoutMs);
      if (answer.answer === 'late') {
        const now = await ask(each, { ask: 'status' }, ANSWER_MS);
        complain(`${target}: not everything is there after ${(timeoutMs ?? 0) / 1_000} s`);
        if (now.answer === 'status') for (const text of statusInWords(now.status, wallNow())) complain(`  ${text}`);
        return EXIT.timedOut;
      }
      if (answer.answer !== 'flush') {
        complain(`${target}: ${whyNot(answer)}`);
        return EXIT.cannotStart;
      }
      switch (answer.flushed.end) {
        case 'flushed':
          return EXIT.inSync;
        case 'failed': {
          const { paths, more } = answer.flushed;
          for (const { path, message } of paths) complain(`${target}: ${path} FAILED: ${message}`);
          if (more > 0) complain(`${target}: … and ${more} more`);
          return EXIT.somePathsFailed;
        }
        case 'paused':
          complain(`${target}: it is paused; go on with: syncwatch resume`);
          return EXIT.cannotStart;
        case 'stopped':
          complain(`${target}: that syncwatch is ending`);
          return EXIT.cannotStart;
      }
    }),
  );
  return Math.max(...codes);
}

/**
 * Runs a command in the target's directory, over the connection that is there already: stdin, stdout, stderr, a terminal if
 * there is one, and the exit code are its own.
 */
async function exec(
  found: readonly Found[],
  options: Options,
  io: ControlIo & { readonly loading: ReturnType<typeof loadForExec> },
  complain: (failure: Failure) => number,
): Promise<number> {
  const [one, ...more] = found;
  if (one === undefined || more.length > 0)
    return complain({
      kind: 'usage',
      message: 'there are several targets',
      hint: `Name one: ${found.map(({ target }) => `--to ${target}`).join(' or ')}`,
    });
  const words = exactWords(options.words);
  if (words === undefined)
    return complain({
      kind: 'usage',
      message: 'the command holds bytes that are no UTF-8, which can not be passed on exactly from this system',
      hint: 'Put it into a script, which is synced like any file, and run that.',
    });
  const preparing = prepare(one, io);
  if (options.flush) {
    // The way there is known at once, and the session begins while the flush is under way.
    const beginning = begin(one, words, { ...io, preparing });
    const flushing = flush(found, options, io);
    const code = await flushing;
    const begun = await beginning;
    if (code !== EXIT.inSync) {
      begun?.giveUp();
      return code;
    }
    const ran = begun?.run();
    if (ran !== undefined) return ran;
  }
  const reach = await reachOf(one, io);
  if (reach === undefined)
    return complain({ kind: 'start', message: `there is no connection to ${one.target} at the moment` });
  const { runIn, programs } = await preparing;
  return runIn(reach, words, { ...io, programs });
}

/** The way to it, where there is one just now that may be used. */
async function reachOf(one: Found, { around }: ControlIo): Promise<Exclude<Reach, { kind: 'none' }> | undefined> {
  const answer = await ask(one, { ask: 'reach' }, undefined);
  const reach: Reach = answer.answer === 'reach' ? answer.reach : { kind: 'none' };
  return reach.kind === 'none' || !isUsable(one, reach, around.uid) ? undefined : reach;
}

/**
 * Begins the command while what was saved is still on its way, where it can wait there: it is run when that has arrived, or not at
 * all. Not on a terminal, which belongs to the command from its first moment on.
 */
async function begin(
  one: Found,
  words: readonly Word[],
  io: ControlIo & { readonly preparing: ReturnType<typeof prepare> },
): Promise<BegunThere | undefined> {
  const { stdin } = io;
  // Asked in any case: what is only for later there gives way to what is to be run.
  const reach = await reachOf(one, io);
  if (stdin === undefined || reach?.kind !== 'remote' || reach.waits !== true) return undefined;
  const { beginThere, programs } = await io.preparing;
  return beginThere(reach, words, { ...io, programs, stdin });
}

/** What only exec needs: it comes while that waits for the other process, which has been asked by then. */
async function loadForExec() {
  await turn();
  const [{ runIn, beginThere }, { findForCommands }] = await Promise.all([
    import('./run-in.js'),
    import('../programs.js'),
  ]);
  return { runIn, beginThere, findForCommands };
}

/** The same with what is to be looked up for its DIR. */
async function prepare({ root }: Found, { loading, lookUp }: Parameters<typeof exec>[2]) {
  const { runIn, beginThere, findForCommands } = await loading;
  await turn();
  return { runIn, beginThere, programs: findForCommands(lookUp, root) };
}

async function status(found: readonly Found[], { json }: Options, io: ControlIo): Promise<number> {
  const answers = await Promise.all(
    found.map(async (one) => [one, await ask(one, { ask: 'status' }, ANSWER_MS)] as const),
  );
  for (const [one, said] of answers) {
    if (said.answer !== 'status') io.out(line(`${one.target}: ${busy(one)}: no answer`));
    else io.out(json ? jsonLine({ v: 1, ...said.status }) : lines(statusInWords(said.status, wallNow())));
  }
  return answers.every(([, { answer }]) => answer === 'status') ? EXIT.inSync : EXIT.cannotStart;
}

async function tell(command: 'pause' | 'resume' | 'stop', found: readonly Found[], io: ControlIo): Promise<number> {
  const codes = await Promise.all(
    found.map(async (each) => {
      const waiting =
        command === 'pause' ? setTimeout(() => io.err(line(`${each.target}: ${UNDER_WAY}`)), TELL_MS) : undefined;
      const answer = await ask(
        each,
        { ask: command },
        command === 'resume' && each.isSilent !== true ? ANSWER_MS : undefined,
      );
      clearTimeout(waiting);
      if (answer.answer === 'done') return EXIT.inSync;
      io.err(line(`${each.target}: ${whyNot(answer)}`));
      return EXIT.cannotStart;
    }),
  );
  return Math.max(...codes);
}
