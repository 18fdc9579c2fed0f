import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

/** The pages for users; what is said in them is held against what is there. */
export const PAGES: readonly string[] = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];

export const pageText = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

/**
 * A block of code in a page. Its info string says what becomes of it: `text` is nothing to run; `LANGUAGE test` is run by
 * test/e2e/pages.test.ts, with `watch` as something that goes on until its section ends, with `file=PATH` as a file of that name, with
 * `there=PATH` going to another place than `project` there, with `has=PATH` if that has to be there afterwards, and `says=WORD` if it has to say that. What is not
 * run there has a comment before it: `<!-- not tested: WHY -->`, or `<!-- tested by FILE -->`.
 */
export interface Block {
  readonly page: string;
  /** The headings that it is below, outermost first. */
  readonly headings: readonly string[];
  readonly line: number;
  readonly language: string;
  readonly isTest: boolean;
  readonly isWatch: boolean;
  readonly values: Readonly<Record<string, string>>;
  readonly text: string;
  readonly notTested: string | undefined;
  readonly testedBy: string | undefined;
}

/** All blocks of code in a page. */
export function blocksIn(page: string): Block[] {
  const blocks: Block[] = [];
  const headings: string[] = [];
  const lines = pageText(page).split('\n');
  for (let i = 0; i < lines.length; i++) {
    const heading = /^(#+) (.*)$/.exec(lines[i] ?? '');
    if (heading !== null) headings.splice((heading[1] ?? '').length - 1, headings.length, heading[2] ?? '');
    const fence = /^```(.*)$/.exec(lines[i] ?? '');
    if (fence === null) continue;
    const end = lines.indexOf('```', i + 1);
    if (end === -1) throw new Error(`${page}:${i + 1}: a block of code that does not end`);
    const [language = '', ...words] = (fence[1] ?? '').split(' ');
    const before = lines[i - 1] ?? '';
    blocks.push({
      page,
      headings: [...headings],
      line: i + 1,
      language,
      isTest: words.includes('test'),
      isWatch: words.includes('watch'),
      values: Object.fromEntries(words.flatMap((word) => (word.includes('=') ? [word.split('=', 2)] : []))),
      text: `${lines.slice(i + 1, end).join('\n')}\n`,
      notTested: /^<!-- not tested: (.+) -->$/.exec(before)?.[1],
      testedBy: /^<!-- tested by (\S+) -->$/.exec(before)?.[1],
    });
    i = end;
  }
  return blocks;
}

/** A page without its blocks of code. */
export const prose = (page: string): string => pageText(page).replace(/^```.*?^```$/gms, '');

/** What stands in a page between backticks, outside of blocks; in tables `\|` is a `|`. */
export const inlineCode = (page: string): string[] =>
  [...prose(page).matchAll(/`` (.+?) ``|`([^`\n]+)`/g)].map(([, long, short]) =>
    (long ?? short ?? '').replaceAll('\\|', '|'),
  );
