import { describe, expect, it } from 'vitest';
import { isBelow, isTree, type Name, nameFromBytes, nameFromText } from '../../src/core/name.js';
import {
  canBeArgs,
  destination,
  isExact,
  type RsyncSettings,
  type RunKind,
  remoteShell,
  rsyncArgs,
} from '../../src/core/rsync/args.js';
import { ofNames } from '../../src/core/rsync/complaints.js';
import { ALL_DONE, outcomeOf } from '../../src/core/rsync/exit.js';
import { LineReader, parseOutputLine } from '../../src/core/rsync/output.js';
import { clearRules, excludedName, inReach, inRuns, passRules, type RsyncRules } from '../../src/core/rsync/rules.js';
import { atLeast, readVersion } from '../../src/core/rsync/version.js';
import { lostFailure, sshFailure } from '../../src/core/ssh/exit.js';
import { atOnce } from '../../src/core/steps.js';
import { parseTarget } from '../../src/core/target.js';
import { plainSettings } from '../support/settings.js';

const target = (text: string) => {
  const parsed = parseTarget(text);
  if (!parsed.ok) throw new Error(parsed.failure.message);
  return parsed.value;
};
const names = (...all: string[]) => all.map((name) => name as Name);
const settings = (more: Partial<RsyncSettings> = {}): RsyncSettings =>
  plainSettings({
    target: target('host:dir'),
    root: '/root/dir',
    remoteShell: 'ssh -x',
    ...more,
  });

describe('arguments for rsync', () => {
  it('a run of names', () => {
    const args = rsyncArgs(settings(), { kind: 'names', comparesContent: true, deleteMissing: true });
    expect(args).toEqual(
      expect.arrayContaining([
        '--files-from=-',
        '--from0',
        '--delete-missing-args',
        '--checksum',
        '--modify-window=-1',
        '--perms',
        '--times',
      ]),
    );
    expect(args.slice(-2)).toEqual(['./', 'host:dir/']);
    expect(args).not.toContain('--recursive');
    expect(args.filter((arg) => arg.startsWith('--delete'))).toEqual(['--delete-missing-args']);
    expect(args.some((arg) => /^--(in|ex)clude/.test(arg))).toBe(false); // each name went through our own filter
  });

  it('tell it to say how far it is where it may last, and only there', () => {
    const asks = (run: RunKind): boolean => rsyncArgs(settings(), run).includes('--info=progress2');
    const names = { kind: 'names', comparesContent: false, deleteMissing: true } as const;
    expect([asks(names), asks({ ...names, saysHowFar: true })]).toEqual([false, true]);
    expect(asks({ kind: 'pass', rulesFile: '/r', dryRun: false })).toBe(true);
    expect(asks({ kind: 'pass', wouldDelete: 'nothing', dryRun: true })).toBe(false); // which brings nothing
    expect(asks({ kind: 'clear', emptyDir: '/e' })).toBe(false);
    expect(asks({ kind: 'list', of: 'leftovers', emptyDir: '/e' })).toBe(false);
  });

  it('a clearing run takes an empty source and leaves the root alone', () => {
    const args = rsyncArgs(settings(), { kind: 'clear', emptyDir: '/tmp/empty' });
    expect(args.slice(-2)).toEqual(['/tmp/empty/', 'host:dir/']);
    expect(args).not.toContain('--perms');
    expect(args).not.toContain('--times');
    expect(args).not.toContain('--force');
  });

  it('where names can not be marked as missing, they go by rules, and nothing else does', () => {
    const takes = { window: 0, deletions: 'rules' } as const;
    const clear = rsyncArgs(settings({ takes }), { kind: 'clear', emptyDir: '/e', rulesFile: '/r' });
    expect(clear).toEqual(expect.arrayContaining(['--delete', '--existing', '--filter=merge /r', '--from0']));
    const run = { kind: 'names', comparesContent: false, deleteMissing: true } as const;
    expect(rsyncArgs(settings({ takes }), run).filter((arg) => /^--(delete|modify)/.test(arg))).toEqual([]);
    expect([...clearRules(names('.', 'a', 'a/b*', 'c\\d', 'e\\[f', '#'))]).toEqual([
      'R /a',
      'R /a/b\\*',
      'R /c\\d',
      'R /e\\\\\\[f',
      'R /#',
      'P *',
    ]);
    expect([...clearRules(names('d', 'd/f', 'd/?'), (name) => name === 'd')]).toEqual([
      'R /d/',
      'R /d/f',
      'R /d/\\?',
      'P *',
    ]);
  });

  it('rules reach nothing below a directory that is not among what goes: what is in that goes before', () => {
    expect(atOnce(inReach(names('a', 'a/b', 'c/d/e')))).toEqual([names('a', 'a/b', 'c/d/e')]);
    expect(atOnce(inReach(names('a', 'a/b/c', 'a/b/c/d', 'a/b/c/d/e/f', 'g')))).toEqual([
      names('a/b/c/d/e/f'),
      names('a/b/c', 'a/b/c/d'),
      names('a', 'g'),
    ]);
    expect(atOnce(inReach([]))).toEqual([]);
  });

  it('thousands of names go in several runs, what a directory holds never after it, nor without what is between them', () => {
    const all = names('a', 'a/b', 'a/b/c', 'a/b/d', 'a/e', 'f', 'f/g', 'x');
    expect(atOnce(inRuns(all))).toEqual([all]);
    for (let most = 1; most <= all.length; most++) {
      const runs = atOnce(inRuns(all, most));
      expect(runs.flat().sort()).toEqual(all);
      expect(runs).toHaveLength(Math.ceil(all.length / most));
      const gone = new Set<Name>();
      for (const run of runs) {
        for (const name of run) gone.add(name);
        for (const name of run) expect(all.filter((each) => isBelow(each, name) && !gone.has(each))).toEqual([]);
        expect(atOnce(inReach(run))).toHaveLength(1);
      }
    }
  });

  it('a tree is a directory with something of it', () => {
    expect(atOnce(isTree(new Set(names('a', 'b/c', 'b/d'))))).toBe(false);
    expect(atOnce(isTree(new Set(names('a', 'b/c/d', 'b'))))).toBe(true);
  });

  it('a full pass: deletes nothing, and takes nothing along but the names that it reads on stdin', () => {
    const seen = rsyncArgs(settings(), { kind: 'pass', rulesFile: '/rules', dryRun: false });
    expect(seen).not.toContain('--recursive');
    expect(seen.some((arg) => arg.startsWith('--delete'))).toBe(false);
    expect(seen).toEqual(expect.arrayContaining(['--from0', '--exclude-from=/rules', '--files-from=-']));
    const would = rsyncArgs(settings(), { kind: 'pass', wouldDelete: 'notExcluded', dryRun: true });
    expect(would).toEqual(expect.arrayContaining(['--delete', '--dry-run']));
    expect(would).not.toContain('--delete-excluded');
    expect(rsyncArgs(settings(), { kind: 'pass', wouldDelete: 'all', dryRun: true })).toEqual(
      expect.arrayContaining(['--delete', '--delete-excluded', '--dry-run']),
    );
  });

  it('the remote path is protected from the remote shell', () => {
    const protectedBy = (path: string, escapesArgs: boolean) =>
      rsyncArgs(settings({ target: target(`host:${path}`), escapesArgs }), { kind: 'clear', emptyDir: '/e' }).includes(
        '-s',
      );
    expect(protectedBy('/a b', true)).toBe(false);
    expect(protectedBy('/a b', false)).toBe(true);
    expect(protectedBy('/a`b', true)).toBe(true);
    expect(protectedBy('/a[b]', true)).toBe(false);
    expect(protectedBy('/a[b]', false)).toBe(true);
    expect(protectedBy('~/a b', false)).toBe(false);
    expect(protectedBy('/a/b-c', false)).toBe(false);
    expect([protectedBy('=ls', true), protectedBy('=ls', false)]).toEqual([true, true]);
    expect([protectedBy('/a=b', true), protectedBy('/a=b', false)]).toEqual([false, false]);
  });

  it('destinations end in a slash', () => {
    expect(destination(target('host:a'))).toBe('host:a/');
    expect(destination(target('host:'))).toBe('host:');
    expect(destination(target('me@[::1]:/x/'))).toBe('me@[::1]:/x/');
    expect(destination(target('/x'))).toBe('/x/');
  });

  it('a path with wildcards is that path and no other', () => {
    const to = (path: string, escapesArgs = true) =>
      rsyncArgs(settings({ target: target(path), escapesArgs }), { kind: 'clear', emptyDir: '/e' }).at(-1);
    expect(to('[::1]:/a*[b]?')).toBe('[::1]:/a\\*\\[b\\]\\?/');
    expect(to('h:/a\\*')).toBe('h:/a\\\\*/');
    expect(to('/a*')).toBe('/a*/');
    expect(isExact(settings({ target: target('h:/a*') }))).toBe(true);
    expect(isExact(settings({ target: target('h:/a*`') }))).toBe(false);
    expect(isExact(settings({ target: target('h:/a*'), escapesArgs: false }))).toBe(false);
    expect(isExact(settings({ target: target('h:/a b'), escapesArgs: false }))).toBe(true);
  });

  it('the value of -e, as rsync splits it', () => {
    expect(remoteShell(['ssh', '-i', "/a b/it's", 'x=y'])).toBe("ssh -i '/a b/it''s' x=y");
  });

  it.each([
    ['a/b', true, '/a/b/'],
    ['a*b\\c', false, '/a\\*b\\\\c'],
    ['a\\c', false, '/a\\c'],
    ['[x]?', false, '/\\[x]\\?'],
  ])('the pattern for exactly %j', (path, isDir, pattern) => {
    expect(excludedName(path, isDir, false).pattern).toBe(pattern);
  });
});

describe('what rsync is told in a full pass', () => {
  const excluded = [excludedName('git/*', true, false), excludedName('a.o', false, true)];
  const many = (n: number): RsyncRules => ({
    before: Array.from({ length: n }, (_, i) => `- ${i}`),
    after: ['- .git'],
  });

  it('the rules, and by name in their place what they leave to us', () => {
    const rules = { before: ['+ a', '- *.o'], after: ['- .git'] };
    expect(passRules(rules, excluded)).toEqual(['+ a', '- *.o', '- /git/\\*/', '- .git']);
  });

  it('only names, where there are many rules, unless there are more names; or where it can not be told', () => {
    const names = ['- /git/\\*/', '- /a.o'];
    expect(passRules(many(1_000), excluded)).toHaveLength(1_002);
    expect(passRules(many(1_001), excluded)).toEqual(names);
    const more = Array.from({ length: 2_000 }, (_, i) => excludedName(`${i}`, false, true));
    expect(passRules(many(1_001), more)).toHaveLength(1_002);
    expect(passRules(undefined, excluded)).toEqual(names);
  });
});

describe('what rsync prints', () => {
  it.each([
    ['<f+++++++++ 12 a/b.txt', { action: 'send', name: 'a/b.txt', bytes: 12, isNew: true }],
    ['>f.st...... 7 a', { action: 'send', name: 'a', bytes: 7, isNew: false }],
    ['cd+++++++++ 4096 d/', { action: 'mkdir', name: 'd', bytes: 0, isNew: true }],
    ['.d..t...... 4096 ./', { action: 'attributes', name: '.', bytes: 0, isNew: false }],
    ['.f...p..... 3 x y', { action: 'attributes', name: 'x y', bytes: 0, isNew: false }],
    ['cL+++++++++ 1 l', { action: 'send', name: 'l', bytes: 1, isNew: true }],
    ['*deleting   0 d/e/', { action: 'delete', name: 'd/e', bytes: 0, isNew: false }],
    [
      '>f+++++++++ 1 \\#303\\#251\\#134#123\\#012',
      { action: 'send', name: nameFromText('é\\#123\n'), bytes: 1, isNew: true },
    ],
    ['>f+++++++++ 1  leading', { action: 'send', name: ' leading', bytes: 1, isNew: true }],
  ])('%s', (line, item) => {
    const isDir = /^.d|\/$/.test(line);
    expect(parseOutputLine(line)).toEqual({ kind: 'item', ...item, isDir });
  });

  it('notes on stdout', () => {
    expect(parseOutputLine('cannot delete non-empty directory: a/b')).toEqual({ kind: 'notEmpty', name: 'a/b' });
    expect(parseOutputLine('created directory /x')).toEqual({ kind: 'other', text: 'created directory /x' });
  });
});

const aim = { login: 'me@host', host: 'host', port: 22, byHand: 'ssh me@host' };

describe('how a run ended', () => {
  const exit = (code: number | undefined, stderr = '') =>
    outcomeOf(
      { code, signal: code === undefined ? 'SIGTERM' : undefined, stderr },
      aim,
      ['/s/'],
      ofNames(names('x', 'y')),
    );

  it('well', () => expect(exit(0)).toEqual(ALL_DONE));
  it('something vanished', () => expect(exit(24, 'file has vanished: "/s/x"')).toMatchObject({ kind: 'finished' }));

  it('only what no path leads to: that is for our own walk to tell', () =>
    expect(exit(23, `filename overflows max-path len by 171: ${'x'.repeat(4_090)}/${'y'.repeat(200)}`)).toMatchObject({
      kind: 'finished',
      failed: new Map(),
      strays: new Map(),
      doubt: undefined,
    }));

  it('23 taken apart', () => {
    const outcome = exit(
      23,
      'rsync: [sender] send_files failed to open "/s/x": Permission denied (13)\nrsync error: some files/attrs were not transferred (see previous errors) (code 23) at main.c(1394) [sender=3.5.0]',
    );
    expect(outcome.kind === 'finished' && [...outcome.failed]).toMatchObject([
      ['x', { kind: 'path', message: 'permission denied here' }],
    ]);
  });

  it('a source that became something else is a passing failure', () => {
    const outcome = exit(23, 'rsync: [sender] read errors mapping "/s/x": Is a directory (21)');
    expect(outcome.kind === 'finished' && [...outcome.failed]).toMatchObject([['x', { isPassing: true }]]);
  });

  it('23 about what is no name of a full pass is a stray', () => {
    const stderr = 'rsync: [generator] delete_file: unlink(their/file) failed: Permission denied (13)';
    const outcome = outcomeOf({ code: 23, signal: undefined, stderr }, aim, [], ofNames([]), true);
    expect(outcome.kind === 'finished' && [...outcome.strays]).toMatchObject([
      ['their/file', { message: 'permission denied there' }],
    ]);
  });

  it.each([
    [127, 'bash: line 1: rsync: command not found', 'remote'],
    [2, 'protocol version mismatch -- is your shell clean?', 'remote'],
    [2, 'ABORTING due to invalid path from sender: a/b\nrsync error: protocol incompatibility (code 2)', 'run'],
    [12, 'rsync: --delete-missing-args: unknown option', 'remote'],
    [11, 'rsync: [Receiver] mkdir "/no/dst/a" failed: No such file or directory (2)\n', 'run'],
    [11, 'rsync: [receiver] write failed on "/d/x": No space left on device (28)', 'run'],
    [25, '', 'guard'],
    [255, 'Connection closed by remote host', 'connection'],
    [255, 'mux_client_request_session: read from master failed: Broken pipe', 'connection'],
    [12, 'rsync: connection unexpectedly closed (0 bytes received so far) [sender]', 'connection'],
    [20, '', 'run'],
    [undefined, '', 'run'],
  ])('%s with %j: broken, %s', (code, stderr, kind) => {
    expect(exit(code, stderr)).toMatchObject({ kind: 'broken', failure: { kind } });
  });
});

describe('why ssh failed', () => {
  it.each([
    [
      '@@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@@\nHost key verification failed.',
      'hostKey',
      /has changed/,
    ],
    [
      'No ED25519 host key is known for x and you have requested strict checking.\nHost key verification failed.',
      'hostKey',
      /not known here/,
    ],
    ['me@host: Permission denied (publickey,password).', 'login', /was refused \(it takes publickey,password\)/],
    ['ssh: Could not resolve hostname nope: Name or service not known', 'connection', /no such host/],
    ['ssh: connect to host host port 22: Connection refused', 'connection', /refused the connection/],
    ['ssh: connect to host host port 22: Connection timed out', 'connection', /can't be reached/],
    ['', 'connection', /the connection to host port 22 failed$/],
    ['something new', 'connection', /failed: something new/],
  ])('%j', (stderr, kind, message) => {
    const failure = sshFailure(stderr, '', aim);
    expect(failure).toMatchObject({ kind, message: expect.stringMatching(message) });
    expect(failure.hint).toBeTruthy();
  });
});

describe('what is not said by ssh itself', () => {
  it.each([
    'Permission denied (publickey).',
    'there: Permission denied (publickey).',
    'Host key verification failed.',
    '.bashrc: line 3: Bad configuration option',
    'ssh: Could not resolve hostname nope: Name or service not known',
  ])('%j decides nothing', (text) => {
    const failure = sshFailure('Connection closed by UNKNOWN port 65535\n', `${text}\n`, aim);
    expect(failure.kind).toBe('connection');
    expect(failure.message).toContain(text.replace(/\.$/, ''));
  });

  it('nor does what a server says when it closes the connection', () => {
    const log = 'Received disconnect from 127.0.0.1 port 22:11: Host key verification failed.\n';
    expect(sshFailure(log, '', aim)).toMatchObject({ kind: 'connection' });
    expect(lostFailure('me@host: Permission denied (publickey).', '', aim)).toMatchObject({ kind: 'connection' });
  });
});

describe('versions of rsync', () => {
  it.each([
    ['rsync  version 3.2.7  protocol version 31', [3, 2, 7]],
    ['rsync  version v3.4.0pre1  protocol', [3, 4, 0]],
    ['openrsync: protocol version 29\nrsync version 2.6.9 compatible', 'openrsync'],
    ['rrsync: not allowed', undefined],
  ])('%j', (text, version) => {
    expect(readVersion(text)).toEqual(version);
  });

  it('compare', () => {
    expect(atLeast([3, 1, 3], 3, 1, 3)).toBe(true);
    expect(atLeast([3, 2, 0], 3, 1, 3)).toBe(true);
    expect(atLeast([4, 0, 0], 3, 1, 3)).toBe(true);
    expect(atLeast([3, 1, 2], 3, 1, 3)).toBe(false);
    expect(atLeast([2, 9, 9], 3, 1, 0)).toBe(false);
  });
});

describe('arguments for moves', () => {
  const moves = (from: string, to: string, more: Partial<RsyncSettings> = {}) =>
    rsyncArgs(settings(more), {
      kind: 'moves',
      from: nameFromText(from),
      to: nameFromText(to),
      fuzzy: false,
      copy: false,
      comparesContent: false,
    });

  it('go from one directory there to another, without rules of other places', () => {
    const args = moves('old/dir', 'new');
    expect(args.slice(-2)).toEqual(['./new/', 'host:dir/new/']);
    expect(args).toContain('--link-dest=../old/dir');
    expect(args).not.toContain('--checksum');
    expect(args.filter((arg) => /^--(in|ex)clude/.test(arg))).toEqual([]);
    expect(moves('.', 'a/b')).toContain('--link-dest=../../.');
    expect(moves('old dir', 'a/b', { target: target('host:/srv/x/') })).toContain('--link-dest=/srv/x/old dir');
    expect(moves('a/b', '.').slice(-2)).toEqual(['./', 'host:dir/']);
    expect(moves('a/b', '.')).toContain('--link-dest=a/b');
  });

  it('protect what the remote shell would change, and then say --fuzzy once more', () => {
    expect(moves('a', 'b')).not.toContain('-s');
    expect(moves('a', 'b*').at(-1)).toBe('host:dir/b\\*/');
    expect(moves('a', 'b`')).toContain('-s');
    expect(moves('a b', 'c', { escapesArgs: false })).toContain('-s');
    const fuzzy = {
      kind: 'moves',
      fuzzy: true,
      copy: true,
      comparesContent: true,
      from: nameFromText('a'),
      to: nameFromText('b`'),
    } as const;
    const args = rsyncArgs(settings(), fuzzy);
    expect(args).toEqual(expect.arrayContaining(['-M--fuzzy', '--copy-dest=../a', '--checksum']));
    expect(args.filter((arg) => arg === '--fuzzy')).toHaveLength(2);
  });

  it('take no name that can not stand in them', () => {
    expect(canBeArgs(settings(), nameFromText('ä b'))).toBe(true);
    expect(canBeArgs(settings(), nameFromBytes(Buffer.from([0x66, 0xff])))).toBe(false);
    expect(canBeArgs(settings(), nameFromText('a\nb'))).toBe(false);
    expect(canBeArgs(settings({ target: target('host:~/dir') }), nameFromText('a'))).toBe(false);
    expect(canBeArgs(settings(), nameFromText('a*'))).toBe(true);
    expect(canBeArgs(settings({ escapesArgs: false }), nameFromText('a*'))).toBe(false);
  });

  it('what is in the way of a move goes to its own place in the trash', () => {
    const backup = (trash: string, to: string): string | undefined => {
      const run = { kind: 'moves', fuzzy: false, copy: false, from: nameFromText('a'), to: nameFromText(to) } as const;
      return rsyncArgs(settings({ trash }), { ...run, comparesContent: false }).find((arg) =>
        arg.startsWith('--backup-dir'),
      );
    };
    expect(backup('/t/.trash', 'b/c')).toBe('--backup-dir=/t/.trash/b/c');
    expect(backup('.trash', 'b/c')).toBe('--backup-dir=../../.trash/b/c');
    expect(backup('.trash', '')).toBe('--backup-dir=.trash');
  });

  it('a stash takes what is cleared, in place of the trash', () => {
    const run = { kind: 'clear', emptyDir: '/e', stashDir: '.stash' } as const;
    expect(rsyncArgs(settings({ trash: '.trash' }), run)).toEqual(
      expect.arrayContaining(['--backup', '--backup-dir=.stash']),
    );
  });
});

describe('a run that says how far it is', () => {
  const kinds = (...chunks: string[]) => {
    const reader = new LineReader();
    return chunks
      .flatMap((chunk) => reader.read(chunk))
      .map((line) => (line.kind === 'item' ? line.name : line.kind === 'progress' ? line.bytes : line.kind));
  };

  it('is read in pieces', () => {
    expect(
      kinds(
        '<f+++++++++ 2 a\n\r              2   0%    0.00kB/s    0:00:00  \r        1,234',
        ',567   0%    0.00kB/s    0:00:00 (xfr#1, to-chk=2/4)\n<f++++',
        '+++++ 2 b\n',
      ),
    ).toEqual(['a', 2, 1_234_567, 'b']);
  });

  it('loses no name that follows a progress record without a line break', () => {
    expect(kinds('\r  88  51%   83.98kB/s    0:00:00 (xfr#36, to-chk=96/241)    <f+++++++++ 5 d/f4\n')).toEqual([
      88,
      'd/f4',
    ]);
    expect(kinds('\r  88  51%   83.98kB/s    0:00:00  *deleting   0 x\n')).toEqual([88, 'x']);
    expect(kinds('<f+++++++++ 5   88  51%   83.98kB/s    0:00:00 \n')).toEqual(['  88  51%   83.98kB/s    0:00:00 ']);
  });
});
