import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freshName, place, Running, run } from '../support/cli.js';
import { fill, names, temporaryDir, tree } from '../support/tree.js';

describe('what is synced', () => {
  const files = {
    'src/a.py': 'a',
    'src/a.pyc': 'x',
    'src/__pycache__/a.cpython.pyc': 'x',
    '.git/HEAD': 'x',
    '.idea/w.xml': 'x',
    'src/.a.py.swp': 'x',
    'src/a.py~': 'x',
    'build/out.o': 'o',
    'build/keep/me': 'k',
    'logs/1.log': '1',
    'logs/2.txt': '2',
    'secret/key': 's',
    'deep/secret/key': 's',
  };
  const later = {
    'src/b.py': 'b',
    'src/b.pyc': 'x',
    'build/new.o': 'o',
    'logs/3.log': '3',
    'logs/4.txt': '4',
    '.git/index': 'x',
    'deep/er/secret/k': 's',
    'deep/er/ok': 'o',
  };

  it.each([
    { what: 'default excludes', args: [], out: ['.git', '.idea', 'pyc', '.swp', '~'] },
    { what: 'no default excludes', args: ['--no-default-excludes'], out: [] },
    {
      what: '--exclude and --include in their order',
      args: ['--include', '/logs/3.log', '-x', '*.log', '--exclude=/build/', '--include', '*.pyc'],
      out: ['.git', '.idea', '.swp', '~', '1.log', 'build', '__pycache__'],
    },
    {
      what: '--exclude-regex, a directory with all below it',
      args: ['--exclude-regex', '(^|/)secret/', '--exclude-regex', '\\.log$'],
      out: ['.git', '.idea', 'pyc', '.swp', '~', 'secret', '.log'],
    },
  ])('$what: the full sync and what comes later agree', async ({ args, out }) => {
    const { local, remote, start } = place();
    fill(local, files);
    const running = start(args);
    await running.inSync();
    fill(local, later);
    const wanted = (): string[] =>
      names(local).filter(
        (name) =>
          !out.some((part) => name.includes(part)) ||
          (args.includes('/logs/3.log') &&
            (name === 'logs/3.log' || (name.endsWith('.pyc') && !name.includes('__pycache__')))),
      );
    await running.until(
      'what is wanted is there',
      () => existsSync(remote) && names(remote).join('\n') === wanted().join('\n'),
    );
    await running.stop();
    // a later full sync changes nothing
    const { code } = await run([
      ...place().args.slice(0, 2),
      '--to',
      running.events[0]?.['target'] as string,
      local,
      '--once',
      ...args,
    ]);
    expect(code).toBe(0);
    expect(names(remote)).toEqual(wanted());
  });

  it('--exclude-from, with comments, both kinds of prefixes and a lone !', async () => {
    const { local, remote, run: once } = place();
    fill(local, { 'a.o': '', 'b.o': '', 'c.txt': '', 'd.txt': '' });
    const file = join(temporaryDir(), 'patterns');
    writeFileSync(file, 'c.txt\n!\n# objects\n; too\n+ b.o\n\n*.o\n- d.txt\n');
    expect((await once(['--once', '--exclude-from', file])).code).toBe(0);
    expect(names(remote)).toEqual(['b.o', 'c.txt']);
  });
});

describe('deletions', () => {
  it('seen: only what was seen deleted; what the remote made for itself and what is excluded stay', async () => {
    const { local, remote, start, same, fillRemote } = place();
    fill(local, { 'd/a': 'a', 'd/b/c': 'c', 'e/f': 'f', keep: 'k' });
    const running = start(['-x', '*.log']);
    await running.inSync();
    fillRemote({ 'made-there': 'm', 'd/b/result': 'r', 'e/x.log': 'l' });
    rmSync(join(local, 'd'), { recursive: true });
    rmSync(join(local, 'e'), { recursive: true });
    await running.event('kept', (e) => e.path === 'e');
    await running.event('kept', (e) => e.path === 'd');
    await same(running, (name) => /^(made-there|d|e)$/.test(name) || name === '.').catch(() => {});
    expect(names(remote)).toEqual(['d', 'd/b', 'd/b/result', 'e', 'e/x.log', 'keep', 'made-there']);
  });

  it('seen: what was deleted while syncwatch was not running', async () => {
    const { local, remote, run: once, fillRemote } = place();
    fill(local, { a: 'a', 'd/b': 'b', 'd/c/e': 'e', f: 'f' });
    expect((await once(['--once'])).code).toBe(0);
    fillRemote({ theirs: 't' });
    rmSync(join(local, 'd'), { recursive: true });
    unlinkSync(join(local, 'a'));
    fill(local, { d: 'now a file', f2: 'f' });
    const dry = await once(['--dry-run']);
    expect(dry.stdout).toMatch(/delete a$/m);
    expect(names(remote)).toContain('a');
    const second = await once(['--once']);
    expect(second.code, second.stderr).toBe(0);
    expect(names(remote)).toEqual(['d', 'f', 'f2', 'theirs']);
    expect(second.stdout).toMatch(/deleted/);
  });

  it('seen: what is excluded by now is left alone there, even if it is deleted here', async () => {
    const { local, remote, run: once } = place();
    fill(local, { a: 'a', 'x.log': 'x', 'logs/y': 'y', 'z.tmp': 'z' });
    expect((await once(['--once'])).code).toBe(0);
    for (const path of ['x.log', 'z.tmp']) unlinkSync(join(local, path));
    rmSync(join(local, 'logs'), { recursive: true });
    const again = await once(['--once', '-x', '*.log', '-x', 'logs/', '--exclude-regex', 'tmp$']);
    expect(again.code, again.stderr).toBe(0);
    expect(names(remote)).toEqual(['a', 'logs', 'logs/y', 'x.log', 'z.tmp']);
  });

  it('never: nothing', async () => {
    const { local, remote, start } = place();
    fill(local, { a: 'a', 'd/b': 'b' });
    const running = start(['--delete', 'never']);
    await running.inSync();
    rmSync(join(local, 'd'), { recursive: true });
    renameSync(join(local, 'a'), join(local, 'a2'));
    await running.event('delivered', (e) => JSON.stringify(e['items']).includes('"a2"'));
    await running.stop();
    expect(names(remote)).toEqual(['a', 'a2', 'd', 'd/b']);
  });

  it('mirror: a full sync removes what is only there, but not what is excluded', async () => {
    const { local, remote, run: once, fillRemote } = place();
    fill(local, { a: 'a', b: 'b', c: 'c' });
    expect((await once(['--once'])).code).toBe(0);
    fillRemote({ 'extra/file': 'x', 'x.log': 'l' });
    const { code, stderr } = await once(['--once', '--delete', 'mirror', '-x', '*.log']);
    expect(code, stderr).toBe(0);
    expect(names(remote)).toEqual(['a', 'b', 'c', 'x.log']);
  });

  it('mirror: more than half of the remote, or --max-delete, stops it where nobody can be asked', async () => {
    const { local, remote, run: once, fillRemote } = place();
    fill(local, { a: 'a' });
    fillRemote({ 1: '', 2: '', 3: '', 4: '' });
    const before = tree(remote);
    const half = await once(['--once', '--delete', 'mirror']);
    expect(half.stderr).toMatch(/would delete 4 of 4 paths on there:\S+; nothing was changed\n.*--dry-run/);
    expect(half.code).toBe(3);
    expect(tree(remote)).toEqual(before);
    fill(local, { 1: '', 2: '', 3: '' });
    const max = await once(['--once', '--delete', 'mirror', '--max-delete', '0']);
    expect(max.stderr).toMatch(/would delete 1 of 4 paths .* more than --max-delete 0/);
    expect(max.code).toBe(3);
    const dry = await once(['--dry-run', '--delete', 'mirror']);
    expect(dry.stdout).toMatch(/^delete 4$/m);
    expect(dry.code).toBe(0);
    expect(names(remote)).toEqual(['1', '2', '3', '4']);
    const fine = await once(['--once', '--delete', 'mirror', '--max-delete', '1']);
    expect(fine.code, fine.stderr).toBe(0);
    expect(names(remote)).toEqual(['1', '2', '3', 'a']);
    for (const name of ['1', '2', '3']) rmSync(join(local, name));
    const most = await once(['--once', '--delete', 'mirror', '--max-delete', '3']);
    expect(most.code, most.stderr).toBe(0);
    expect(names(remote)).toEqual(['a']);
  });

  it('an empty DIR deletes nothing, at the start and while running, unless --allow-empty', async () => {
    const { local, remote, run: once, start } = place();
    fill(local, { a: 'a', 'd/b': 'b' });
    const running = start();
    await running.inSync();
    rmSync(join(local, 'a'));
    rmSync(join(local, 'd'), { recursive: true });
    expect(await running.ended).toBe(3);
    expect(running.events.find((e) => e.event === 'halted')?.['failure']).toMatchObject({
      message: expect.stringMatching(/is empty now; \d paths .* would be deleted/),
    });
    expect(names(remote)).toContain('d/b');
    const again = await once(['--once']);
    expect(again.code).toBe(3);
    expect(again.stderr).toMatch(/--allow-empty/);
    const mirror = await once(['--once', '--delete', 'mirror']);
    expect(mirror.code).toBe(3);
    expect(names(remote)).toContain('d/b');
    const allowed = await once(['--once', '--allow-empty']);
    expect(allowed.code, allowed.stderr).toBe(0);
    expect(names(remote)).toEqual([]);
  });

  it('--max-delete stops a large deletion while running', async () => {
    const { local, remote, start } = place();
    fill(local, { 'd/1': '', 'd/2': '', 'd/3': '', a: '' });
    const running = start(['--max-delete', '2']);
    await running.inSync();
    rmSync(join(local, 'a'));
    await running.event(
      'delivered',
      (e) => JSON.stringify(e['items']).includes('"a"') && JSON.stringify(e['items']).includes('delete'),
    );
    rmSync(join(local, 'd'), { recursive: true });
    writeFileSync(join(local, 'stays'), '');
    expect(await running.ended).toBe(3);
    expect(names(remote).filter((name) => name.startsWith('d/'))).toEqual(['d/1', 'd/2', 'd/3']);
  });

  it('--trash keeps what was overwritten or deleted, and is left alone itself', async () => {
    const { local, remote, start, same } = place();
    fill(local, { a: 'old', 'd/b': 'gone' });
    const running = start(['--trash', '.trash']);
    await running.inSync();
    writeFileSync(join(local, 'a'), 'new');
    unlinkSync(join(local, 'd/b'));
    await running.until(
      'the trash is filled',
      () => existsSync(join(remote, '.trash/d/b')) && existsSync(join(remote, '.trash/a')),
    );
    await same(running, (name) => name === '.trash' || name === '.').catch(() => {});
    expect(readFileSync(join(remote, '.trash/a'), 'utf8')).toBe('old');
    expect(readFileSync(join(remote, '.trash/d/b'), 'utf8')).toBe('gone');
    await running.stop();
    expect(names(remote).filter((name) => !name.startsWith('.trash'))).toEqual(['a', 'd']);
  });
});

describe('how it is done', () => {
  it('a root that goes while running deletes nothing, and is taken up again when it is back', async () => {
    const { local, remote, start, same } = place();
    fill(local, { a: 'a', 'd/b': 'b' });
    const running = start();
    await running.inSync();
    renameSync(local, `${local}-away`);
    await running.event('rootGone');
    expect(names(remote)).toEqual(['a', 'd', 'd/b']);
    writeFileSync(join(`${local}-away`, 'c'), 'c');
    renameSync(`${local}-away`, local);
    await running.event('rootBack');
    await same(running);
    writeFileSync(join(local, 'd/after'), 'x');
    await same(running);
    // another directory in its place: a new start, nothing is deleted
    renameSync(local, `${local}-old`);
    fill(local, { other: 'o' });
    await running.event('rootBack', (e) => e['replaced'] === true);
    await running.until('other is there', () => names(remote).includes('other'));
    expect(names(remote)).toEqual(['a', 'c', 'd', 'd/after', 'd/b', 'other']);
    rmSync(`${local}-old`, { recursive: true });
  });

  it('--dry-run changes nothing and says what would be done', async () => {
    const { local, remote, run: once } = place();
    fill(local, { a: 'aaa', 'd/b': 'b' });
    const { code, stdout } = await once(['--dry-run']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^send {3}a$/m);
    expect(stdout).toMatch(/^send {3}d\/b$/m);
    expect(stdout).toMatch(/would send 2 files \(4 B\) and delete 0; nothing was changed/);
    expect(existsSync(remote)).toBe(false);
  });

  it('--no-initial sends only what changes from now on', async () => {
    const { local, remote, start } = place();
    fill(local, { before: 'b', touched: 't' });
    const running = start(['--no-initial']);
    await running.inSync();
    writeFileSync(join(local, 'touched'), 'changed');
    writeFileSync(join(local, 'new'), 'n');
    await running.until('both are there', () => existsSync(remote) && names(remote).join() === 'new,touched');
  });

  it('what waits together shares a run, in order; --one-by-one forces one file a run', async () => {
    const together = place();
    fill(together.local, { a: 'a' });
    const running = together.start(['--debounce', '300']);
    await running.inSync();
    for (const name of ['x1', 'x3', 'x2']) writeFileSync(join(together.local, name), name);
    await together.same(running);
    await running.event('delivered', (e) => JSON.stringify(e['items']).includes('x3'));
    const shared = running.events.filter((e) => e.event === 'delivered').at(-1)?.['items'] as Array<{ path: string }>;
    expect(shared.map(({ path }) => path)).toEqual(['x1', 'x2', 'x3']);
    const paths = running.events.filter((e) => e.event === 'started').map((e) => e.path);
    expect(paths.slice(-3)).toEqual(['x1', 'x2', 'x3']);

    const single = place();
    fill(single.local, { a: 'a' });
    const one = single.start(['--one-by-one', '--debounce', '300']);
    await one.inSync();
    for (const name of ['x1', 'x3', 'x2']) writeFileSync(join(single.local, name), name);
    await single.same(one);
    await one.until(
      'three runs',
      () => one.events.filter((e) => e.event === 'delivered' && JSON.stringify(e['items']).includes('"x')).length === 3,
    );
    for (const event of one.events.filter((e) => e.event === 'delivered').slice(1))
      expect((event['items'] as unknown[]).length).toBe(1);
  });

  it('--chmod, --compress, --bwlimit and RSYNC-ARGS reach rsync', async () => {
    const { local, remote, run: once } = place();
    fill(local, { 'd/a': 'a' });
    const { code, stdout, stderr } = await once([
      '--once',
      '--debug',
      '--chmod',
      'D750,F640',
      '--compress',
      '--bwlimit',
      '10m',
      '--',
      '--numeric-ids',
    ]);
    expect(code, stderr).toBe(0);
    expect(statSync(join(remote, 'd')).mode & 0o777).toBe(0o750);
    expect(statSync(join(remote, 'd/a')).mode & 0o777).toBe(0o640);
    expect(stdout).toMatch(/rsync .*--compress.*--bwlimit=10m.*--chmod=D750,F640.*--numeric-ids/);
    expect(stdout).toMatch(/-e \/\S*env HOME=\S+ \/\S*ssh .*-o ControlMaster=auto -o ControlPath=/);
  });

  it('a local target needs no ssh', async () => {
    const { local, env } = place();
    const target = join(temporaryDir(), 'copy here');
    fill(local, { 'a b': 'a', 'd/c': 'c' });
    const running = new Running(['--json', '--to', target, local], { env });
    await running.inSync();
    expect(tree(target)).toEqual(tree(local));
    renameSync(join(local, 'd'), join(local, 'd2'));
    writeFileSync(join(local, 'd2/c'), 'changed');
    await running.until('the same', () => tree(target).join() === tree(local).join());
    expect(running.events.some((e) => e.event === 'connecting')).toBe(false);
    expect(await running.stop()).toBe(130);
  });

  it('odd names of the remote directory', async () => {
    const odd = ['with space', "quote'", '[set]*?', '$HOME', 'semi;colon', 'ünï', '-dash', 'back\\slash', 'a:b'];
    const { local, server, env, remote, to, fillRemote } = place();
    fill(local, { a: 'a' });
    fillRemote({});
    const targets = odd.flatMap((name) => ['--to', `${to}/${name}`]);
    const { code, stderr } = await run(['-F', server.sshConfig, ...targets, '--once', local], { env });
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const bytes = odd.map((name) => Buffer.from(name).toString('latin1'));
    expect(names(remote)).toEqual(bytes.flatMap((name) => [name, `${name}/a`]).sort());
  });

  it('a path relative to the login directory', async () => {
    const { local, server, env } = place();
    fill(local, { a: 'a' });
    const name = `syncwatch-test-${freshName()}`;
    const asked = (path: string, how: string) =>
      run(['-F', server.sshConfig, '--to', `there:${path}`, how, local], { env });
    // What begins with ~ is in $HOME, which a throw-away server has elsewhere.
    for (const [to, same] of [
      [name, `./${name}`],
      [`~/${name}`, `~/./${name}/`],
      [`${name}/sub`, `./${name}/sub/`],
    ] as const) {
      const { code, stderr } = await asked(to, '--once');
      expect(code, stderr).toBe(0);
      expect((await asked(same, '--dry-run')).stdout).toMatch(/would send 0 files/);
    }
    // leave nothing in the login directory
    const script = `find ${name} -type f | sort && rm -r ${name} && rm -rf ~/${name}`;
    const there = execFileSync('ssh', ['-F', server.sshConfig, 'there', script], { encoding: 'utf8' });
    expect(there).toBe(`${name}/a\n${name}/sub/a\n`);
  });
});

describe('what the user sees', () => {
  it('a line for what was done, with date and time, where stdout is no terminal', async () => {
    const { local, args, env } = place();
    fill(local, { 'a.txt': 'a' });
    const running = new Running([...args, local], { env });
    await running.until('in sync', () => / in sync: 1 path/.test(running.stdout));
    writeFileSync(join(local, 'b.txt'), 'b');
    await running.until('b', () => /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d b\.txt \. {2}\d+ ms$/m.test(running.stdout));
    unlinkSync(join(local, 'a.txt'));
    await running.until('a deleted', () => / a\.txt deleted \. {2}\d+ ms$/m.test(running.stdout));
    await running.stop();
    expect(running.stdout).toMatch(/2 files sent \(2 B\), 1 deleted$/m);
    expect(running.stdout + running.stderr).not.toMatch(/[\x1b\r]/);
  });

  it('-q says nothing when all goes well', async () => {
    const { local, run: once } = place();
    fill(local, { a: 'a' });
    const { code, stdout, stderr } = await once(['--once', '-q']);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('-v and --debug say more', async () => {
    const { local, run: once } = place();
    fill(local, { a: 'a' });
    const normal = await once(['--once']);
    expect(normal.stdout).not.toMatch(/rsync --links/);
    const debug = await once(['--once', '--debug']);
    expect(debug.stdout).toMatch(/rsync --links/);
  });

  it('--help in groups, with units and defaults; --version', async () => {
    const help = await run(['--help=all']);
    expect(help.code).toBe(0);
    for (const part of [
      'Deletions:',
      'Passed to ssh',
      'in ms',
      'default 2 after a write, 20',
      'Examples:',
      'Exit codes:',
    ])
      expect(help.stdout.replace(/\s+/g, ' ')).toContain(part);
    const version = await run(['--version']);
    expect(version.stdout.trim()).toBe(
      (JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as { version: string })
        .version,
    );
  });
});
