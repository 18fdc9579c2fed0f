import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { cleanEnv, type Place, place } from '../support/cli.js';
import { fill } from '../support/tree.js';

const ROOT = resolve(import.meta.dirname, '../..');
const EXAMPLE = join(ROOT, 'fixtures/examples/api.mjs');

/** Runs a program that uses the package, to its end: nothing ends it but that all is over. */
async function ran(there: Place, args: readonly string[]) {
  const child = spawn(process.execPath, [...args, there.local, there.to, there.server.sshConfig], {
    cwd: ROOT, // where 'syncwatch' is this package
    env: { ...cleanEnv(), ...there.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const code = await new Promise<number | null>((settle) => child.once('close', settle));
  return { code, stdout, stderr };
}

/** What a program says with `tell`, that has `syncwatch`, `dir`, `to` and `config`; nothing else was said. */
async function told(there: Place, body: string): Promise<unknown[]> {
  const program = `
    import { execFileSync } from 'node:child_process';
    import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
    import { constants } from 'node:os';
    import { syncwatch, SyncwatchError } from 'syncwatch';
    const [dir, to, config] = process.argv.slice(1);
    const at = { dir, to, 'ssh-config': config };
    const tell = (value) => console.log(JSON.stringify(value));
    const wrong = async (promise) => {
      try { await promise; return 'nothing'; }
      catch (e) { return e instanceof SyncwatchError ? { kind: e.kind, message: e.message, hint: e.hint } : String(e); }
    };
    ${body}`;
  const { code, stdout, stderr } = await ran(there, ['--input-type=module', '-e', program]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);
}

describe('the API', () => {
  it('does as its example says, which is in docs/api.md', async () => {
    const there = place();
    fill(there.local, { 'src/a': 'a', 'x.log': 'left out' });
    const { code, stdout, stderr } = await ran(there, [EXAMPLE]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toContain('send src/a\n');
    expect(stdout).toContain('there (exit code 0):\nsrc\n\n');
    expect(stdout).toMatch(/ended with 0\n$/);
    const [, program = ''] = readFileSync(EXAMPLE, 'utf8').split(/(?<=^import )/m);
    expect(readFileSync(join(ROOT, 'docs/api.md'), 'utf8')).toContain(program);
  });

  it('flushes, runs commands, ends, and leaves the process as it was', async () => {
    const there = place();
    fill(there.local, { a: 'one' });
    const [listeners, cat, piped, bad, noCommands, listenersThen, ended, after, again] = await told(
      there,
      `
      const heard = () => [...Object.keys(constants.signals), 'uncaughtException', 'unhandledRejection', 'warning']
        .flatMap((name) => process.listenerCount(name) === 0 ? [] : [name]);
      const before = heard();
      const sync = await syncwatch(at);
      writeFileSync(dir + '/a', 'two');
      await sync.flush();
      tell(heard().filter((name) => !before.includes(name)));
      tell(await sync.exec(['cat', 'a']));
      tell(await sync.exec(['sh', '-c', 'cat; echo "$1" >&2; exit 42', '-', "it's"], { input: 'from here', flush: false }));
      tell([
        await wrong(sync.flush({ target: 'nowhere' })),
        await wrong(sync.flush({ signal: AbortSignal.abort(new Error('no')) })),
        await wrong(sync.exec(['sleep', '60'], { signal: AbortSignal.timeout(200) })),
        await wrong(sync.flush({ timeoutMs: -1 })),
        await wrong(sync.flush({ timeoutMs: Infinity })),
        (await sync.exec(['sh', '-c', 'kill -9 $$'])).code,
      ]);
      tell(await Promise.all([[], ['ls', 5], ['a\\0'], 'ls', undefined].map((command) => wrong(sync.exec(command)))
        .concat(wrong(sync.exec(['cat'], { input: 5 })))));
      tell(heard().filter((name) => !before.includes(name)));
      tell(await sync.stop());
      tell(await wrong(sync.flush()));
      tell([await sync.stop(), heard().filter((name) => !before.includes(name))]);`,
    );
    expect(listeners).toEqual([]);
    expect(cat).toEqual({ code: 0, stdout: 'two', stderr: '' });
    expect(piped).toEqual({ code: 42, stdout: 'from here', stderr: "it's\n" });
    expect(bad).toEqual([
      { kind: 'usage', message: 'there is no target nowhere', hint: `There is ${there.to}.` },
      'Error: no',
      expect.stringContaining('TimeoutError'),
      { kind: 'usage', message: 'flush(): "timeoutMs" must be a whole number, 0 or more' },
      { kind: 'usage', message: 'flush(): "timeoutMs" must be a whole number, 0 or more' },
      137,
    ]);
    const noCommand = { kind: 'usage', message: expect.stringContaining('must be a list'), hint: expect.anything() };
    expect(noCommands).toEqual([
      ...Array.from({ length: 5 }, () => noCommand),
      { ...noCommand, message: 'exec(): "input" must be a text or bytes' },
    ]);
    expect(listenersThen).toEqual([]);
    expect(ended).toEqual({ code: 0 });
    expect(after).toMatchObject({ kind: 'ended' });
    expect(again).toEqual([{ code: 0 }, []]);
  });

  it('tells events as --json does, to whoever reads them, from the beginning', async () => {
    const there = place();
    fill(there.local, { a: 'one' });
    const [kinds, later] = (await told(
      there,
      `
      const sync = await syncwatch(at);
      await sync.flush();
      // Ended early, and read by nobody: neither holds anything up.
      for await (const event of sync.events) if (event.event === 'inSync') break;
      const reading = (async () => {
        const all = [];
        for await (const event of sync.events) all.push(event);
        return all;
      })();
      writeFileSync(dir + '/b', 'x');
      await sync.flush();
      await sync.stop();
      const all = await reading;
      const done = await syncwatch({ ...at, once: true });
      const { code } = await done.ended;
      const first = [];
      for await (const event of done.events) first.push(event.event);
      tell([code, first]);
      tell(all);`,
    )) as [[number, string[]], Array<{ event: string; v: number; items?: Array<{ path: string }> }>];
    const json = await there.run(['--once', '--json']);
    const said = json.stdout.split('\n').slice(0, -1);
    expect(kinds).toEqual([0, said.map((line) => (JSON.parse(line) as { event: string }).event)]);
    expect(later.at(-1)).toMatchObject({ v: 1, event: 'stopped', summary: { unsent: [] } });
    expect(later.flatMap(({ items = [] }) => items.map(({ path }) => path))).toContain('b');
    expect(later.map(({ event }) => event)).not.toContain('connected');
  });

  it('has several at once in one process, and each has its own failures', async () => {
    const there = place();
    fill(there.local, { a: 'one' });
    const [sent, ends, refused, options] = await told(
      there,
      `
      const local = dir + '-copy';
      const [one, two, three] = await Promise.all([
        syncwatch(at),
        syncwatch({ dir, to: [local], exclude: 'x*' }),
        syncwatch({ dir, to: 'there:no/such/parent/x', 'ssh-config': config }),
      ]);
      writeFileSync(dir + '/xy', '');
      writeFileSync(dir + '/b', 'b');
      await Promise.all([one.flush(), two.flush()]);
      tell([(await one.exec(['ls'])).stdout, (await two.exec(['ls'])).stdout]);
      tell([await wrong(three.flush()), await three.ended]);
      tell(await wrong(syncwatch(at).then((sync) => sync.flush())));
      const ended = await Promise.all([one.stop(), two.stop({ now: true }), three.stop()]);
      tell([
        ended.map(({ code }) => code),
        ...(await Promise.all([{}, { to: 3 }, { to, onUpload: 'x' }, { to, 'max-delete': -1 }, { ...at, dir: dir + '/no' }, undefined, null, 'x']
          .map((options) => wrong(syncwatch(options))))),
      ]);`,
    );
    expect(sent).toEqual(['a\nb\nxy\n', 'a\nb\n']);
    const failure = { kind: 'remote', message: expect.stringContaining('no/such/parent') };
    expect(ends).toEqual([expect.objectContaining(failure), { code: 3, failure: expect.objectContaining(failure) }]);
    expect(refused).toMatchObject({ kind: 'start', message: expect.stringContaining('already syncs') });
    expect(options).toEqual([
      [0, 0, 3],
      expect.objectContaining({ kind: 'usage', message: expect.stringContaining('--to is missing') }),
      expect.objectContaining({ message: 'options of syncwatch(): "to" must be a text or a list of texts' }),
      expect.objectContaining({ message: expect.stringContaining('"onUpload"'), hint: 'Did you mean "on-upload"?' }),
      expect.objectContaining({ message: expect.stringContaining('"max-delete"') }),
      expect.objectContaining({ kind: 'start', message: expect.stringContaining('is not there') }),
      ...Array.from({ length: 3 }, () =>
        expect.objectContaining({ kind: 'usage', message: 'options of syncwatch(): they must be an object' }),
      ),
    ]);
  });
});
