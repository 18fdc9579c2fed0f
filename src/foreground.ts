import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * Whether this process may use the terminal: whoever is in the background (`&`, `bg`) is stopped as soon as it reads from it or
 * changes how it is set. Without a controlling terminal there is no background.
 */
export function isForeground(pid: number): boolean {
  try {
    return isForegroundIn(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return isMarked(pid); // macOS has no /proc
  }
}

/** As proc_pid_stat(5) has it: after the name, which may hold anything, the third field is the group, the sixth the terminal's one. */
function isForegroundIn(stat: string): boolean {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[5] === '-1' || fields[2] === fields[5];
}

/** ps marks those in the foreground by a `+`, and shows `??` for no terminal. */
function isMarked(pid: number): boolean {
  try {
    const said = execFileSync('/bin/ps', ['-o', 'stat=,tty=', '-p', String(pid)], { encoding: 'utf8' });
    return /\+|\?/.test(said);
  } catch {
    return false;
  }
}
