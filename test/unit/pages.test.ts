import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { messagesInSource, sources } from '../support/messages.js';
import { blocksIn, inlineCode, PAGES, pageText, prose, ROOT } from '../support/pages.js';

/** What test/e2e/pages.test.ts knows how to run or look at. */
const LANGUAGES = ['sh', 'json', 'make', 'ini', 'xml', 'sshconfig', 'gitignore'];

describe.each(PAGES)('the blocks of code in %s', (page) => {
  const blocks = blocksIn(page);

  it('are run by a test, or say that they are not', () => {
    const unmarked = blocks.filter(
      ({ language, isTest, notTested, testedBy }) =>
        language !== 'text' && !isTest && notTested === undefined && testedBy === undefined,
    );
    expect(
      unmarked.map(({ line, language }) => `${page}:${line}: ${language}`),
      'say what becomes of it: test/support/pages.ts has how',
    ).toEqual([]);
  });

  it('are of a kind that the test knows, or of a test that there is', () => {
    const odd = blocks.filter(
      ({ language, isTest, testedBy }) =>
        (isTest && !LANGUAGES.includes(language)) || (testedBy !== undefined && !existsSync(join(ROOT, testedBy))),
    );
    expect(odd.map(({ line, language, testedBy }) => `${page}:${line}: ${testedBy ?? language}`)).toEqual([]);
  });

  it('hide no command in a text', () => {
    const hidden = blocks.filter(
      ({ language, text }) => language === 'text' && /^(\$ |syncwatch |npm |ssh )/m.test(text),
    );
    expect(hidden.map(({ line }) => `${page}:${line}`)).toEqual([]);
  });
});

it('README.md fits a screen', () => {
  expect(pageText('README.md').split('\n').length).toBeLessThan(85);
});

describe('commands in running text', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };

  it.each(PAGES)('%s: an npm script that is named is there', (page) => {
    const named = [...pageText(page).matchAll(/\bnpm run ([\w:]+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});

describe('figures', () => {
  /** A claim: a time, a part, a size, a factor. */
  const FIGURE = /\b\d[\d.,]*\s?(?:ms|s|µs|%|MB|MiB|kB|times)(?![\w])/;

  it.each(['README.md', 'docs/comparison.md', 'docs/performance.md'])(
    '%s: a section that claims one names the command that makes it',
    (page) => {
      const sections = prose(page).split(/^(?=## )/m);
      const bare = sections.filter(
        (section) => FIGURE.test(section) && !/npm run (bench|soak)|not measured/.test(section),
      );
      expect(bare.map((section) => section.split('\n')[0])).toEqual([]);
    },
  );
});

describe('docs/troubleshooting.md', () => {
  const page = 'docs/troubleshooting.md';
  /** What begins a row of a table: a message, with `…` for what differs. */
  const rows = [...prose(page).matchAll(/^\| (.*?) \|/gm)]
    .flatMap(([, cell = '']) => [...cell.matchAll(/`` (.+?) ``|`([^`]+)`/g)])
    .map(([, long, short]) => long ?? short ?? '');
  const patterns = rows.map(
    (row) =>
      new RegExp(
        `^${row
          .split('…')
          .map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
          .join('.*')}$`,
        's',
      ),
  );
  const messages = messagesInSource();

  it('has rows, and the source messages', () => {
    expect(rows.length).toBeGreaterThan(40);
    expect(messages.length).toBeGreaterThan(60);
  });

  // Of a wrong command line the message itself says all; what begins and ends with what is put in has no words to look for.
  const wanted = messages.filter(({ kind, text }) => kind !== 'usage' && /[a-z]{3,}[^…]* [a-z]{2,}/.test(text));
  it.each(wanted.map(({ text, file }) => [text, file]))('has a row for "%s" (%s)', (text) => {
    expect(
      patterns.some((pattern) => pattern.test(text)),
      `add a row to ${page}: what it means, and what to do`,
    ).toBe(true);
  });

  const everything = sources().map(({ text }) => text.replaceAll("\\'", "'"));
  it.each(rows)('has a row "%s" for something that is said', (row) => {
    const parts = row
      .split('…')
      .map((part) => part.trim())
      .filter((part) => part.length > 3);
    const isSaid = everything.some((text) => parts.every((part) => text.includes(part)));
    expect(isSaid, 'no file in src/ has all of that').toBe(true);
  });
});

it.each(PAGES)('%s names commands of syncwatch that there are', (page) => {
  const commands = inlineCode(page).flatMap((code) => /^syncwatch ([a-z]+)(?![\w:/.-])/.exec(code)?.[1] ?? []);
  const help = readFileSync(join(ROOT, 'docs/manual.md'), 'utf8');
  expect(commands.filter((name) => !help.includes(`\`syncwatch ${name}`))).toEqual([]);
});
