import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fill, temporaryDir } from '../support/tree.js';

const SCRIPT = resolve(import.meta.dirname, '../../fixtures/prepare.sh');

/** A clone with nothing installed, on a machine that has nothing but what the script itself is written in. */
function clone() {
  const base = temporaryDir();
  const [bin, repository, tmp] = ['bin', 'clone', 'tmp'].map((name) => join(base, name)) as [string, string, string];
  const said = join(base, 'said');
  for (const each of [bin, tmp]) mkdirSync(each);
  fill(repository, {
    'fixtures/prepare.sh': readFileSync(SCRIPT, 'utf8'),
    'package.json': '{ "engines": { "node": ">=20.19" } }',
    'package-lock.json':
      '{ "packages": { "": { "dependencies": { "one": "1" } }, "node_modules/one": {}, "node_modules/two": {} } }',
  });
  for (const tool of ['sh', 'sed', 'dirname', 'touch', 'cp', 'mkdir', 'node'])
    symlinkSync(execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim(), join(bin, tool));
  const program = (name: string, script: string): void => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  program('id', 'echo 0');
  // Each keeps what had been said before it was called.
  program('npm', `cp '${said}' '${base}/before-npm-'$1; echo "npm $*" >> '${base}/called'; mkdir -p node_modules`);
  program('apt-get', `cp '${said}' '${base}/before-apt-'$1; echo "apt-get $*" >> '${base}/called'`);
  program('rsync', 'echo "rsync  version 3.2.7"');
  return {
    base,
    tmp,
    program,
    run: (args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) => {
      const out = openSync(said, 'w');
      const { status } = spawnSync('/bin/sh', [join(repository, 'fixtures/prepare.sh'), ...args], {
        env: { PATH: bin, TMPDIR: tmp, ...env },
        stdio: ['ignore', out, out],
      });
      const read = (name: string): string =>
        existsSync(join(base, name)) ? readFileSync(join(base, name), 'utf8') : '';
      return { status, said: read('said'), read, called: read('called').trim().split('\n') };
    },
  };
}

describe('fixtures/prepare.sh', () => {
  it('says what it installs, and by which command, before it does', () => {
    const { run, tmp } = clone();
    const { status, said, read, called } = run(['nano', 'ssh']);
    expect([status, said]).toEqual([0, expect.stringContaining('building')]);
    expect(read('before-npm-ci')).toMatch(
      /installing into node_modules, of the 2 npm packages of package-lock.json, .*: one, and/,
    );
    expect(read('before-npm-ci')).toContain('npm ci --no-audit --no-fund --ignore-scripts');
    const install = 'apt-get install -y --no-install-recommends openssh-client procps nano';
    for (const step of ['update', 'install']) {
      expect(read(`before-apt-${step}`)).toMatch(
        /missing: ssh ps nano; installing the packages openssh-client procps nano/,
      );
      expect(read(`before-apt-${step}`)).toContain(install);
    }
    expect(called).toEqual([
      'npm ci --no-audit --no-fund --ignore-scripts',
      'apt-get update -qq',
      install,
      'npm run --silent build',
    ]);
    expect(readdirSync(tmp)).toEqual([]);
  });

  it('says what apt said where that fails, and no more than the command where it may not be called', () => {
    const { run, program, tmp } = clone();
    program('apt-get', 'echo "E: no such package" >&2; exit 100');
    expect(run()).toMatchObject({ status: 1, said: expect.stringContaining('E: no such package') });
    program('id', 'echo 1000');
    program('sudo', 'exit 1');
    const { status, said } = run();
    expect(status).toBe(1);
    expect(said).toMatch(
      /Missing: ssh ps\. Install with this command.*\n\n {2}sudo sh -c 'apt-get update .* openssh-client procps'/,
    );
    expect(readdirSync(tmp)).toEqual([]);
  });

  it('has each package manager’s own names', () => {
    const { run, base } = clone();
    for (const [manager, command] of [
      ['dnf', 'dnf install -y openssh-clients procps-ng vim'],
      ['pacman', 'pacman -S --noconfirm openssh procps-ng vim'],
      ['apk', 'apk add openssh procps vim'],
      ['brew', 'brew install openssh ps vim'],
    ] as const) {
      execFileSync('sh', [
        '-c',
        'cd "$1/bin" && for m in apt-get dnf pacman apk brew; do rm -f $m; done; cp id "$2"',
        'sh',
        base,
        manager,
      ]);
      expect(run(['vim'])).toMatchObject({ status: 1, said: expect.stringContaining(`\n  ${command}\n`) });
    }
  });

  it.each([
    ['18.20.4', 1],
    ['20.9.0', 1],
    ['20.18.3', 1],
    ['20.19.0', 0],
    ['22.0.0', 0],
  ])('on Node %s it ends with %i', (version, expected) => {
    const { run, base } = clone();
    const fake = join(base, 'fake.cjs');
    writeFileSync(
      fake,
      `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });`,
    );
    const { status, said, called } = run([], { NODE_OPTIONS: `--require ${fake}` });
    expect(status).toBe(expected);
    if (expected === 1) expect([said, called]).toEqual([`syncwatch needs Node >=20.19; this is ${version}.\n`, ['']]);
  });
});
