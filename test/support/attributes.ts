import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** Whether owners can be given away here. */
export const canChown = userInfo().uid === 0;

/**
 * Gives a file or directory an extended attribute (`user.NAME`) and nothing else: GNU tar makes a file with it, GNU cp copies
 * it from there. Node can't, and setfattr is a package of its own.
 */
export function setAttribute(path: string, name: string, value: string): void {
  give(path, { [`SCHILY.xattr.user.${name}`]: value }, 'xattr');
}

/** Gives it an ACL: its owner, one more user by number, group and others may read it or not. */
export function setAcl(path: string, uid: number): void {
  give(path, { 'SCHILY.acl.access': `user::rw-,user:${uid}:r--,group::r--,mask::r--,other::r--` }, 'mode');
}

function give(path: string, records: Readonly<Record<string, string>>, preserve: 'xattr' | 'mode'): void {
  const dir = mkdtempSync(join(tmpdir(), 'syncwatch-attributes-'));
  const isDir = statSync(path).isDirectory();
  const input = archive(isDir ? 'with/' : 'with', isDir ? '5' : '0', records);
  execFileSync('tar', ['--xattrs', '--xattrs-include=*', '--acls', '-xf', '-', '-C', dir], { input });
  execFileSync('cp', ['-rT', '--attributes-only', `--preserve=${preserve}`, join(dir, 'with'), path]);
  rmSync(dir, { recursive: true });
}

/** The extended attributes and the ACL of a file or directory, one a line, as tar writes them. */
export function attributesOf(path: string): string[] {
  const args = ['--xattrs', '--acls', '--no-recursion', '-cf', '-', '-C', dirname(path), basename(path)];
  const { status, stdout, stderr } = spawnSync('tar', args, { maxBuffer: 100_000_000 });
  // 1: it changed meanwhile, which is no reason to give up: whoever waits for something looks again.
  if (status !== 0 && status !== 1) throw new Error(stderr.toString());
  const bytes = stdout.toString('latin1');
  return [...bytes.matchAll(/\d+ SCHILY\.(?:xattr\.user|acl)\.[^\n]*(?:\n(?:user|group|mask|other):[^\n]*)*\n/g)]
    .map(([record]) => record.replace(/^\d+ SCHILY\./, '').trim())
    .sort();
}

/** A tar archive of one empty file or directory with these extended records (pax, POSIX.1-2001). */
function archive(name: string, type: '0' | '5', records: Readonly<Record<string, string>>): Buffer {
  const body = Buffer.from(
    Object.entries(records)
      .map(([key, value]) => record(` ${key}=${value}\n`))
      .join(''),
  );
  const padding = Buffer.alloc((512 - (body.length % 512)) % 512);
  return Buffer.concat([header('pax', 'x', body.length), body, padding, header(name, type, 0), Buffer.alloc(1_024)]);
}

/** The length in front counts its own digits too. */
function record(rest: string): string {
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}

function header(name: string, type: string, size: number): Buffer {
  const block = Buffer.alloc(512);
  const octal = (value: number, at: number, width: number): void => {
    block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
  };
  block.write(name, 0, 'latin1');
  octal(0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(1_700_000_000, 136, 12);
  block.write('        ', 148, 'latin1');
  block.write(type, 156, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  const sum = block.reduce((all, byte) => all + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
