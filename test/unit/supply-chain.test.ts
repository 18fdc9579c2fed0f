import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const WORKFLOWS = join(ROOT, '.github/workflows');

it.each(readdirSync(WORKFLOWS))('%s uses actions by their commit, with the version beside it', (file) => {
  const uses = readFileSync(join(WORKFLOWS, file), 'utf8')
    .split('\n')
    .filter((line) => /^\s*-?\s*uses:/.test(line));
  expect(uses.length).toBeGreaterThan(0);
  for (const line of uses) expect(line).toMatch(/uses: [\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
});

it('every npm package is held by its hash, and comes from the registry of npm', () => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { integrity?: string; resolved?: string }>;
  };
  const odd = Object.entries(packages).filter(
    ([path, { integrity, resolved }]) =>
      path !== '' &&
      !(
        integrity?.startsWith('sha512-') === true &&
        (resolved ?? 'https://registry.npmjs.org/').startsWith('https://registry.npmjs.org/')
      ),
  );
  expect(odd).toEqual([]);
});

it('the package has what is run and what is read, and nothing that leads nowhere', () => {
  const folder = mkdtempSync(join(tmpdir(), 'syncwatch-pack-'));
  try {
    execFileSync('sh', [join(ROOT, 'scripts/pack.sh'), folder]);
    const [tarball = ''] = readdirSync(folder);
    expect(tarball).toMatch(/^syncwatch-\d+\.\d+\.\d+\.tgz$/);
    execFileSync('tar', ['xzf', tarball], { cwd: folder });
    const shipped = join(folder, 'package');
    const files = readdirSync(shipped, { recursive: true, withFileTypes: true })
      .filter((each) => each.isFile())
      .map((each) => join(each.parentPath, each.name).slice(shipped.length + 1));
    const sources = readdirSync(join(ROOT, 'src'), { recursive: true }).map(String);
    const built = sources.filter((file) => file.endsWith('.ts')).map((file) => `dist/${file.replace(/ts$/, 'js')}`);
    // What is made of the options for editors is shipped, what makes it is not.
    const pages = readdirSync(join(ROOT, 'docs')).filter((file) => file.endsWith('.md'));
    const wanted = [
      ...built.filter((file) => file !== 'dist/options/schema.js'),
      ...pages.map((file) => `docs/${file}`),
      ...['dist/syncwatch.schema.json', 'package.json', 'LICENSE', 'README.md', 'SECURITY.md'],
    ];
    expect(files.sort()).toEqual(wanted.sort());
    for (const file of files.filter((each) => each.endsWith('.js'))) {
      const text = readFileSync(join(shipped, file), 'utf8');
      expect(text, file).not.toContain('sourceMappingURL');
      const near = [...text.matchAll(/(?:from |import\(|import |load\()'(\.[^']+)'/g)].map(([, path = '']) => path);
      for (const path of near) expect(files, `${file} imports ${path}`).toContain(join(file, '..', path));
    }
    // As it is installed: with its packages beside it.
    symlinkSync(join(ROOT, 'node_modules'), join(shipped, 'node_modules'));
    const version = execFileSync(process.execPath, [join(shipped, 'dist/cli.js'), '--version'], { encoding: 'utf8' });
    expect(`syncwatch-${version.trim()}.tgz`).toBe(tarball);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
