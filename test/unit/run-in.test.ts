import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runIn } from '../../src/commands/run-in.js';
import type { Printable } from '../../src/core/printable.js';
import { NONE_FOUND } from '../../src/core/ssh/remote-command.js';
import { PROGRAMS, there } from '../support/programs.js';
import { NOWHERE } from '../support/reach.js';
import { temporaryDir } from '../support/tree.js';

const { env } = there(PROGRAMS.git);

/** Runs a command with this script in the place of ssh; what it has said is in `said`. */
function runBy(script: string) {
  const file = join(temporaryDir(), 'ssh');
  writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const said: Printable[] = [];
  const code = runIn(NOWHERE, ['make'], {
    err: (text) => void said.push(text),
    programs: { ssh: { file, env }, usersShell: { file: '/bin/sh', env } },
    isTerminal: false,
    sharesTerminal: false,
  });
  return { code, said };
}

it('an ssh that somebody else ends leaves the command there, which is told; a command that is ended there is not', async () => {
  const killed = runBy('kill -9 $$');
  expect([await killed.code, killed.said]).toEqual([
    137,
    ['syncwatch: ssh was ended by SIGKILL: the command may still run there\n'],
  ]);
  const there = runBy('exit 137');
  expect([await there.code, there.said]).toEqual([137, []]);
});

it('our signals are heard until it is known what has become of those before, after the end of ssh too', async () => {
  const dir = temporaryDir();
  const [pid, calls, may] = [join(dir, 'pid'), join(dir, 'calls'), join(dir, 'may')];
  writeFileSync(pid, '');
  writeFileSync(calls, '');
  // In the place of ssh: runs what is asked for, or looks for it, and finds it only when it may.
  const look = `echo "$*" | sed 's/.*kill -s \\([A-Z]*\\).*/\\1/' >> '${calls}'; test -e '${may}' || exit ${NONE_FOUND}`;
  const script = `case "$*" in *grep*) ${look};; *) echo $$ > '${pid}'; exec sleep 600;; esac`;
  const called = (signal: string): boolean => readFileSync(calls, 'utf8').includes(signal);
  const before = process.listenerCount('SIGINT');
  const { code: running, said } = runBy(script);
  await expect.poll(() => readFileSync(pid, 'utf8')).not.toBe('');
  process.kill(process.pid, 'SIGTERM');
  await expect.poll(() => called('TERM')).toBe(true);
  const ssh = Number(readFileSync(pid, 'utf8'));
  process.kill(ssh, 'SIGTERM');
  await expect.poll(() => existsSync(`/proc/${ssh}`)).toBe(false);
  // It is looked for on and on.
  for (let looks = 0; looks < 2; looks++) {
    writeFileSync(calls, '');
    await expect.poll(() => called('TERM')).toBe(true);
  }
  expect(process.listenerCount('SIGINT')).toBe(before + 1);
  process.kill(process.pid, 'SIGINT');
  await expect.poll(() => called('INT')).toBe(true);
  writeFileSync(may, '');
  expect([await running, said]).toEqual([143, []]);
  expect(process.listenerCount('SIGINT')).toBe(before);
});
