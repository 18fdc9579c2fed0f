import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Running, run } from '../support/cli.js';
import { faultyPlace } from '../support/faulty.js';
import { canMount, mountSmall } from '../support/mount.js';
import { fill } from '../support/tree.js';

it('a target whose disk is full delays no other; flush says which one', async ({ skip }) => {
  if (!canMount() && process.env['CI'] === undefined) skip('this needs root');
  const { local, remote, to, args, env } = await faultyPlace();
  const full = `${remote}-full`;
  mkdirSync(full);
  mountSmall(full, 1);
  fill(local, { a: 'a' });
  const toFull = `${to}-full`;
  const running = new Running([...args, '--to', toFull, '--json', local], { env });
  await running.event('inSync', ({ target }) => target === toFull);
  fill(local, { big: 'x'.repeat(3_000_000) });
  for (const content of ['one', 'two', 'three']) {
    writeFileSync(join(local, 'a'), content);
    expect(await run(['flush', '--to', to, local], { env })).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(join(remote, 'a'), 'utf8')).toBe(content);
  }
  expect(readFileSync(join(remote, 'big'), 'utf8').length).toBe(3_000_000);
  const all = await run(['flush', '--timeout', '5', local], { env });
  expect(all.code).toBe(4);
  expect(all.stderr).toContain(`${toFull}: `);
  expect(all.stderr).not.toContain(`${to}: `);
});
