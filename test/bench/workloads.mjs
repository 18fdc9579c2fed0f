// What is done to a tree, and how it is known that it has arrived.
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * @typedef {object} Workload
 * @property {string} name
 * @property {(root: string) => void} prepare what is there, and in sync, before
 * @property {(root: string, round: number) => string[] | Promise<string[]>} change gives the paths to wait for, gone ones too
 */

const KB = 'x'.repeat(1024);

/** @param {string} root @param {string} at @param {number} dirs @param {number} perDir */
function makeTree(root, at, dirs, perDir) {
  const paths = [];
  for (let d = 0; d < dirs; d++) {
    mkdirSync(join(root, at, `d${d}`), { recursive: true });
    for (let f = 0; f < perDir; f++) {
      paths.push(`${at}/d${d}/f${f}`);
      writeFileSync(join(root, at, `d${d}`, `f${f}`), `${at} ${d} ${f} ${KB}`);
    }
  }
  return paths;
}

/** @param {string} path @param {number} bytes */
function randomFile(path, bytes) {
  const fd = openSync(path, 'w');
  for (let left = bytes; left > 0; left -= 1_000_000) writeSync(fd, randomBytes(Math.min(left, 1_000_000)));
  closeSync(fd);
}

/** @type {readonly Workload[]} */
export const TREES = [
  {
    name: '2,000 new files in 100 directories',
    prepare: () => {},
    change: (root, round) => makeTree(root, `new${round}`, 100, 20),
  },
  {
    name: '1,000 files rewritten',
    prepare: (root) => void makeTree(root, 'kept', 100, 20),
    change: (root, round) => {
      const paths = [];
      for (let d = 0; d < 100; d++) {
        for (let f = 0; f < 10; f++) {
          paths.push(`kept/d${d}/f${f}`);
          writeFileSync(join(root, `kept/d${d}/f${f}`), `${round} ${d} ${f} ${KB}`);
        }
      }
      return paths;
    },
  },
  {
    name: '500 files deleted',
    prepare: (root) => {
      for (let round = 0; round < 10; round++) makeTree(root, `going${round}`, 25, 20);
    },
    change: (root, round) => {
      const paths = [];
      for (let d = 0; d < 25; d++) {
        for (let f = 0; f < 20; f++) {
          paths.push(`going${round}/d${d}/f${f}`);
          rmSync(join(root, `going${round}/d${d}/f${f}`));
        }
      }
      return paths;
    },
  },
  {
    name: '10,000 new files in 500 directories',
    prepare: () => {},
    change: (root, round) => makeTree(root, `many${round}`, 500, 20),
  },
];

/** @type {readonly Workload[]} */
export const MOVES = [
  {
    name: 'directory of 200 files, 200 MB, renamed',
    prepare: (root) => {
      mkdirSync(join(root, 'big0'));
      for (let f = 0; f < 200; f++) randomFile(join(root, 'big0', `f${f}`), 1_000_000);
    },
    change: (root, round) => {
      renameSync(join(root, `big${round}`), join(root, `big${round + 1}`));
      return [...Array(200).keys()].flatMap((f) => [`big${round + 1}/f${f}`, `big${round}/f${f}`]);
    },
  },
  {
    name: 'file of 100 MB renamed',
    prepare: (root) => randomFile(join(root, 'film0'), 100_000_000),
    change: (root, round) => {
      renameSync(join(root, `film${round}`), join(root, `film${round + 1}`));
      return [`film${round + 1}`, `film${round}`];
    },
  },
  {
    name: 'file of 100 MB moved',
    prepare: (root) => {
      for (let i = 0; i < 12; i++) mkdirSync(join(root, `box${i}`));
      randomFile(join(root, 'box0', 'disk'), 100_000_000);
    },
    change: (root, round) => {
      renameSync(join(root, `box${round}/disk`), join(root, `box${round + 1}/disk`));
      return [`box${round + 1}/disk`, `box${round}/disk`];
    },
  },
  {
    name: '1 byte changed in 200 MB',
    prepare: (root) => randomFile(join(root, 'image'), 200_000_000),
    change: (root, round) => {
      const fd = openSync(join(root, 'image'), 'r+');
      writeSync(fd, Buffer.from([round]), 0, 1, 100_000_000);
      closeSync(fd);
      return ['image'];
    },
  },
];

/**
 * Does something so often, evenly over a time; gives the paths.
 * @param {number} count @param {number} ms @param {(n: number) => string} what
 */
async function spread(count, ms, what) {
  const began = performance.now();
  /** @type {Set<string>} */
  const paths = new Set();
  for (let n = 0; n < count; n++) {
    paths.add(what(n));
    const ahead = (ms * (n + 1)) / count - (performance.now() - began);
    if (ahead > 1) await sleep(ahead);
  }
  return [...paths];
}

/** Saves in one directory of so many files. @param {number} saves @param {number} files @param {number} ms @returns {Workload} */
const savesInOne = (saves, files, ms) => ({
  name: `${saves.toLocaleString('en-US')} saves in a directory of ${files.toLocaleString('en-US')}, within ${ms / 1000} s`,
  prepare: (root) => {
    mkdirSync(join(root, 'one'));
    for (let f = 0; f < files; f++) writeFileSync(join(root, `one/f${f}`), `${f}`);
  },
  change: (root, round) =>
    spread(saves, ms, (n) => {
      const path = `one/f${(n * 7 + round) % files}`;
      writeFileSync(join(root, path), `${round} ${n} ${KB}`);
      return path;
    }),
});

/** New files in a new directory. @param {string} name @param {number} files @param {number} ms @returns {Workload} */
const filesInNew = (name, files, ms) => ({
  name: `${files.toLocaleString('en-US')} ${name}, within ${ms / 1000} s`,
  prepare: (root) => {
    mkdirSync(join(root, 'src'));
    writeFileSync(join(root, 'src/a'), 'a');
  },
  change: async (root, round) => {
    writeFileSync(join(root, 'src/a'), `saved ${round}`);
    await sleep(30);
    mkdirSync(join(root, `src/new${round}`));
    return spread(files, ms, (n) => {
      const path = `src/new${round}/f${n}`;
      writeFileSync(join(root, path), `${n} ${KB}`);
      return path;
    });
  },
});

/**
 * Many changes in one directory, one after the other; measured from the last one on. Each has its tree for itself.
 * @type {readonly Workload[]}
 */
export const BURSTS = [
  filesInNew('files into a new directory beside one just saved in', 3_000, 5_000),
  filesInNew('files into a new directory beside one just saved in', 5_000, 8_000),
  savesInOne(20, 100_000, 2_000),
  savesInOne(300, 10_000, 1_500),
  savesInOne(1_000, 1_000, 3_000),
  filesInNew('files unpacked slowly into one directory', 10_000, 10_000),
];

/** Writes 4 KB over a file, in place or atomically, as editors do. @param {string} path @param {string} content @param {boolean} atomic */
export function save(path, content, atomic) {
  if (!atomic) return writeFileSync(path, content);
  writeFileSync(`${path}.tmp`, content);
  renameSync(`${path}.tmp`, path);
}

/**
 * Waits until these paths are the same on both sides (size and time, or gone), looking every millisecond, and only at the
 * first one that is not, so that looking costs next to nothing. Gives the milliseconds since `began`; infinity for what
 * is not there after `patienceMs`: some rivals lose changes.
 * @param {string} local @param {string} remote @param {readonly string[]} paths @param {number} began
 * @param {number} [patienceMs]
 */
export async function arrived(local, remote, paths, began, patienceMs = 120_000) {
  const deadline = began + patienceMs;
  for (const path of [...paths].sort()) {
    while (!isSame(join(local, path), join(remote, path))) {
      if (performance.now() > deadline) return Number.POSITIVE_INFINITY;
      await sleep(1);
    }
  }
  return performance.now() - began;
}

/** @param {string} here @param {string} there */
function isSame(here, there) {
  const a = statSync(here, { bigint: true, throwIfNoEntry: false });
  const b = statSync(there, { bigint: true, throwIfNoEntry: false });
  return a === undefined || b === undefined ? a === b : a.size === b.size && a.mtimeNs === b.mtimeNs;
}

/**
 * What differs between two trees: names, types, modes of files, times of files, content.
 * @param {string} a @param {string} b @returns {string[]}
 */
export function differences(a, b) {
  const [here, there] = [list(a), list(b)];
  return [...new Set([...here.keys(), ...there.keys()])].filter((name) => here.get(name) !== there.get(name));
}

/** @param {string} root */
function list(root) {
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const stats = lstatSync(path, { bigint: true });
    const name = path.slice(root.length + 1);
    if (entry.isDirectory()) found.set(name, 'directory');
    else if (entry.isSymbolicLink()) found.set(name, `link ${readlinkSync(path)}`);
    else found.set(name, `file ${stats.mode} ${stats.mtimeNs} ${hashOf(path)}`);
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
 * CPU seconds and resident memory (MB) of a process and all below it, by name: /proc, Linux only.
 * @param {number} pid @returns {{ cpu: number, parts: Array<{ name: string, mb: number }> } | undefined}
 */
export function usage(pid) {
  try {
    const ticks = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
    const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,rss=,args='], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map((line) => /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [])
      .map(([, id, parent, rss, args = '']) => ({ pid: Number(id), parent: Number(parent), rss: Number(rss), args }));
    const mine = rows.filter((row) => row.pid === pid);
    for (const row of mine) mine.push(...rows.filter(({ parent }) => parent === row.pid));
    let cpu = 0;
    for (const row of mine) {
      const [, rest = ''] = readFileSync(`/proc/${row.pid}/stat`, 'utf8').split(/\) /);
      const fields = rest.split(' ');
      cpu += (Number(fields[11]) + Number(fields[12])) / ticks;
    }
    return { cpu, parts: mine.map(({ args, rss }) => ({ name: nameOf(args), mb: Math.round(rss / 1024) })) };
  } catch {
    return undefined;
  }
}

/** @param {string} args */
const nameOf = (args) =>
  /watch\/process\.js/.test(args)
    ? 'watcher'
    : /cli\.js/.test(args)
      ? 'syncwatch'
      : /^(\S*\/)?(rsync|ssh) /.test(args)
        ? `${args.split(' ')[0]}${/ControlMaster=auto.*ServerAlive/.test(args) ? ' master' : ''}`
        : (args.split(' ')[0] ?? '');
