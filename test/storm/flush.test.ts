import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { askOnce, findRunning } from '../../src/control/client.js';
import { amount } from '../support/amount.js';
import { randomFrom } from '../support/churn.js';
import type { Place } from '../support/cli.js';
import { faultyPlace } from '../support/faulty.js';
import { fill, names } from '../support/tree.js';

/** How often something is written and flushed under churn. */
const ROUNDS = amount(12, 500);

async function socketOf({ local, env }: Place): Promise<string> {
  const [found] = await findRunning([join(env['XDG_RUNTIME_DIR'] ?? '', 'syncwatch')], userInfo().uid, local);
  if (found === undefined) throw new Error('no syncwatch is found');
  return found.socket;
}

it(`flush returns when what was written before is there: ${ROUNDS} rounds under churn`, async () => {
  const there = await faultyPlace();
  const { local, remote, start } = there;
  fill(local, { 'keep/this': '', 'mine/a': '' });
  const running = start(['--no-default-excludes']);
  await running.inSync();
  const socket = await socketOf(there);
  let isOver = false;
  const churning = (async () => {
    const random = randomFrom(1);
    const one = (): string => join(local, 'keep', `d${Math.floor(random() * 5)}`, `f${Math.floor(random() * 30)}`);
    while (!isOver) {
      writeFileSync(join(local, 'keep', 'always'), String(random()));
      const [a, b] = [one(), one()];
      mkdirSync(join(a, '..'), { recursive: true });
      mkdirSync(join(b, '..'), { recursive: true });
      writeFileSync(a, String(random()));
      if (random() < 0.2) renameSync(a, b);
      if (random() < 0.05) rmSync(join(b, '..'), { recursive: true });
      await sleep(20);
    }
  })();
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const file = ['mine/a', `mine/new${round}`, `mine/d${round % 7}/e/f${round}`, 'mine/in place'][round % 4] ?? '';
      const gone = `mine/new${round - 8}`;
      fill(local, { [file]: String(round) });
      rmSync(join(local, gone), { force: true });
      const asked = await askOnce(socket, { ask: 'flush' }, 60_000);
      const said = asked.kind === 'answered' && asked.answer.answer === 'flush' ? asked.answer.flushed : asked;
      expect([round, said]).toEqual([round, { end: 'flushed' }]); // or which paths failed
      expect([round, readFileSync(join(remote, file), 'utf8')]).toEqual([round, String(round)]);
      expect([round, existsSync(join(remote, gone))]).toEqual([round, false]);
    }
  } finally {
    isOver = true;
    await churning;
  }
  // It has left no trace.
  expect(names(local).filter((name) => !name.startsWith('keep') && !name.startsWith('mine'))).toEqual([]);
});
