import { resolve } from 'node:path';
import type { Found } from '../control/client.js';
import type { Reach } from '../control/protocol.js';
import { remoteCommand } from '../core/remote-command.js';
import { spawnHere } from '../spawn-here.js';

/**
 * Runs a command in the target's directory, over the connection that is there already: stdin, stdout, stderr, a terminal if
 * there is one, and the exit code are its own. Undefined where there is no connection.
 */
export async function runInTarget(
  { root }: Found,
  reach: Reach,
  words: readonly string[],
  isTerminal: boolean,
): Promise<number | undefined> {
  switch (reach.kind) {
    case 'none':
      return undefined;
    case 'local': {
      const [file = '', ...args] = words;
      return spawnHere(file, args, resolve(root, reach.path));
    }
    case 'remote': {
      const [ssh = 'ssh', ...options] = reach.client;
      const tty = isTerminal ? '-t' : '-T';
      // Otherwise it ends with "Shared connection to … closed." where there is a terminal.
      const quietly = ['-o', 'LogLevel=ERROR'];
      return spawnHere(ssh, [...quietly, ...options, tty, '--', reach.login, remoteCommand(reach.path, words)]);
    }
  }
}
