import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { place, Running } from '../support/cli.js';
import { fill, names } from '../support/tree.js';

const many = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`d${i % 3}/f${i}`, 'x'.repeat(50_000)]));

it('an interrupted first sync and the target removed there: the next start gets through', async () => {
  const { local, remote, args, env, run } = place();
  fill(local, many);
  const running = new Running([...args, local, '--bwlimit', '500', '--json'], { env });
  await running.until('some files', () => running.events.filter(({ event }) => event === 'started').length > 8);
  running.child.kill('SIGINT');
  running.child.kill('SIGTERM');
  await running.ended;
  rmSync(remote, { recursive: true });
  const again = await run(['--once', '--debug']);
  expect(again.stderr).toBe('');
  expect(again.code).toBe(0);
  expect(names(remote)).toEqual(names(local));
});

it('the target removed while it runs is made again with all that was in it', async () => {
  const { local, remote, start, same } = place();
  fill(local, { ...many, a: 'a' });
  const running = start();
  await running.inSync();
  rmSync(remote, { recursive: true });
  writeFileSync(join(local, 'a'), 'changed');
  rmSync(join(local, 'd1'), { recursive: true });
  await same(running);
});

it('what the target is in removed while it runs: said, and made good when it is back', async () => {
  const { local, remote, to, server, env, fillRemote } = place();
  fillRemote({});
  fill(local, { ...many, a: 'a' });
  const running = new Running(['-F', server.sshConfig, '--to', `${to}/in`, '--json', local], { env });
  await running.inSync();
  rmSync(remote, { recursive: true });
  writeFileSync(join(local, 'a'), 'changed');
  const trouble = await running.event('trouble');
  expect(trouble['failure']).toMatchObject({ message: expect.stringMatching(/target directory can't be made/) });
  fillRemote({});
  await running.until('all is there', () => names(join(remote, 'in')).length === names(local).length);
});
