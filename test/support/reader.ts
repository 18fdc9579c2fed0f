import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { CLI, cleanEnv } from './cli.js';
import type { Block } from './pages.js';
import { startTestServer } from './server-setup.js';
import { send } from './signal.js';
import { fill } from './tree.js';

/** How long a page's command may take: a guard against hanging. */
const PATIENCE_MS = 120_000;

/** What is in the reader's project. */
const PROJECT = {
  'src/hello.py': 'print("hello")\n',
  'docs/notes.md': '# Notes\n',
  Makefile: 'test restart:\n\t@echo $@: `ls src`\n',
  'build/out.o': 'o',
  'data/big.bin': 'much',
  '.gitignore': '/build/\n',
};

/** As a login does it, but in a home of its own: sshd goes to that of the account. */
const IN_HOME =
  'ForceCommand cd && if [ -n "$SSH_ORIGINAL_COMMAND" ]; then exec sh -c "$SSH_ORIGINAL_COMMAND"; else exec sh; fi';

/** Somebody who does what a page says: has a home with a project in it, and a server that answers to any name. */
export class Reader {
  readonly home: string;
  readonly project: string;
  readonly #base: string;
  readonly #thereHome: string;
  readonly #sshConfig: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #stopServer: () => Promise<void>;
  #running: Running | undefined;
  #saves = 0;

  private constructor(base: string, thereHome: string, sshConfig: string, stopServer: () => Promise<void>) {
    this.#base = base;
    this.home = join(base, 'home');
    this.project = join(this.home, 'project');
    this.#thereHome = thereHome;
    this.#sshConfig = sshConfig;
    this.#stopServer = stopServer;
    this.#env = {
      ...cleanEnv(),
      HOME: this.home,
      PATH: `${join(base, 'bin')}:${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
      XDG_STATE_HOME: join(base, 'state'),
      XDG_RUNTIME_DIR: join(base, 'run'),
      USER: 'me',
      NO_COLOR: '1',
    };
  }

  static async begin(): Promise<Reader> {
    const base = realpathSync(mkdtempSync(join(tmpdir(), 'syncwatch-page-')));
    mkdirSync(join(base, 'run'), { mode: 0o700 });
    fill(join(base, 'home/project'), PROJECT);
    execFileSync('git', ['init', '--quiet', '--initial-branch=main'], { cwd: join(base, 'home/project') });
    const there = join(base, 'programs-there');
    program(there, 'sudo', 'exec "$@"');
    const { server, sshd, stop } = await startTestServer([IN_HOME], there);
    const sshConfig = join(base, 'ssh_config');
    const known = readFileSync(server.sshConfig, 'utf8').replace('Host there', 'Host *');
    writeFileSync(sshConfig, `${known}  ControlPath ${join(base, 'cm-%C')}\n`);
    const ssh = execFileSync('sh', ['-c', 'command -v ssh'], { encoding: 'utf8' }).trim();
    program(join(base, 'bin'), 'syncwatch', `exec '${process.execPath}' '${CLI}' "$@"`);
    program(join(base, 'bin'), 'ssh', `exec '${ssh}' -F '${sshConfig}' "$@"`);
    return new Reader(base, join(sshd.folder, 'home'), sshConfig, stop);
  }

  /** Does what a block says, and sees to it that it comes to what the page says. */
  async follow(block: Block): Promise<void> {
    const { file, has, says, there = 'project' } = block.values;
    if (file !== undefined) this.#write(this.#place(file), block.text);
    switch (block.language) {
      case 'sh':
        await (block.isWatch ? this.watch(block.text, there) : this.#run(block.text, says));
        break;
      case 'sshconfig':
        appendFileSync(this.#sshConfig, block.text);
        for (const [, host = ''] of block.text.matchAll(/^Host (\S+)$/gm)) await this.#run(`ssh -G ${host} >/dev/null`);
        break;
      case 'ini':
        if (spawnSync('systemd-analyze', ['--version']).status === 0)
          await this.#run(`said=$(systemd-analyze verify --user ${file} 2>&1); echo "$said"; test -z "$said"`); // of a key that it does not know it only tells
        await this.watch(linesOf(block.text, 'ExecStart'), there, linesOf(block.text, 'WorkingDirectory'));
        break;
      case 'xml':
        await this.watch(argumentsIn(wellFormed(block.text)), there);
        break;
    }
    if (has !== undefined) expect(existsSync(join(this.#thereHome, there, has)), `${has} there`).toBe(true);
  }

  /** Starts something that goes on, waits until it is in sync, saves a file and sees it there. */
  async watch(command: string, there = 'project', folder = ''): Promise<void> {
    await this.#running?.end();
    const running = new Running(
      command,
      this.#env,
      folder === '' ? this.project : this.#place(folder.replace('%h', '~')),
    );
    this.#running = running;
    await running.says(/in sync/);
    const saved = `src/saved-${++this.#saves}.txt`;
    fill(this.project, { [saved]: 'saved' });
    await this.#run('syncwatch flush');
    expect(readFileSync(join(this.#thereHome, there, saved), 'utf8')).toBe('saved');
  }

  /** What the one that goes on has said. */
  get said(): string {
    return this.#running?.output ?? '';
  }

  async end(): Promise<void> {
    await this.#running?.end();
    spawnSync(join(this.#base, 'bin/ssh'), ['-O', 'exit', 'box'], { stdio: 'ignore' });
    await this.#stopServer();
    rmSync(this.#base, { recursive: true, force: true });
  }

  /** Runs a script to its end, which has to be a success. */
  async #run(script: string, says = ''): Promise<void> {
    const running = new Running(script, this.#env, this.project);
    const code = await running.ended;
    expect(code, `${script}\n${running.output}`).toBe(0);
    expect(running.output).toContain(says);
  }

  #place(path: string): string {
    return path.startsWith('~') ? join(this.home, path.slice(1)) : join(this.project, path);
  }

  #write(path: string, text: string): void {
    fill(dirname(path), {});
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

/** A script in a process group of its own, as in a terminal, and what it says. */
class Running {
  output = '';
  readonly ended: Promise<number | string>;
  readonly #group: number;
  #isOver = false;
  #onNews: () => void = () => {};

  constructor(script: string, env: NodeJS.ProcessEnv, cwd: string) {
    const child = spawn('sh', ['-e', '-c', script], { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#group = -(child.pid ?? Number.NaN);
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
        this.#onNews();
      });
    const timer = setTimeout(() => send(this.#group, 'SIGKILL'), PATIENCE_MS);
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        clearTimeout(timer);
        this.#isOver = true;
        this.#onNews();
        resolve(code ?? signal ?? 'unknown');
      });
    });
  }

  async says(words: RegExp): Promise<void> {
    while (!words.test(this.output)) {
      if (this.#isOver) throw new Error(`it ended before it said ${words}:\n${this.output}`);
      await new Promise<void>((resolve) => {
        this.#onNews = resolve;
      });
    }
  }

  async end(): Promise<void> {
    if (!this.#isOver) send(this.#group, 'SIGINT'); // all of it may have ended, and nobody has told us yet
    await this.ended;
  }
}

function program(folder: string, name: string, command: string): void {
  fill(folder, { [name]: `#!/bin/sh\n${command}\n` });
  chmodSync(join(folder, name), 0o755);
}

/** The value of a key in a unit of systemd. */
const linesOf = (unit: string, key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1] ?? '';

/** XML whose elements are all closed, in their order. */
function wellFormed(xml: string): string {
  const open: string[] = [];
  for (const [, close, name = '', empty] of xml.matchAll(/<(\/?)([a-z]\w*)[^>]*?(\/?)>/g)) {
    if (empty === '/') continue;
    if (close === '') open.push(name);
    else expect(open.pop(), 'what is closed').toBe(name);
  }
  expect(open, 'what is never closed').toEqual([]);
  return xml;
}

/** The command of a launchd agent. */
function argumentsIn(plist: string): string {
  const [, array = ''] = /<key>ProgramArguments<\/key>\s*<array>(.*?)<\/array>/s.exec(plist) ?? [];
  return [...array.matchAll(/<string>(.*?)<\/string>/g)].map(([, each = '']) => `'${each}'`).join(' ');
}
