import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MAY_IMPORT, ONLY_IN } from '../../.dependency-cruiser.mjs';

const ROOT = resolve(import.meta.dirname, '../..');

/** Some file of a part of src/, as an import there has it. */
const some = (part: string): string => {
  const [file = ''] = readdirSync(join(ROOT, 'src', part)).filter((each) => each.endsWith('.ts'));
  return `${part}/${file.replace(/ts$/, 'js')}`;
};

/** Files that break one rule each, and what is found wrong with them. */
const IMPORTS: ReadonlyArray<readonly [file: string, text: string, found: string]> = [
  ['src/core/odd-up.ts', "import '../main.js';", 'core may import only: nothing else'],
  ['src/core/odd-shelf.ts', `import type { A } from '../${some('core/rsync')}';`, 'core may import only: nothing else'],
  ['src/core/sync/odd.ts', `import '../../${some('core/filter')}';`, 'core/sync may import only: core'],
  ['src/core/odd-disk.ts', "import { statSync } from 'node:fs';", 'core/ is pure'],
  ['src/core/odd-package.ts', "import 'execa';", 'core/ is pure'],
  ['src/scan/odd.ts', `import type { A } from '../${some('state')}';`, 'scan may import only: '],
  ['src/report/odd.ts', `export const odd = () => import('../${some('ssh')}');`, 'report may import only: '],
  ['src/hooks/odd.ts', "import { execa } from 'execa';", 'execa may be imported only by: spawn'],
  [
    'src/sync/odd.ts',
    "import { spawn } from 'node:child_process';",
    'child_process may be imported only by: spawn-here foreground',
  ],
  ['src/rules/odd.ts', "import { env } from 'node:process';", 'process may be imported only by: '],
  ['src/watch/odd.ts', "import { performance } from 'node:perf_hooks';", 'perf_hooks may be imported only by: nobody'],
  ['src/commands/odd.ts', "import { outletTo } from '../report/outlet.js';", 'only report/outlet prints'],
  ['src/options/odd.ts', "import 'ajv';", 'a package needs a row in ONLY_IN'],
  ['src/git/odd.ts', "import './is-not-there.js';", 'what is imported is there'],
  ['src/state/odd-a.ts', "import type { B } from './odd-b.js';\nexport type A = B;", 'no circles'],
  ['src/state/odd-b.ts', "import type { A } from './odd-a.js';\nexport type B = A;", ''], // told once
];
const CODE: ReadonlyArray<readonly [file: string, text: string, found: string]> = [
  ['src/report/odd-process.ts', 'export const odd = () => process.env;', 'lint/style/noRestrictedGlobals'],
  ['src/report/odd-console.ts', "console.log('odd');", 'lint/suspicious/noConsole'],
  ['src/report/odd-type.ts', "export type Odd = import('../io.js').Io;", 'plugin'],
  ['src/sync/odd-clock.ts', 'export const odd = () => performance.now();', 'lint/style/noRestrictedGlobals'],
  ['src/sync/odd-now.ts', 'export const odd = () => Date.now();', 'plugin'],
  ['src/sync/odd-date.ts', 'export const odd = () => new Date();', 'plugin'],
  ['src/sync/odd-global.ts', 'export const odd = () => globalThis.process;', 'lint/style/noRestrictedGlobals'],
  ['src/core/odd-clock.ts', 'setTimeout(() => {}, 1);', 'lint/style/noRestrictedGlobals'],
  ['src/core/odd-now.ts', 'export const odd = () => Date.now();', 'plugin'],
  ['src/core/odd-chance.ts', 'export const odd = () => Math.random();', 'plugin'],
];

/** What dependency-cruiser finds. */
interface Cruised {
  readonly modules: ReadonlyArray<{
    readonly source: string;
    readonly dependencies: ReadonlyArray<{ readonly module: string; readonly resolved: string }>;
  }>;
  readonly summary: {
    readonly violations: ReadonlyArray<{ readonly from: string; readonly rule: { readonly name: string } }>;
  };
}

let copy: string;
let cruised: Cruised;
beforeAll(async () => {
  copy = mkdtempSync(join(tmpdir(), 'syncwatch-lint-'));
  for (const each of ['src', '.biome', 'biome.json', '.dependency-cruiser.mjs', 'package.json', 'tsconfig.json'])
    cpSync(join(ROOT, each), join(copy, each), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  for (const [file, text] of [...IMPORTS, ...CODE]) writeFileSync(join(copy, file), `${text}\n`);
  cruised = JSON.parse((await said('depcruise', 'src', '--output-type', 'json')).out) as Cruised;
}, 60_000);
afterAll(() => rmSync(copy, { recursive: true }));

/** What a tool prints when it is run in the copy, whatever its exit code. */
const said = (tool: string, ...args: readonly string[]): Promise<{ code: unknown; out: string }> =>
  new Promise((resolve) => {
    execFile(join(copy, 'node_modules/.bin', tool), args, { cwd: copy, maxBuffer: 1e8 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, out: stdout + stderr }),
    );
  });

it('every rule about imports finds what breaks it, and nothing else', () => {
  const { violations } = cruised.summary;
  const found = (file: string): string[] => violations.filter(({ from }) => from === file).map(({ rule }) => rule.name);
  for (const [file, , rule] of IMPORTS.filter(([, , rule]) => rule !== ''))
    expect(found(file), file).toContainEqual(expect.stringContaining(rule));
  expect(violations.filter(({ from }) => !IMPORTS.some(([file]) => file === from))).toEqual([]);
});

it('the table says no more than what is so', () => {
  const { modules } = cruised;
  const partOf = (path: string): string =>
    Object.keys(MAY_IMPORT).find((part) =>
      part === 'core' ? /^src\/core\/[^/]+$/.test(path) : path.startsWith(`src/${part}/`) || path === `src/${part}.ts`,
    ) ?? path;
  const used = new Set<string>();
  for (const { source, dependencies } of modules.filter(({ source }) => !IMPORTS.some(([file]) => file === source)))
    for (const { module, resolved } of dependencies)
      for (const what of [partOf(resolved), module.replace(/^node:/, '')])
        for (const from of [partOf(source), source.replace(/^src\/|\.ts$/g, '')]) used.add(`${from} ${what}`);
  const words = (text: string): string[] => (text === '' ? [] : text.split(' '));
  const allowed = [
    ...Object.entries(MAY_IMPORT).flatMap(([part, others]) => words(others).map((other) => `${part} ${other}`)),
    ...Object.entries(ONLY_IN).flatMap(([name, where]) => words(where).map((part) => `${part} ${name}`)),
  ];
  expect(allowed.filter((each) => !used.has(each))).toEqual([]);
});

it('a part of src/ without a row in the table is an error', async () => {
  writeFileSync(join(copy, 'src/odd.ts'), '');
  try {
    const { code, out } = await said('depcruise', 'src');
    expect(code).not.toBe(0);
    expect(out).toContain('src/odd.ts has no row in ');
  } finally {
    rmSync(join(copy, 'src/odd.ts'));
  }
});

it('Biome finds what reads process or a clock, prints, imports types in passing, or waits or takes chances in core/', async () => {
  const files = CODE.map(([file]) => file);
  const { out } = await said('biome', 'lint', '--vcs-enabled=false', '--colors=off', ...files);
  for (const [file, , rule] of CODE) expect(out).toMatch(new RegExp(`^${file}:1:\\d+ ${rule}`, 'm'));
});
