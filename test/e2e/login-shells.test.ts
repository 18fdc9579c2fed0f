import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { NONE_FOUND, remoteCommand, signalCommand, type Word } from '../../src/core/ssh/remote-command.js';
import { place, Running, run } from '../support/cli.js';
import { startTestServer } from '../support/server-setup.js';
import { fill, temporaryDir } from '../support/tree.js';

/** All are tried on this machine: a user in a container has one login shell only. */
const SHELLS = ['bash', 'dash', 'zsh', 'fish', 'tcsh'];

const ODD = [
  ...[
    '=ls',
    '%self',
    '!x',
    '!!',
    'a!b',
    '^a^b',
    '~',
    '~root',
    '~/x',
    '$HOME',
    '"$HOME"',
    '`id`',
    '$(id)',
    '*',
    '?',
    '[a]',
  ],
  ...[
    "it's",
    "''",
    "'\\''",
    '\\',
    '\\\\',
    '\\n',
    'a\\b',
    '\\0101',
    '%s',
    '{a,b}',
    'a;b',
    '&',
    '|',
    '<x',
    '#x',
    '@',
    '==',
    'x=~',
  ],
  ...[
    '',
    ' ',
    '  two  spaces ',
    '-n',
    '--',
    'line\nbreak',
    '\n',
    'ends\n',
    'a\tb',
    '\x01',
    '\x7f',
    '\x1b[31m',
    'ü',
    '日本',
    'if',
    'X=1',
  ],
  ...['\ufffd', 'x'.repeat(30_000), `${'y'.repeat(5_000)}'!`],
];

const NO_TEXT = [Buffer.from([0xff, 0xfe]), Buffer.from("\xe3'\\", 'latin1'), Buffer.from('a\xc3', 'latin1')];

/** The program that comes after it gets one more word, of bytes that are no UTF-8, which node can't give. */
const ONE_MORE = ['sh', '-c', 'exec "$@" "$(printf "\\377\\376")"', 'sh'];

const bytesOf = (word: Word): Buffer => Buffer.from(Buffer.from(word).toString('latin1'), 'latin1');
const listed = (words: readonly Word[]): string =>
  words.map((word) => `${bytesOf(word).toString('latin1')}\0`).join('');

describe.each(SHELLS)('with %s as the login shell there', (shell) => {
  it('a command gets a signal, and no other does', async () => {
    const home = temporaryDir();
    const trapped = 'trap "echo $0 >> got; exit 7" TERM; echo $0 >> up; while :; do sleep 0.05; done';
    // In a session of its own, as sshd starts it.
    const begin = (mark: string): Promise<number | null> => {
      const command = remoteCommand('', ['sh', '-c', trapped, mark], `syncwatch-${mark}`);
      const child = spawn(shell, ['-c', command], { cwd: home, detached: true, stdio: 'ignore' });
      onTestFinished(() => void child.kill('SIGKILL'));
      return new Promise((resolve) => child.once('exit', (code) => resolve(code)));
    };
    const send = (mark: string): number | null =>
      spawnSync(shell, ['-c', signalCommand(`syncwatch-${mark}`, 'TERM')], { cwd: home }).status;
    expect(send('a1')).toBe(NONE_FOUND);
    const ends = [begin('a1'), begin('a2')];
    await expect
      .poll(() => existsSync(join(home, 'up')) && readFileSync(join(home, 'up'), 'utf8').length, { timeout: 60_000 })
      .toBe(6);
    expect(send('a1')).toBe(0);
    expect(await ends[0]).toBe(7);
    expect(readFileSync(join(home, 'got'), 'utf8')).toBe('a1\n');
    expect(send('a2')).toBe(0);
    expect(await ends[1]).toBe(7);
    expect(send('a2')).toBe(NONE_FOUND);
  });

  it('what was begun ahead of time runs at the word that is for it, with all that follows, or never', () => {
    const home = temporaryDir();
    const command = remoteCommand('', ['sh', '-c', 'touch ran; od -An -tx1'], 'syncwatch-a1', true);
    const given = (input: string | Buffer) => {
      rmSync(join(home, 'ran'), { force: true });
      const { status, stdout, stderr } = spawnSync(shell, ['-c', command], { cwd: home, input, encoding: 'latin1' });
      return { status, stdout: stdout.replaceAll(/\s/g, ''), stderr, ran: existsSync(join(home, 'ran')) };
    };
    const rest = Buffer.from([0, 255, 10, 13, 92, 10, 32, 0]);
    expect(given(Buffer.concat([Buffer.from('syncwatch-a1\n'), rest]))).toEqual({
      status: 0,
      stdout: rest.toString('hex'),
      stderr: '',
      ran: true,
    });
    for (const nothing of ['', '\n', 'syncwatch-a1'.slice(0, -1)])
      expect(given(nothing)).toMatchObject({ status: 126, ran: false, stdout: '' });
    for (const other of ['syncwatch-a2\nsyncwatch-a1\n', 'a = b\n', '-n\n', '* x\n'])
      expect(given(other)).toMatchObject({
        status: 126,
        ran: false,
        stderr: expect.stringContaining('nothing was run'),
      });
  });

  it('every word and every directory is exactly what it is', () => {
    const home = temporaryDir();
    /** What it makes of a command, as sshd starts it; its stdout as latin1. */
    const there = (path: string, words: readonly Word[]): string => {
      const env = { ...process.env, HOME: home, CDPATH: '/' };
      const said = spawnSync(shell, ['-c', remoteCommand(path, words)], { cwd: home, env, encoding: 'latin1' });
      expect([said.status, said.stderr, said.error]).toEqual([0, '', undefined]);
      return said.stdout;
    };
    const printed = (words: readonly Word[]): string => there('', ['printf', '%s\\0', ...words]);
    expect(printed([...ODD, ...NO_TEXT])).toBe(listed([...ODD, ...NO_TEXT]));
    for (const word of ODD) expect(printed([word])).toBe(listed([word]));
    const word = fc.oneof(
      fc.constantFrom<Word>(...ODD, ...NO_TEXT),
      fc.uint8Array({ min: 1, maxLength: 12 }),
      fc.string({ unit: fc.constantFrom(...`ab '"\\$!*?[]{}()<>|&;#~\`\n\t-=%^é`), maxLength: 8 }),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 5 }), (words) => {
        expect(printed([...words, 'end'])).toBe(listed([...words, 'end']));
      }),
      { numRuns: 50 },
    );
    for (const name of [
      '=ls',
      '%self',
      '!x',
      '-',
      '--',
      '~0',
      '$HOME',
      "it's",
      'a\\b',
      '*',
      'a b',
      'ü',
      'etc',
      'line\nbreak',
    ]) {
      mkdirSync(join(home, name));
      const full = bytesOf(`${join(home, name)}\n`).toString('latin1');
      for (const path of [name, join(home, name), `~/${name}`, `./${name}/../${name}/`])
        expect(there(path, ['pwd'])).toBe(full);
    }
    expect(there('~root/.', ['printf', '%s', "it's"])).toBe("it's");
  });
});

/** Those that read more than a POSIX shell does; the others run in all other tests. */
describe.each(['zsh', 'fish', 'tcsh'])('a server with %s', (shell) => {
  it('exec and hooks in a directory of an odd name', async () => {
    const login = execFileSync('sh', ['-c', `command -v ${shell}`], { encoding: 'utf8' }).trim();
    // sshd hands this to the login shell of whoever runs the tests, and that to the other one.
    const { server, stop } = await startTestServer([`ForceCommand exec ${login} -c "$SSH_ORIGINAL_COMMAND"`]);
    onTestFinished(stop);
    const there = place(server);
    const odd = `=%self !x!! ~ $HOME "q" it's \\ [a]* ü`;
    mkdirSync(there.remote);
    const args = [...there.args.slice(0, -1), `${there.to}/${odd}`];
    fill(there.local, { 'a!b': 'one' });
    const hook = "printf '%s|' '!!' \"it's\" \"$SYNCWATCH_PATH\" >../hook; exit 7";
    const running = new Running([...args, '--json', there.local, '--on-sync-remote', hook], { env: there.env });
    expect(await running.event('hook')).toMatchObject({ code: 7, output: '' });
    expect(readFileSync(join(there.remote, 'hook'), 'utf8')).toBe("!!|it's|a!b|");
    const words = ODD.filter((word) => word.length < 100);
    const exec = ['exec', there.local, '--', 'sh', '-c', 'pwd; printf "%s\\0" "$@"; exit 5', 'sh', ...words];
    const said = await run(exec, { env: { ...there.env, LC_ALL: 'C' }, wrapper: ONE_MORE });
    expect(said).toMatchObject({ code: 5, stderr: '' });
    expect(said.stdout).toBe(`${there.remote}/${odd}\n${words.map((each) => `${each}\0`).join('')}\ufffd\ufffd\0`);
  });
});

it('exec in a local target: the same, and it is said why a command does not run', async () => {
  const there = place();
  const target = join(there.local, '../target !x');
  fill(there.local, { a: 'one' });
  const running = new Running(['--json', '--to', target, there.local], { env: there.env });
  await running.inSync();
  const exec = (words: readonly string[], wrapper: readonly string[] = [], flags: readonly string[] = []) =>
    run(['exec', ...flags, there.local, '--', ...words], { env: there.env, wrapper });
  const words = ODD.filter((word) => word.length < 100);
  const said = await exec(['sh', '-c', 'pwd; printf "%s\\0" "$@"', 'sh', ...words], ONE_MORE);
  expect(said.stdout).toBe(`${target}\n${words.map((each) => `${each}\0`).join('')}\ufffd\ufffd\0`);
  const nothing = { code: 127, stdout: '' };
  expect(await exec(['there-is-no-\x1bprogram'])).toEqual({
    ...nothing,
    stderr: 'syncwatch: there is no program there-is-no-\\eprogram\n',
  });
  expect(await exec([''])).toEqual({ ...nothing, stderr: "syncwatch: there is no program ''\n" });
  expect(await exec(['./a'])).toMatchObject({ code: 126, stderr: 'syncwatch: ./a may not be run: check its rights\n' });
  await running.stop();
});
