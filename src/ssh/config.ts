import { failed, type Result, success } from '../core/failure.js';
import { refusedOptions } from '../core/ssh/exit.js';
import type { RemoteTarget } from '../core/target.js';
import { noSsh, type Programs } from '../programs.js';
import { say } from '../spawn.js';
import { CONTROL_MS } from './client.js';
import { plainArgs, type SshOptions } from './command.js';

/**
 * What ssh would do for a target, by the user's config and options: what `ssh -G` says, a key and its value a line. Nobody is
 * asked and nothing is connected.
 */
export async function askConfig(
  programs: Programs,
  target: RemoteTarget,
  ssh: SshOptions,
  withinMs = CONTROL_MS,
): Promise<Result<string>> {
  if (programs.ssh.file === undefined) return failed(noSsh(programs.ssh));
  const { ended, stdout, stderr } = await say(programs.ssh, plainArgs(target, ssh, ['-N', '-G']), {
    ownSession: true,
    patienceMs: withinMs,
  });
  // One that did not answer in time (a `Match exec`) has refused nothing.
  return ended.kind === 'exited' && ended.code !== 0 ? failed(refusedOptions(stderr)) : success(stdout);
}
