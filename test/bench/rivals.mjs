// Who is measured: each one brings what changes in its seat's local directory to the remote one.
import { execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ours } from './stage.mjs';

/** @typedef {import('./stage.mjs').Seat} Seat */

/**
 * @typedef {object} Rival
 * @property {string} name
 * @property {Seat} seat
 * @property {(path?: string) => void} changed called right after a change: by hand, rsync starts now (for one path, or all)
 * @property {() => Promise<void>} idle resolves when nothing of it is under way
 * @property {number | undefined} pid
 * @property {() => Promise<void>} stop
 * @property {bigint} [tickNs] how finely it keeps times there, where that is not to the nanosecond
 */

/** What syncwatch leaves out by itself, the others are told to. */
export const NO_GIT = '--exclude=/.git/';

export const CLI = resolve(import.meta.dirname, '../../dist/cli.js');

/** @param {string} name @param {string} cli @param {Seat} seat @returns {Promise<Rival>} */
export async function syncwatch(name, cli, seat) {
  const watching = startSyncwatch(seat, cli);
  await watching.until((events) => events.includes('"inSync"'));
  await sleep(1_000); // its standbys connect
  return {
    name,
    seat,
    changed: () => {},
    idle: async () => {},
    pid: watching.child.pid,
    stop: () => watching.stop(),
  };
}

/** @type {Record<string, (seat: Seat) => Promise<Rival | undefined>>} undefined: it is not installed here */
export const RIVALS = {
  syncwatch: (seat) => syncwatch('syncwatch', CLI, seat),

  'rsync by hand': async (seat) => {
    /** @type {Promise<void>} */
    let running = Promise.resolve();
    return {
      name: 'rsync by hand',
      seat,
      changed: (path) => {
        const places =
          path === undefined
            ? ['--delete', NO_GIT, `${seat.local}/`, `${seat.to}/`]
            : [join(seat.local, path), `${seat.to}/${path}`];
        const child = spawn('rsync', ['-a', '-e', seat.ssh, ...places], { stdio: ['ignore', 'ignore', 'inherit'] });
        running = new Promise((done) => child.once('exit', () => done()));
      },
      idle: () => running,
      pid: undefined,
      stop: () => running,
    };
  },

  'lsyncd delay 0': (seat) => lsyncd(seat, 0),
  'lsyncd delay 1': (seat) => lsyncd(seat, 1),

  'unison -repeat 1': unison,

  'inotifywait loop': async (seat) => {
    if (!has('inotifywait')) return undefined;
    const watch = `inotifywait -qq -r -e modify,create,delete,move,attrib --exclude '/\\.git/' '${seat.local}'`;
    const sync = `rsync -a --delete ${NO_GIT} -e '${seat.ssh}' '${seat.local}/' '${seat.to}/'`;
    return background('inotifywait loop', seat, 'sh', ['-c', `while ${watch}; do ${sync}; done`]);
  },
};

/** @param {Seat} seat @param {number} delay in seconds */
async function lsyncd(seat, delay) {
  if (!has('lsyncd')) return undefined;
  const config = join(seat.dir, 'lsyncd.lua');
  writeFileSync(
    config,
    `settings { nodaemon = true, logfile = "${seat.dir}/lsyncd.log", statusFile = "${seat.dir}/lsyncd.status" }
sync { default.rsync, source = "${seat.local}", target = "${seat.to}", delay = ${delay},
  exclude = { "/.git/" }, rsync = { archive = true, rsh = "${seat.ssh}" } }
`,
  );
  return background(`lsyncd delay ${delay}`, seat, 'lsyncd', [config]);
}

/**
 * It looks at both sides anew each second: Debian packages no unison-fsmonitor, which its `-repeat watch` needs.
 * @param {Seat} seat
 */
async function unison(seat) {
  if (!has('unison')) return undefined;
  const [, ...sshArgs] = seat.ssh.split(' ');
  const [here, there] = [join(seat.dir, 'unison-here'), join(seat.dir, 'unison-there')];
  const args = [
    seat.local,
    `ssh://there/${seat.remote}`,
    ...['-sshargs', sshArgs.join(' '), '-servercmd', `env UNISON=${there} unison`],
    ...['-repeat', '1', '-force', seat.local, '-ui', 'text', '-batch', '-confirmbigdel=false'],
    ...['-times', '-ignore', 'Path .git', '-logfile', join(seat.dir, 'unison.log')],
  ];
  return { ...(await background('unison -repeat 1', seat, 'unison', args, { UNISON: here })), tickNs: 1_000_000_000n };
}

/** @param {string} name @param {Seat} seat @param {string} file @param {string[]} args @param {NodeJS.ProcessEnv} [env] @returns {Promise<Rival>} */
async function background(name, seat, file, args, env = {}) {
  const child = spawn(file, args, { stdio: 'ignore', detached: true, env: { ...process.env, ...env } });
  const { pid } = child;
  if (pid !== undefined) ours.add(-pid);
  const ended = new Promise((done) => child.once('exit', done));
  await sleep(2_000); // its first pass: there is no event to wait for
  return {
    name,
    seat,
    changed: () => {},
    idle: async () => {},
    pid: child.pid,
    stop: async () => {
      if (pid !== undefined) process.kill(-pid, 'SIGTERM');
      await ended;
      if (pid !== undefined) ours.delete(-pid);
    },
  };
}

/** @param {string} program */
function has(program) {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** @param {Seat} seat @param {string} [cli] @param {readonly string[]} [to] */
export function startSyncwatch(seat, cli = CLI, to = [seat.to]) {
  const began = performance.now();
  const targets = to.flatMap((each) => ['--to', each]);
  const args = [cli, '-F', seat.sshConfig, '--json', ...targets, seat.local];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Each build its own: one can't read what another wrote.
    env: { ...process.env, XDG_STATE_HOME: join(seat.dir, cli === CLI ? 'state' : 'state-before') },
  });
  const { pid } = child;
  if (pid !== undefined) ours.add(pid);
  let out = '';
  let over = false;
  let changed = () => {};
  child.stdout.on('data', (chunk) => {
    out += chunk;
    changed();
  });
  const ended = new Promise((done) =>
    child.once('exit', (code) => {
      over = true;
      if (pid !== undefined) ours.delete(pid);
      changed();
      done(code);
    }),
  );
  return {
    child,
    began,
    /** @param {(output: string) => boolean} check @param {number} [timeoutMs] */
    until: async (check, timeoutMs = 600_000) => {
      const deadline = performance.now() + timeoutMs;
      while (!check(out)) {
        if (over || performance.now() > deadline)
          throw new Error(`syncwatch ${over ? 'ended' : 'hangs'}:\n${out.slice(-2000)}`);
        await new Promise((done) => {
          changed = () => done(undefined);
          setTimeout(done, 1_000);
        });
      }
      return performance.now() - began;
    },
    /** @returns {Promise<void>} */
    stop: async () => {
      child.kill('SIGINT');
      await ended;
    },
  };
}
