import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  dependencies: Readonly<Record<string, string>>;
};
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
    const code = files.filter((file) => file.endsWith('.js'));
    const pages = readdirSync(join(ROOT, 'docs')).filter((file) => file.endsWith('.md'));
    expect(files.filter((file) => !code.includes(file)).sort()).toEqual(
      [
        ...pages.map((file) => `docs/${file}`),
        ...readdirSync(join(ROOT, 'completions')).map((file) => `completions/${file}`),
        ...['dist/package.json', 'dist/syncwatch.schema.json', 'dist/LICENSES'],
        ...['package.json', 'CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md'],
      ].sort(),
    );
    const loaded = new Set<string>();
    for (const file of code) {
      const text = readFileSync(join(shipped, file), 'utf8');
      expect(text, file).not.toContain('sourceMappingURL');
      for (const [, path = ''] of text.matchAll(/(?<![\w$])(?:require|import)\("([^"]+)"\)/g))
        if (path.startsWith('.')) loaded.add(join(file, '..', path));
        else if (!isBuiltin(path)) expect(Object.keys(dependencies), `${file} loads ${path}`).toContain(path);
    }
    // What is loaded is there, and what is there is loaded: by others, or by node.
    expect([...loaded, 'dist/cli.js', 'dist/watcher.js'].sort()).toEqual(code.sort());
    const licences = readFileSync(join(shipped, 'dist/LICENSES'), 'utf8');
    for (const name of ['execa', 'p-queue', 'valibot']) expect(licences).toMatch(new RegExp(`^${name} [0-9.]+ `, 'm'));
    // As it is installed: with what it depends on beside it, and nothing else.
    for (const name of Object.keys(dependencies)) {
      mkdirSync(join(shipped, 'node_modules', name, '..'), { recursive: true });
      symlinkSync(join(ROOT, 'node_modules', name), join(shipped, 'node_modules', name));
    }
    const version = execFileSync(process.execPath, [join(shipped, 'dist/cli.js'), '--version'], { encoding: 'utf8' });
    expect(`syncwatch-${version.trim()}.tgz`).toBe(tarball);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
