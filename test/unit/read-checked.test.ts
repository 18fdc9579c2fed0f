import { execFileSync, spawn } from 'node:child_process';
import { symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readChecked, whyNotOurs } from '../../src/read-checked.js';
import { temporaryDir } from '../support/tree.js';

const LIMIT = 1_048_576;
const read = (path: string, follow = true) => {
  const got = readChecked(path, { limit: LIMIT, follow });
  return got.kind === 'read' ? got.bytes.toString() : got;
};

describe('a file that somebody else may have put there', () => {
  it('is read whole, also through a link, also one of the kernel’s that has no size', () => {
    const dir = temporaryDir();
    writeFileSync(join(dir, 'file'), 'x'.repeat(LIMIT));
    writeFileSync(join(dir, 'empty'), '');
    symlinkSync('file', join(dir, 'link'));
    expect(read(join(dir, 'file'))).toBe('x'.repeat(LIMIT));
    expect(read(join(dir, 'link'))).toBe('x'.repeat(LIMIT));
    expect(read(join(dir, 'empty'))).toBe('');
    symlinkSync('/dev/null', join(dir, 'null'));
    expect(read(join(dir, 'null'))).toBe('');
    expect(read(join(dir, 'none'))).toEqual({ kind: 'missing' });
    expect(read(join(dir, 'file/below'))).toEqual({ kind: 'missing' });
    if (process.platform === 'linux') expect(read('/proc/self/status')).toMatch(/^Name:/);
  });

  it('is refused in words where it is no file, leads to none, or is too large', async () => {
    const dir = temporaryDir();
    const at = (name: string): string => join(dir, name);
    execFileSync('mkfifo', [at('fifo')]);
    symlinkSync('fifo', at('to-fifo'));
    symlinkSync('/dev/zero', at('to-zero'));
    symlinkSync('/dev/tty', at('to-tty'));
    symlinkSync('loop', at('loop'));
    writeFileSync(at('large'), '');
    truncateSync(at('large'), LIMIT + 1);
    const server = createServer().listen(at('socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    const refused = (why: string) => ({ kind: 'refused', why });
    expect(read(at('fifo'))).toEqual(refused('is a FIFO, not a file'));
    expect(read(at('to-fifo'))).toEqual(refused('is a FIFO, not a file'));
    expect(read(at('to-zero'))).toEqual(refused('is a device, not a file'));
    expect(read(at('to-tty'))).toEqual(refused('is a device, not a file'));
    expect(read(at('socket'))).toEqual(refused('is a socket, not a file'));
    expect(read(dir)).toEqual(refused('is a directory, not a file'));
    expect(read(at('large'))).toEqual(refused('is larger than 1 MiB'));
    expect(read(at('loop'))).toEqual({ kind: 'unreadable', why: "can't be read (ELOOP)" });
    expect(read(at('to-zero'), false)).toEqual(refused('is a symbolic link, not a file'));
    server.close();
  });

  it('has no more lines than it may', () => {
    const path = join(temporaryDir(), 'file');
    const lines = (text: string): unknown => {
      writeFileSync(path, text);
      return readChecked(path, { limit: LIMIT, lines: 1_000 });
    };
    expect(lines('a\n'.repeat(1_000))).toMatchObject({ kind: 'read' });
    expect(lines('a\n'.repeat(1_001))).toEqual({ kind: 'refused', why: 'has more than 1,000 lines' });
  });

  it('is never more than the limit, even where its size says otherwise', () => {
    // The kernel says 0 for it, and gives as much as there are processes.
    if (process.platform !== 'linux') return;
    expect(readChecked('/proc/self/status', { limit: 100 })).toMatchObject({ kind: 'refused' });
  });

  it('is one or the other while somebody swaps it for a FIFO, a link and a large file, and never waits', async () => {
    const dir = temporaryDir();
    writeFileSync(join(dir, 'good'), 'good');
    const swap = 'cp good f.new; mv f.new f; mkfifo p; mv p f; ln -s /dev/zero l; mv l f; truncate -s 1G t; mv t f';
    const child = spawn('sh', ['-c', `while test -e good; do ${swap}; done`], { cwd: dir, stdio: 'ignore' });
    const seen = new Set<string>();
    try {
      for (let i = 0; seen.size < 4 && i < 1_000_000; i++) {
        const got = readChecked(join(dir, 'f'), { limit: LIMIT });
        if (got.kind === 'read') expect(got.bytes.toString()).toBe('good');
        if (got.kind !== 'missing') seen.add(got.kind === 'read' ? 'read' : got.why);
      }
    } finally {
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('close', resolve));
    }
    expect([...seen].sort()).toEqual([
      'is a FIFO, not a file',
      'is a device, not a file',
      'is larger than 1 MiB',
      'read',
    ]);
  });
});

describe('the user’s own word', () => {
  it.each([
    ['ours', 0o600, 1000, 1000, undefined],
    ['readable by all', 0o644, 1000, 100, undefined],
    ['root’s', 0o644, 0, 0, undefined],
    ['of another user', 0o644, 65_534, 1000, /^belongs to another user \(uid 65534\)$/],
    ['writable by all', 0o666, 1000, 1000, /^may be written by other users \(mode 0666\)$/],
    ['writable by all others', 0o602, 1000, 1000, /mode 0602/],
    ['root’s, writable by all', 0o666, 0, 0, /mode 0666/],
    ['writable by the user’s own group, as with umask 002', 0o664, 1000, 1000, undefined],
    ['writable by a group of several', 0o664, 1000, 100, /mode 0664/],
    ['root’s, writable by root’s group', 0o664, 0, 0, /mode 0664/],
  ] as const)('a file that is %s', (_what, mode, owner, gid, why) => {
    const got = whyNotOurs({ mode: 0o100_000 | mode, uid: owner, gid }, 1000);
    if (why === undefined) expect(got).toBeUndefined();
    else expect(got).toMatch(why);
  });

  it('for root: its group is not its own, and a user is another one', () => {
    expect(whyNotOurs({ mode: 0o664, uid: 0, gid: 0 }, 0)).toMatch(/mode 0664/);
    expect(whyNotOurs({ mode: 0o644, uid: 0, gid: 0 }, 0)).toBeUndefined();
    expect(whyNotOurs({ mode: 0o644, uid: 1000, gid: 0 }, 0)).toMatch(/uid 1000/);
  });
});
