// Where a benchmark plays: a throw-away server behind a relay, and for each rival a pair of directories, an ssh config and
// a relay of its own, so that its bytes are counted apart.
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { childrenOf, startServer } from '../../fixtures/sshd/throwaway.mjs';
import { median } from './figures.mjs';
import { startRelayThread } from './relay-thread.mjs';

const run = promisify(execFile);

/**
 * @typedef {object} Seat where one rival sits
 * @property {string} name
 * @property {string} dir for its own files
 * @property {string} local
 * @property {string} remote the remote directory, as this machine sees it
 * @property {string} to `there:…`
 * @property {string} sshConfig
 * @property {string} ssh the command of an ssh client of the seat's open master
 * @property {import('./relay-thread.mjs').ThreadRelay} relay
 */

/**
 * @typedef {object} Stage
 * @property {(name: string) => Promise<Seat>} seat
 * @property {number} loginMs how long `ssh there true` takes through an open master at this round-trip time
 * @property {() => Promise<void>} close
 */

/**
 * @param {string} base an empty directory
 * @param {{ rttMs: number, shell: 'login' | 'bare' }} options bare: the login shell on the server reads no start-up files
 * @returns {Promise<Stage>}
 */
export async function openStage(base, { rttMs, shell }) {
  const server = await startServer({ startFiles: shell === 'login' });
  ours.add(server.pid);
  /** @type {Array<() => Promise<unknown> | void>} */
  const closers = [];

  /** @param {string} name @returns {Promise<Seat>} */
  const seat = async (name) => {
    const dir = join(base, name.replaceAll(/\W+/g, '-'));
    const [local, remote] = [join(dir, 'local'), join(dir, 'remote')];
    for (const path of [local, remote]) mkdirSync(path, { recursive: true });
    const relay = await startRelayThread(server.port, rttMs);
    closers.unshift(() => relay.close());
    const [sshConfig, knownHosts, control] = [join(dir, 'ssh_config'), join(dir, 'known_hosts'), join(dir, 'm')];
    writeFileSync(
      knownHosts,
      readFileSync(join(server.folder, 'known_hosts'), 'utf8').replace(/\]:\d+/, `]:${relay.port}`),
    );
    writeFileSync(
      sshConfig,
      readFileSync(server.sshConfig, 'utf8')
        .replace(/Port \d+/, `Port ${relay.port}`)
        .replace(/ UserKnownHostsFile .*/, ` UserKnownHostsFile ${knownHosts}`),
    );
    const master = spawn(
      'ssh',
      ['-F', sshConfig, '-N', '-o', 'ControlMaster=yes', '-o', `ControlPath=${control}`, 'there'],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
    const { pid } = master;
    if (pid !== undefined) ours.add(pid);
    closers.unshift(() => void master.kill());
    const ssh = `ssh -F ${sshConfig} -o ControlPath=${control}`;
    for (let tries = 0; tries < 600; tries++) {
      const up = await run('ssh', [...ssh.split(' ').slice(1), '-O', 'check', 'there']).then(
        () => true,
        () => false,
      );
      if (up) break;
      await sleep(50);
    }
    return { name, dir, local, remote, to: `there:${remote}`, sshConfig, ssh, relay };
  };

  const first = await seat('probe');
  const logins = [];
  for (let i = 0; i < 5; i++) {
    const began = performance.now();
    await run('sh', ['-c', `${first.ssh} there true`]);
    logins.push(performance.now() - began);
  }
  return {
    seat,
    loginMs: median(logins),
    close: async () => {
      for (const close of closers) await close();
      await server.stop();
      ours.delete(server.pid);
    },
  };
}

/**
 * Pids that must not outlive the benchmark, whatever ends it. Negative: a process group.
 * @type {Set<number>}
 */
export const ours = new Set();

/** Ends all that is still there, at once. */
export function endAll() {
  for (const pid of ours) {
    for (const one of pid > 0 ? [...childrenOf(pid), pid] : [pid]) {
      try {
        process.kill(one, 'SIGTERM');
      } catch {
        // gone already
      }
    }
  }
}
