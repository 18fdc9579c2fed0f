import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

const filesIn = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name).slice(ROOT.length + 1));

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** The anchors of a document's headings, as GitHub makes them. */
const anchorsOf = (file: string): string[] =>
  [...read(file).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

/** Whether a reference, seen from this folder, leads to a file that is here, and to a heading in it. */
function leads(reference: string, folder: string): boolean {
  const [path = '', anchor] = reference.split('#');
  const file = join(folder, decodeURI(path));
  if (!existsSync(join(ROOT, file))) return false;
  return anchor === undefined || anchorsOf(file).includes(anchor);
}

const SOURCES = ['src', 'test', 'fixtures', 'scripts'].flatMap(filesIn).filter((file) => /\.(ts|mjs|sh)$/.test(file));
const OWN = 'test/unit/docs.test.ts';

describe('references', () => {
  it('a comment points only to what is in the repository', () => {
    const odd = SOURCES.filter((file) => file !== OWN).flatMap((file) =>
      read(file)
        .split('\n')
        .flatMap((line, i) => {
          const designs = [...line.matchAll(/\bdocs\/design\.md(?:#[\w-]+)?/g)].map(([reference]) => reference);
          const lost = designs.filter((reference) => !leads(reference, '.'));
          const outside = file.startsWith('src/')
            ? line.match(/\b(?:DESIGN|HOUSE)\b|\bissues? #?\d+|\bsection \d/)
            : null;
          return lost.length > 0 || outside !== null ? [`${file}:${i + 1}: ${line.trim()}`] : [];
        }),
    );
    expect(odd).toEqual([]);
  });

  it('the source refers to the design at all', () => {
    const referring = SOURCES.filter((file) => file.startsWith('src/') && read(file).includes('docs/design.md#'));
    expect(referring.length).toBeGreaterThan(5);
  });

  it.each(['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...filesIn('docs').filter((file) => file.endsWith('.md'))])(
    'all links of %s lead somewhere',
    (file) => {
      const text = read(file).replace(/```.*?```/gs, '');
      const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, to = '']) => to)
        .filter((to) => !/^https?:/.test(to));
      const lost = links.filter((to) => !leads(to.startsWith('#') ? basename(file) + to : to, dirname(file)));
      expect(lost).toEqual([]);
    },
  );
});

describe('CONTRIBUTING.md', () => {
  it('says of each folder in src/ what it does', () => {
    const where = read('CONTRIBUTING.md').split('## Where things are')[1]?.split('\n## ')[0] ?? '';
    const folders = ['', 'core/'].flatMap((above) =>
      readdirSync(join(ROOT, 'src', above), { withFileTypes: true })
        .filter((each) => each.isDirectory())
        .map(({ name }) => `\`${above}${name}/\``),
    );
    expect(folders.filter((folder) => !where.includes(folder))).toEqual([]);
  });

  it('names files and folders that are there', () => {
    const named = [
      ...read('CONTRIBUTING.md').matchAll(
        /`((?:src|test|docs|fixtures|scripts|core|\.ci)\/[\w./-]+|[a-z]+\/[\w/-]+\.ts)`/g,
      ),
    ];
    expect(named.length).toBeGreaterThan(10);
    const lost = named
      .map(([, path = '']) => path)
      .filter((path) => !existsSync(join(ROOT, path)) && !existsSync(join(ROOT, 'src', path)));
    expect(lost).toEqual([]);
  });
});
