import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RawRule } from '../../src/core/filter.js';
import { nameFromText } from '../../src/core/name.js';
import { compilePattern } from '../../src/core/pattern.js';
import { filterOf } from '../support/settings.js';
import { temporaryDir } from '../support/tree.js';

/** How many random rule lists are held against rsync. Each costs one rsync. */
const CASES = 300;

const part = fc.constantFrom('a', 'b', 'ab', 'abc', 'a.c', 'x-y', '[', 'a*b', 'q\\r');
const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const glob = fc.constantFrom(
  'a',
  'b',
  'ab',
  '*',
  '**',
  '?',
  '[ab]',
  '[!a]',
  '[a-c]',
  '[^b-]',
  '[[:alpha:]]',
  '*.c',
  'a*',
  '?b',
  '\\*',
  '\\[',
  'a\\*b',
  'q\\r',
  '***',
  '-',
);
const pattern = fc
  .tuple(
    fc.boolean(),
    fc.array(
      fc.array(glob, { minLength: 1, maxLength: 3 }).map((g) => g.join('')),
      { minLength: 1, maxLength: 3 },
    ),
    fc.boolean(),
  )
  .map(([anchored, parts, dirOnly]) => `${anchored ? '/' : ''}${parts.join('/')}${dirOnly ? '/' : ''}`)
  .filter((text) => typeof compilePattern(text) !== 'string');
const rules = fc.array(fc.tuple(fc.constantFrom('include' as const, 'exclude' as const), pattern), {
  minLength: 1,
  maxLength: 5,
});

describe('our filter and rsync', () => {
  it(`agree on ${CASES} random rule lists`, () => {
    fc.assert(
      fc.property(fc.array(path, { minLength: 3, maxLength: 14 }), rules, (paths, list) => {
        const dir = temporaryTree(paths);
        const raw = list.map(([action, text]): RawRule => ({ action, pattern: text, source: { kind: 'default' } }));
        const filter = filterOf({ user: raw });
        const ours = everything(dir)
          .filter(({ name, isDir }) => filter.decideDeep(nameFromText(name), isDir).synced)
          .map(({ name }) => name);
        const theirs = execFileSync(
          'rsync',
          [
            '-r',
            '-n',
            '--out-format=%n',
            ...list.map(([action, text]) => `--${action}=${text}`),
            `${dir}/`,
            `${dir}-nowhere/`,
          ],
          { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } },
        )
          .split('\n')
          .filter((line) => line !== '' && line !== './' && !line.startsWith('created directory'))
          .map((line) =>
            line
              .replace(/\/$/, '')
              .replace(/\\#(\d{3})/g, (_, o: string) => String.fromCharCode(Number.parseInt(o, 8))),
          );
        expect(ours.sort()).toEqual(theirs.sort());
      }),
      { numRuns: CASES },
    );
  }, 300_000);
});

let base = '';
let count = 0;

/** A tree with these paths; the last part of each is a file unless another path goes through it. */
function temporaryTree(paths: readonly string[]): string {
  base ||= temporaryDir();
  const dir = join(base, String(++count));
  mkdirSync(dir);
  for (const p of [...paths].sort((a, b) => b.split('/').length - a.split('/').length)) {
    try {
      mkdirSync(join(dir, dirname(p)), { recursive: true });
      writeFileSync(join(dir, p), '', { flag: 'wx' });
    } catch {
      // a directory or a file is there already: fine
    }
  }
  return dir;
}

function everything(dir: string): Array<{ name: string; isDir: boolean }> {
  const listed = execFileSync('find', ['.', '-mindepth', '1', '-printf', '%y%P\\0'], { cwd: dir, encoding: 'utf8' });
  return listed
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => ({ name: line.slice(1), isDir: line.startsWith('d') }));
}
