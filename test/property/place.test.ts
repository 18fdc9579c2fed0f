import { execFileSync } from 'node:child_process';
import { realpathSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nameFromText } from '../../src/core/name.js';
import { type PlaceOptions, refusalOf } from '../../src/core/place/guard.js';
import { isSeenIn, readMounts } from '../../src/core/place/mounts.js';
import { spelled } from '../../src/core/place/place.js';
import { placeScript, readPlace } from '../../src/core/place/script.js';
import { parseTarget } from '../../src/core/target.js';
import { trashFrom } from '../../src/options/trash.js';
import { amount } from '../support/amount.js';
import { fill, temporaryDir } from '../support/tree.js';

const MARKS = ['one', 'two'] as const;

/** How many random paths are looked at. Each costs a shell. */
const LOOKS = amount(40, 1_000);

/** What names of directories may look like. */
const NAMES = [
  'a',
  'a b',
  "it's",
  '*',
  '-n',
  '~',
  '~root',
  '$(x)',
  '`x`',
  '\\\\',
  '"',
  ';',
  'ü',
  '=ls',
  '!x',
  '#',
  '&',
  '[ab]',
] as const;

describe('a look at a place', () => {
  it('finds what realpath finds, for whatever path', () => {
    // So deep that no `..` leads out to what others have there.
    const dir = join(realpathSync(temporaryDir()), '1/2/3/4/5');
    for (const name of NAMES) {
      fill(dir, { [`home/${name}/b/`]: '', [`home/${name}/file`]: '', [`login/${name}/`]: '' });
      symlinkSync(`../home/${name}`, join(dir, 'login', `to ${name}`));
    }
    const step = fc.constantFrom(...NAMES, ...NAMES.map((name) => `to ${name}`), 'b', 'file', '.', '..', '', 'none');
    const begin = fc.constantFrom('', '~/', `${dir}/home/`, `${dir}/login/./`);
    fc.assert(
      fc.property(begin, fc.array(step, { maxLength: 5 }), fc.boolean(), (from, steps, slash) => {
        const path = `${from}${steps.join('/')}${slash ? '/' : ''}`;
        // As a shell reads it: a ~ with a name is somebody's home.
        const isUsers = /^~[A-Za-z_]/.test(path);
        const meant = path === '~' || path.startsWith('~/') ? `${dir}/home${path.slice(1)}` : path;
        const absolute = meant.startsWith('/') ? meant : `${dir}/login/${meant}`;
        const script = placeScript({ path, trash: undefined, marks: MARKS, rsync: undefined });
        const env = { PATH: process.env['PATH'], HOME: join(dir, 'home') };
        const said = execFileSync('sh', ['-s'], { input: script, cwd: join(dir, 'login'), env });
        const { look } = readPlace(said.toString('latin1'), { path, marks: MARKS });
        if (isUsers) return;
        const clean = absolute.replace(/(?<=.)\/+$/, '');
        const real = realOf(clean);
        const isDir = (at: string | undefined): boolean => at !== undefined && statSync(at).isDirectory();
        if (real !== undefined && isDir(real)) {
          if (look.kind !== 'place') throw new Error(`${path}: ${JSON.stringify(look)}`);
          expect(spelled(look.place.path), path).toBe(real);
          expect(look.place.exists).toBe(true);
          expect(look.place.chain[0]?.inode).toBe(`${statSync(real).ino}`);
          return;
        }
        const parent = realOf(dirname(clean));
        const base = clean.slice(clean.lastIndexOf('/') + 1);
        if (real !== undefined || parent === undefined || !isDir(parent) || base === '.' || base === '..')
          expect(look.kind, path).toBe('unknown');
        else
          expect(look, path).toMatchObject({
            kind: 'place',
            place: { path: nameFromText(join(parent, base)), exists: false },
          });
      }),
      { numRuns: LOOKS },
    );
  });

  it('is read from whatever comes, and says nothing that was not between its marks', () => {
    const good = 'onetwo\0state\0there\0path\0/x\0again\x001 2\0chain\x001 2 3 2024-01-01 00:00:00.5\0onetwo\0';
    const ask = { path: 'x', marks: MARKS };
    const text = fc.string({ unit: 'binary', maxLength: 200 }).map((each) => each.replaceAll('onetwo\0', ''));
    const piece = fc.oneof(
      text,
      fc.constantFrom(
        ...[
          '\0',
          'state\0',
          'there\0',
          'new\0',
          'path\0',
          '/x\0',
          'chain\0',
          'again\0',
          '1 2 3\n',
          'mounts\0',
          '8:1 / /\n',
          'onetwo\0',
        ],
        ...['users\0', 'root:0:/root:/bin/sh\n', 'trash\0', 'rsync\0', 'x\n0\0', 'owner\0', 'ownersId\0', '0\0'],
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), text, text, (pieces, before, after) => {
        const { look } = readPlace(pieces.join(''), ask);
        if (look.kind === 'place') expect(look.place.path).toMatch(/^\//);
        refusalOf(look, OPTIONS);
        expect(readPlace(`${before}${good}${after}`, ask)).toEqual(readPlace(good, ask));
      }),
    );
  });
});

const OPTIONS: PlaceOptions = {
  target: { kind: 'remote', host: 'h', user: undefined, path: 'x', label: 'h:x', place: 'h:x' },
  dir: '.',
  here: { path: nameFromText('/dir'), chain: [], mounts: [], boot: undefined, mode: 0o777 },
  isMirror: true,
  modeThere: ({ mode }) => mode,
  trash: 'x',
};

const realOf = (path: string): string | undefined => {
  try {
    // Node resolves `..` by the text: the system does not.
    return execFileSync('realpath', ['-e', '--', path], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).slice(0, -1);
  } catch {
    return undefined;
  }
};

describe('a target', () => {
  it('is read or refused in words, whatever it is', () => {
    const part = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom('host:', '~', '/', '..', '@', '[::1]:', '-', ' '),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const text = parts.join('');
        const parsed = parseTarget(text);
        if (!parsed.ok) expect(parsed.failure).toMatchObject({ kind: 'usage', hint: expect.any(String) });
        else {
          expect(parsed.value.label).toBe(text);
          expect(text.endsWith(parsed.value.path)).toBe(true);
        }
      }),
    );
  });

  it('keeps its trash below it', () => {
    const step = fc.constantFrom('a', '.', '..', '', '~', 'b c', '...', '\n');
    fc.assert(
      fc.property(fc.array(step, { maxLength: 6 }), (steps) => {
        const trash = trashFrom(steps.join('/'));
        if (!trash.ok) return;
        expect(join('/target', trash.value ?? '')).toBe(`/target/${trash.value}`);
        expect(trash.value).not.toBe('');
      }),
    );
  });
});

describe('mounts', () => {
  it('show a directory where, and only where, a walk would come to it', () => {
    const dirs = ['/', '/a', '/a/b', '/a/b/c', '/d', '/d/e'] as const;
    const dir = fc.constantFrom(...dirs);
    const table = fc.array(fc.tuple(dir, dir), { maxLength: 3 });
    fc.assert(
      fc.property(table, dir, dir, (binds, inner, outer) => {
        // Not over one another: a mount hides what was there.
        const places = binds.map(([, at]) => at);
        fc.pre(binds.every(([, at]) => at !== '/') && new Set(places).size === places.length);
        fc.pre(
          !places.some((one) => places.some((other) => other.startsWith(`${one}/`) || one.startsWith(`${other}/`))),
        );
        const mounts = readMounts(['8:1 / /', ...binds.map(([root, at]) => `8:1 ${root} ${at}`)].join('\n'));
        const original = (path: string): string => {
          const bind = binds.find(([, at]) => path === at || path.startsWith(`${at}/`));
          return bind === undefined ? path : join(bind[0], path.slice(bind[1].length)).replace(/(?<=.)\/$/, '');
        };
        const below = (path: string, at: string): boolean => path === at || at === '/' || path.startsWith(`${at}/`);
        const regions = [outer, ...places.filter((at) => at !== outer && below(at, outer))].map(original);
        const expected = regions.some((region) => below(original(inner), region));
        const mounted = (path: string) => ({ path: nameFromText(path), mounts });
        expect(isSeenIn(mounted(inner), mounted(outer))).toBe(expected);
      }),
    );
  });
});
