import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Place, place, type Running } from '../support/cli.js';
import { fill, names, temporaryDir } from '../support/tree.js';

/** A running syncwatch with a small tree that is in sync. */
async function started(
  files: Readonly<Record<string, string>> = { 'a.txt': 'a', 'd/b.txt': 'b', 'd/e/c.txt': 'c' },
): Promise<Place & { running: Running; at: (path: string) => string }> {
  const where = place();
  fill(where.local, files);
  const running = where.start();
  await running.inSync();
  await where.same(running);
  return { ...where, running, at: (path) => join(where.local, path) };
}

describe('everything a tree does arrives', () => {
  it('new files and directories, empty ones too', async () => {
    const { at, same, running } = await started();
    writeFileSync(at('new.txt'), 'new');
    mkdirSync(at('empty'));
    fill(at('.'), { 'x/y/z/deep.txt': 'deep' });
    await same(running);
  });

  it('changes in place, appended, and saved atomically', async () => {
    const { at, same, running } = await started();
    writeFileSync(at('a.txt'), 'changed');
    appendFileSync(at('d/b.txt'), 'more');
    writeFileSync(at('d/e/.c.txt.tmp'), 'atomic');
    renameSync(at('d/e/.c.txt.tmp'), at('d/e/c.txt'));
    await same(running);
  });

  it('a second edit of the same size within the same second', async () => {
    const { at, same, running } = await started();
    for (let i = 0; i < 6; i++) {
      const before = running.events.length;
      writeFileSync(at('a.txt'), String(i));
      await same(running);
      // the run is over, so that it is the next run that has to notice the next edit
      await running.event('inSync', () => true, before);
    }
  });

  it('deleted files, and directories with all that is below them', async () => {
    const { at, same, running } = await started();
    unlinkSync(at('a.txt'));
    await same(running);
    rmSync(at('d'), { recursive: true });
    writeFileSync(at('stays.txt'), '');
    await same(running);
  });

  it('a renamed file, and a renamed directory with what changes below it afterwards', async () => {
    const { at, same, running } = await started();
    renameSync(at('a.txt'), at('z.txt'));
    renameSync(at('d'), at('dd'));
    await same(running);
    writeFileSync(at('dd/e/c.txt'), 'changed after the rename');
    writeFileSync(at('dd/e/n.txt'), 'new after the rename');
    await same(running);
    renameSync(at('dd/e'), at('e'));
    writeFileSync(at('e/c.txt'), 'changed at once');
    await same(running);
  });

  it('two directories swapped, and two files of one size and time', async () => {
    const { at, same, running } = await started({ 'p/f': 'p', 'q/f': 'q', one: '1', two: '2' });
    const then = new Date(1_700_000_000_000);
    utimesSync(at('one'), then, then);
    utimesSync(at('two'), then, then);
    await same(running);
    for (const [a, b] of [
      ['p', 'q'],
      ['one', 'two'],
    ] as const) {
      renameSync(at(a), at('t'));
      renameSync(at(b), at(a));
      renameSync(at('t'), at(b));
    }
    await same(running);
  });

  it('a directory moved in, and what changes in it afterwards', async () => {
    const { at, same, running } = await started();
    const elsewhere = temporaryDir();
    fill(elsewhere, { 'in/1/2/3/f': 'f', 'in/1/g': 'g' });
    renameSync(join(elsewhere, 'in'), at('in'));
    await same(running);
    writeFileSync(at('in/1/2/3/f'), 'changed');
    writeFileSync(at('in/1/2/h'), 'h');
    await same(running);
  });

  it("file, directory and link in each other's place", async () => {
    const { at, same, running } = await started({ f: 'f', 'd/x/y': 'y', 'd/z': 'z', keep: '' });
    symlinkSync('keep', at('l'));
    await same(running);
    // file → directory → link → file → link → directory → file
    rmSync(at('f'));
    fill(at('.'), { 'f/in/side': 'i' });
    await same(running);
    rmSync(at('f'), { recursive: true });
    symlinkSync('keep', at('f'));
    await same(running);
    rmSync(at('f'));
    writeFileSync(at('f'), 'file again');
    await same(running);
    rmSync(at('f'));
    symlinkSync('d', at('f'));
    await same(running);
    rmSync(at('f'));
    fill(at('.'), { 'f/again': 'a' });
    await same(running);
    rmSync(at('d'), { recursive: true });
    writeFileSync(at('d'), 'was a directory with directories');
    rmSync(at('f'), { recursive: true });
    writeFileSync(at('f'), 'f');
    await same(running);
  });

  it('links as links, dangling ones too; hard-linked files as files', async () => {
    const { at, same, running } = await started();
    symlinkSync('a.txt', at('good'));
    symlinkSync('nowhere/at all', at('dangling'));
    symlinkSync('d', at('to-dir'));
    linkSync(at('a.txt'), at('hard'));
    await same(running);
    rmSync(at('good'));
    symlinkSync('d/b.txt', at('good'));
    writeFileSync(at('hard'), 'both names change');
    await same(running);
  });

  it('modes and times of files and directories', async () => {
    const { at, same, running } = await started();
    chmodSync(at('a.txt'), 0o755);
    chmodSync(at('d'), 0o700);
    await same(running);
    const then = new Date(1_000_000_000_123);
    utimesSync(at('a.txt'), then, then);
    utimesSync(at('d/e'), then, then);
    await same(running);
  });

  it('names with anything in them', async () => {
    const { at, same, running, remote } = await started();
    const odd = [
      'with space',
      ' leading and trailing ',
      'new\nline',
      'carriage\rreturn',
      'tab\t',
      '"double"',
      "it's",
      '-dash',
      '--delete',
      '#hash',
      ';semi',
      '*star?',
      '[set]',
      '{brace}',
      'back\\slash',
      '\\#101',
      '$HOME',
      '`true`',
      '~tilde',
      '!',
      '%i',
      'a:b',
      'é composed',
      'e\u0301 decomposed',
      '日本語',
      '🚀',
    ];
    for (const name of odd) writeFileSync(at(name), name);
    for (const name of odd) fill(at('.'), { [`dir ${name}/${name}`]: name });
    for (const bytes of [Buffer.from([0xff, 0xfe, 0x41]), Buffer.from('latin1 \xe9', 'latin1')]) {
      writeFileSync(Buffer.concat([Buffer.from(at('')), Buffer.from('/'), bytes]), 'bytes');
      mkdirSync(Buffer.concat([Buffer.from(at('')), Buffer.from('/dir'), bytes]));
      writeFileSync(Buffer.concat([Buffer.from(at('')), Buffer.from('/dir'), bytes, Buffer.from('/'), bytes]), 'bytes');
    }
    await same(running);
    // and again, now that they are known
    for (const name of odd) appendFileSync(at(`dir ${name}/${name}`), '!');
    writeFileSync(
      Buffer.concat([Buffer.from(at('')), Buffer.from('/dir'), Buffer.from([0xff, 0xfe, 0x41]), Buffer.from('/new')]),
      'below bytes',
    );
    await same(running);
    for (const name of odd) rmSync(at(`dir ${name}`), { recursive: true });
    for (const name of odd) unlinkSync(at(name));
    await same(running);
    expect(names(remote).length).toBe(names(at('.')).length);
  });

  it('FIFOs and sockets are skipped, and said with -v', async () => {
    const { at, local, remote, running, same, run } = await started();
    execFileSync('mkfifo', [at('pipe')]);
    writeFileSync(at('d/after.txt'), 'after');
    await same(running);
    expect(names(remote)).not.toContain('pipe');
    await running.event('skipped', (event) => event.path === 'pipe');
    // a file that becomes a FIFO is gone as a file
    rmSync(at('a.txt'));
    execFileSync('mkfifo', [at('a.txt')]);
    await same(running);
    expect(names(remote)).not.toContain('a.txt');
    await running.stop();
    const { stdout } = await run(['--once', '-v']);
    expect(stdout).toMatch(/pipe skipped: neither a file, a directory nor a link/);
    expect(local).toBeTruthy();
  });

  it('an existing file saved atomically and deleted at once', async () => {
    const { at, same, running } = await started();
    writeFileSync(at('tmp'), 'x');
    renameSync(at('tmp'), at('a.txt'));
    unlinkSync(at('a.txt'));
    await same(running);
  });

  it('a directory deleted and made again with other content', async () => {
    const { at, same, running } = await started();
    rmSync(at('d'), { recursive: true });
    fill(at('.'), { 'd/other': 'o' });
    await same(running);
    rmSync(at('d/other'));
    rmdirSync(at('d'));
    await same(running);
  });

  it('directories made quickly, and what changes in them later', async () => {
    const { at, same, running } = await started();
    for (let i = 0; i < 100; i++) fill(at('.'), { [`quick/${i}/a/b/c/f`]: String(i) });
    await same(running);
    await running.until('in sync', () => {
      const last = running.events.findLast(({ event }) => event === 'inSync' || event === 'delivered');
      return last?.['event'] === 'inSync';
    });
    for (let i = 0; i < 100; i += 7) writeFileSync(at(`quick/${i}/a/b/c/f`), 'changed');
    for (let i = 0; i < 100; i += 9) writeFileSync(at(`quick/${i}/a/b/new`), 'new');
    await same(running);
  });
});
