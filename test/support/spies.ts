import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fill, temporaryDir } from './tree.js';

/** Settings of git that hold a command (git-config(1); the one on virtualFilesystem is Microsoft's). */
const COMMANDS = [
  'core.fsmonitor',
  'core.virtualFilesystem',
  'core.sshCommand',
  'core.gitProxy',
  'core.pager',
  'core.editor',
  'core.askPass',
  'core.alternateRefsCommand',
  'pager.ls-files',
  'pager.config',
  'sequence.editor',
  'diff.external',
  'diff.x.command',
  'diff.x.textconv',
  'filter.x.clean',
  'filter.x.smudge',
  'filter.x.process',
  'merge.x.driver',
  'gpg.program',
  'interactive.diffFilter',
  'uploadpack.packObjectsHook',
  'remote.origin.uploadpack',
  'hook.x.command',
];

/** The same, where git takes a command only after a `!`. */
const SHELL_COMMANDS = [
  'alias.rev-parse',
  'alias.ls-files',
  'alias.check-ignore',
  'alias.config',
  'credential.helper',
  'submodule.x.update',
];

const HOOKS = [
  'post-index-change',
  'reference-transaction',
  'post-checkout',
  'pre-auto-gc',
  'pre-command',
  'post-command',
];

export const git = (cwd: string, ...args: readonly string[]): string =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });

/** Programs that tell of being started, and a git config that names them wherever it can. */
export class Spies {
  readonly folder = temporaryDir();
  readonly #told = join(this.folder, 'told');

  constructor() {
    const spy = join(this.folder, 'spy');
    writeFileSync(spy, `#!/bin/sh\necho "\${0##*/} $*" >> '${this.#told}'\nexit 1\n`);
    chmodSync(spy, 0o755);
    for (const name of [...COMMANDS, ...SHELL_COMMANDS]) symlinkSync('spy', join(this.folder, name));
    mkdirSync(this.hooks);
    for (const name of HOOKS) symlinkSync('../spy', join(this.hooks, name));
  }

  get hooks(): string {
    return join(this.folder, 'hooks');
  }

  /** What was started since the last time. */
  sprung(): string {
    const told = existsSync(this.#told) ? readFileSync(this.#told, 'utf8') : '';
    rmSync(this.#told, { force: true });
    return told;
  }

  /** Lines for a config of git's; `more`: others, as `core.bare=false`. */
  config(more: readonly string[] = []): string {
    const settings = [
      ...COMMANDS.map((key) => `${key}=${join(this.folder, key)}`),
      ...SHELL_COMMANDS.map((key) => `${key}=!${join(this.folder, key)}`),
      `core.hooksPath=${this.hooks}`,
      'hook.x.event=post-index-change',
      'filter.x.required=true',
      'submodule.recurse=true',
      ...more,
    ];
    return settings.map((setting) => settingInWords(setting)).join('');
  }

  /** A repository of plain files, as an archive has them: `gitDir` is its folder, `workTree` holds a tracked file. */
  plant(gitDir: string, workTree: string, more: readonly string[] = []): void {
    mkdirSync(workTree, { recursive: true });
    fill(workTree, {
      '.gitattributes': '* filter=x diff=x merge=x\n',
      '.gitignore': '*.log\n',
      tracked: 't',
      'x.log': '',
    });
    fill(gitDir, {
      HEAD: 'ref: refs/heads/main\n',
      'refs/': '',
      'objects/': '',
      config: '[core]\n\trepositoryformatversion = 0\n',
    });
    git(
      workTree,
      `--git-dir=${gitDir}`,
      `--work-tree=${workTree}`,
      '-c',
      'core.attributesFile=/dev/null',
      'add',
      '.gitignore',
    );
    writeFileSync(join(gitDir, 'config'), `[core]\n\trepositoryformatversion = 0\n${this.config(more)}`);
    this.sprung();
  }

  /** Whether git, called by hand, starts something there. */
  isArmed(dir: string): boolean {
    try {
      git(dir, 'ls-files');
    } catch {
      // it may well fail
    }
    return this.sprung() !== '';
  }
}

/** `a.b.c=value` as a config file has it. */
function settingInWords(setting: string): string {
  const [key = '', value = ''] = setting.split(/=(.*)/s);
  const [, section, name, last] = /^([^.]+)\.(?:(.+)\.)?([^.]+)$/.exec(key) ?? [];
  return `[${section}${name === undefined ? '' : ` "${name}"`}]\n\t${last} = "${value}"\n`;
}
