import { describe, expect, it } from 'vitest';
import { complete, type LookFor, written } from '../../src/commands/complete.js';
import { unquoted } from '../../src/commands/unquoted.js';

/** What is offered for the last word, and which files. */
async function offered(words: string, looks: Partial<LookFor> = {}): Promise<string> {
  const lookFor: LookFor = {
    targetNames: () => ['staging', 'board'],
    hosts: (config) => [config === undefined ? 'box' : `box-of-${config}`, 'server', '::1'],
    directoriesThere: async (to) => [`${to}src/`],
    ...looks,
  };
  const offers = await complete(words.split(' '), lookFor);
  const prefix = offers.prefix === '' ? '' : ` after ${offers.prefix}`;
  return `${offers.words.map(({ word }) => word).join(' ')} + ${offers.files}${prefix}`;
}

describe('what is offered', () => {
  it.each([
    ['fl', 'flush + directories'],
    ['st', 'status stop + directories'],
    ['src st', ' + none'],
    ['--json st', ' + directories'],
    ['--once --on', '--one-by-one --on-upload --on-sync --on-sync-remote + none'],
    ['--default', '--default-excludes + none'],
    ['--no-d', '--no-default-excludes + none'],
    ['--exclude a --exclude', '--exclude --exclude-from --exclude-regex + none'],
    ['--delete ', 'seen mirror never + none'],
    ['--delete s', 'seen + none'],
    ['--delete=m', 'mirror + none after --delete='],
    ['--port ', ' + none'],
    ['--exclude bui', ' + none'],
    ['--exclude-from ', ' + files'],
    ['--identity=', ' + files after --identity='],
    ['--why ', ' + files'],
    ['--to ', 'staging board box: server: [::1]: + directories'],
    ['-t s', 'staging server: + directories'],
    ['-vt s', 'staging server: + directories'],
    ['--to=me@s', 'me@server: + directories after --to='],
    ['-F conf --to box-', 'box-of-conf: + directories'],
    ['--to box:app/', 'box:app/src/ + none'],
    ['--to ./s', ' + directories'],
    ['-- --numeric', '--numeric-ids + none'],
    ['flush --t', '--timeout --to + none'],
    ['flush --to ', 'staging board + none'],
    ['flush --timeout ', ' + none'],
    ['flush ', ' + directories'],
    ['exec --no', '--no-flush + none'],
    ['exec -- ', ' + files'],
    ['allow --r', '--revoke + none'],
    ['allow ', ' + files'],
    ['doctor --on', '--one-by-one --on-upload --on-sync --on-sync-remote + none'],
    ['completion ', 'bash zsh fish + none'],
    ['help fl', 'flush + none'],
  ])('for %j', async (words, says) => {
    expect(await offered(words)).toBe(says);
  });

  it('is looked for only where it is asked for', async () => {
    const never = (): never => {
      throw new Error('looked');
    };
    const none = { targetNames: never, hosts: never, directoriesThere: never };
    for (const words of ['', '-', 'flush ', '--exclude x', '--delete ', 'stat', '--to h:p ', '-- -'])
      await offered(words, none);
  });

  it('is written a line each, and nothing that would break out of its line', async () => {
    const looks = {
      targetNames: () => ['a'],
      hosts: () => [],
      directoriesThere: async () => ['h:a/', 'h:b\n c/', 'h:\x1b/'],
    };
    const lookFor: LookFor = looks;
    expect(written(await complete(['--to', 'h:'], lookFor))).toBe('none\t\n+h:a/\t\n');
    expect(written(await complete(['--to='], lookFor))).toBe('directories\t--to=\n --to=a\tnamed in the settings\n');
  });
});

it.each([
  ["'a b", 'a b'],
  ['"a\\"b', 'a"b'],
  ['a\\ b', 'a b'],
  ["--to='x'y", '--to=xy'],
  ['"a\\b"', 'a\\b'],
  ['a\\', 'a\\'],
])('the word %j is %j without its quotes', (word, plain) => {
  expect(unquoted(word)).toBe(plain);
});
