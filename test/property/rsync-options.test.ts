import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extraArgs, readExtras } from '../../src/core/rsync/extras.js';
import { RSYNC_OPTIONS } from '../../src/core/rsync/options.js';
import { amount } from '../support/amount.js';
import { temporaryDir } from '../support/tree.js';

/** How many random lists of words are held against rsync. Each costs one or two rsyncs, which end before they connect. */
const CASES = amount(40, 1_000);

/** A remote shell that says what it was asked to run there, and ends. */
function sayingShell(): string {
  const path = join(temporaryDir(), 'shell');
  writeFileSync(path, '#!/bin/sh\nshift\nprintf "there: %s\\n" "$*" >&2\nexit 7\n');
  chmodSync(path, 0o755);
  return path;
}

/** What rsync would run on the other side with these options: all that it makes of them. Undefined where it refuses them. */
function askedThere(shell: string, words: readonly string[]): string | undefined {
  const said = spawnSync('rsync', ['-rlpt', '-e', shell, '/nowhere/', 'host:there/', ...words], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', HOME: '/nowhere' },
    input: '',
  });
  return /^there: (.*)$/m.exec(said.stderr)?.[1];
}

const VALUES: Readonly<Record<string, readonly string[]>> = {
  '--usermap': ['*:0'],
  '--groupmap': ['*:0'],
  '--chown': ['0:0', 'root'],
  '--chmod': ['D755,F644', 'u+w'],
  '--compress-choice': ['zlib', 'zlibx', 'none'],
  '--compress-level': ['1', '9'],
  '--compress-threads': ['1'],
  '--skip-compress': ['gz/jpg', ''],
  '--checksum-choice': ['md5'],
  '--checksum-seed': ['7'],
  '--block-size': ['700', '4096'],
  '--bwlimit': ['1000', '1.5m'],
  '--max-alloc': ['1g'],
  '--rsync-path': ['sudo rsync', '/opt/rsync'],
  '--remote-option': ['--fake-super', '--super'],
};

const allowed = RSYNC_OPTIONS.filter(({ use }) => use.kind === 'allowed');
/** One option of those that are allowed, in one of the ways to write it. */
const goodWords = fc.constantFrom(...allowed).chain(({ name, names, takesValue }) => {
  const written = fc.constantFrom(...names);
  if (!takesValue) return written.map((each) => [each]);
  return fc
    .record({ written, value: fc.constantFrom(...(VALUES[name] ?? [])), isJoined: fc.boolean() })
    .map(({ written: each, value, isJoined }) =>
      !isJoined
        ? [each, value]
        : each.startsWith('--')
          ? [`${each}=${value}`]
          : value === ''
            ? [each, value]
            : [each + value],
    );
});
const letters = allowed.flatMap(({ names, takesValue }) =>
  takesValue ? [] : names.filter((each) => each.length === 2).map((each) => each.charAt(1)),
);
const goodCluster = fc
  .array(fc.constantFrom(...letters), { minLength: 1, maxLength: 5 })
  .map((some) => [`-${some.join('')}`]);
const goodLists = fc.array(fc.oneof(goodWords, goodCluster), { maxLength: 5 }).map((lists) => lists.flat());

const anyLetters = RSYNC_OPTIONS.flatMap(({ names }) =>
  names.filter((each) => each.length === 2).map((each) => each.charAt(1)),
);
const anyWord = fc.oneof(
  fc
    .array(fc.constantFrom(...anyLetters, '=', '-', '/', 'Q', '9'), { minLength: 1, maxLength: 4 })
    .map((some) => `-${some.join('')}`),
  fc.constantFrom(...RSYNC_OPTIONS.flatMap(({ names }) => names)),
  fc
    .tuple(fc.constantFrom(...RSYNC_OPTIONS.flatMap(({ names }) => names)), fc.constantFrom('', '1', '/prog'))
    .map((parts) => parts.join('=')),
  fc.constantFrom('', '-', '1', 'x', '--xattr', '--no-links2'),
);

/** What syncwatch lets through reaches the other side as these, and nothing else: letters of the first word, and long ones. */
const LETTERS_THERE = new Set([...'-rlptXAogEOJcWSzyeD.iLsfxCIvu', ...'y']);
const LONG_THERE =
  /^(--server|--compress-(level|choice)=\S*|--(new|old)-compress|-B\d+|--bwlimit=\d+|--checksum-(choice|seed)=\S*|--super|--no-super|--fake-super|--max-alloc=\S*|--numeric-ids|--(user|group)map=\S*|--fsync|--preallocate|--open-noatime|--log-format=\S*|\.|there\/)$/;

describe('words after the --', () => {
  it(`mean to rsync what they mean to us: ${CASES} random lists`, () => {
    const shell = sayingShell();
    let compared = 0;
    fc.assert(
      fc.property(goodLists, (words) => {
        const read = readExtras(words);
        if (!read.ok) throw new Error(read.why);
        const theirs = askedThere(shell, words);
        // Of what it refuses for reasons of its own (two of --usermap), it refuses our form too.
        expect(
          askedThere(
            shell,
            extraArgs(read.extras, () => true),
          ),
        ).toBe(theirs);
        if (theirs !== undefined) compared++;
      }),
      { numRuns: CASES },
    );
    expect(compared).toBeGreaterThan(CASES / 2);
  });

  it(`nothing slips through: ${CASES} lists of anything`, () => {
    const shell = sayingShell();
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            { weight: 3, arbitrary: anyWord },
            { weight: 2, arbitrary: fc.constantFrom(...letters.map((each) => `-${each}`)) },
          ),
          { minLength: 1, maxLength: 4 },
        ),
        (words) => {
          const read = readExtras(words);
          if (!read.ok) return;
          const asked = askedThere(shell, words);
          if (asked === undefined) return; // it takes no such value
          const [command = '', ...args] = asked.replace('sudo rsync', 'rsync').split(' ');
          expect(command).not.toBe('');
          for (const arg of args) {
            // The letters end where rsync says what it can do: -…e.LsfxCIvu
            if (/^-[a-zA-Z]/.test(arg) && !/^-[BM]/.test(arg))
              for (const letter of arg.split('e.')[0] ?? '') expect(LETTERS_THERE).toContain(letter);
            else expect(arg).toMatch(LONG_THERE);
          }
        },
      ),
      { numRuns: CASES },
    );
  });
});
