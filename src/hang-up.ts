import { type BigIntStats, fstatSync, readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';

/** What there is to know of our beginning: the environment, and who started us. */
export interface Beginning {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly ppid: number;
}

/**
 * Whether SIGHUP is not meant for us: it came ignored (`nohup`), or there is nothing that could hang up. Node forgets at its start
 * what was ignored (node.cc, PlatformInit), so it is told by what nohup and shells leave behind.
 */
export const isHangUpIgnored = ({ env, ppid }: Beginning): boolean =>
  // bash, zsh and ksh say there what they have started.
  basename(env['_'] ?? '') === 'nohup' || isIgnoredBy(ppid) || isStdinOfNohup() || isNobodyThere();

/** What a shell or make ignores (`trap '' HUP`, `nohup make sync`), so does what it starts. */
function isIgnoredBy(pid: number): boolean {
  const ignored = /^SigIgn:\s*([\da-f]+)$/m.exec(textOf(`/proc/${pid}/status`))?.[1];
  return ignored !== undefined && (BigInt(`0x${ignored}`) & 1n) === 1n; // the first one is SIGHUP
}

/** GNU's gives /dev/null in the place of a terminal, and only to write to. */
function isStdinOfNohup(): boolean {
  const flags = /^flags:\s*([0-7]+)$/m.exec(textOf('/proc/self/fdinfo/0'))?.[1];
  return flags !== undefined && (Number.parseInt(flags, 8) & 3) === 1 && isNull(statsOf(0));
}

/** Neither a terminal nor a pipe: all of them are files, /dev/null or closed. */
const isNobodyThere = (): boolean =>
  [0, 1, 2].every((fd) => {
    const stats = statsOf(fd);
    return stats === undefined || stats.isFile() || isNull(stats);
  });

const isNull = (stats: BigIntStats | undefined): boolean =>
  stats?.isCharacterDevice() === true && stats.rdev === tried(() => statSync('/dev/null', { bigint: true }))?.rdev;

const statsOf = (fd: number): BigIntStats | undefined => tried(() => fstatSync(fd, { bigint: true }));

const textOf = (path: string): string => tried(() => readFileSync(path, 'utf8')) ?? '';

/** Without /proc, and where a descriptor is closed. */
function tried<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
