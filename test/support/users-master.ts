import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { temporaryDir } from './tree.js';

/** A master that a user has opened by hand, as they would: with a ControlPath in their config. */
export interface UsersMaster {
  readonly configFile: string;
  readonly path: string;
  /** The pid of the one that answers; undefined where none does. */
  readonly pid: () => number | undefined;
  readonly open: () => void;
  readonly exit: () => void;
  /** It takes nothing new, and its socket goes; what goes through it goes on. */
  readonly stop: () => void;
}

/** `pathIn`: the ControlPath, for a folder of the test's own; `before`: lines at the top of the config. */
export function openUsersMaster(
  sshConfig: string,
  { pathIn = (folder: string) => join(folder, 'cm-%C'), before = '' } = {},
): UsersMaster {
  const folder = temporaryDir();
  const configFile = join(folder, 'config');
  writeFileSync(configFile, `${before}ControlPath ${pathIn(folder)}\nInclude ${sshConfig}\n`, { mode: 0o600 });
  const ssh = (...args: string[]) => spawnSync('ssh', ['-F', configFile, ...args, 'there'], { encoding: 'utf8' });
  const path = /^controlpath (.*)$/m.exec(ssh('-G').stdout)?.[1] ?? '';
  const pid = (): number | undefined => {
    const found = /pid=(\d+)/.exec(ssh('-O', 'check').stderr)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const open = (): void => void execFileSync('ssh', ['-F', configFile, '-M', '-N', '-f', 'there'], { stdio: 'ignore' });
  const exit = (): void => void ssh('-O', 'exit');
  open();
  onTestFinished(exit);
  return { configFile, path, pid, open, exit, stop: () => void ssh('-O', 'stop') };
}
