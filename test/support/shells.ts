import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { fill, temporaryDir } from './tree.js';

export type Shell = 'bash' | 'zsh' | 'fish';

/** How each is started so that it completes syncwatch, as a user has it, and has a prompt that can be waited for. */
const STARTED: Readonly<Record<Shell, (folder: string) => readonly string[]>> = {
  bash: (folder) => {
    fill(folder, { rc: 'PS1="ready> "\nbind "set enable-bracketed-paste off"\neval "$(syncwatch completion bash)"\n' });
    return ['bash', '--noprofile', '--rcfile', join(folder, 'rc'), '-i'];
  },
  zsh: (folder) => {
    const dump = join(folder, 'dump');
    fill(folder, {
      '.zshrc': `PS1='ready> '\nbindkey -e\nautoload -Uz compinit && compinit -u -d '${dump}'\neval "$(syncwatch completion zsh)"\n`,
    });
    return ['env', `ZDOTDIR=${folder}`, 'zsh', '-d', '-i'];
  },
  fish: (folder) => {
    fill(folder, {
      rc: "function fish_prompt; echo -n 'ready> '; end\nset -g fish_greeting\nsyncwatch completion fish | source\n",
    });
    return ['fish', '--no-config', '-i', '-C', `source ${join(folder, 'rc')}`];
  },
};

/** A guard against hanging, in milliseconds. */
const PATIENCE_MS = 60_000;

/**
 * Types a line and Tab into the shell itself, on a terminal of its own. Gives the words that are there then, and all that was shown.
 * The line is never run: what is run has `printf` before it.
 */
export async function tabbed(
  shell: Shell,
  line: string,
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<{ words: string[]; shown: string }> {
  const folder = temporaryDir();
  const command = STARTED[shell](folder)
    .map((word) => `'${word}'`)
    .join(' ');
  const child = spawn('script', ['--quiet', '--flush', '--command', command, '/dev/null'], {
    cwd: options.cwd,
    env: { ...options.env, SHELL: '/bin/sh', TERM: 'xterm', COLUMNS: '200', LINES: '50' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let shown = '';
  let isTyped = false;
  child.stdout.on('data', (chunk: Buffer) => {
    shown += chunk;
    if (!isTyped && shown.includes('ready> ')) {
      isTyped = true;
      // Ctrl-A: to the beginning of the line. The keys wait until Tab has done its work.
      child.stdin.write(`${line}\t\x01printf "<%s>" begin \x05 end\r`);
    } else if (/<end>/.test(shown)) child.stdin.end('exit\r');
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  const [, made = ''] = /<begin>(.*)<end>/s.exec(shown) ?? [];
  return { words: [...made.matchAll(/<([^>]*)>/g)].map(([, word = '']) => word), shown };
}
