import { spawn } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { place, type Running } from '../support/cli.js';
import { fill, temporaryDir } from '../support/tree.js';

/** What is typed when something shows on the screen, in this order. */
type Script = ReadonlyArray<readonly [cue: string, keys: string]>;

const VIM: Script = [
  ['old text', 'Ohello'],
  ['hello', '\x1b:wq\r'],
];
const NANO: Script = [
  ['old text', 'hello\x0f'],
  ['Name to Write', '\r'],
  ['Wrote', '\x18'],
];

/** Runs an editor as a person does, on a terminal of its own. Gives its exit code. */
function edit(command: string, script: Script): Promise<number | null> {
  const args =
    process.platform === 'darwin' ? ['-q', '/dev/null', 'sh', '-c', command] : ['-qec', command, '/dev/null'];
  const env = { ...process.env, TERM: 'vt100', LINES: '24', COLUMNS: '80' };
  const editor = spawn('script', args, { stdio: ['pipe', 'pipe', 'inherit'], env });
  const left = [...script];
  let screen = '';
  editor.stdout.on('data', (chunk: Buffer) => {
    screen += chunk;
    const [next] = left;
    if (next === undefined || !screen.includes(next[0])) return;
    left.shift();
    screen = '';
    editor.stdin.write(next[1]);
  });
  onTestFinished(() => void editor.kill('SIGKILL'));
  return new Promise((resolve) => editor.once('exit', resolve));
}

/** What was uploaded under each name, in bytes. */
const uploads = (running: Running): Array<readonly [string | undefined, unknown]> =>
  running.events
    .filter((e) => e.event === 'started' && e['action'] === 'send')
    .map((e) => [e.path, e['bytes']] as const);

describe('a save', () => {
  it.each<readonly [string, string, Script]>([
    ['vim, in place', "vim -N -u NONE -i NONE --cmd 'set backupcopy=yes' note.txt", VIM],
    ['vim, a new file under the old name', "vim -N -u NONE -i NONE --cmd 'set backupcopy=no' note.txt", VIM],
    ['vim, with backups kept', "vim -N -u NONE -i NONE --cmd 'set backup' note.txt", VIM],
    ['nano', 'nano --ignorercfiles note.txt', NANO],
  ])('%s: the text arrives, and nothing else on the way', async (_name, command, script) => {
    const { local, remote, start, same } = place();
    fill(local, { 'note.txt': 'old text\n'.repeat(1_000) });
    const running = start();
    await running.inSync();
    const from = uploads(running).length;
    expect(await edit(`cd '${local}' && ${command}`, script)).toBe(0);
    expect(readFileSync(join(local, 'note.txt'), 'utf8')).toMatch(/^hello/);
    await same(running, (name) => /~$|\.swp$/.test(name));
    expect(readFileSync(join(remote, 'note.txt'), 'utf8')).toMatch(/^hello/);
    const sent = uploads(running)
      .slice(from)
      .filter(([path]) => path === 'note.txt');
    expect(sent.every(([, bytes]) => bytes === statSync(join(local, 'note.txt')).size)).toBe(true);
  });

  it('that is atomic never shows its temporary file there', async () => {
    const { local, start, same } = place();
    fill(local, { 'a.txt': 'old' });
    const running = start(['--debounce', '500']); // much longer than any hiccup of the machine in between
    await running.inSync();
    for (let n = 0; n < 5; n++) {
      writeFileSync(join(local, 'a.txt.tmp'), `new ${n}`);
      renameSync(join(local, 'a.txt.tmp'), join(local, 'a.txt'));
      await same(running);
    }
    expect(uploads(running).filter(([path]) => path === 'a.txt.tmp')).toEqual([]);
  });

  it('by a slow writer that truncates first is never empty there', async () => {
    const { local, start, same } = place();
    fill(local, { 'big.log': 'x'.repeat(100_000) });
    const debounceMs = 500;
    const running = start(['--debounce', String(debounceMs)]);
    await running.inSync();
    let stalls = 0; // a machine that stands still for so long leaves it empty for good, as far as anybody can tell
    for (let n = 0; n < 3; n++) {
      const emptied = performance.now();
      const fd = openSync(join(local, 'big.log'), 'w');
      await sleep(30);
      if (performance.now() - emptied >= debounceMs) stalls++;
      for (let chunk = 0; chunk < 20; chunk++) {
        writeSync(fd, String(n).repeat(5_000));
        await sleep(5);
      }
      closeSync(fd);
      await same(running);
    }
    expect(uploads(running).filter(([, bytes]) => bytes === 0).length).toBeLessThanOrEqual(stalls);
  });

  it('that really empties a file arrives too, and so does one dated in the future', async () => {
    const { local, start, same } = place();
    fill(local, { emptied: 'text', future: 'text' });
    const running = start();
    await running.inSync();
    truncateSync(join(local, 'emptied'));
    appendFileSync(join(local, 'future'), ' more');
    utimesSync(join(local, 'future'), 4e9, 4e9);
    await same(running);
  });

  it('of a small file does not wait for a large one, and the large one says how far it is', async () => {
    const { local, remote, start, same } = place();
    fill(local, { small: 'small' });
    const running = start(['--bwlimit=10m']);
    await running.inSync();
    const elsewhere = join(temporaryDir(), 'large');
    writeFileSync(elsewhere, Buffer.alloc(40_000_000, 'large '));
    renameSync(elsewhere, join(local, 'large'));
    await running.event('started', (e) => e.path === 'large');
    const progress = await running.event('progress');
    writeFileSync(join(local, 'small'), 'saved meanwhile');
    await running.until(
      'the small one is there',
      () => readFileSync(join(remote, 'small'), 'utf8') === 'saved meanwhile',
    );
    const delivered = (path: string) =>
      running.events.some((e) => e.event === 'delivered' && JSON.stringify(e['items']).includes(`"${path}"`));
    expect(delivered('large')).toBe(false);
    expect(progress).toMatchObject({ totalBytes: 40_000_000 });
    await same(running);
    await running.until('told of', () => delivered('large') && delivered('small'));
  });
});
