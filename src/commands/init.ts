import { existsSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { msSince, steadyNow } from '../clock.js';
import type { Report } from '../core/event.js';
import { EXIT, exitCodeOf, type Failure, success } from '../core/failure.js';
import { joined, line, lines, own, type Printable } from '../core/printable.js';
import { modeThereBy } from '../core/rsync/modes.js';
import { inFull } from '../core/target.js';
import type { Io } from '../io.js';
import { transportTo } from '../link/adapters.js';
import { visit } from '../link/arrive.js';
import { invocationFrom } from '../options/check.js';
import { consentFor } from '../options/consent.js';
import { loginFrom } from '../options/environment.js';
import { patternsKept } from '../options/filter.js';
import { gather, type Permit } from '../options/gather.js';
import { many, type Parsed, type Values } from '../options/parsed.js';
import { rootFrom } from '../options/places.js';
import { findSettings, SETTINGS_FILE, settingsAt, settingsIn, withPaths } from '../options/settings-file.js';
import { isSetting, namesOf } from '../options/table.js';
import type { Words } from '../options/words.js';
import { complaint, failureInWords, timeInWords } from '../report/words.js';
import { probeHere } from '../rsync/probe.js';
import { Allowed } from '../state/allowed.js';
import { runtimeFolder, type Surroundings, stateFolder } from '../state/folders.js';
import { keyOf } from '../state/key.js';

export interface InitIo {
  readonly programs: Io['programs'];
  readonly out: (text: Printable) => void;
  readonly err: (text: Printable) => void;
  readonly around: Surroundings;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  /** Asks for a line of text on the terminal; undefined where there is none. */
  readonly ask: ((question: Printable) => Promise<string>) | undefined;
  /** The same with yes or no. */
  readonly confirm: Io['confirm'];
}

/** What makes editors complete the settings; beside all that runs in the package (scripts/build.mjs). */
const SCHEMA = new URL('../schema/settings.json', import.meta.url);

/** How settings in `root` refer to it: by way of the project's own syncwatch, which moves with it, or else where it is. */
export function schemaFrom(root: string): string {
  const inProject = join('node_modules', 'syncwatch', 'schema', 'settings.json');
  for (let dir = root; ; dir = dirname(dir)) {
    const way = relative(root, join(dir, inProject));
    if (existsSync(join(dir, inProject))) return way.startsWith('..') ? way : `./${way}`;
    if (dir === dirname(dir)) return SCHEMA.href;
  }
}

/**
 * `syncwatch init`: writes syncwatch.json into DIR from the options that are given, asking for the target where that is
 * missing, once the target was reached; and prints targets for a Makefile. Gives the exit code.
 */
export async function init(words: Words, io: InitIo): Promise<number> {
  const given = words.flags;
  const complain = (failure: Failure): number => {
    io.err(complaint(failure));
    return exitCodeOf(failure);
  };
  const place = rootFrom(given._.map(String));
  if (!place.ok) return complain(place.failure);
  const { root } = place.value;
  const path = join(root, SETTINGS_FILE);
  const here = settingsAt(root, io.around.uid);
  if (!here.ok) return complain(here.failure);
  // What somebody else has put above it is no hindrance: from now on the nearest ones are these.
  const above = findSettings(root, io.around.uid);
  const before = above.ok ? above.value : undefined;
  if (before?.dir === root)
    return complain({
      kind: 'start',
      message: `there are settings for ${root} already: ${before.source}`,
      hint: 'Edit them, or remove them first.',
    });

  const to = many(given['to'] as Values);
  const answer = to.length > 0 ? undefined : await io.ask?.(own`Where to? For example me@host:path/to/dir: `);
  const flags: Parsed = { ...given, to: to.length > 0 ? to : many(answer?.trim() || undefined), settings: false };
  const permit: Permit = async (file) => success(file); // there is none
  // Not written down, but what is tried is what `syncwatch` will do here.
  const env = loginFrom(io.env);
  const gathered = await gather({ ...words, flags }, { env, uid: io.around.uid, permit, warn: () => {} });
  if (!gathered.ok) return complain(gathered.failure);
  const invocation = invocationFrom(gathered.value);
  if (!invocation.ok) return complain(invocation.failure);
  const kept = patternsKept({ ...words, flags });
  if (!kept.ok) return complain(kept.failure);
  for (const file of kept.value.copied)
    io.out(line(`what is in ${file} is copied into the settings, because others of your patterns come after it`));
  const values = { $schema: schemaFrom(root), ...settingValues({ ...flags, ...kept.value.values }, root) };
  const file = settingsIn(values, path);
  if (!file.ok) return complain(file.failure);
  const consent = consentFor(file.value, { ...io.around, isNamed: false });
  if (!consent.ok) return complain(consent.failure);
  const state = stateFolder(io.around);
  if (!state.ok) return complain(state.failure);

  const programs = io.programs(root);
  const rsync = await probeHere(programs.rsync, invocation.value.settings.rsync.extras);
  if (!rsync.ok) return complain(rsync.failure);
  const runtime = runtimeFolder(io.around);
  if (!runtime.ok) return complain(runtime.failure);
  for (const target of invocation.value.settings.targets) {
    io.out(line(`looking at ${inFull(target)} …`));
    const begun = steadyNow();
    const {
      ssh,
      dir,
      rsync: { extras },
      deletions: { mode: deletes, trash },
    } = invocation.value.settings;
    const modeThere = modeThereBy(invocation.value.settings.rsync);
    const report: Report = (event) => {
      if (event.kind === 'note' && event.level === 'normal') io.err(line(event.text));
    };
    const controlPath = (): string => join(runtime.value, `${keyOf(root, `init ${io.pid}`)}.ssh`);
    const reached = await visit(
      transportTo(target, { programs, uid: io.around.uid, here: rsync.value, ssh, controlPath, report }),
      { programs, report, dir, root, trash, extras, isMirror: deletes === 'mirror', modeThere },
      new AbortController().signal,
    );
    if (!reached.ok) {
      if (io.confirm === undefined) return complain(reached.failure);
      const question = joined(lines(failureInWords(reached.failure)), own`Write the settings all the same?`);
      if (!(await io.confirm(question))) return exitCodeOf(reached.failure);
      continue;
    }
    const what = reached.value.exists ? 'the directory is there' : 'the directory will be made';
    io.out(line(`  reached in ${timeInWords(msSince(begun))}; ${what}`));
  }

  try {
    // Nobody else's to write, whatever the umask: it would not be obeyed.
    writeFileSync(path, `${JSON.stringify(values, undefined, 2)}\n`, { flag: 'wx', mode: 0o644 });
  } catch (error) {
    return complain({ kind: 'start', message: `${path} can't be written: ${String(error)}` });
  }
  // They have said all of it themselves.
  const sum = consent.value?.sum;
  const problem = sum === undefined ? undefined : new Allowed(state.value, io.around.uid).allow(path, sum);
  if (problem !== undefined) io.err(complaint(problem));
  io.out(joined(own`wrote ${path}\n\nNow: syncwatch\n\nFor a Makefile:\n\n`, MAKEFILE));
  return EXIT.inSync;
}

const MAKEFILE = own`.PHONY: sync remote-test
sync:
\tsyncwatch
remote-test:
\tsyncwatch exec -- make test
`;

/** The options that were given, as they are written in the settings. */
function settingValues(flags: Parsed, root: string): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const key of namesOf(isSetting)) {
    const value = key === 'rsync-args' ? flags['--'] : flags[key];
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    const written = withPaths(key, value, (path) => pathFor(path, root));
    values[key] = Array.isArray(written) && written.length === 1 ? written[0] : written;
  }
  return values;
}

/** As seen from the settings file. */
const pathFor = (text: string, root: string): string =>
  isAbsolute(text) || text.startsWith('~') ? text : relative(root, resolve(text));
