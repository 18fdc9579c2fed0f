import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commandOf } from '../../src/commands/table.js';
import { success } from '../../src/core/failure.js';
import { readJsonc } from '../../src/options/jsonc.js';
import type { SettingsFile } from '../../src/options/settings-file.js';
import { complaint } from '../../src/report/words.js';
import { fill, temporaryDir } from '../support/tree.js';
import { optionsOf } from '../support/words.js';

const uid = process.getuid?.() ?? 0;

/** What a command line, an environment and a settings file come to, and what is told of what is not used. */
async function outcome(argv: readonly string[], json?: string, env: Readonly<Record<string, string>> = {}) {
  const dir = temporaryDir();
  if (json !== undefined) fill(dir, { 'syncwatch.json': json });
  const warnings: string[] = [];
  const warn = (text: string): void => void warnings.push(text);
  const asked = await optionsOf([...argv, dir], { env, uid, permit: async (file) => success(file), warn });
  const says = asked.kind === 'failed' ? complaint(asked.failure).replaceAll(dir, '') : undefined;
  return { asked, says, warnings };
}

describe('what contradicts each other', () => {
  it.each([
    ['-vq', '--quiet and --verbose'],
    ['-q --debug', '--quiet and --debug'],
    ['--json -q', '--quiet and --json'],
    ['--once --dry-run', '--dry-run and --once'],
    ['--dry-run -q', '--dry-run and --quiet'],
    ['--dry-run --no-initial', '--no-initial and --dry-run'],
    ['--once --no-initial', '--no-initial and --once'],
    ['--once --rescan 5', '--rescan and --once'],
    ['--dry-run --take-over', '--dry-run and --take-over'],
    ['--why x --once', '--why and --once'],
    ['--why x --dry-run', '--why and --dry-run'],
    ['--delete never --max-delete 5', '--max-delete and --delete never'],
  ])('%s is refused, and both are named', async (words, both) => {
    const { says } = await outcome(['--to', 'h:p', ...words.split(' ')]);
    expect(says?.split('\n')[0]?.replace(/^syncwatch: /, '')).toMatch(
      new RegExp(`^(${both}|${both.split(' and ').reverse().join(' and ')}) can't go together$`),
    );
  });

  it('of two sources the higher one counts, and the other does not', async () => {
    const file =
      '{ "to": "h:p", "quiet": true, "initial": false, "rescan": 7, "delete-excluded": true, "delete": "mirror" }';
    expect((await outcome(['-v'], file)).asked).toMatchObject({ settings: { output: { verbosity: 'verbose' } } });
    expect((await outcome(['--once'], file)).asked).toMatchObject({
      settings: { mode: 'once', pace: { initial: true } },
    });
    expect((await outcome(['--delete', 'never'], file)).asked).toMatchObject({
      settings: { deletions: { mode: 'never', excludedToo: false } },
    });
    expect((await outcome([], file, { SYNCWATCH_VERBOSE: '1' })).asked).toMatchObject({
      settings: { output: { verbosity: 'verbose' } },
    });
    // Within one source they are refused, and it is named.
    expect((await outcome([], '{ "to": "h:p", "quiet": true, "verbose": true }')).says).toMatch(
      /syncwatch\.json: "(quiet|verbose)" and --(quiet|verbose) can't go together/,
    );
  });
});

describe('a target without its colon', () => {
  it.each(['server.example.com', '10.0.0.1', 'me@server', 'box.local'])('%s is asked about', async (to) => {
    expect((await outcome(['--to', to])).says).toContain(
      `--to "${to}": the path is missing: did you forget the colon?\n  A target is host:path`,
    );
  });

  it('is asked about beside the directory that it would be in DIR', async () => {
    const permit = async (file: SettingsFile) => success(file);
    const outcomeOf = async (to: string) => {
      const asked = await optionsOf(['--no-settings', '--to', to], { env: {}, uid, permit, warn: () => {} });
      return asked.kind === 'failed' ? complaint(asked.failure) : asked.kind;
    };
    expect(await outcomeOf('server')).toContain('Name a directory outside it. If a host is meant, write server:PATH.');
    for (const to of ['src', './server']) expect(await outcomeOf(to)).toMatch(/Name a directory outside it\.\n?$/);
  });

  it('is a directory where it has a slash, or there is one', async () => {
    const here = temporaryDir();
    for (const name of ['server.example.com', 'me@server']) mkdirSync(join(here, name));
    const before = process.cwd();
    process.chdir(here);
    try {
      for (const to of ['server.example.com', 'me@server', './new.example.com', 'plain'])
        expect((await outcome(['--to', to])).asked).toMatchObject({ settings: { targets: [{ kind: 'local' }] } });
    } finally {
      process.chdir(before);
    }
  });
});

describe('the settings file', () => {
  it.each([
    ['comments and trailing commas', '// to\n{ /* it */ "to": "h:p", "exclude": ["a",], }\n'],
    ['a byte order mark', '\ufeff{ "to": "h:p" }'],
  ])('may have %s', async (_, json) => {
    expect((await outcome([], json)).asked).toMatchObject({ kind: 'run' });
  });

  it.each([
    ['{\n  "to": "h:p"\n  "port": 22\n}', 'is no valid JSON: a comma is missing, line 3, column 3'],
    ['{\r\n  "to": ,\r\n}', 'is no valid JSON: a value is missing, line 2, column 9'],
    ['{ "to": "h:p" } {}', 'is no valid JSON: there is more after its end, line 1, column 17'],
    ['{ "to": "h:p"', 'is no valid JSON: a } is missing, line 1, column'],
    ["{ 'to': 1 }", 'is no valid JSON: there is a word that is none of JSON, line 1, column 3'],
    ['', 'is no valid JSON'],
    ['\ufeff{\n"x" 1}', 'is no valid JSON: a colon is missing, line 2, column 5'],
    ['{\n  "to": "h:p",\n  "exlude": 1 }', ': line 3, column 3: "exlude" is not known\n  Did you mean "exclude"?'],
    ['{\n  "port": "22" }', ': line 2, column 3: "port" must be a number'],
    ['{ "to": "a:b",\n "to": "c:d" }', ': line 2, column 2: "to" is there twice'],
    ['{ "targets": {\n "a": "h:p",\n "b": "h:/" } }', ': line 3, column 2: "targets": "b": '],
    ['{ "__proto__": {} }', ': line 1, column 3: "__proto__" is not known'],
    ['['.repeat(200_000), 'is nested too deeply'],
  ])('%j is refused with its place', async (json, says) => {
    expect((await outcome([], json)).says).toContain(says);
  });

  it('in package.json has no comments, and its place is in that', async () => {
    const dir = temporaryDir();
    fill(dir, { 'package.json': '{\n  "name": "x",\n  "syncwatch": {\n    "exlude": 1 } }' });
    const around = { env: {}, uid, permit: async <T>(file: T) => success(file), warn: () => {} };
    expect(await optionsOf([dir], around)).toMatchObject({
      failure: { message: `${join(dir, 'package.json')}: line 4, column 5: "exlude" is not known` },
    });
    expect(readJsonc('{ "a": 1, }', true)).toMatchObject({ ok: false });
    expect(readJsonc('{ } // x', true)).toMatchObject({ ok: false });
  });

  it('of any text is read as JSON.parse does, where that does, and never thrown at', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        const read = readJsonc(text, true);
        let value: unknown;
        try {
          value = JSON.parse(text);
        } catch {
          return;
        }
        expect(read.ok && JSON.stringify(read.value)).toBe(JSON.stringify(value));
      }),
    );
  });
});

it('a variable that is not known is told of, and not refused; one of a hook is not even told of', async () => {
  const { asked, warnings } = await outcome(['--to', 'h:p'], undefined, {
    SYNCWATCH_EXLUDE: 'x',
    SYNCWATCH_ONCE: '1',
    SYNCWATCH_PATH: 'x',
    SYNCWATCH_PATHS_FILE: 'x',
    SYNCWATCH_ACTION: 'send',
    SYNCWATCH_CONSTRUCTOR: 'x',
  });
  expect(asked).toMatchObject({ kind: 'run', settings: { mode: 'watch' } });
  expect(warnings).toEqual([
    'SYNCWATCH_EXLUDE in the environment is not used: did you mean SYNCWATCH_EXCLUDE?',
    'SYNCWATCH_ONCE in the environment is not used: there is no such setting',
    'SYNCWATCH_CONSTRUCTOR in the environment is not used: there is no such setting',
  ]);
});

it('no command line comes to anything that is thrown, whatever settings and environment say', async () => {
  const options = Object.keys(commandOf(undefined).options);
  const value = fc.constantFrom(
    'h:p',
    'x',
    '',
    '0',
    '-1',
    'NaN',
    '*',
    '[',
    'me@server',
    'a.b',
    '/',
    '.',
    'true',
    'mirror',
    '(',
    '\\',
  );
  const word = fc.oneof(
    fc.tuple(fc.constantFrom(...options), value).map(([option, text]) => `--${option}=${text}`),
    fc.constantFrom(...options).chain((option) => fc.constantFrom(`--${option}`, `--no-${option}`)),
    value,
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(word, { maxLength: 4 }),
      fc.dictionary(
        fc.constantFrom(...options, 'targets', '__proto__'),
        fc.oneof(value, fc.boolean(), fc.integer(), fc.constant(null)),
        { maxKeys: 3 },
      ),
      fc.dictionary(
        fc.constantFrom(...options).map((name) => `SYNCWATCH_${name.toUpperCase().replaceAll('-', '_')}`),
        value,
        { maxKeys: 2 },
      ),
      async (argv, json, env) => {
        const filtered = argv.filter((each) => !/^--(help|version)/.test(each));
        const { asked } = await outcome(filtered, JSON.stringify(json), env);
        if (asked.kind === 'failed') expect(asked.failure.message).not.toBe('');
      },
    ),
    { numRuns: 150 },
  );
}, 60_000);
