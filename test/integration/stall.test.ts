import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { nameFromText } from '../../src/core/name.js';
import { ofNames } from '../../src/core/rsync/complaints.js';
import { outcomeOf } from '../../src/core/rsync/exit.js';
import { transportTo } from '../../src/link/adapters.js';
import { visit } from '../../src/link/arrive.js';
import { inputOf, startRsync } from '../../src/rsync/run.js';
import { type MasterOptions, openMaster } from '../../src/ssh/master.js';
import type { Engine } from '../../src/sync/engine.js';
import { programOf } from '../support/alone.js';
import { freshName } from '../support/cli.js';
import { localEngine } from '../support/engine.js';
import { PROGRAMS, there } from '../support/programs.js';
import { filterOf, plainSettings } from '../support/settings.js';
import { fill, temporaryDir } from '../support/tree.js';

const target = {
  kind: 'remote',
  host: 'there',
  user: undefined,
  path: 'p',
  label: 'there:p',
  place: 'there:p',
} as const;

/** In place of ssh: a connection on which nobody ever says anything. Whatever it is asked, it writes a line down. */
function silentSsh(dir: string, script = 'exec sleep 600'): string {
  const silent = join(dir, 'silent');
  // Asked for its settings it answers, as ssh does without any connection.
  const settings = 'case " $* " in *" -G "*) exit 0 ;; esac';
  writeFileSync(silent, `#!/bin/sh\n${settings}\necho "$@" >> ${dir}/asked\n${script}\n`);
  chmodSync(silent, 0o755);
  return silent;
}

it('a run that makes no progress is ended, and said to be', async () => {
  const dir = temporaryDir();
  const settings = plainSettings({ target, root: dir, remoteShell: silentSsh(dir) });
  const rsync = startRsync(settings, { kind: 'names', comparesContent: false, deleteMissing: true });
  const run = { kind: 'names', names: [nameFromText('a')], comparesContent: false, deleteMissing: true } as const;
  const input = inputOf(run, 'marks');
  const exit = await rsync.finish(input, () => {}, { abort: new AbortController().signal, noProgressMs: 1_000 });
  expect(exit.stalledMs).toBe(1_000);
  const aim = { login: 'there', host: 'there', port: undefined, byHand: 'ssh there' };
  expect(outcomeOf(exit, aim, [], ofNames([]))).toMatchObject({
    kind: 'broken',
    failure: { kind: 'run', message: 'rsync to there made no progress for 1 s and was ended' },
  });
});

/** In place of rsync, with a long list of names on its stdin. Gives how that ended, and what node warned of. */
async function givenMuch(script: string, noProgressMs: number) {
  const dir = temporaryDir();
  const file = join(dir, 'rsync');
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  const settings = plainSettings({ target, root: dir });
  const rsync = startRsync(
    { ...settings, program: { ...settings.program, file } },
    { kind: 'pass', dryRun: false, rulesFile: '/dev/null' },
  );
  const names = Array.from({ length: 50_000 }, (_, at) => nameFromText(`a name of some length ${at}`));
  const run = { kind: 'pass', dryRun: false, rules: [], names } as const;
  const warnings: string[] = [];
  const warn = ({ name }: Error): void => void warnings.push(name);
  process.on('warning', warn);
  onTestFinished(() => void process.off('warning', warn));
  const abort = new AbortController().signal;
  const exit = await rsync.finish(inputOf(run, 'marks'), () => {}, { abort, noProgressMs });
  await new Promise(setImmediate);
  return { ...exit, warnings };
}

describe('an rsync with a long list to read', () => {
  it('makes progress as long as it reads, though it says nothing', async () => {
    const slowly =
      'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do head -c 100000 > /dev/null; sleep 0.2; done; cat > /dev/null';
    expect(await givenMuch(slowly, 1_500)).toMatchObject({ code: 0, stalledMs: undefined });
  });

  it.each([
    ['has ended before', 'exit 12'],
    ['reads no more, and goes on', 'exec <&-; sleep 0.5; exit 12'],
  ])('is given no more of it where it %s', async (_, script) => {
    expect(await givenMuch(script, 60_000)).toMatchObject({ code: 12, warnings: [] });
  });
});

/** An engine whose rsync gets no answer. */
function silentEngine(dir: string): { engine: Engine; asked: () => number } {
  mkdirSync(join(dir, 'root'));
  fill(join(dir, 'root'), { a: 'a' });
  const settings = { target, remoteShell: silentSsh(dir) };
  const engine = localEngine(join(dir, 'root'), '', filterOf(), settings, { noProgressMs: 500 });
  onTestFinished(() => engine.close());
  return { engine, asked: () => readFileSync(join(dir, 'asked'), 'utf8').trim().split('\n').length };
}

describe('a full sync to which nobody says anything', () => {
  it('is not tried again where the tries are counted (--once): each would take as long', async () => {
    const { engine, asked } = silentEngine(temporaryDir());
    expect(await engine.begin('full', 3)).toMatchObject({
      message: expect.stringMatching(/no progress/),
      isSilence: true,
    });
    expect(asked()).toBe(1);
  });

  it('is tried again otherwise', async () => {
    const { engine, asked } = silentEngine(temporaryDir());
    void engine.begin('full');
    await vi.waitFor(() => expect(asked()).toBe(2), { timeout: 20_000 });
  });
});

describe('a login', () => {
  const options = (dir: string, script: string): MasterOptions => ({
    ssh: { port: undefined, identities: [], configFile: undefined, options: [], ownMaster: false },
    config: '',
    controlPath: join(dir, 'c'),
    target,
    programs: { ...PROGRAMS, ssh: { ...there(PROGRAMS.ssh), file: silentSsh(dir, script) } },
    onMessage: () => {},
    patience: { loginMs: 300, commandMs: 300 },
  });

  it('that is never through ends, whatever ssh waits for', async () => {
    const opened = await openMaster(options(temporaryDir(), 'exec sleep 600'), new AbortController().signal);
    expect(opened).toMatchObject({
      ok: false,
      failure: { kind: 'connection', message: 'the login to there was not through after 0 s' },
    });
  });

  it('passes on what comes from there in whole characters, wherever the pieces begin', async () => {
    const said: string[] = [];
    const script = "printf 'Gr\\303' >&2; sleep 0.1; printf '\\274\\303\\237e\\n' >&2; exit 255";
    const given = options(temporaryDir(), script);
    const patience = { loginMs: 30_000, commandMs: 300 };
    const onMessage = (line: string): void => void said.push(line);
    await openMaster({ ...given, patience, onMessage }, new AbortController().signal);
    expect(said).toEqual(['Grüße']);
  });

  it('may take as long as somebody is asked on the terminal', async () => {
    const dir = temporaryDir();
    // Opens the terminal as ssh does for a password, and then waits for the other side.
    const given = options(dir, `exec 3</dev/tty; sleep 1.5; : > ${dir}/answered; exec 3<&-; exec sleep 600`);
    const program = await programOf(
      dir,
      `import { openMaster } from 'src/ssh/master.js';
       const options = { ...${JSON.stringify(given)}, onMessage: () => {} };
       const opened = await openMaster(options, new AbortController().signal);
       console.log(JSON.stringify(opened));`,
    );
    const { stdout } = spawnSync('script', ['-qec', `${process.execPath} ${program}`, '/dev/null'], {
      encoding: 'utf8',
    });
    expect(stdout).toMatch(/the login to there was not through/);
    expect(existsSync(join(dir, 'answered'))).toBe(true);
    expect(stdout).toMatch(/the login to there was not through/);
  });

  it('whose socket is there but answers nothing ends too', async () => {
    const dir = temporaryDir();
    writeFileSync(join(dir, 'c'), '');
    const opened = await openMaster(
      options(dir, `case "$*" in *"-O exit"*) exit 255;; *"-O check"*) exit 255;; esac; : > ${dir}/c; exec sleep 600`),
      new AbortController().signal,
    );
    expect(opened.ok).toBe(false);
  });
});

it('a shell there that does not start rsync is given up in time', async () => {
  const { sshConfig, hereBase, thereBase } = inject('server');
  const hangs = `hangs-for-${freshName()}`;
  writeFileSync(join(hereBase, hangs), '#!/bin/sh\nexec sleep 20\n');
  chmodSync(join(hereBase, hangs), 0o755);
  const dir = temporaryDir();
  const report = (): void => {};
  const transport = transportTo(target, {
    programs: PROGRAMS,
    here: { program: there(PROGRAMS.rsync), version: [3, 5, 0] },
    ssh: { port: undefined, identities: [], configFile: sshConfig, options: [], ownMaster: false },
    uid: 0,
    controlPath: () => join(dir, 'c'),
    report,
    patience: { loginMs: 60_000, commandMs: 700 },
  });
  const reached = await visit(
    transport,
    {
      programs: PROGRAMS,
      report,
      extras: [{ name: '--rsync-path', value: `${thereBase}/${hangs}`, runs: 'all' }],
      dir,
      root: dir,
      isMirror: false,
      modeThere: () => undefined,
      trash: undefined,
    },
    new AbortController().signal,
  );
  expect(reached).toMatchObject({
    ok: false,
    failure: { kind: 'connection', message: 'there lets us log in, but its shell did not start rsync within 1 s' },
  });
});
