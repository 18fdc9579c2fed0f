import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { schemaFrom } from '../../src/commands/init.js';
import { success } from '../../src/core/failure.js';
import type { Filter } from '../../src/core/filter/filter.js';
import { nameFromText } from '../../src/core/name.js';
import { patternsKept } from '../../src/options/filter.js';
import type { Permit } from '../../src/options/gather.js';
import { problemOf } from '../../src/options/layer.js';
import { settingsSchema } from '../../src/options/schema.js';
import { isFlag, isSetting, namesOf, settingKind } from '../../src/options/table.js';
import type { Settings } from '../../src/settings.js';
import { fill, temporaryDir } from '../support/tree.js';
import { optionsOf, wordsOf } from '../support/words.js';

/** As where the user has said yes to whatever there is: test/unit/consent.test.ts is about that. */
const ALLOWED: Permit = async (file) => success(file);

const uid = process.getuid?.() ?? 0;

/** What a command line, an environment and the files in a directory come to. */
const read = (argv: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  optionsOf(argv, { env, uid, permit: ALLOWED, warn: () => {} });

async function settings(
  argv: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<Settings & { readonly filter: Filter }> {
  const asked = await read(argv, env);
  if (asked.kind !== 'run') throw new Error(JSON.stringify(asked));
  return { ...asked.settings, filter: asked.filter };
}

async function refusal(argv: readonly string[], env?: Readonly<Record<string, string>>): Promise<string> {
  const asked = await read(argv, env);
  if (asked.kind !== 'failed') throw new Error(`not refused: ${JSON.stringify(asked.kind)}`);
  return `${asked.failure.message}\n${asked.failure.hint ?? ''}`;
}

/** A directory with a syncwatch.json. */
function project(json: unknown, more: Readonly<Record<string, string>> = {}): string {
  const dir = temporaryDir();
  fill(dir, { ...more, 'syncwatch.json': typeof json === 'string' ? json : JSON.stringify(json) });
  return dir;
}

const isSynced = (from: { readonly filter: Filter }, name: string): boolean =>
  from.filter.decide(nameFromText(name), false).synced;

describe('the settings file', () => {
  it('gives what the command line does not; flags win', async () => {
    const dir = project({ to: 'h:p', delete: 'mirror', port: 2222, 'on-sync': 'make', initial: false, compress: true });
    const all = await settings([dir]);
    expect(all).toMatchObject({
      root: dir,
      deletions: { mode: 'mirror' },
      pace: { initial: false },
      ssh: { port: 2222 },
    });
    expect(all.rsync.flags).toEqual(['--compress']);
    expect(all.targets).toMatchObject([{ host: 'h', path: 'p' }]);
    expect(all.hooks.onSync).toMatchObject([{ command: 'make', only: undefined }]);
    const flags = await settings(['--to', 'other:x', '--delete', 'never', '--initial', '-p', '1', dir]);
    expect(flags).toMatchObject({ deletions: { mode: 'never' }, pace: { initial: true }, ssh: { port: 1 } });
    expect(flags.targets).toMatchObject([{ host: 'other' }]);
  });

  it('patterns of the command line come before those of the environment, and these before the file’s', async () => {
    const dir = project({ to: 'h:p', include: 'keep.log', exclude: ['*.log', '*.tmp'], 'exclude-regex': '^big' });
    const all = await settings(['--include', 'a.log', '-x', 'b.tmp', dir], { SYNCWATCH_INCLUDE: 'b.tmp\nc.tmp' });
    expect(['a.log', 'keep.log', 'c.tmp', 'x.txt'].map((name) => isSynced(all, name))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(['b.log', 'b.tmp', 'd.tmp', 'bigger'].map((name) => isSynced(all, name))).toEqual(Array(4).fill(false));
  });

  it.each([
    [['--include', 'k.log', '-x', '*.log', '--exclude-from', 'LIST'], {}],
    [
      ['-x', '*.log', '--include', 'k.log', '-x', '*.o'],
      { exclude: ['*.log', '+ k.log', '*.o'], include: [], 'exclude-from': [] },
    ],
    [
      ['-x', 'k.log', '--include=*.log', '--exclude-from', 'LIST'],
      { exclude: ['k.log', '+ *.log'], include: [], 'exclude-from': ['LIST'] },
    ],
    [
      ['--exclude-from', 'LIST', '--include', '*.log'],
      { exclude: ['+ b.o', '*.o', 'a.log', '+ *.log'], include: [], 'exclude-from': [] },
    ],
    [
      ['--exclude=- + x', '--include=- k.log', '-x', '+ a.log', '-x', '*.log'],
      { exclude: ['- + x', 'k.log', '+ a.log', '*.log'], include: [], 'exclude-from': [] },
    ],
    [
      ['-x', '*', '--include', 'x', '-x', '!', '--include', 'a.log', '-x', '*.log'],
      { exclude: ['+ a.log', '*.log'], include: [], 'exclude-from': [] },
    ],
  ] as const)('written by init for %j decides as that does', async (args, values) => {
    const dir = temporaryDir();
    fill(dir, { list: '+ b.o\n*.o\n# no\na.log\n' });
    const list = join(dir, 'list');
    const named = <T>(value: T): T => JSON.parse(JSON.stringify(value).replaceAll('LIST', list)) as T;
    const argv = named(['--to', 'h:p', ...args]);
    const words = await wordsOf(undefined, argv);
    const kept = patternsKept(words);
    expect(kept).toMatchObject({ ok: true, value: { values: named(values) } });
    const flags: Readonly<Record<string, unknown>> = { ...words.flags, ...(kept.ok ? kept.value.values : {}) };
    const keys = ['include', 'exclude', 'exclude-from'];
    const written = project({ to: 'h:p', ...Object.fromEntries(keys.map((key) => [key, flags[key]])) });
    const [before, after] = [await settings([...argv, dir]), await settings([written])];
    for (const name of ['a.log', 'k.log', 'a.o', 'b.o', 'x', '+ x'])
      expect(isSynced(after, name), name).toBe(isSynced(before, name));
  });

  it('is found above DIR, in package.json too, the nearest one; without DIR it says what that is', async () => {
    const dir = project(
      { to: 'h:outer' },
      { 'in/package.json': '{"name":"x","syncwatch":{"to":"h:inner","dir":"src"}}' },
    );
    mkdirSync(join(dir, 'in/src/deep'), { recursive: true });
    fill(dir, { 'other/package.json': '{"name":"without"}' });
    const before = process.cwd();
    try {
      process.chdir(join(dir, 'in/src/deep'));
      expect(await settings([])).toMatchObject({ root: join(dir, 'in/src'), targets: [{ path: 'inner' }] });
      process.chdir(join(dir, 'other'));
      expect(await settings([])).toMatchObject({ root: dir, targets: [{ path: 'outer' }] });
      // Its target is for its own DIR only.
      expect(await refusal(['.'])).toMatch(
        /syncwatch\.json is about .*, not about \.: its target would get other files\n/,
      );
      expect(await settings(['--to', 'h:mine', '.'])).toMatchObject({ root: join(dir, 'other') });
      expect(await refusal(['--no-settings'])).toMatch(/no target: --to is missing/);
    } finally {
      process.chdir(before);
    }
  });

  it('paths in it are relative to it', async () => {
    const dir = project(
      { to: '../there', identity: ['key', '~/k'], 'exclude-from': 'lists/out' },
      { 'lists/out': '*.o\n', key: '' },
    );
    fill(dir, { 'home/k': '' });
    const home = process.env['HOME'];
    process.env['HOME'] = join(dir, 'home');
    try {
      const all = await settings([dir]);
      expect(all.targets).toMatchObject([{ kind: 'local', path: join(dir, '../there') }]);
      expect(all.ssh.identities).toEqual([join(dir, 'key'), join(dir, 'home/k')]);
      expect(isSynced(all, 'x.o')).toBe(false);
    } finally {
      process.env['HOME'] = home;
    }
  });

  it.each([
    [{ to: 'h:p', exlude: '*.o' }, /"exlude" is not known\nDid you mean "exclude"\?/],
    [{ to: 'h:p', zzz: 1 }, /"zzz" is not known/],
    [{ to: 'h:p', o: 'x' }, /"o" is not known\nSee "Settings" in docs\/manual\.md/],
    [{ to: 'h:p', once: true }, /"once" is not known/],
    [{ to: 'h:p', compress: 'yes' }, /"compress" must be true or false/],
    [{ to: 'h:p', port: '22' }, /"port" must be a number/],
    [{ to: 'h:p', port: 99_999 }, /syncwatch\.json: "port" takes a whole number from 1 to 65535/],
    [{ to: 'h:p', delete: 'all' }, /"delete" must be one of seen, mirror, never/],
    [{ to: 1 }, /"to" must be a text or a list of texts/],
    [{ to: 'h:p', 'on-sync': { '*.py': 1 } }, /"on-sync" must be a command, or an object of patterns/],
    [{ to: 'h:p', 'on-sync': { '[': 'x' } }, /"on-sync": '\[' can't be used/],
    [{ targets: { 'a b': 'h:p' } }, /"targets": "a b" can't be a name/],
    [{ targets: { a: 'h:/' } }, /"targets": "a": .*whole file system/],
    ['[1]', /must be an object/],
    ['{"to": "h:p",\n', /is no valid JSON: .*, line 2, column 1\n/],
  ])('%j is refused', async (json, says) => {
    expect(await refusal([project(json)])).toMatch(says);
  });

  it('two in one directory, or one that is not there, are refused', async () => {
    const dir = project({ to: 'h:p' }, { 'package.json': '{"syncwatch":{"to":"h:p"}}' });
    expect(await refusal([dir])).toMatch(/both syncwatch\.json and package\.json in .* have settings/);
    expect(await refusal(['--settings', join(dir, 'none.json'), dir])).toMatch(/there is no file .*none\.json/);
  });

  it.skipIf(uid !== 0 && process.env['CI'] === undefined)(
    'one of another user is refused, unless it is asked for',
    async () => {
      const dir = project({ to: 'h:p' });
      chownSync(join(dir, 'syncwatch.json'), 65_534, 65_534);
      expect(await refusal([dir])).toMatch(
        /belongs to another user \(uid 65534\), and settings can run commands\n.*--settings/,
      );
      expect(await settings(['--settings', join(dir, 'syncwatch.json'), dir])).toMatchObject({ root: dir });
      // A link of ours to it is no better.
      const other = temporaryDir();
      symlinkSync(join(dir, 'syncwatch.json'), join(other, 'syncwatch.json'));
      expect(await refusal([other])).toMatch(/belongs to another user \(uid 65534\)/);
    },
  );
});

describe('a settings file that somebody else may have put there', () => {
  const spoilt: ReadonlyArray<readonly [string, (path: string) => void, RegExp]> = [
    ['a FIFO', (path) => void execFileSync('mkfifo', [path]), /is a FIFO, not a file, so .*\n.*--no-settings/],
    ['a link to /dev/zero', (path) => symlinkSync('/dev/zero', path), /is a device, not a file/],
    ['a directory', (path) => mkdirSync(path), /is a directory, not a file/],
    ['too large', (path) => writeFileSync(path, `{"to":"h:p"${' '.repeat(1_048_576)}}`), /is larger than 1 MiB/],
  ];

  it.each(spoilt)(
    'that is %s is refused, as syncwatch.json, as package.json, and by --settings',
    async (_, make, says) => {
      for (const [file, more] of [
        ['syncwatch.json', []],
        ['package.json', []],
        ['named.json', ['--settings']],
      ] as const) {
        const dir = temporaryDir();
        make(join(dir, file));
        expect(await refusal(['--to', 'h:p', dir, ...more.flatMap((option) => [option, join(dir, file)])])).toMatch(
          says,
        );
        expect(await settings(['--to', 'h:p', '--no-settings', dir])).toMatchObject({ root: dir });
      }
    },
  );

  it('that others may write to is refused, with what to do, unless it is asked for', async () => {
    const dir = project({ exclude: '*.o' });
    const file = join(dir, 'syncwatch.json');
    chmodSync(file, 0o666);
    expect(await refusal(['--to', 'h:p', dir])).toMatch(
      /may be written by other users \(mode 0666\), and settings can run commands\nTake that right away: chmod go-w/,
    );
    await settings(['--to', 'h:p', '--settings', file, dir]);
    chmodSync(file, 0o644);
    await settings(['--to', 'h:p', dir]);
  });

  it('a package.json of whatever kind without settings in it is no concern of ours', async () => {
    const dir = temporaryDir();
    fill(dir, { 'package.json': '{ "name": "x", ' });
    chmodSync(join(dir, 'package.json'), 0o666);
    await settings(['--to', 'h:p', dir]);
    writeFileSync(join(dir, 'package.json'), '{ "name": "x" }');
    await settings(['--to', 'h:p', dir]);
    writeFileSync(join(dir, 'package.json'), '{ "devDependencies": { "syncwatch": "1" }, }');
    await settings(['--to', 'h:p', dir]);
  });

  it('one with settings that is no JSON is refused: what it leaves out would be sent', async () => {
    const dir = temporaryDir();
    fill(dir, { 'package.json': '{\n  "syncwatch": { "exclude": ["/secret"] },\n}' });
    expect(await refusal(['--to', 'h:p', dir])).toMatch(/package\.json is no valid JSON: .*, line 3, column 1\n/);
    await settings(['--to', 'h:p', '--no-settings', dir]);
  });

  it('--exclude-from that is a FIFO or leads to a device', async () => {
    const dir = temporaryDir();
    execFileSync('mkfifo', [join(dir, 'fifo')]);
    symlinkSync('/dev/zero', join(dir, 'zero'));
    for (const file of ['fifo', 'zero', '.'])
      expect(await refusal(['--to', 'h:p', '--exclude-from', join(dir, file), dir])).toMatch(
        /^--exclude-from \S+ can't be read: it is a (FIFO|device|directory), not a file\n/,
      );
  });
});

describe('named targets', () => {
  const targets = { staging: 'me@host:/srv/app', board: 'pi@board:app' };

  it('are named by --to, by "to", or meant where there is only one', async () => {
    const dir = project({ targets });
    expect((await settings(['--to', 'board', '--to', 'staging', dir])).targets).toMatchObject([
      { label: 'board', place: 'pi@board:app', host: 'board' },
      { label: 'staging', place: 'me@host:/srv/app', user: 'me' },
    ]);
    expect((await settings([project({ targets, to: 'staging' })])).targets).toMatchObject([{ label: 'staging' }]);
    expect((await settings([project({ targets: { one: 'h:p' } })])).targets).toMatchObject([{ label: 'one' }]);
    expect((await settings([dir], { SYNCWATCH_TO: 'board' })).targets).toMatchObject([{ label: 'board' }]);
    // Not all of them, just because they are there: one may be production.
    expect(await refusal([dir])).toMatch(/no target: --to is missing\nSay which: --to staging or --to board/);
    expect(await refusal(['--to', 'stagin', dir])).toMatch(/no target is named stagin\nDid you mean staging\? /);
    expect(await refusal(['--to', 'board', '--to', 'pi@board:app', dir])).toMatch(
      /pi@board:app is the same target as board/,
    );
  });
});

describe('the environment', () => {
  it('has every setting; the command line wins over it, and it over the file', async () => {
    const dir = project({ to: 'h:p', debounce: 1, chmod: 'F600', compress: true });
    const env = { SYNCWATCH_DEBOUNCE: '7', SYNCWATCH_CHMOD: 'F640', SYNCWATCH_COMPRESS: 'no', SYNCWATCH_QUIET: '' };
    expect(await settings(['--chmod', 'F644', dir], env)).toMatchObject({
      pace: { debounceMs: 7 },
      rsync: { flags: ['--chmod=F644'] },
      output: { verbosity: 'normal' },
    });
  });

  it('what hooks are told is none of it; a value that is none of an option is refused', async () => {
    const dir = project({ to: 'h:p' });
    await settings([dir], { SYNCWATCH_PATH: 'x', SYNCWATCH_COUNT: '1', SYNCWATCH_TARGET: 't', SYNCWATCH_ROOT: '/' });
    expect(await refusal([dir], { SYNCWATCH_COMPRESS: 'maybe' })).toMatch(
      /SYNCWATCH_COMPRESS in the environment must be/,
    );
  });
});

describe('the JSON Schema', () => {
  const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(settingsSchema());
  const samples: readonly unknown[] = [
    true,
    1,
    'x',
    ['x', 'y'],
    ['x', 1],
    { a: 'b' },
    { a: 1 },
    null,
    'seen',
    'mirror',
  ];

  it('takes and refuses what syncwatch does', () => {
    for (const key of [...namesOf(isSetting), 'exlude', 'once']) {
      for (const value of samples) {
        const isFine = problemOf(key, value) === undefined;
        expect(validate({ [key]: value }), `${key}: ${JSON.stringify(value)}`).toBe(isFine);
      }
    }
    expect(validate({ $schema: 'x', to: 'h:p' })).toBe(true);
  });

  it('is referred to by a path that the package owns: the project’s own syncwatch, or the one that writes it', () => {
    const dir = temporaryDir();
    fill(dir, { 'a/b/': '' });
    const own = schemaFrom(join(dir, 'a'));
    expect(own).toMatch(/^file:\/\/\/.*\/schema\/settings\.json$/);
    fill(dir, { 'a/node_modules/syncwatch/schema/settings.json': '{}' });
    expect(schemaFrom(join(dir, 'a'))).toBe('./node_modules/syncwatch/schema/settings.json');
    expect(schemaFrom(join(dir, 'a/b'))).toBe('../node_modules/syncwatch/schema/settings.json');
    expect(schemaFrom(dir)).toBe(own);
  });

  it('knows every option but those for the moment', () => {
    const left = namesOf(isFlag).filter((name) => settingKind(name) === undefined);
    expect(left.sort()).toEqual(['debug', 'dry-run', 'json', 'once', 'settings', 'take-over', 'why']);
  });
});
