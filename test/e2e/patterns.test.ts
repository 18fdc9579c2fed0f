import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { place, type Running } from '../support/cli.js';
import { fill, names } from '../support/tree.js';

const notes = (running: Running): string => running.events.map((event) => String(event['text'])).join('\n');

/** In every notation, what takes a matcher that tries one way after the other for ever. */
const KILLERS = [
  '*a*a*a*a*b',
  `${'*a'.repeat(60)}b`,
  `${'?*'.repeat(60)}b`,
  `${'*[ab]'.repeat(60)}c`,
  `${'**/a*'.repeat(20)}/b`,
  `d/${'**/*a/'.repeat(12)}b`,
  `/${'**a'.repeat(50)}b`,
];
const LONG_NAME = 'a'.repeat(200);
const DEEP = `d/${'aaaa/'.repeat(60)}${LONG_NAME}`;

/** A repository that git does not read, so that its files of rules are read without it. */
function refusedByGit(local: string): void {
  execFileSync('git', ['init', '-q'], { cwd: local });
  writeFileSync(join(local, '.git/config'), '[');
}

describe('no pattern can stop it', () => {
  it('from the start: in .syncignore, --exclude, a hook and .gitignore without git; against long names and deep paths', async () => {
    const { local, remote, run: once } = place();
    fill(local, {
      '.syncignore': `${KILLERS.join('\n')}\n`,
      '.gitignore': `${KILLERS.join('\n')}\n!keep\n`,
      patterns: KILLERS.map((text) => `- ${text}`).join('\n'),
      [LONG_NAME]: '',
      [`${LONG_NAME}b`]: '',
      [DEEP]: '',
    });
    refusedByGit(local);
    const settings = join(local, '..', 'settings.json');
    writeFileSync(settings, JSON.stringify({ 'on-upload': { '*a*a*a*a*b': 'true' }, exclude: KILLERS }));
    const args = ['--settings', settings, '--exclude-from', join(local, 'patterns'), '--once', '-v'];
    const synced = await once(args);
    expect(synced.code, synced.stderr).toBe(0);
    expect(names(remote)).toContain(LONG_NAME);
    expect(names(remote)).toContain(DEEP);
    expect(names(remote)).not.toContain(`${LONG_NAME}b`);
    const asked = await once(['--why', `${LONG_NAME}b`]);
    expect(asked.stdout).toMatch(/: not synced; \.syncignore, line \d: /);
  });

  it('while it runs, as by a git pull; and Ctrl-C ends it', async () => {
    const { local, start, same } = place();
    fill(local, { [LONG_NAME]: '', a: '' });
    const running = start();
    await running.inSync();
    fill(local, { '.syncignore': `${KILLERS.join('\n')}\n`, [`${LONG_NAME}b`]: '', [`${LONG_NAME}d`]: '', [DEEP]: '' });
    await same(running, (name) => name === `${LONG_NAME}b`);
    expect(await running.stop()).toBe(130);
  });

  it('lines of a .syncignore with many ** say what they say to git', async () => {
    const { local, remote, run: once } = place();
    const line = 'a/**/b/**/c/**/d/**/e/**/f/**/g';
    fill(local, { '.syncignore': `${line}\n`, 'a/b/c/d/e/f/g': '', 'a/x/b/y/y/c/d/e/f/z/g': '', 'a/b/c/d/e/f/h': '' });
    fill(local, {
      'b/a/b/c/d/e/f/g': '',
      '.syncignore': `!a/b/c/d/e/f/g\n${line}\n*.log\n!${line}.log\n`,
      'x.log': '',
    });
    fill(local, { 'a/b/c/d/e/f/g.log': '' });
    expect((await once(['--once'])).code).toBe(0);
    expect(names(remote).filter((name) => /\/(g|h|g\.log)$|log$/.test(name))).toEqual(
      ['a/b/c/d/e/f/g.log', 'a/b/c/d/e/f/h', 'b/a/b/c/d/e/f/g'].sort(),
    );
  });
});

describe('many patterns', () => {
  const COUNT = 60_000;
  const lines = Array.from(
    { length: COUNT },
    (_, i) => [`name${i}`, `*.x${i}`, `/dir${i}/sub*/f?${i}`, `dir${i}/`, `**/a${i}/b*`, `*mid${i}z*`][i % 6] ?? '',
  );
  const files = {
    ...{
      keep: '',
      name59994: '',
      'd/name59994': '',
      'd/f.x59995': '',
      'd/f.x59995y': '',
      'dir59997/in': '',
      'd/dir59997/in': '',
    },
    ...{ 'dir59996/subway/f_59996': '', 'q/dir59996/subway/f_59996': '', 'p/a59998/bee': '', 'p/a59998/c': '' },
    ...{ 'p/xmid59999zy': '', 'p/xmid59999': '' },
  };
  const left = ['d/f.x59995y', 'keep', 'p/a59998/c', 'p/xmid59999', 'q/dir59996/subway/f_59996'];
  const wanted = (there: string): string[] => names(there).filter((name) => Object.hasOwn(files, name));

  it('sixty thousand, in a file', async () => {
    const { local, remote, run: once, fillRemote } = place();
    fill(local, files);
    const file = join(local, '..', 'patterns');
    writeFileSync(file, lines.join('\n'));
    expect((await once(['--once', '--exclude-from', file])).code).toBe(0);
    expect(wanted(remote)).toEqual(left);
    // A mirror leaves alone what they exclude there.
    fillRemote({ name59994: 'theirs', 'dir59997/theirs': '', 'd/f.x59995': 'theirs', 'p/extra': '' });
    expect((await once(['--once', '--exclude-from', file, '--delete', 'mirror'])).code).toBe(0);
    expect(names(remote)).toEqual(expect.arrayContaining(['dir59997/theirs', 'name59994', ...left]));
    expect(names(remote)).not.toContain('p/extra');
  });

  it('in .syncignore, and what comes while it runs', async () => {
    const { local, remote, start, same } = place();
    fill(local, { '.syncignore': `${lines.join('\n')}\n`, ...files });
    const running = start();
    await running.inSync();
    expect(wanted(remote)).toEqual(left);
    fill(local, { 'new/name0': '', 'new/keep': '', 'new/a.x1': '' });
    const isOut = (name: string): boolean =>
      (Object.hasOwn(files, name) && !left.includes(name)) ||
      ['new/name0', 'new/a.x1'].includes(name) ||
      /dir59997/.test(name);
    await same(running, isOut);
    expect(await running.stop()).toBe(130);
  });
});

it('patterns and names that are no text, or look like comments and prefixes, mean to rsync what they mean to us', async () => {
  const { local, remote, run: once } = place();
  const raw = (dir: string, name: string): Buffer => Buffer.from(`${dir}/${name}`, 'latin1');
  const left = ['\xff1', '#c', ';c', ' lead', 'trail ', '- x', '+ x', '!'];
  for (const name of left) {
    writeFileSync(raw(local, name), '');
    writeFileSync(raw(local, `${name}kept`), '');
  }
  const file = join(local, '..', 'patterns');
  writeFileSync(file, Buffer.from(left.map((name) => `- ${name.replace('1', '?')}\n`).join(''), 'latin1'));
  expect((await once(['--once', '--exclude-from', file])).code).toBe(0);
  for (const name of left) {
    expect([name, existsSync(raw(remote, name))]).toEqual([name, false]);
    expect([name, existsSync(raw(remote, `${name}kept`))]).toEqual([name, true]);
  }
});

describe('a pattern of 140,000 characters', () => {
  const long = 'a'.repeat(140_000);
  const says = /: 'a{80}…' can't be used: it is 140,000 bytes long, and no path is longer than 4,095\n {2}\S/;

  it('is an error, wherever it is', async () => {
    const { local, run: once } = place();
    const settings = (values: object): string => {
      const path = join(local, '..', 'long.json');
      writeFileSync(path, JSON.stringify(values));
      return path;
    };
    writeFileSync(join(local, '..', 'patterns'), `fine\n${long}\n`);
    for (const [args, where] of [
      [['--exclude-from', join(local, '..', 'patterns')], /patterns, line 2: /],
      [['--settings', settings({ exclude: long })], /"exclude" in .*long\.json: /],
    ] as const) {
      const refused = await once(['--once', ...args]);
      expect(refused.code).toBe(2);
      expect(refused.stderr).toMatch(where);
      expect(refused.stderr).toMatch(says);
    }
    const hook = await once(['--once', '--settings', settings({ 'on-sync': { [`${long}`]: 'true' } })]);
    expect(hook.stderr).toMatch(/on-sync"?: 'a{80}…' can't be used: it is 140,000 bytes long/);
    const regex = await once(['--once', '--settings', settings({ 'exclude-regex': `(${long}` })]);
    expect(regex).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/exclude-regex"?: '\(a{79}…' can't be used: /),
    });
    writeFileSync(join(local, '.syncignore'), `fine\n\n${long}\n`);
    const ignore = await once(['--once']);
    expect(ignore).toMatchObject({ code: 2, stderr: expect.stringMatching(/^syncwatch: \.syncignore, line 3: /) });
    expect(ignore.stderr).toMatch(says);
  });

  it('in a .syncignore that is edited while it runs: said, and the rules before it stay', async () => {
    const { local, remote, start } = place();
    fill(local, { '.syncignore': '*.log\n', a: '' });
    const running = start();
    await running.inSync();
    writeFileSync(join(local, '.syncignore'), `${long}\n`);
    await running.until('it is said', () =>
      /line 1: 'a+…' can't be used.*the rules before it stay/.test(notes(running)),
    );
    fill(local, { 'b.log': '', c: '' });
    await running.until('c', () => names(remote).includes('c'));
    expect(names(remote)).not.toContain('b.log');
  });

  it('in a .gitignore that is read without git: that line does not count, which is said', async () => {
    const { local, remote, run: once } = place();
    fill(local, { '.gitignore': `*.log\n${long}\nb\n`, 'a.log': '', b: '', c: '' });
    refusedByGit(local);
    const { code, stdout } = await once(['--once']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/\.gitignore, line 2 does not count: it is 140,000 bytes long/);
    expect(names(remote)).toEqual(['.gitignore', 'c']);
  });
});

describe('a regular expression that takes for ever', () => {
  const slow = (i: number): string => `${'a'.repeat(60)}b${i}`;

  it('leaves out what it has no answer for, and says so; the others are synced', async () => {
    const { local, remote, run: once } = place();
    fill(local, { [slow(1)]: '', [`d/${slow(2)}`]: '', fine: '', 'x.log': '', aaa: '' });
    const args = ['--exclude-regex', '(?<!y)\\.log$', '--exclude-regex', '^(a+)+$'];
    const said = await once([...args, '--once']);
    expect(said.code).toBe(0);
    expect(said.stdout).toMatch(
      /--exclude-regex: '\^\(a\+\)\+\$' can't say in time whether it matches a{60}b1: what it has no answer/,
    );
    expect(said.stdout.match(/can't say in time/g)?.length).toBe(1);
    expect(names(remote)).toEqual(['d', `d/${slow(2)}`, 'fine']);
    const why = await once([...args, '--why', slow(1)]);
    expect(why).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/not synced; --exclude-regex: .* \(no answer\)/),
    });
  });

  it('with thousands of names that it has no answer for: Ctrl-C, and once more, ends it', async () => {
    const { local, start } = place();
    for (let i = 0; i < 1_500; i++) writeFileSync(join(local, slow(i)), '');
    const running = start(['--exclude-regex', '^(a+)+$']);
    await running.until('it is said', () => /can't say in time/.test(notes(running)));
    running.child.kill('SIGINT');
    expect(await running.stop()).toBe(130);
    expect(notes(running)).toMatch(/can't say in time/);
  });
});
