import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startServer } from '../../fixtures/sshd/throwaway.mjs';
import { withoutOverride } from './rights.js';

/** The server that the tests sync to, as the tests see it. */
export interface TestServer {
  readonly kind: 'throw-away' | 'docker';
  /** For `ssh -F`; the host in it is `there`. */
  readonly sshConfig: string;
  readonly port: number;
  readonly user: string;
  readonly userKey: string;
  readonly knownHosts: string;
  /** The same directory, as this machine and as the server see it. */
  readonly hereBase: string;
  readonly thereBase: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    server: TestServer;
  }
}

/** Starts the one server that all files of a run share: a throw-away sshd, or the one in Docker. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (process.env['SYNCWATCH_TEST_SERVER'] === 'docker') return setupDocker(project);
  const { server, stop } = await startTestServer();
  project.provide('server', server);
  return stop;
}

/** A throw-away server with a directory for what is synced to it. `config`: more lines for its sshd_config; `programs`: see startServer. */
export async function startTestServer(
  config: readonly string[] = [],
  programs = process.env['SYNCWATCH_TEST_RSYNC'],
): Promise<{
  server: TestServer;
  sshd: Awaited<ReturnType<typeof startServer>>;
  stop: () => Promise<void>;
}> {
  const sshd = await startServer({ wrapper: withoutOverride(), config: [...config], programs });
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'syncwatch-there-')));
  const server: TestServer = {
    kind: 'throw-away',
    sshConfig: sshd.sshConfig,
    port: sshd.port,
    user: execFileSync('id', ['-un'], { encoding: 'utf8' }).trim(),
    userKey: join(sshd.folder, 'user_key'),
    knownHosts: join(sshd.folder, 'known_hosts'),
    hereBase: base,
    thereBase: base,
  };
  const stop = async (): Promise<void> => {
    await sshd.stop();
    execFileSync('chmod', ['-R', 'u+rwX', base]);
    rmSync(base, { recursive: true, force: true });
  };
  return { server, sshd, stop };
}

/** fixtures/docker.sh has started the container and says where things are. */
async function setupDocker(project: TestProject): Promise<() => Promise<void>> {
  const folder = process.env['SYNCWATCH_DOCKER_FOLDER'];
  const port = Number(process.env['SYNCWATCH_DOCKER_PORT']);
  if (folder === undefined || !(port > 0)) throw new Error('run this with: npm run test:docker');
  const hereBase = join(folder, 'home', 'there');
  mkdirSync(hereBase, { recursive: true });
  chmodSync(hereBase, 0o777);
  project.provide('server', {
    kind: 'docker',
    sshConfig: join(folder, 'ssh_config'),
    port,
    user: 'tester',
    userKey: join(folder, 'user_key'),
    knownHosts: join(folder, 'known_hosts'),
    hereBase,
    thereBase: '/home/tester/there',
  });
  return async () => {};
}
