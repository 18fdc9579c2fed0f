// npm run build: makes dist/ of src/ and the packages, in a few files: starting is mostly opening and reading them
// (docs/design.md#starting). Each `import()` begins a file of its own, all of them in dist/ itself.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { rolldown } from 'rolldown';
import { writeShipped } from './shipped.mjs';

const root = resolve(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** Has a program for each kind of machine, so it is installed beside us. */
const BESIDE = ['@parcel/watcher'];

/** @param {import('rolldown').InputOptions} input @param {import('rolldown').OutputOptions} output */
async function made(input, output) {
  const bundle = await rolldown({
    ...input,
    cwd: root,
    platform: 'node',
    // Where a package has modules, too: what others have made of them for node may require by names made up as it runs.
    resolve: { mainFields: ['module', 'main'] },
    onwarn: (warning) => {
      throw new Error(warning.message);
    },
  });
  const { output: files } = await bundle.generate(output);
  await bundle.close();
  return files;
}

/** What must stay with the code of others. @param {readonly string[]} modules their files */
function licences(modules) {
  const folders = modules.flatMap((file) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []);
  return [...new Set(folders)].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
    if (file === undefined) throw new Error(`${relative(root, folder)} has no licence: it can't be part of dist/`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
  });
}

/** CommonJS, which node reads without what it has for modules (4 ms). For people to read: stack traces lead here. */
const output = /** @type {const} */ ({
  format: 'cjs',
  entryFileNames: '[name].js',
  chunkFileNames: '[name].js',
  dynamicImportInCjs: false,
  comments: false,
});
/**
 * The same in fewer files: of what `begin` needs and others too each would be one of its own, a third of a millisecond to open; so it
 * is one for all.
 * @param {import('rolldown').InputOptions} input
 */
async function gathered(input) {
  const many = (await made(input, output)).filter((file) => file.type === 'chunk');
  /** @param {string} fileName @returns {string[]} the modules in it and in all that it loads */
  const needs = (fileName) => {
    const { moduleIds, imports } = many.find((chunk) => chunk.fileName === fileName) ?? { moduleIds: [], imports: [] };
    return [...moduleIds, ...imports.flatMap(needs)];
  };
  const [own, shared] = [new Set(many.find(({ name }) => name === 'begin')?.moduleIds), new Set(needs('begin.js'))];
  const groups = [{ name: 'shared', test: (/** @type {string} */ id) => shared.has(id) && !own.has(id) }];
  return made(input, { ...output, codeSplitting: { groups } });
}

const files = [
  // For itself: what it shared with others an old Node would have to read, too.
  ...(await made({ input: 'src/cli.ts', external: /begin/ }, output)),
  ...(await gathered({
    input: { begin: 'src/begin.ts', api: 'src/api.ts', watcher: 'src/watch/process.ts' },
    external: BESIDE,
  })),
];
/** @param {string} module */
async function load(module) {
  const [{ code }] = await made({ input: module }, { format: 'esm' });
  return import(`data:text/javascript,${encodeURIComponent(code)}`);
}

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
const chunks = files.filter((file) => file.type === 'chunk');
for (const { fileName, code } of chunks) writeFileSync(join(dist, fileName), code);
writeFileSync(join(dist, 'package.json'), '{ "type": "commonjs" }\n');
writeFileSync(
  join(dist, 'LICENSES'),
  licences(chunks.flatMap(({ moduleIds }) => moduleIds)).join(`\n${'-'.repeat(80)}\n\n`),
);
await writeShipped(root, load);
