import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { success } from '../../src/core/failure.js';
import { rsyncArgs } from '../../src/core/rsync/args.js';
import { carriesMore, comparesContents, extraArgs, readExtras, rsyncThere } from '../../src/core/rsync/extras.js';
import { RSYNC_OPTIONS } from '../../src/core/rsync/options.js';
import { parseTarget } from '../../src/core/target.js';
import { probeHere } from '../../src/rsync/probe.js';
import { manualSection } from '../support/manual.js';
import { PROGRAMS } from '../support/programs.js';
import { plainSettings } from '../support/settings.js';
import { fill, temporaryDir } from '../support/tree.js';
import { optionsOf } from '../support/words.js';

const extrasOf = (words: readonly string[]) => {
  const read = readExtras(words);
  if (!read.ok) throw new Error(read.why);
  return read.extras;
};
/** As rsync gets them. */
const taken = (...words: string[]): string[] => extraArgs(extrasOf(words), () => true);
const why = (...words: string[]): string => {
  const read = readExtras(words);
  return read.ok ? '' : read.why;
};

describe('the table of options', () => {
  it('has everything that the rsync here knows, and knows which take a value', () => {
    const help = execFileSync('rsync', ['--help'], { encoding: 'utf8' });
    const listed = [...help.matchAll(/^(-\S+?)(=\S+)?((?:, -\S+)*)(?: \(\*\))? {2}/gm)];
    expect(listed.length).toBeGreaterThan(100);
    for (const [, first = '', value, others = ''] of listed) {
      if (first === '--no-OPTION') continue;
      const names = [first, ...others.split(', ').filter((name) => name !== '')];
      for (const name of names) {
        // -h is help on its own, and --human-readable among others.
        const option = RSYNC_OPTIONS.find((each) => each.names.includes(name));
        expect([name, option?.takesValue]).toEqual([name, value !== undefined]);
      }
    }
  });

  it('has each name once', () => {
    const names = RSYNC_OPTIONS.flatMap((option) => option.names);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
    for (const name of names) expect(name).toMatch(/^(--[a-z0-9][a-zA-Z0-9-]+|-[a-zA-Z0-9@])$/);
  });

  it('says of each that is refused why, in one line', () => {
    for (const { name, takesValue, use } of RSYNC_OPTIONS) {
      if (use.kind === 'refused')
        expect(why(name, ...(takesValue ? ['1'] : []))).toBe(`${name} can't be given to rsync: ${use.why}`);
      else if (name !== '--remote-option') expect(why(name, ...(takesValue ? ['1'] : []))).toBe('');
    }
  });
});

describe('what follows the --', () => {
  it.each([
    [['-X'], ['--xattrs']],
    [['-zX'], ['--compress', '--xattrs']],
    [
      ['-og', '--numeric-ids'],
      ['--owner', '--group', '--numeric-ids'],
    ],
    [['-XX'], ['--xattrs', '--xattrs']],
    [['-B700'], ['--block-size=700']],
    [['-zB700'], ['--compress', '--block-size=700']],
    [['-zB=700'], ['--compress', '--block-size=700']],
    [
      ['-B', '700', '-z'],
      ['--block-size=700', '--compress'],
    ],
    [['--block-size', '700'], ['--block-size=700']],
    [['--rsync-path', 'sudo rsync'], ['--rsync-path=sudo rsync']],
    [['--cc=md5'], ['--checksum-choice=md5']],
    [['--skip-compress='], ['--skip-compress=']],
    [['-M--fake-super'], ['--remote-option=--fake-super']],
    [['-M', '--fake-super'], ['--remote-option=--fake-super']],
    [
      ['--no-W', '--no-c'],
      ['--no-whole-file', '--no-checksum'],
    ],
  ])('%j is %j', (words, args) => {
    expect(taken(...words)).toEqual(args);
  });

  it.each([
    // Hidden among letters, with and without a value.
    [['-zf-'], /^-f \(in -zf-\) can't .*use --exclude/],
    [['-ze/prog'], /^-e \(in -ze\/prog\) can't .*ssh config/],
    [['-Xn'], /^-n \(in -Xn\) can't .*use --dry-run/],
    [['-zL'], /^-L \(in -zL\) can't/],
    [['-avz'], /^-a \(in -avz\) can't .*use -og/],
    [['-e', 'prog'], /^-e can't/],
    [['-f', '- x'], /^-f can't/],
    [['-e=prog'], /^-e \(in -e=prog\) can't/],
    // It would take our own words for its value.
    [['--rsync-path'], /its value is missing/],
    [['-zB'], /^-B \(in -zB\) .*its value is missing/],
    [['-X', '--block-size'], /^--block-size .*its value is missing/],
    // It takes any word for its value, an option too: what comes then is not what it looks like.
    [['--skip-compress', '--xattrs', 'x'], /^x can't .*only options/],
    // What sends nothing.
    [['--version'], /sends nothing/],
    [['-V'], /sends nothing/],
    [['--help'], /sends nothing/],
    [['-zV'], /^-V \(in -zV\) .*sends nothing/],
    [['-h'], /^-h can't/],
    // What no rsync knows, or not so.
    [['--xattr'], /^--xattr can't .*no such option/],
    [['-xattrs'], /^-x \(in -xattrs\) can't/],
    [['-z-'], /^-- \(in -z-\) can't .*no such option/],
    [['-ü'], /^-ü can't .*no such option/],
    [['--'], /only options of rsync/],
    [['-'], /only options of rsync/],
    [[''], /^an empty word .*only options of rsync/],
    [['/etc'], /only options of rsync/],
    [['--=x'], /no such option/],
    [['--xattrs=1'], /^--xattrs .*takes no value/],
    [['-z=1'], /^-z \(in -z=1\) .*takes no value/],
    [['-B!#:+'], /as it stands/],
    [['-M-z'], /only --fake-super/],
    [['-M--rsync-path=x'], /only --fake-super/],
    [['--rsync-path='], /name one program/],
    [['--rsync-path=cd /x && rsync'], /name one program/],
  ])('%j is refused', (words, says) => {
    expect(why(...words)).toMatch(says);
  });

  it.each([
    ['--max-size=1k', /use --exclude/],
    ['--existing', /use --exclude/],
    ['--ignore-existing', /use --exclude/],
    ['-u', /use --exclude/],
    ['--size-only', /use -c/],
    ['--iconv=utf8,latin1', /byte for byte/],
    ['-L', /a syncwatch of its own/],
    ['-k', /a syncwatch of its own/],
    ['--delete', /use --delete=mirror/],
    ['--delete-excluded', /--delete-excluded before/],
    ['--max-delete=3', /use --max-delete before/],
    ['-b', /use --trash/],
    ['--fake-super', /use -M--fake-super/],
    ['--timeout=5', /ServerAliveInterval/],
    ['-4', /AddressFamily/],
    ['--port=22', /use -p PORT/],
  ])('%s is refused with what to use instead', (word, says) => {
    expect(why(word)).toMatch(says);
  });

  it('counts the last word on it', () => {
    expect(carriesMore(extrasOf([]))).toBe(false);
    expect(carriesMore(extrasOf(['-z', '--numeric-ids', '-c']))).toBe(false);
    for (const words of [['-o'], ['-g'], ['-A'], ['-X'], ['--chown=a:b'], ['--usermap=*:a'], ['--groupmap=*:a']])
      expect(carriesMore(extrasOf(words))).toBe(true);
    expect(carriesMore(extrasOf(['-X', '--no-X']))).toBe(false);
    expect(carriesMore(extrasOf(['-og', '--no-o']))).toBe(true);
    expect(carriesMore(extrasOf(['-og', '--no-o', '--no-g']))).toBe(false);
    expect(carriesMore(extrasOf(['--no-X', '-X']))).toBe(true);
    expect(comparesContents(extrasOf(['-c', '--no-c']))).toBe(false);
    expect(comparesContents(extrasOf(['--no-c', '-c']))).toBe(true);
    expect(rsyncThere(extrasOf(['--numeric-ids']))).toBe('rsync');
    expect(rsyncThere(extrasOf(['--rsync-path=/a', '--rsync-path', '/b']))).toBe('/b');
  });

  it('takes part only in the runs that it is for', () => {
    const target = parseTarget('host:dir');
    if (!target.ok) throw new Error();
    const settings = plainSettings({
      target: target.value,
      root: '/r',
      extras: extrasOf(['-ogXy', '-p', '-l', '--rsync-path=x']),
    });
    const given = (args: readonly string[]): string[] =>
      ['--owner', '--group', '--xattrs', '--fuzzy', '--rsync-path=x'].filter((arg) => args.includes(arg));
    const sending = ['--owner', '--group', '--xattrs', '--rsync-path=x'];
    expect(given(rsyncArgs(settings, { kind: 'names', comparesContent: false, deleteMissing: true }))).toEqual(sending);
    expect(given(rsyncArgs(settings, { kind: 'pass', rulesFile: '/r', dryRun: false }))).toEqual(
      sending.toSpliced(3, 0, '--fuzzy'),
    );
    // An empty directory of ours is read there: its owner must not reach the target.
    expect(given(rsyncArgs(settings, { kind: 'clear', emptyDir: '/e' }))).toEqual(['--rsync-path=x']);
    expect(given(rsyncArgs(settings, { kind: 'list', of: 'leftovers', emptyDir: '/e' }))).toEqual(['--rsync-path=x']);
  });
});

describe('where it comes from', () => {
  const ask = async (argv: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    optionsOf(argv, { env, uid: process.getuid?.() ?? 0, permit: async (file) => success(file), warn: () => {} });
  const project = (args: unknown): string => {
    const dir = temporaryDir();
    fill(dir, { 'syncwatch.json': JSON.stringify({ to: 'h:p', delete: 'seen', 'rsync-args': args }) });
    return dir;
  };

  it('file, environment and command line, the last one counts', async () => {
    const asked = await ask([project(['-X', '-W']), '--', '--no-X'], { SYNCWATCH_RSYNC_ARGS: '--no-W\n-z' });
    if (asked.kind !== 'run') throw new Error(JSON.stringify(asked));
    expect(asked.settings.rsync.extras.map(({ name }) => name)).toEqual([
      '--xattrs',
      '--whole-file',
      '--no-whole-file',
      '--compress',
      '--no-xattrs',
    ]);
  });

  it.each([
    [['-zL'], {}, [], /syncwatch\.json: "rsync-args": -L \(in -zL\) can't/],
    // It must not take the next source's first word for its value.
    [['--block-size'], {}, ['-z'], /syncwatch\.json: "rsync-args": --block-size .*its value is missing/],
    [[], { SYNCWATCH_RSYNC_ARGS: '-X\n-B' }, ['-z'], /the environment: "rsync-args": -B .*its value is missing/],
    // Not to be taken for syncwatch's own option of that name, which is in the file.
    [[], {}, ['--delete'], /^after the --: --delete can't/],
  ])('%j, %j, %j: says which', async (args, env, words, says) => {
    const asked = await ask([project(args), ...(words.length > 0 ? ['--', ...words] : [])], env);
    expect(asked.kind === 'failed' ? asked.failure.message : '').toMatch(says);
  });
});

describe('the rsync here', () => {
  it.each([
    ['--compress-choice=foo', /unknown compress name: foo/],
    ['--checksum-choice=foo', /unknown checksum name: foo/],
    ['--block-size=big', /--block-size=big is invalid/],
    ['--bwlimit=fast', /--bwlimit=fast is invalid/],
    ['--chmod=zzz', /--chmod \(zzz\)/],
    ['--usermap=a', /No colon found/],
    ['-c --checksum-choice=none', /Invalid checksum-choice for --checksum: none/],
  ])('does not take %s, and says so before anything is sent', async (words, says) => {
    const here = await probeHere(PROGRAMS.rsync, extrasOf(words.split(' ')));
    expect(here.ok ? '' : here.failure.message).toMatch(says);
    expect(here.ok ? '' : here.failure.kind).toBe('usage');
  });

  it('takes all that is allowed, where it was built with it', async () => {
    const words = ['-ogX', '--numeric-ids', '--super', '--compress-level=3', '-cWS', '--fsync', '-M--fake-super', '-y'];
    expect(await probeHere(PROGRAMS.rsync, extrasOf(words))).toMatchObject({ ok: true });
  });
});

describe('the manual', () => {
  const [allowed = '', refused = ''] = manualSection('What may follow the `--`')
    .split('Everything else is refused')
    .map((part) => [...part.matchAll(/^\| (.*?) \| .*\|$/gm)].map(([, first]) => first).join(' '));
  /** Names in code, one or several together. */
  const named = (text: string): string[] =>
    [...text.matchAll(/`([^`]+)`/g)].flatMap(([, names = '']) => names.split(' ')).sort();
  /** What is said there in one sentence: the negations, but not those that are of use by themselves. */
  const isSaid = (name: string): boolean => !/^--no-/.test(name) || /^--no-(perms|times|links)$/.test(name);
  const inTable = (kind: 'allowed' | 'refused'): string[] =>
    RSYNC_OPTIONS.filter(({ name, use }) => use.kind === kind && isSaid(name))
      .flatMap(({ names }) => names.filter((name) => !/^--no-\w$/.test(name)))
      .sort();

  it('says which ones may follow the --, and which may not', () => {
    expect(named(allowed)).toEqual(inTable('allowed'));
    expect(named(refused)).toEqual(inTable('refused'));
  });
});
