// How it is known that a tree has arrived, and what it took.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, lstatSync, openSync, readdirSync, readFileSync, readlinkSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until these paths are the same on both sides (size and time, or gone), looking every millisecond, and only at the
 * first one that is not, so that looking costs next to nothing. Gives the milliseconds since `began`; infinity for what
 * is not there after `patienceMs`: some rivals lose changes.
 * @param {string} local @param {string} remote @param {readonly string[]} paths @param {number} began
 * @param {number} [patienceMs] @param {bigint} [tickNs] how finely times are kept there
 */
export async function arrived(local, remote, paths, began, patienceMs = 120_000, tickNs = 1n) {
  const deadline = began + patienceMs;
  for (const path of [...paths].sort()) {
    while (!isSame(join(local, path), join(remote, path), tickNs)) {
      if (performance.now() > deadline) return Number.POSITIVE_INFINITY;
      await sleep(1);
    }
  }
  return performance.now() - began;
}

/** @param {string} here @param {string} there @param {bigint} tickNs */
function isSame(here, there, tickNs) {
  const a = statSync(here, { bigint: true, throwIfNoEntry: false });
  const b = statSync(there, { bigint: true, throwIfNoEntry: false });
  return a === undefined || b === undefined ? a === b : a.size === b.size && a.mtimeNs / tickNs === b.mtimeNs / tickNs;
}

/**
 * What differs between two trees: names, types, modes of files, times of files, content.
 * @param {string} a @param {string} b @param {bigint} [tickNs] @returns {string[]}
 */
export function differences(a, b, tickNs = 1n) {
  const [here, there] = [list(a, tickNs), list(b, tickNs)];
  return [...new Set([...here.keys(), ...there.keys()])].filter((name) => here.get(name) !== there.get(name));
}

/** @param {string} root @param {bigint} tickNs */
function list(root, tickNs) {
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(root.length + 1);
    if (/^\.git($|\/)/.test(name)) continue; // nobody is asked to bring it
    const stats = lstatSync(path, { bigint: true });
    if (entry.isDirectory()) found.set(name, 'directory');
    else if (entry.isSymbolicLink()) found.set(name, `link ${readlinkSync(path)}`);
    else found.set(name, `file ${stats.mode} ${stats.mtimeNs / tickNs} ${hashOf(path)}`);
  }
  return found;
}

const chunk = Buffer.alloc(1 << 20);

/** @param {string} path */
function hashOf(path) {
  const hash = createHash('sha1');
  const fd = openSync(path, 'r');
  for (let read = 0; (read = readSync(fd, chunk)) > 0; ) hash.update(chunk.subarray(0, read));
  closeSync(fd);
  return hash.digest('hex');
}

/**
 * CPU seconds and memory (MiB; what several share is counted once) of a process and all below it, by name: /proc, Linux only.
 * @param {number} pid @returns {{ cpu: number, mib: number, parts: Array<{ name: string, mib: number }> } | undefined}
 */
export function usage(pid) {
  try {
    const ticks = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
    const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [])
      .map(([, id, parent, args = '']) => ({ pid: Number(id), parent: Number(parent), args }));
    const mine = rows.filter((row) => row.pid === pid);
    for (const row of mine) mine.push(...rows.filter(({ parent }) => parent === row.pid));
    let cpu = 0;
    const parts = mine.map((row) => {
      const [, rest = ''] = readFileSync(`/proc/${row.pid}/stat`, 'utf8').split(/\) /);
      const fields = rest.split(' ');
      cpu += (Number(fields[11]) + Number(fields[12])) / ticks;
      const [, kib] = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${row.pid}/smaps_rollup`, 'utf8')) ?? [];
      return { name: nameOf(row.args), mib: Number(kib) / 1024 };
    });
    return { cpu, mib: parts.reduce((sum, { mib }) => sum + mib, 0), parts };
  } catch {
    return undefined;
  }
}

/** @param {string} args */
const nameOf = (args) =>
  /watch(er|\/process)\.js/.test(args)
    ? 'watcher'
    : /cli\.js/.test(args)
      ? 'syncwatch'
      : /^(\S*\/)?(rsync|ssh) /.test(args)
        ? `${args.split(' ')[0]}${/ControlMaster=auto.*ServerAlive/.test(args) ? ' master' : ''}`
        : (args.split(' ')[0] ?? '');
