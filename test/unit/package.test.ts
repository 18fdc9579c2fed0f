import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settingsSchema } from '../../src/options/schema.js';

const ROOT = resolve(import.meta.dirname, '../..');
const { dependencies, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  dependencies: Readonly<Record<string, string>>;
  version: string;
};

/** How long building and packing may take, in milliseconds: a machine may have much else to do. */
const PACKING_MS = 120_000;

const folder = mkdtempSync(join(tmpdir(), 'syncwatch-pack-'));
const tarball = join(folder, `syncwatch-${version}.tgz`);
/** As it is installed: with what it depends on beside it, and nothing else. */
const shipped = join(folder, 'node_modules/syncwatch');
let files: string[] = [];

beforeAll(() => {
  execFileSync('sh', [join(ROOT, 'scripts/pack.sh'), folder]);
  mkdirSync(shipped, { recursive: true });
  execFileSync('tar', ['xzf', tarball, '-C', shipped, '--strip-components=1']);
  files = readdirSync(shipped, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name).slice(shipped.length + 1));
  for (const name of [...Object.keys(dependencies), '@types/node', 'undici-types']) {
    mkdirSync(join(folder, 'node_modules', name, '..'), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
  }
}, PACKING_MS);
afterAll(() => rmSync(folder, { recursive: true }));

const read = (file: string): string => readFileSync(join(shipped, file), 'utf8');

describe('the package', () => {
  it('has what is run and what is read, and nothing that leads nowhere', () => {
    const code = files.filter((file) => file.endsWith('.js'));
    const types = files.filter((file) => file.endsWith('.d.ts'));
    const pages = readdirSync(join(ROOT, 'docs')).filter((file) => file.endsWith('.md'));
    expect(files.filter((file) => !code.includes(file) && !types.includes(file)).sort()).toEqual(
      [
        ...pages.map((file) => `docs/${file}`),
        ...readdirSync(join(ROOT, 'docs/pictures')).map((file) => `docs/pictures/${file}`),
        ...readdirSync(join(ROOT, 'completions')).map((file) => `completions/${file}`),
        ...['dist/package.json', 'dist/LICENSES', 'schema/events.json', 'schema/settings.json', 'man/syncwatch.1'],
        ...['package.json', 'CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md'],
      ].sort(),
    );
    const loaded = new Set<string>();
    for (const file of code) {
      const text = read(file);
      expect(text, file).not.toContain('sourceMappingURL');
      for (const [, path = ''] of text.matchAll(/(?<![\w$])(?:require(?:\$\d+)?|import)\("([^"]+)"\)/g))
        if (path.startsWith('.')) loaded.add(join(file, '..', path));
        else if (!isBuiltin(path)) expect(Object.keys(dependencies), `${file} loads ${path}`).toContain(path);
    }
    // What is loaded is there, and what is there is loaded: by others, or by node.
    const begun = ['dist/cli.js', 'dist/watcher.js', 'dist/api.js'];
    expect([...new Set([...loaded, ...begun])].sort()).toEqual(code.sort());
    for (const file of types)
      for (const [, path = ''] of read(file).matchAll(/from '(\.[^']+)\.js'/g))
        expect(types, `${file} names ${path}`).toContain(join(file, '..', `${path}.d.ts`));
    const licences = read('dist/LICENSES');
    for (const name of ['execa', 'p-queue', 'valibot']) expect(licences).toMatch(new RegExp(`^${name} [0-9.]+ `, 'm'));
    const said = execFileSync(process.execPath, [join(shipped, 'dist/cli.js'), '--version'], { encoding: 'utf8' });
    expect(said.trim()).toBe(version);
  });

  it('is no larger than it has to be', () => {
    expect(statSync(tarball).size).toBeLessThan(450_000);
    const unpacked = files.reduce((sum, file) => sum + statSync(join(shipped, file)).size, 0);
    expect(unpacked).toBeLessThan(1_650_000);
  });
});

const CONSUMER = `
import { syncwatch, SyncwatchError, type Options, type SyncwatchEvent } from 'syncwatch';
import type { Ended, Missed, Output, Syncwatch } from 'syncwatch';
import settings from 'syncwatch/schema/settings.json' with { type: 'json' };

const options: Options = { to: ['a:b', 'c:d'], dir: '.', delete: 'mirror', 'max-delete': 3, 'on-sync': { '*.c': 'make' }, once: true };
export async function use(): Promise<number> {
  const sync: Syncwatch = await syncwatch(options);
  for await (const event of sync.events) {
    switch (event.event) {
      case 'delivered':
        for (const { path, bytes, action } of event.items) console.log(path.trim(), bytes.toFixed(), action === 'send');
        break;
      case 'missed': {
        const missed: Missed = event;
        console.log(missed.events.toFixed());
        break;
      }
      case 'pathFailed':
        console.log(event.failure.message, event.pathBase64?.length);
        break;
      // @ts-expect-error there is no such event
      case 'nothing':
    }
  }
  await sync.flush({ target: 'a:b', timeoutMs: 1000, signal: AbortSignal.timeout(1) });
  const output: Output = await sync.exec(['make', 'test'], { input: new Uint8Array(1), flush: false });
  // @ts-expect-error a command has a program
  await sync.exec([]);
  const ended: Ended = await sync.stop({ now: true });
  return output.code + ended.code + (ended.failure?.hint?.length ?? 0) + settings.title.length;
}
export const kind = (error: unknown): string | undefined => (error instanceof SyncwatchError ? error.kind : undefined);
export const at = (event: SyncwatchEvent): string => event.time;
// @ts-expect-error of another kind
export const wrong: Options = { to: 3 };
// @ts-expect-error misspelled
export const unknown: Options = { onUpload: 'make' };
`;

/** The types that are made when it is built are those that the source has. */
const SAME = `
import type { Options as Shipped } from 'syncwatch';
import type { Options as Source } from '${join(ROOT, 'src/options/given.js')}';
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
type Flat<T> = { [Key in keyof T]: T[Key] };
export const same: Same<Flat<Shipped>, Flat<Source>> = true;
`;

describe('its types', () => {
  const compiled = (name: string, text: string, options: Readonly<Record<string, unknown>>): string => {
    const place = join(folder, name);
    mkdirSync(place);
    writeFileSync(join(place, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(place, 'consumer.ts'), text);
    const compilerOptions = {
      strict: true,
      noEmit: true,
      target: 'es2022',
      resolveJsonModule: true,
      types: ['node'],
      ...options,
    };
    writeFileSync(join(place, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }));
    const { stdout } = spawnSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', place], {
      encoding: 'utf8',
    });
    return stdout;
  };

  it.each([
    ['node16', { module: 'node20', moduleResolution: 'node16' }],
    ['nodenext', { module: 'nodenext', moduleResolution: 'nodenext', exactOptionalPropertyTypes: true }],
    ['bundler', { module: 'esnext', moduleResolution: 'bundler' }],
  ])('are right for a program with moduleResolution %s', (name, options) => {
    expect(compiled(name, CONSUMER, options)).toBe('');
  });

  it('name the options as the source does', () => {
    const { compilerOptions } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8')) as {
      compilerOptions: Readonly<Record<string, unknown>>;
    };
    expect(compiled('same', SAME, { ...compilerOptions, paths: {} })).toBe('');
  });
});

describe('its schemas', () => {
  /** The same, that takes no member which it does not have. */
  const strict = (schema: unknown): unknown => {
    if (Array.isArray(schema)) return schema.map(strict);
    if (typeof schema !== 'object' || schema === null) return schema;
    const all = Object.fromEntries(Object.entries(schema).map(([key, each]) => [key, strict(each)]));
    return 'properties' in all ? { ...all, additionalProperties: false } : all;
  };
  const golden = readFileSync(join(ROOT, 'test/golden/events.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string });

  it('have each event as it is told, and more may be added to it', () => {
    const schema = JSON.parse(read('schema/events.json')) as {
      anyOf: ReadonlyArray<{ properties: { event: { const: string } } }>;
    };
    const ajv = new Ajv();
    const isEvent = ajv.compile(schema);
    const isJustThat = ajv.compile(strict(schema) as object);
    for (const event of golden) {
      expect(isJustThat(event), `${event.event}: ${ajv.errorsText(isJustThat.errors)}`).toBe(true);
      expect(isEvent({ ...event, more2: 1 }), event.event).toBe(true);
      expect(isEvent({ ...event, time: 0 }), event.event).toBe(false);
    }
    expect(isEvent({ ...golden[0], event: 'nothing' })).toBe(false);
    expect(schema.anyOf.map(({ properties }) => properties.event.const).sort()).toEqual(
      golden.map(({ event }) => event).sort(),
    );
  });

  it('have the settings as they are', () => {
    expect(JSON.parse(read('schema/settings.json'))).toEqual(settingsSchema());
  });
});
