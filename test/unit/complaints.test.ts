import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Name, nameFromText } from '../../src/core/name.js';
import { namesAt, ofNames, readStderr } from '../../src/core/rsync/complaints.js';
import { type Outcome, outcomeOf } from '../../src/core/rsync/exit.js';

const SUMMARY =
  'rsync error: some files/attrs were not transferred (see previous errors) (code 23) at main.c(1394) [sender=3.5.0]';
const SKIPPING = '*** Skipping any contents from this failed directory ***';
const aim = { login: 'me@host', host: 'host', port: 22, byHand: 'ssh me@host' };

/** What came of a run about these names that ended with 23, with `/s/` here and `/d/` there. */
function ended(names: readonly string[], lines: readonly string[], allowStrays = false) {
  const run = ofNames(names.map(nameFromText));
  const exit = { code: 23, signal: undefined, stderr: `${[...lines, SUMMARY].join('\n')}\n` };
  const outcome: Outcome = outcomeOf(exit, aim, ['/s/', '/d/'], run, allowStrays);
  if (outcome.kind === 'broken') throw new Error(outcome.failure.message);
  return outcome;
}

it('looks once at what is below each directory that failed, however many they are and however often it is said', () => {
  const dirs = Array.from({ length: 300 }, (_, n) => `d/n${n}`);
  const names = dirs.flatMap((dir) => [`${dir}/a`, `${dir}/b`].map(nameFromText));
  const own = ofNames(names);
  let looks = 0;
  const below = (dir: Name): Iterable<Name> => {
    looks++;
    return own.below(dir);
  };
  const lines = dirs.flatMap((dir) => [
    `rsync: [generator] recv_generator: mkdir "/d/${dir}" failed: Permission denied (13)`,
    SKIPPING,
  ]);
  const exit = { code: 23, signal: undefined, stderr: `${[...lines, ...lines, SUMMARY].join('\n')}\n` };
  const outcome = outcomeOf(exit, aim, ['/s/', '/d/'], { ...own, below });
  expect(outcome).toMatchObject({ kind: 'finished', doubt: undefined });
  expect(outcome.kind === 'finished' && [...outcome.failed.keys()].sort()).toEqual([...dirs, ...names].sort());
  expect(looks).toBe(dirs.length);
});

const failedIn = (outcome: ReturnType<typeof ended>): string[] => [...outcome.failed.keys()].sort();

describe('a line of complaint', () => {
  it.each([
    ['rsync: [sender] send_files failed to open "/s/x": Permission denied (13)', 'x', 'here', 13],
    ['rsync: [receiver] mkstemp "/d/sub/.y.wdb6MG" failed: Permission denied (13)', 'sub/y', 'there', 13],
    ['rsync: mkstemp "/d/sub/.y.wdb6MG" failed: Permission denied (13)', 'sub/y', 'there', 13], // 3.1
    ['rsync: [generator] delete_file: unlink(sub/old) failed: Permission denied (13)', 'sub/old', 'there', 13],
    [
      'rsync: [generator] delete_file: unlink(a) failed: x (1)) failed: Permission denied (13)',
      'a) failed: x (1)',
      'there',
      13,
    ],
    ['rsync: [generator] recv_generator: mkdir "/d/sub" failed: Permission denied (13)', 'sub', 'there', 13],
    ['rsync: [sender] send_files failed to open "/s/a \\#303\\#251": Permission denied (13)', 'a é', 'here', 13],
    ['rsync: [receiver] rename "/d/.y.wdb6MG" -> "y": Operation not permitted (1)', 'y', 'there', 1],
    ['rsync: [generator] symlink "/d/l" -> "y" failed: Permission denied (13)', 'l', 'there', 13],
    ['rsync: [generator] failed to set times on "/d/q": Operation not permitted (1)', 'q', 'there', 1],
    ['rsync: [sender] read errors mapping "/s/q": Input/output error (5)', 'q', 'here', 5],
    ['could not make way for new regular file: ddd', 'ddd', 'there', undefined],
    ['ERROR: a/b failed verification -- update discarded.', 'a/b', 'there', undefined],
    [
      'rsync: [receiver] rsync_xal_set: fsetxattr("/d/sub/.f.OZMJHs","user.foo") failed: Operation not supported (95)',
      'sub/f',
      'there',
      95,
    ],
    [
      'rsync: [generator] rsync_xal_set: lremovexattr("/d/q","user.foo") failed: Operation not permitted (1)',
      'q',
      'there',
      1,
    ],
    ['rsync: rsync_xal_set: lsetxattr("/d/q","user.foo") failed: Operation not supported (95)', 'q', 'there', 95], // 3.1
    ['rsync: [sender] get_xattr_data: lgetxattr("/s/x","user.a",0) failed: Permission denied (13)', 'x', 'here', 13],
    ['rsync: get_xattr_names: llistxattr("/s/x",1024) failed: Permission denied (13)', 'x', 'here', 13],
    [
      'rsync: [receiver] set_acl: xacl_set(sub/.g.fkakdf, ACL_TYPE_ACCESS): Operation not supported (95)',
      'sub/g',
      'there',
      95,
    ],
    ['rsync: [generator] set_acl: sys_acl_delete_def_file(d): Operation not supported (95)', 'd', 'there', 95],
    [
      'rsync: [generator] set_acl: sys_acl_set_file(a, ACL_TYPE_DEFAULT): x (1), ACL_TYPE_ACCESS): Not supported (95)',
      'a, ACL_TYPE_DEFAULT): x (1)',
      'there',
      95,
    ],
    ['rsync: [sender] get_acl: sys_acl_get_file(a, b, ACL_TYPE_DEFAULT): Input/output error (5)', 'a, b', 'here', 5],
  ])('%s', (line, name, side, errno) => {
    expect(readStderr(line)).toMatchObject([{ kind: 'complaint', complaint: { side, errno } }]);
    const outcome = ended([name, 'other'], [line]);
    expect(failedIn(outcome)).toEqual([nameFromText(name)]);
    expect(outcome.doubt).toBeUndefined();
  });

  it('below a known place a path is exactly one name, elsewhere every tail may be meant', () => {
    const run = ofNames(['a/b', 'b'] as Name[]);
    expect(namesAt('/src/a/b', ['/src/'], run)).toEqual(['a/b']);
    expect(namesAt('/src/a/b', [], run)).toEqual(['a/b', 'b']);
  });
});

describe('an ACL or attribute', () => {
  it('that can not be had there fails by path, and takes nothing in a directory along', () => {
    const line = 'rsync: [generator] rsync_xal_set: fsetxattr("/d/d","user.a") failed: Operation not supported (95)';
    const outcome = ended(['d', 'd/a'], [line]);
    expect(failedIn(outcome)).toEqual(['d']);
    expect(outcome.failed.get('d' as Name)).toMatchObject({
      message: 'the file system there takes no such ACL or extended attribute',
      hint: 'Leave out -A or -X after the --.',
    });
  });

  it('of a name that pretends to be another leaves all in doubt', () => {
    const line = 'rsync: [receiver] rsync_xal_set: fsetxattr("/d/x","y","user.a") failed: Operation not supported (95)';
    expect(ended(['x', 'x","y'], [line]).doubt).toMatchObject({ names: undefined });
  });

  it('that the rsync there knows nothing of ends it', () => {
    const stderr = 'rsync: extended attributes are not supported on this server\n';
    for (const code of [1, 12])
      expect(outcomeOf({ code, signal: undefined, stderr }, aim, [], ofNames([]))).toMatchObject({
        kind: 'broken',
        failure: { kind: 'remote', message: "the rsync on host can't carry extended attributes" },
      });
  });
});

it('an rsync there that does not know a value ends it: trying again would not help', () => {
  const stderr = `unknown compress name: zstd
rsync error: requested action not supported (code 4) at compat.c(190) [server=3.5.0]
rsync: connection unexpectedly closed (0 bytes received so far) [sender]
rsync error: error in rsync protocol data stream (code 12) at io.c(285) [sender=3.5.0]
`;
  const outcome = outcomeOf({ code: 12, signal: undefined, stderr }, aim, [], ofNames([]));
  expect(outcome).toMatchObject({
    kind: 'broken',
    failure: {
      kind: 'remote',
      message: 'the rsync on host does not take what it was given: unknown compress name: zstd',
    },
  });
  const here = stderr.replace('[server=', '[client=');
  expect(outcomeOf({ code: 12, signal: undefined, stderr: here }, aim, [], ofNames([]))).toMatchObject({
    failure: { kind: 'connection' },
  });
});

describe('a temporary name', () => {
  it('of a dotfile is not one of the name without the dot', () => {
    expect(
      failedIn(ended(['.env', 'x'], ['rsync: [receiver] mkstemp "/d/.env.AbCdEf" failed: Permission denied (13)'])),
    ).toEqual(['.env']);
    expect(
      failedIn(ended(['c/env'], ['rsync: [receiver] mkstemp "/d/c/.env.AbCdEf" failed: Permission denied (13)'])),
    ).toEqual(['c/env']);
  });

  it('that may be of either leaves both in doubt, and nothing else', () => {
    const outcome = ended(
      ['.env', 'env', 'x', 'y'],
      [
        'rsync: [receiver] mkstemp "/d/.env.AbCdEf" failed: Permission denied (13)',
        'rsync: [sender] send_files failed to open "/s/y": Permission denied (13)',
      ],
    );
    expect(failedIn(outcome)).toEqual(['y']);
    expect([...(outcome.doubt?.names ?? [])].sort()).toEqual(['.env', 'env']);
    expect(outcome.doubt?.failure.message).toBe('permission denied there');
  });

  it('of a long name may be cut', () => {
    const cut = 'n'.repeat(246);
    const line = `rsync: [receiver] mkstemp "/d/s/.${cut}.AbCdEf" failed: Permission denied (13)`;
    const others = ['s/n', 'x/nn', `t/${cut}n`];
    expect(failedIn(ended([`s/${cut}nnnn`, ...others], [line]))).toEqual([`s/${cut}nnnn`]);
    expect(failedIn(ended([`s/.${cut}nnn`, ...others], [line]))).toEqual([`s/.${cut}nnn`]);
    const { failed, doubt } = ended([`s/${cut}`, `s/${cut}n`, ...others], [line]);
    expect(failed.size).toBe(0);
    expect([...(doubt?.names ?? [])]).toEqual([`s/${cut}`, `s/${cut}n`]);
    expect(ended(others, [line]).doubt).toMatchObject({ names: undefined });
  });
});

describe('a directory that fails', () => {
  const names = ['d', 'd/a', 'd/e/b', 'x'];
  it('takes along what is in it', () => {
    const outcome = ended(names, [
      'rsync: [generator] recv_generator: mkdir "/d/d" failed: Permission denied (13)',
      SKIPPING,
    ]);
    expect(failedIn(outcome)).toEqual(['d', 'd/a', 'd/e/b']);
    expect(outcome.failed.get('d/a' as Name)?.message).toContain('d, failed: permission denied there');
    expect(outcome.doubt).toBeUndefined();
  });

  it('even where it was not listed itself', () => {
    const line = 'rsync: [generator] recv_generator: mkdir "/d/d" failed: Permission denied (13)';
    const outcome = ended(names.slice(1), [line, SKIPPING]);
    expect(failedIn(outcome)).toEqual(['d', 'd/a', 'd/e/b']);
    expect(outcome.failed.get('d/a' as Name)?.message).toContain('d, failed: permission denied there');
  });

  it('unless only its mode or time could not be set', () => {
    const line = 'rsync: [generator] failed to set permissions on "/d/d": Operation not permitted (1)';
    expect(failedIn(ended(names, [line]))).toEqual(['d']);
    const unlisted = ended(['d/a'], [line]);
    expect(failedIn(unlisted)).toEqual(['d']);
    expect(unlisted.doubt).toBeUndefined();
  });

  it('without a word which: all is in doubt', () => {
    expect(ended(names, [SKIPPING]).doubt).toMatchObject({ names: undefined });
  });
});

describe('what is not explained leaves all in doubt', () => {
  it.each([
    ['nothing at all', []],
    ['new words', ['rsync: [receiver] the moon is in the way']],
    ['words of the remote shell', ['/home/me/.bashrc: line 3: /nix/profile: No such file or directory']],
    ['a name that is none of the run', ['rsync: [receiver] mkstemp "/d/other" failed: Permission denied (13)']],
    [
      'a conversion',
      ['rsync: [sender] cannot convert filename: x (Invalid or incomplete multibyte or wide character)'],
    ],
    [
      'a name that pretends to be another',
      ['rsync: [sender] send_files failed to open "/s/x": y": Permission denied (13)'],
    ],
  ])('%s', (_, lines) => {
    const outcome = ended(['x', 'x": y'], lines);
    expect(failedIn(outcome)).toEqual([]);
    expect(outcome.doubt).toMatchObject({ names: undefined });
  });

  it('but not a path that is longer than rsync takes: our own walk tells of that', () => {
    const outcome = ended(['x'], ['filename overflows max-path len by 12: x/y']);
    expect([failedIn(outcome), outcome.doubt]).toEqual([[], undefined]);
  });

  it('but not what vanished here: the disk says so', () => {
    const outcome = ended(
      ['x'],
      ['file has vanished: "/s/x"', 'rsync: [sender] link_stat "/s/y" failed: No such file or directory (2)'],
    );
    expect(outcome).toMatchObject({ doubt: undefined, failed: new Map() });
  });
});

describe('names decide nothing', () => {
  const NAMES = [
    'unknown option.md',
    'No space left on device.log',
    'is your shell clean?',
    'rsync: --x: unknown option',
    'x: command not found',
    'mkdir',
    '[Receiver] mkdir "a',
    'Connection refused',
    'REMOTE HOST IDENTIFICATION HAS CHANGED',
    'Permission denied (publickey)',
    'line 3:',
  ];
  it.each(NAMES)('an unreadable file called %j is one failed path, or in doubt', (name) => {
    const outcome = ended(
      [name, 'x'],
      [`rsync: [sender] send_files failed to open "/s/${name}": Permission denied (13)`],
    );
    const isOne = outcome.failed.size === 1 && outcome.failed.get(nameFromText(name)) !== undefined;
    expect(isOne || outcome.doubt !== undefined).toBe(true);
    expect(outcome.failed.has('x' as Name)).toBe(false);
  });

  it.each([10, 11, 12, 30, 255])('nor does it turn a run that broke with %i into another failure', (code) => {
    for (const name of NAMES) {
      const stderr = `rsync: [sender] send_files failed to open "/s/${name}": Permission denied (13)\n`;
      const outcome = outcomeOf({ code, signal: undefined, stderr }, aim, ['/s/'], ofNames([]));
      const kind = outcome.kind === 'broken' ? outcome.failure.kind : undefined;
      expect(code === 11 ? 'run' : 'connection').toBe(kind);
    }
  });

  it.each([
    'bash: warning: setlocale: LC_ALL: cannot change locale (C)',
    '.bashrc: line 3: /nix: No such file or directory',
    'Permission denied (publickey).',
    'Bad configuration option: foo',
  ])('nor do the words of a remote shell: %s', (line) => {
    const outcome = outcomeOf({ code: 255, signal: undefined, stderr: `${line}\n` }, aim, [], ofNames([]));
    expect(outcome).toMatchObject({ kind: 'broken', failure: { kind: 'connection' } });
  });
});

it('whatever rsync says, no name is done that it complained of', () => {
  const part = fc
    .string({ minLength: 1, maxLength: 12, unit: fc.constantFrom(...'ab.":() \\#x'.split('')) })
    .filter((text) => text !== '.' && text !== '..');
  const name = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
  const escaped = (text: string): string => text.replace(/\\#/g, '\\#134#');
  fc.assert(
    fc.property(fc.uniqueArray(name, { minLength: 2, maxLength: 6 }), fc.nat(), fc.nat(), (names, which, how) => {
      const bad = names[which % names.length] ?? '';
      const lines = [
        `rsync: [sender] send_files failed to open "/s/${escaped(bad)}": Permission denied (13)`,
        `rsync: [generator] recv_generator: mkdir "/d/${escaped(bad)}" failed: Permission denied (13)`,
        `rsync: [generator] delete_file: unlink(${escaped(bad)}) failed: Permission denied (13)`,
        `could not make way for new regular file: ${escaped(bad)}`,
      ];
      const { failed, doubt } = ended(names, [lines[how % lines.length] ?? '']);
      const isOpen =
        failed.has(nameFromText(bad)) || (doubt !== undefined && doubt.names?.has(nameFromText(bad)) !== false);
      expect(isOpen).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});
