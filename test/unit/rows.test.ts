import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { success } from '../../src/core/failure.js';
import { fileSources, SOURCES } from '../../src/core/filter/sources.js';
import { RSYNC_OPTIONS } from '../../src/core/rsync/options.js';
import { settingsIn } from '../../src/options/settings-file.js';
import { isFlag, isSetting, namesOf, type OptionName, ROWS, rowOf } from '../../src/options/table.js';
import { manualSection } from '../support/manual.js';
import { fill } from '../support/tree.js';
import { optionsOf } from '../support/words.js';

const DIR = realpathSync(mkdtempSync(join(tmpdir(), 'syncwatch-test-')));
afterAll(() => rmSync(DIR, { recursive: true }));
fill(DIR, { 'in/a.txt': '', key: '', patterns: '*.o\n', 'settings.json': '{"debounce":3}' });

async function asked(argv: readonly string[]) {
  const permit = async <T>(file: T) => success(file);
  return optionsOf([...argv, join(DIR, 'in')], { env: {}, uid: process.getuid?.() ?? 0, permit, warn: () => {} });
}

/** What it came to, in a text; of the filter how many rules each source has. */
async function outcome(argv: readonly string[]): Promise<string> {
  const all = await asked(argv);
  if (all.kind === 'failed') throw new Error(all.failure.message);
  const counts = all.kind === 'run' ? all.filter.counts : undefined;
  return JSON.stringify([all, counts]);
}

/** What can be said on a command line. */
type Flag = Exclude<
  OptionName,
  { [Name in OptionName]: (typeof ROWS)[Name]['where'] extends 'file' | 'settings' ? Name : never }[OptionName]
>;

/** A value of each that makes a difference, and what else that takes: an option that is not here does not compile. */
const MATTERS: { readonly [Name in Flag]: readonly string[] } = {
  to: ['--to', 'h:other'],
  once: ['--once'],
  'dry-run': ['--dry-run'],
  why: ['--why', 'a.txt'],
  initial: ['--no-initial'],
  settings: ['--settings', join(DIR, 'settings.json')],
  exclude: ['--exclude', '*.log'],
  include: ['--include', '*.log'],
  'exclude-from': ['--exclude-from', join(DIR, 'patterns')],
  'exclude-regex': ['--exclude-regex', '^x'],
  gitignore: ['--no-gitignore'],
  'default-excludes': ['--no-default-excludes'],
  delete: ['--delete', 'mirror'],
  'delete-excluded': ['--delete', 'mirror', '--delete-excluded'],
  'max-delete': ['--max-delete', '5'],
  'allow-empty': ['--allow-empty'],
  trash: ['--trash', '.trash'],
  debounce: ['--debounce', '5'],
  rescan: ['--rescan', '5'],
  poll: ['--poll', '5'],
  'one-by-one': ['--one-by-one'],
  'on-upload': ['--on-upload', 'x'],
  'on-sync': ['--on-sync', 'x'],
  'on-sync-remote': ['--on-sync-remote', 'x'],
  port: ['--port', '2222'],
  identity: ['--identity', join(DIR, 'key')],
  'ssh-config': ['--ssh-config', join(DIR, 'key')],
  'ssh-option': ['--ssh-option', 'A=b'],
  'own-master': ['--own-master'],
  'take-over': ['--take-over'],
  bwlimit: ['--bwlimit', '1m'],
  chmod: ['--chmod', 'F644'],
  compress: ['--compress'],
  quiet: ['--quiet'],
  verbose: ['--verbose'],
  debug: ['--debug'],
  json: ['--json'],
  color: ['--no-color'],
  notify: ['--notify'],
};

describe('an option', () => {
  it.each(Object.entries(MATTERS))('--%s makes a difference', async (name, argv) => {
    const others = name === 'delete-excluded' ? ['--delete', 'mirror'] : [];
    expect(await outcome(['--to', 'h:p', ...argv])).not.toBe(await outcome(['--to', 'h:p', ...others]));
  });

  it.each(namesOf(isFlag))('--%s is in the manual, with its letter', (name) => {
    const docs = manualSection('Options');
    const letter = rowOf(name)?.alias;
    const written = new RegExp(`\`${letter === undefined ? '' : `-${letter}, `}--(no-)?${name}[ \`]`);
    expect(written.test(docs), `\`${letter === undefined ? '' : `-${letter}, `}--${name}\``).toBe(true);
  });

  it.each(namesOf((row) => isFlag(row) && row.value.kind !== 'texts' && row.value.kind !== 'flag'))(
    '--%s is not given twice',
    async (name) => {
      const argv = MATTERS[name as Flag].slice(0, 2);
      expect(await asked([...argv, ...argv, '--to', 'h:p'])).toMatchObject({
        kind: 'failed',
        failure: { kind: 'usage', message: `--${name} was given more than once` },
      });
    },
  );

  it.each(namesOf((row) => isFlag(row) && row.value.kind !== 'flag' && row.value.kind !== 'text'))(
    '--no-%s is refused in words',
    async (name) => {
      expect(await asked([`--no-${name}`])).toMatchObject({
        kind: 'failed',
        failure: { kind: 'usage', message: expect.stringMatching(/\S/) },
      });
    },
  );

  it.each(namesOf((row) => isSetting(row) && 'path' in row.value && row.value.path !== undefined))(
    '"%s" in a file is relative to it, however many there are',
    (name) => {
      for (const value of ['x/y', ...(ROWS[name].value.kind === 'texts' ? [['x/y', './z']] : [])]) {
        const file = settingsIn({ [name]: value }, join(DIR, 'syncwatch.json'));
        if (!file.ok) throw new Error(file.failure.message);
        const paths = name === 'dir' ? file.value.dir : file.value.values[name];
        expect([paths].flat().every((path) => typeof path === 'string' && isAbsolute(path))).toBe(true);
      }
    },
  );
});

describe('what stands for an option of rsync', () => {
  it.each(namesOf(({ rsync }) => rsync !== undefined))(
    '--%s stands for one that rsync knows and that is allowed',
    (name) => {
      const option = RSYNC_OPTIONS.find((each) => each.names.includes(rowOf(name)?.rsync ?? ''));
      expect(option?.use.kind).toBe('allowed');
      expect(option?.takesValue).toBe(ROWS[name].value.kind !== 'flag');
    },
  );

  it('a reason why one may not follow the -- names options that there are', () => {
    const before = RSYNC_OPTIONS.flatMap(({ use }) => (use.kind === 'refused' ? [use.why] : [])).flatMap(
      (why) => /use (.*) before the --/.exec(why)?.[1]?.match(/(?<!\S)--?[a-z][\w-]*/gi) ?? [],
    );
    const known = namesOf(isFlag).flatMap((name) => [`--${name}`, `-${rowOf(name)?.alias}`]);
    expect(before.length).toBeGreaterThan(10);
    expect(before.filter((option) => !known.includes(option))).toEqual([]);
  });
});

it.each(fileSources)('a file of rules is in the manual: %s', (source) => {
  const docs = manualSection('What is left out');
  expect(docs.includes(`\`${SOURCES[source].file}\``), SOURCES[source].file).toBe(true);
});

describe('the rows', () => {
  it('name no letter twice', () => {
    const letters = namesOf(isFlag).flatMap((name) => rowOf(name)?.alias ?? []);
    expect(new Set(letters).size).toBe(letters.length);
  });

  it('conflict with options that there are', () => {
    const others = namesOf(isFlag).flatMap((name) => (rowOf(name)?.conflicts ?? []).map((conflict) => conflict.with));
    expect(others.filter((name) => rowOf(name) === undefined)).toEqual([]);
  });
});
