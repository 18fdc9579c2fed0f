import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Filter } from '../../src/core/filter/filter.js';
import { rulesFromIgnoreFile } from '../../src/core/filter/ignore-lines.js';
import type { RawRule } from '../../src/core/filter/rule.js';
import { RuleFiles } from '../../src/rules/rule-files.js';
import { amount } from '../support/amount.js';
import { deliverAll, deliverHints, everything, plant } from '../support/deliver.js';
import { NO_REST, USERS_GIT } from '../support/programs.js';
import { asArgs, paths, rawRules, rsyncRules } from '../support/random-rules.js';
import { filterOf } from '../support/settings.js';
import { fill, temporaryDir } from '../support/tree.js';

/** Each costs several runs of rsync, some also of git. */
const CASES = amount(20, 500);

/** A mirror takes a run for each level of directories. */
const MIRRORS = Math.ceil(CASES / 4);

describe('what is delivered is what rsync -a with the same rules brings', () => {
  it(`${CASES} random trees and rule lists, by a full pass and by hints`, async () => {
    const base = temporaryDir();
    let n = 0;
    await fc.assert(
      fc.asyncProperty(paths, rsyncRules, async (some, list) => {
        const dir = join(base, String(++n));
        plant(dir, some);
        const filter = filterOf({ user: rawRules(list) });
        execFileSync('rsync', ['-a', ...asArgs(list), `${dir}/`, `${dir}-rsync/`]);
        await deliverAll(dir, `${dir}-pass`, filter);
        const hints = everything(dir).map((each) => each.replace(/\/$/, ''));
        await deliverHints(dir, `${dir}-hints`, filter, hints.reverse());
        const theirs = everything(`${dir}-rsync`);
        expect(everything(`${dir}-pass`)).toEqual(theirs);
        expect(everything(`${dir}-hints`)).toEqual(theirs);
      }),
      { numRuns: CASES },
    );
  });

  it(`${MIRRORS} mirrors of random trees over others: what rsync -a --delete leaves there`, async () => {
    const base = temporaryDir();
    let n = 0;
    await fc.assert(
      fc.asyncProperty(paths, paths, rsyncRules, async (some, others, list) => {
        const dir = join(base, String(++n));
        plant(dir, some);
        for (const there of [`${dir}-rsync`, `${dir}-ours`]) plant(there, others);
        // An excluded directory in the way of a file: rsync deletes it all the same, we never do.
        const here = new Set(everything(dir));
        fc.pre(!everything(`${dir}-ours`).some((each) => each.endsWith('/') && here.has(each.slice(0, -1))));
        const filter = filterOf({ user: rawRules(list) });
        let code = 0;
        try {
          execFileSync('rsync', ['-a', '--delete', ...asArgs(list), `${dir}/`, `${dir}-rsync/`], { stdio: 'pipe' });
        } catch (error) {
          code = (error as { status: number }).status; // 23: something excluded is in the way
        }
        expect([0, 23]).toContain(code);
        await deliverAll(dir, `${dir}-ours`, filter, 'notExcluded');
        expect(everything(`${dir}-ours`)).toEqual(everything(`${dir}-rsync`));
      }),
      { numRuns: MIRRORS },
    );
  });
});

const gitGlob = fc.constantFrom(
  ...['a', 'b', 'ab', 'abc', '*', '?', '[ab]', '[!a]', '[a-c]', '[[:alpha:]]', '*.c', 'a*', '?b', 'x-y', 'ü', '*b'],
  ...['a\\*b', 'q\\\\r', '\\[', '**', '\\ e', '[]a]', '\\a', ';g', '- a', '+ b', 'f\\ '],
);
const gitLine = fc
  .tuple(
    fc.constantFrom('', '', '', '!'),
    fc.constantFrom('', '', '/', '**/'),
    fc.array(
      fc.oneof(
        { weight: 5, arbitrary: fc.array(gitGlob, { minLength: 1, maxLength: 2 }).map((g) => g.join('')) },
        { weight: 1, arbitrary: fc.constant('**') },
      ),
      { minLength: 1, maxLength: 3 },
    ),
    fc.constantFrom('', '', '/', '/**', ' ', '/**/**/a/**/b/**/ab/**/abc/**/a.c'),
  )
  .map(([negated, start, parts, end]) => `${negated}${start}${parts.join('/')}${end}`)
  // Behind a literal beginning git takes two stars for more than the manual says (dir.c, match_pathname).
  .filter((line) => !/[^*/]\*\*|\*\*[^*/ ]/.test(line));
const gitFile = fc.array(fc.oneof(gitLine, fc.constantFrom('', '# a comment', '\\#c', '\\!d')), {
  minLength: 1,
  maxLength: 4,
});

function git(dir: string, ...args: string[]): string {
  return execFileSync('git', args, { cwd: dir, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

const filesIn = (dir: string): string[] =>
  everything(dir).filter((each) => !each.endsWith('/') && !each.startsWith('.git/'));

/** The files that git does not ignore, whether tracked or not. */
const listedByGit = (dir: string): string[] =>
  git(dir, 'ls-files', '--cached', '--others', '--exclude-standard', '-z')
    .split('\0')
    .filter((each) => each !== '')
    .sort();

const NO_GIT: RawRule = { action: 'exclude', pattern: '.git', source: { kind: 'default' } };

async function withGit(root: string, gitignore: boolean, work: (filter: Filter) => Promise<void>): Promise<void> {
  const filter = filterOf({ defaults: [NO_GIT] });
  const notes: unknown[] = [];
  const rules = await RuleFiles.open({ root, dir: root, filter, gitignore, rest: NO_REST }, USERS_GIT, (event) =>
    notes.push(event),
  );
  try {
    await work(filter);
  } finally {
    rules.close();
  }
  expect(notes).toEqual([]);
}

describe('what is delivered is what git does not ignore', () => {
  it(`${CASES} random trees of .gitignore files, by a full pass and by hints`, async () => {
    const base = temporaryDir();
    let n = 0;
    const files = fc.array(fc.tuple(fc.constantFrom('', 'a/', 'b/', 'a/b/', 'ab/'), gitFile), {
      minLength: 1,
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(paths, files, gitFile, fc.nat(), async (some, ignoreFiles, exclude, tracked) => {
        const dir = join(base, String(++n));
        plant(dir, some);
        git(dir, 'init', '-q');
        for (const [at, lines] of ignoreFiles) {
          try {
            mkdirSync(join(dir, at), { recursive: true });
            writeFileSync(join(dir, at, '.gitignore'), `${lines.join('\n')}\n`);
          } catch {
            // a file is there
          }
        }
        writeFileSync(join(dir, '.git/info/exclude'), `${exclude.join('\n')}\n`);
        const all = filesIn(dir);
        const forced = all.filter((_, i) => (tracked >> (i % 20)) % 3 === 1);
        if (forced.length > 0) git(dir, 'add', '-f', '--', ...forced.map((each) => `:(literal)${each}`));
        const theirs = listedByGit(dir);
        await withGit(dir, true, async (filter) => {
          await deliverAll(dir, `${dir}-pass`, filter);
          expect(filesIn(`${dir}-pass`)).toEqual(theirs);
        });
        await withGit(dir, true, async (filter) => {
          await deliverHints(dir, `${dir}-hints`, filter, all.reverse());
          expect(filesIn(`${dir}-hints`)).toEqual(theirs);
        });
      }),
      { numRuns: CASES },
    );
  });

  it.each([
    ['that leaves out everything', 'a\0- *\n'],
    ['that forgets the others', 'b\na\0!\n'],
    ['that reads another file', 'a\0. /etc/passwd\n'],
    ['of nothing', '\0\n!\0\n#\0- *\n \0- *\n'],
    ['before the end of a line of Windows’s', 'a\0- *\r\nb\r\n'],
  ])('what comes after a NUL in a line is no rule for rsync: one %s', async (_what, content) => {
    const dir = temporaryDir();
    fill(dir, { a: '', b: '', 'd/a': '', 'd/c': '' });
    git(dir, 'init', '-q');
    writeFileSync(join(dir, '.git/info/exclude'), content);
    const raw = rulesFromIgnoreFile(content, (line) => ({ kind: 'ignoreFile', path: '.syncignore', line }));
    await deliverAll(dir, `${dir}-pass`, filterOf({ syncignore: raw, defaults: [NO_GIT] }));
    expect(filesIn(`${dir}-pass`)).toEqual(listedByGit(dir));
  });

  it(`${CASES} random .syncignore files say what the same lines say in git's info/exclude`, async () => {
    const base = temporaryDir();
    let n = 0;
    await fc.assert(
      fc.asyncProperty(paths, gitFile, async (some, lines) => {
        const dir = join(base, String(++n));
        plant(dir, some);
        git(dir, 'init', '-q');
        const content = `${lines.join('\n')}\n`;
        writeFileSync(join(dir, '.git/info/exclude'), content);
        const raw = rulesFromIgnoreFile(Buffer.from(content).toString('latin1'), (line) => ({
          kind: 'ignoreFile',
          path: '.syncignore',
          line,
        }));
        const filter = filterOf({ syncignore: raw, defaults: [NO_GIT] });
        await deliverAll(dir, `${dir}-pass`, filter);
        expect(filesIn(`${dir}-pass`)).toEqual(listedByGit(dir));
      }),
      { numRuns: CASES },
    );
  });
});
