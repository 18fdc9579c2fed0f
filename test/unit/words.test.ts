import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCommand } from '../../src/commands/read.js';
import { type CommandName, commandNames, commandOf } from '../../src/commands/table.js';
import { complaint } from '../../src/report/words.js';

const ask = (words: string, name?: CommandName) =>
  readCommand(name, commandOf(name), words === '' ? [] : words.split(' '));

/** What it says on stderr. */
async function refusal(words: string, name?: CommandName): Promise<string> {
  const asked = await ask(words, name);
  if (asked.kind !== 'failed') throw new Error(`not refused: ${JSON.stringify(asked)}`);
  expect(asked.failure.kind).toBe('usage');
  return complaint(asked.failure);
}

describe('the words of syncwatch itself', () => {
  it.each([
    ['--to h:p', { to: 'h:p' }],
    ['--to=h:p', { to: 'h:p' }],
    ['-t h:p', { to: 'h:p' }],
    ['-th:p', { to: 'h:p' }],
    ['-t=h:p', { to: 'h:p' }],
    ['-vth:p -p22', { verbose: true, to: 'h:p', port: 22 }],
    ['-t a:b --to c:d', { to: ['a:b', 'c:d'] }],
    ['-xfoo -x*.log', { exclude: ['foo', '*.log'] }],
    ['--exclude=-x', { exclude: '-x' }],
    ['--exclude=a=b', { exclude: 'a=b' }],
    ['--once', { once: true }],
    ['--once=false', { once: false }],
    ['--no-once --once', { once: true }],
    ['--initial --no-initial', { initial: false }],
    ['--no-settings', { settings: false }],
    ['--max-delete 0 --rescan 1.5', { 'max-delete': 0, rescan: 1.5 }],
    ['-x 1 --trash 0x10', { exclude: '1', trash: '0x10' }],
  ])('%s', async (words, flags) => {
    expect(await ask(words)).toMatchObject({ kind: 'words', words: { flags } });
  });

  it('stand in their order, with what follows the --', async () => {
    const asked = await ask('--include a -xb --exclude c -- --to -x');
    expect(asked).toMatchObject({
      words: { order: ['include', 'exclude', 'exclude'], flags: { '--': ['--to', '-x'], _: [] } },
    });
  });

  it.each([
    ['--exlude x', 'unknown option --exlude\n  Did you mean --exclude?'],
    ['--excl x', 'unknown option --excl\n  Did you mean --exclude?'],
    ['--no-no-initial', 'unknown option --no-no-initial\n  Did you mean --no-initial?'],
    ['-V', 'unknown option -V\n  See syncwatch --help: there is -t -x -p -i -F -o -q -v -h; the version: --version.'],
    ['-vkq', 'unknown option -k in -vkq\n  See syncwatch --help: there is -t -x'],
    ['-once', 'unknown option -once\n  Did you mean --once?'],
    ['-to h:p', 'unknown option -to\n  Did you mean --to?'],
    ['--numeric-ids', 'unknown option --numeric-ids\n  Options for rsync come at the end, after --: -- --numeric-ids'],
    ['--__proto__', 'unknown option --__proto__\n'],
    ['--constructor=1', 'unknown option --constructor\n'],
    ['--to.x=1', 'unknown option --to.x\n'],
    ['--=x', 'unknown option --\n'],
    ['---', 'unknown option ---\n'],
    ['--to', '--to needs a value: --to HOST:PATH\n'],
    ['-vt', '-t needs a value: -t HOST:PATH\n'],
    ['--to --', '--to needs a value: --to HOST:PATH\n'],
    [
      '--delete --once',
      '--delete needs a value: --delete seen|mirror|never\n  If "--once" is meant as that: --delete=--once',
    ],
    ['--to=', '--to must not be empty\n'],
    ['--exclude=', '--exclude must not be empty\n'],
    ['--no-to', '--no-to makes no sense\n  To go without, leave --to out.'],
    ['--no-max-delete', '--no-max-delete makes no sense\n'],
    ['--no-port=1', '--no-port makes no sense\n'],
    ['--no-version', '--no-version makes no sense\n  To go without, leave --version out.'],
    ['--version=false', '--version takes no value'],
    ['--help=foo', '--help takes all or nothing\n  All that syncwatch takes: --help=all.'],
    ['--no-json=1', '--no-json takes no value'],
    ['--once=maybe', '--once takes no value, not "maybe" either\n'],
    ['-v=x', '-v takes no value'],
    ['--delete all', '--delete must be one of seen, mirror, never\n'],
    ['--port 1 --port 1', '--port was given more than once\n'],
    ['statsu', 'there is no command and no directory statsu\n  Did you mean syncwatch status?'],
    ['box:app', 'there is no directory box:app\n  If that is where to sync to: --to box:app'],
    [
      '--json status',
      'status is a command, and there is no directory status\n  A command comes first: syncwatch status …',
    ],
  ])('%s is refused', async (words, says) => {
    expect(await refusal(words)).toContain(`syncwatch: ${says}`);
  });

  it.each(['NaN', 'Infinity', '-Infinity', '0x10', '1e3', '-1', '1.5', '22a', '٣', ' 5', '+5', '1_000'])(
    'a port is no %j',
    async (text) => {
      for (const argv of [['--port', text], [`--port=${text}`], ['-p', text], [`-p${text}`]])
        expect(await readCommand(undefined, commandOf(undefined), argv)).toMatchObject({
          kind: 'failed',
          failure: {
            kind: 'usage',
            message: expect.stringMatching(/^--?p(ort)? (takes a whole number|needs a value)/),
          },
        });
    },
  );

  it('an empty DIR is refused, whatever else is there', async () => {
    expect(await readCommand(undefined, commandOf(undefined), ['--to', 'h:p', ''])).toMatchObject({
      failure: { message: 'DIR is empty', hint: 'Is a variable not set?' },
    });
  });

  it('several DIRs are refused', async () => {
    expect(await refusal('--to h:p . ..')).toMatch(/one DIR at most, but there are 2: \. \.\.\n {2}Quote patterns/);
  });
});

describe('the words of a command', () => {
  it.each([
    ['flush', '--exclude x', 'flush takes no --exclude\n  syncwatch itself does. See syncwatch flush --help.'],
    ['flush', '--watch', 'flush takes no --watch\n  syncwatch status does.'],
    ['status', '--timeout 1', 'status takes no --timeout\n  syncwatch flush, syncwatch exec do.'],
    ['doctor', '--once', 'doctor takes no --once\n'],
    ['init', '--json', 'init takes no --json\n'],
    ['flush', '--jsom', 'unknown option --jsom\n  See syncwatch flush --help.'],
    ['status', '--jsom', 'unknown option --jsom\n  Did you mean --json?'],
    ['flush', '--timeout -1', '--timeout takes a number of seconds from 0 to 86400\n'],
    ['flush', '--timeout soon', '--timeout takes a number of seconds from 0 to 86400\n  See syncwatch flush --help.'],
    ['flush', '--to a --to b', '--to was given more than once\n'],
    ['flush', 'a b', 'one DIR at most, but there are 2: a b\n'],
    ['flush', '-- x', 'flush takes nothing after --\n'],
    ['exec', '', 'no command: syncwatch exec [DIR] -- CMD ARGS…\n'],
    [
      'exec',
      'make test',
      'no command: syncwatch exec [DIR] -- CMD ARGS…\n  What to run comes after the --: syncwatch exec -- make test',
    ],
    ['allow', 'a b', 'one FILE at most, but there are 2: a b\n'],
    ['allow', '--forever', 'unknown option --forever\n  See syncwatch allow --help.'],
  ] as const)('%s %s is refused', async (name, words, says) => {
    expect(await refusal(words, name)).toContain(`syncwatch: ${says}`);
  });

  it('ask for help wherever that stands, but for a value or after --', async () => {
    for (const name of [undefined, ...commandNames()])
      for (const words of ['--help', '-h', 'x --help y', '--odd --help', '--help --odd', '-vh', '--help=all'])
        if (!(words === '-vh' && name !== undefined)) expect((await ask(words, name)).kind, words).toBe('help');
    expect(await ask('exec -- --help', 'exec')).toMatchObject({ kind: 'words' });
    expect(await ask('--exclude=--help')).toMatchObject({ kind: 'words' });
  });
});

it('whatever is typed is read, or refused in words of a line or two: nothing is thrown', async () => {
  const known = [undefined, ...commandNames()].flatMap((name) =>
    Object.entries(commandOf(name).options).flatMap(([option, { alias }]) => [
      `--${option}`,
      `--no-${option}`,
      ...(alias === undefined ? [] : [`-${alias}`]),
    ]),
  );
  const text = fc.oneof(
    fc.constantFrom(
      '',
      '-',
      '--',
      'x',
      '0',
      '-1',
      'NaN',
      'h:p',
      '.',
      '/tmp',
      '__proto__',
      'constructor',
      'true',
      '=',
      '\0',
      '😀',
      '[',
      '*',
    ),
    fc.string({ maxLength: 6, unit: 'binary' }),
  );
  const word = fc.oneof(
    text,
    fc.constantFrom(...known),
    fc.tuple(fc.constantFrom(...known), text).map(([option, value]) => `${option}=${value}`),
    fc.tuple(fc.constantFrom(...known), text).map(([option, value]) => `${option}${value}`),
    text.map((some) => `-${some}`),
    text.map((some) => `--${some}`),
    text.map((some) => `--no-${some}`),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(undefined, ...commandNames()),
      fc.array(word, { maxLength: 5 }),
      async (name, argv) => {
        const asked = await readCommand(name, commandOf(name), argv);
        if (asked.kind !== 'failed') return;
        expect(asked.failure.kind).toBe('usage');
        expect(complaint(asked.failure).trimEnd().split('\n').length).toBeLessThanOrEqual(2);
      },
    ),
    { numRuns: 2_000 },
  );
});
