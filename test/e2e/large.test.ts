import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { place, Running } from '../support/cli.js';
import { fill } from '../support/tree.js';

describe('a large tree', () => {
  it('that is begun again: rsync is asked once what differs there, and that alone is brought', async () => {
    const there = place();
    const { local, remote } = there;
    for (let d = 0; d < 20; d++) {
      mkdirSync(join(local, `d${d}`));
      for (let f = 0; f < 1_000; f++) writeFileSync(join(local, `d${d}/f${f}`), '');
    }
    expect((await there.run(['--once'])).code).toBe(0);
    writeFileSync(join(local, 'd1/f1'), 'changed here');
    rmSync(join(local, 'd2'), { recursive: true });
    fill(local, { 'new/dir/f': 'new' });
    there.fillRemote({ 'd3/f3': 'changed there', 'd4/theirs': 'theirs' });
    const running = new Running([...there.args, local, '--debug'], { env: there.env });
    await running.until('in sync', () => /in sync/.test(running.stdout));
    const read = (name: string): string => readFileSync(join(remote, name), 'utf8');
    expect(['d1/f1', 'new/dir/f', 'd3/f3', 'd4/theirs'].map(read)).toEqual(['changed here', 'new', '', 'theirs']);
    expect(existsSync(join(remote, 'd2'))).toBe(false);
    const passes = running.stdout.split('\n').filter((line) => line.includes('--exclude-from=-'));
    expect(passes).toEqual([expect.stringContaining(' --dry-run ')]);
  });
});
