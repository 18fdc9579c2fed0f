import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCommand } from '../../src/commands/read.js';
import { commandNamed, commandNames, commandOf } from '../../src/commands/table.js';
import { RSYNC_OPTIONS } from '../../src/core/rsync/options.js';
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

  it('are in the test that they name', () => {
    const elsewhere = blocks.flatMap(({ line, testedBy, text }) => {
      if (testedBy === undefined) return [];
      const commands = text
        .replace(/#.*/g, '')
        .split(/&&|\n/)
        .map((each) => each.trim())
        .filter((each) => each !== '');
      const test = readFileSync(join(ROOT, testedBy), 'utf8');
      return commands.filter((command) => !test.includes(command)).map((command) => `${page}:${line}: ${command}`);
    });
    expect(elsewhere).toEqual([]);
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

describe('npm', () => {
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

describe('commands and options in running text', () => {
  /** As it is typed: without what says that a word may be left out, and without other programs. */
  const typed = (code: string): string[] =>
    (code.split(/ [|>] /)[0] ?? '')
      .replace(/[[\]…]/g, '')
      .replace(/\bDIR\b/, '.')
      .replace(/\bS\b/, '5')
      .split(/ +/)
      .slice(1);

  it.each(PAGES)('%s: commands of syncwatch are such as it takes', async (page) => {
    const commands = inlineCode(page).filter((code) => /^syncwatch (?!COMMAND|__)\S/.test(code) && !/\|\S/.test(code));
    const refused = await Promise.all(
      commands.map(async (code) => {
        const words = typed(code);
        const name = commandNamed(words[0]);
        const asked = await readCommand(name, commandOf(name), name === undefined ? words : words.slice(1));
        return asked.kind === 'failed' ? [`${code}: ${asked.failure.message}`] : [];
      }),
    );
    expect(refused.flat()).toEqual([]);
  });

  it.each(PAGES.filter((page) => page !== 'docs/design.md'))('%s: an option that is named is one', (page) => {
    const ours = [undefined, ...commandNames()].flatMap((name) => Object.keys(commandOf(name).options));
    const known = new Set([
      ...ours.flatMap((name) => [`--${name}`, `--no-${name}`]),
      ...RSYNC_OPTIONS.flatMap(({ names }) => names),
      '--help',
      '--version',
      '--no-settings',
    ]);
    const named = inlineCode(page).flatMap((code) => /^(--[a-z][\w-]*)(?![\w…-])/.exec(code)?.[1] ?? []);
    expect(named.filter((option) => !known.has(option))).toEqual([]);
  });
});
