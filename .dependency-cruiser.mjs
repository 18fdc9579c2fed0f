import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Which part of src/ may import which, held by `npm run lint`. Each row names a part, a folder or a file, and what it may import
 * beside itself; a row may name only rows further down. Everything but core/ may import all of core/.
 * @type {Readonly<Record<string, string>>}
 */
export const MAY_IMPORT = {
  // What is asked for.
  cli: 'begin',
  begin:
    'commands running around sync options report settings io state programs descriptors user-folders hang-up foreground later',
  api: 'running around control options report link programs spawn spawn-here user-folders',
  commands:
    'control doctor options report settings rules git scan link rsync state io programs spawn-here user-folders clock',
  doctor:
    'sync state report settings rules git scan link rsync place ssh programs read-checked spawn descriptors clock',

  // One road: from the watcher to rsync.
  running: 'main sync control settings io later',
  main: 'keys sync control notify watch rsync scan settings io clock',
  keys: 'sync control report io clock',
  sync: 'watch control hooks rules link rsync scan settings state io programs slice descriptors later user-folders clock',
  control: 'scan state clock',
  watch: 'rules scan settings state io programs spawn slice descriptors clock',

  // What goes in, and what comes out.
  options: 'hooks rules settings read-checked user-folders',
  report: 'settings clock',
  settings: 'hooks ssh',
  hooks: 'link programs spawn user-folders clock',
  notify: 'programs spawn clock',

  // What can be asked: git, rsync, ssh, the disk, what was kept.
  rules: 'git ignores scan read-checked clock',
  git: 'ignores scan programs read-checked spawn slice clock',
  ignores: 'scan read-checked clock',
  link: 'rsync place ssh programs spawn descriptors clock',
  rsync: 'programs spawn slice user-folders clock',
  place: 'programs spawn',
  ssh: 'scan state programs spawn clock',
  around: 'io state programs user-folders',
  io: 'state programs',
  'user-folders': 'state clock',
  state: 'scan way read-checked descriptors slice clock',
  scan: 'descriptors slice later clock',

  // What all of them stand on.
  'spawn-here': '',
  'hang-up': '',
  foreground: '',
  later: '',
  spawn: 'descriptors',
  'read-checked': 'descriptors',
  programs: 'way',
  descriptors: '',
  slice: 'clock',
  way: '',
  clock: '',

  // Decisions: no disk, no clock, no processes.
  'core/sync': 'core',
  'core/filter': 'core/rsync core',
  'core/rsync': 'core/ssh core/place core',
  'core/ssh': 'core',
  'core/place': 'core',
  core: '',
};

/**
 * Which parts may import packages, and modules of node's that are not for everybody.
 * @type {Readonly<Record<string, string>>}
 */
export const ONLY_IN = {
  '@parcel/watcher': 'watch/process',
  execa: 'spawn',
  child_process: 'spawn-here foreground',
  process: 'spawn spawn-here user-folders',
  tty: 'begin report',
  net: 'rsync/rewrite control ssh/users-master',
  vm: 'rules',
  'yargs-parser': 'options',
  'jsonc-parser': 'options',
  leven: 'options',
  'string-width': 'report',
  'cli-truncate': 'report',
  'wrap-ansi': 'report',
  valibot: 'control state',
  'p-queue': 'hooks sync main',
  debounce: 'sync',
  perf_hooks: '',
  console: '',
  cluster: '',
  worker_threads: '',
};

/** Prints; handed on by the only reader of `process.stdout`. */
const PRINTS = 'report/outlet';
const SAYS_WHERE = 'begin';

const parts = Object.keys(MAY_IMPORT);
/** @param {string | undefined} text */
const words = (text) => (text ? text.split(' ') : []);
/** @param {string} part */
const pathOf = (part) => (part === 'core' ? '^src/core/[^/]+$' : `^src/${part}(/|[.]ts$)`);
/** @param {string} part */
const isCore = (part) => part.startsWith('core');

parts.forEach((part, row) => {
  for (const other of words(MAY_IMPORT[part]))
    if (parts.indexOf(other) <= row) throw new Error(`${part} may import ${other}, which is no row further down`);
});
const rows = { src: parts, 'src/core': parts.filter(isCore).map((part) => part.slice('core/'.length)) };
for (const [folder, within] of Object.entries(rows))
  for (const { name } of readdirSync(join(import.meta.dirname, folder), { withFileTypes: true }))
    if (!(name.endsWith('.ts') && folder === 'src/core') && !within.includes(name.replace(/\.ts$/, '')))
      throw new Error(`${folder}/${name} has no row in ${import.meta.filename}`);

const directions = parts.map((part) => ({
  name: `${part} may import only: ${words(MAY_IMPORT[part]).join(', ') || (isCore(part) ? 'nothing else' : 'core')}`,
  severity: 'error',
  from: { path: pathOf(part) },
  to: {
    path: '^src/',
    pathNot: [part, ...words(MAY_IMPORT[part]), ...(isCore(part) ? [] : parts.filter(isCore))].map(pathOf),
  },
}));

export default {
  forbidden: [
    ...directions,
    {
      name: 'core/ is pure: of node it may import buffer',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { pathNot: ['^src/', '^buffer$'] },
    },
    ...Object.entries(ONLY_IN).map(([name, where]) => ({
      name: `${name} may be imported only by: ${where || 'nobody'}`,
      severity: 'error',
      from: { path: '^src/', pathNot: words(where).map(pathOf) },
      to: { path: [`^${name}$`, `(^|/)node_modules/${name}/`] },
    })),
    {
      name: 'a package needs a row in ONLY_IN',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        dependencyTypesNot: ['core'],
        pathNot: ['^src/', ...Object.keys(ONLY_IN).map((name) => `(^|/)node_modules/${name}/`)],
      },
    },
    {
      name: `only ${PRINTS} prints, and only ${SAYS_WHERE} says where to`,
      severity: 'error',
      from: { path: '^src/', pathNot: [pathOf(PRINTS), pathOf(SAYS_WHERE)] },
      to: { path: pathOf(PRINTS) },
    },
    {
      name: 'no circles, of types neither',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    { name: 'what is imported is there', severity: 'error', from: { path: '^src/' }, to: { couldNotResolve: true } },
  ],
  options: {
    // TypeScript 7 has no parser to lend.
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
