import fc from 'fast-check';
import { compilePattern } from '../../src/core/filter/pattern.js';
import type { RawRule } from '../../src/core/filter/rule.js';

const part = fc.constantFrom(
  ...['a', 'b', 'ab', 'abc', 'a.c', 'x-y', '[', 'a*b', 'q\\r', 'ü'],
  ...['#c', '!d', '!', ' e', 'f ', ';g', '- a', '+ b'], // like comments and prefixes in a file of rules
);
const path = fc
  .tuple(
    fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
    fc.boolean(),
    fc.boolean(),
  )
  .map(([text, isDir, really]) => (isDir && really ? `${text}/` : text));
/** Paths for {@link plant}. */
export const paths = fc.array(path, { minLength: 3, maxLength: 14 });

const rsyncGlob = fc.constantFrom(
  ...['a', 'b', 'ab', '*', '**', '?', '[ab]', '[!a]', '[a-c]', '[^b-]', '[[:alpha:]]', '*.c', 'a*', '?b', '\\*', '\\['],
  ...[
    'a\\*b',
    'q\\r',
    '***',
    '-',
    'x-y',
    ' e',
    'ü',
    '#c',
    '!',
    'f ',
    ';g',
    '- a',
    '+ b',
    '[]a]',
    '[\\]a]',
    '[[:punct:]]*',
  ],
);
const rsyncPattern = fc
  .tuple(
    fc.boolean(),
    fc.array(
      fc.array(rsyncGlob, { minLength: 1, maxLength: 3 }).map((g) => g.join('')),
      { minLength: 1, maxLength: 3 },
    ),
    fc.boolean(),
  )
  .map(([anchored, parts, dirOnly]) => `${anchored ? '/' : ''}${parts.join('/')}${dirOnly ? '/' : ''}`)
  .filter((text) => typeof compilePattern(text) !== 'string');
/** Rule lists in rsync's pattern language. */
export const rsyncRules = fc.array(fc.tuple(fc.constantFrom('include' as const, 'exclude' as const), rsyncPattern), {
  minLength: 1,
  maxLength: 5,
});

/** A list as our filter takes it. */
export const rawRules = (list: ReadonlyArray<readonly ['include' | 'exclude', string]>): RawRule[] =>
  list.map(([action, text]) => ({
    action,
    pattern: Buffer.from(text).toString('latin1'),
    source: { kind: 'option', option: `--${action}` },
  }));
/** The same for rsync, with prefixes, so that what looks like one is none. */
export const asArgs = (list: ReadonlyArray<readonly ['include' | 'exclude', string]>): string[] =>
  list.map(([action, text]) => `--${action}=${action === 'include' ? '+' : '-'} ${text}`);
