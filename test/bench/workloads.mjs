// What is done to a tree.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * @typedef {object} Workload
 * @property {string} name
 * @property {(root: string) => void} prepare what is there, and in sync, before
 * @property {(root: string, round: number) => string[] | Promise<string[]>} change gives the paths to wait for, gone ones too
 * @property {(root: string) => string[]} [restore] puts it back as it was before; not measured
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

const DEEP = Array.from({ length: 12 }, (_, level) => `l${level}`);

/** Ten chains of directories, with five files at each level. */
const deepPaths = () =>
  [...Array(10).keys()].flatMap((chain) =>
    DEEP.flatMap((_, depth) =>
      [...Array(5).keys()].map((f) => ['deep', `c${chain}`, ...DEEP.slice(0, depth), `f${f}`].join('/')),
    ),
  );

/** 600 packages, each with five directories of ten files, one in the other. */
const modulePaths = () =>
  [...Array(600).keys()].flatMap((pack) =>
    ['', 'lib/', 'lib/internal/', 'dist/', 'dist/esm/'].flatMap((dir) =>
      [...Array(10).keys()].map((f) => `node_modules/package-${pack}/${dir}f${f}.js`),
    ),
  );

/** @param {string} root */
const makeDeep = (root) => writeAll(root, deepPaths());
/** @param {string} root */
const makeModules = (root) => writeAll(root, modulePaths());

/** @param {string} root @param {string[]} paths */
function writeAll(root, paths) {
  for (const path of paths) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), `${path} ${KB}`);
  }
  return paths;
}

/** @param {string} root @param {string} tree @param {string[]} paths what is in it */
function removed(root, tree, paths) {
  execFileSync('rm', ['-rf', join(root, tree)]);
  return [...paths, tree];
}

/** Whole trees that go. @type {readonly Workload[]} */
export const DELETIONS = [
  {
    name: 'tree 12 deep deleted',
    prepare: (root) => {
      makeTree(root, 'stays', 50, 20); // where nothing is left, syncwatch asks first
      makeDeep(root);
    },
    change: (root) => removed(root, 'deep', deepPaths()),
    restore: makeDeep,
  },
  {
    name: 'node_modules of 30,000 files deleted',
    prepare: (root) => {
      makeTree(root, 'src', 50, 20);
      makeModules(root);
    },
    change: (root) => removed(root, 'node_modules', modulePaths()),
    restore: makeModules,
  },
];

/** @param {string} root @param {readonly string[]} args */
const git = (root, ...args) =>
  execFileSync('git', ['-c', 'gc.auto=0', '-c', 'user.name=bench', '-c', 'user.email=bench@localhost', ...args], {
    cwd: root,
    env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });

/**
 * 12,000 files, of which the other commit has a quarter rewritten, a sixth taken away, a sixth more, and a directory of a
 * twelfth renamed. A repository of its own.
 * @type {Workload}
 */
export const CHECKOUT = {
  name: 'checkout of a distant commit',
  prepare: (root) => {
    git(root, 'init', '-q', '-b', 'near');
    writeFileSync(join(root, '.gitignore'), '*.log\nbuild/\n');
    for (let part = 0; part < 12; part++) makeTree(root, `part${part}`, 50, 20);
    git(root, 'add', '-A');
    git(root, 'commit', '-q', '-m', 'near');
    git(root, 'checkout', '-q', '-b', 'far');
    for (const part of [0, 1, 2]) {
      for (let d = 0; d < 50; d++)
        for (let f = 0; f < 20; f++)
          writeFileSync(join(root, `part${part}/d${d}/f${f}`), `far ${part} ${d} ${f} ${KB}`);
    }
    for (const part of [3, 4]) rmSync(join(root, `part${part}`), { recursive: true });
    for (const part of [20, 21]) makeTree(root, `part${part}`, 50, 20);
    renameSync(join(root, 'part5'), join(root, 'renamed'));
    git(root, 'add', '-A');
    git(root, 'commit', '-q', '-m', 'far');
    git(root, 'checkout', '-q', 'near');
  },
  change: (root, round) => {
    const [from, to] = round % 2 === 0 ? ['near', 'far'] : ['far', 'near'];
    git(root, 'checkout', '-q', to);
    const files = git(root, 'diff', '--no-renames', '--name-only', '-z', from, to).split('\0').slice(0, -1);
    const dirs = new Set(files.flatMap((file) => [file.replace(/\/[^/]*$/, ''), file.replace(/\/.*$/, '')]));
    return [...files, ...[...dirs].filter((dir) => !existsSync(join(root, dir)))];
  },
};

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
