// Part of `npm run build`: what is in the package beside the code, made of the same sources: types, JSON Schemas, the man page.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createGenerator } from 'ts-json-schema-generator';

/** @param {string} root @param {(module: string) => Promise<any>} load gives what a module of src/ exports */
export async function writeShipped(root, load) {
  const { settingsSchema } = await load('src/options/schema.ts');
  const { optionsDeclaration } = await load('src/options/declaration.ts');
  writeTypes(root, { 'options/given.d.ts': optionsDeclaration() });
  write(join(root, 'schema/settings.json'), inJson(settingsSchema()));
  write(join(root, 'schema/events.json'), inJson(eventsSchema(root)));
  const { manPage } = await load('src/commands/man-page.ts');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  write(join(root, 'man/syncwatch.1'), manPage(version, released(root)));
}

/** The day of the newest version in the changelog, or SOURCE_DATE_EPOCH's; empty where there is none. @param {string} root */
function released(root) {
  const epoch = process.env['SOURCE_DATE_EPOCH'];
  if (epoch !== undefined) return new Date(Number(epoch) * 1_000).toISOString().slice(0, 'YYYY-MM-DD'.length);
  return /^## .*(\d{4}-\d{2}-\d{2})/m.exec(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'))?.[1] ?? '';
}

/** @param {string} path @param {string} text */
function write(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** @param {object} value */
const inJson = (value) => `${JSON.stringify(value, undefined, 2)}\n`;

/**
 * dist/types/: the declarations of src/api.ts and of what these name. `instead`: those that are better made than found.
 * @param {string} root @param {Readonly<Record<string, string>>} instead
 */
function writeTypes(root, instead) {
  const all = mkdtempSync(join(tmpdir(), 'syncwatch-types-'));
  try {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.types.json'), '--outDir', all], {
      stdio: 'inherit',
    });
    const left = ['api.d.ts'];
    const done = new Set();
    for (let file = left.pop(); file !== undefined; file = left.pop()) {
      if (done.has(file)) continue;
      done.add(file);
      const text = instead[file] ?? readFileSync(join(all, file), 'utf8');
      write(join(root, 'dist/types', file), text);
      for (const [, path = ''] of text.matchAll(/from '(\.[^']*)\.js'/g))
        left.push(join(dirname(file), `${path}.d.ts`));
    }
  } finally {
    rmSync(all, { recursive: true, force: true });
  }
}

/** The events of `--json` and of the API, one by one. @param {string} root */
export function eventsSchema(root) {
  const { $schema, ...schema } = createGenerator({
    path: join(root, 'src/report/wire-event.ts'),
    tsconfig: join(root, 'tsconfig.json'),
    type: 'SyncwatchEvent',
    skipTypeCheck: true,
    topRef: false,
    expose: 'none',
    // Members may be added: a schema of today takes an event of tomorrow.
    additionalProperties: true,
  }).createSchema('SyncwatchEvent');
  return { $schema, title: 'An event of syncwatch: a line of --json', ...schema };
}
