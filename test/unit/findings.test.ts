import { expect, it } from 'vitest';
import type { Event } from '../../src/core/event.js';
import { ROOT } from '../../src/core/name.js';
import { begun } from '../../src/core/sync/entry.js';
import type { Input } from '../../src/core/sync/inputs.js';
import { MOST_WAITING } from '../../src/core/sync/policy.js';
import { type Phase, type State, schedule } from '../../src/core/sync/state.js';
import { SeenWaiting } from '../../src/scan/seen-waiting.js';
import { walkAll } from '../../src/scan/shared-walk.js';
import type { Listing } from '../../src/scan/walk.js';
import { Findings } from '../../src/sync/findings.js';
import { type FakeWork, fakeWork, n } from '../support/fake-work.js';

/** What is found while the schedule stands like this, and what it is told of. */
function findings(phase: Phase = { is: 'waiting' }, more: Partial<State> = {}) {
  const told: Event[] = [];
  const listed: Listing[] = [];
  const inputs: Input['kind'][] = [];
  const world = fakeWork({ report: (event) => told.push(event) });
  const state: State = { ...schedule({ oneByOne: false, rescanMs: 0 }), phase, ...more };
  const found = new Findings(
    { ...world.work, seen: new SeenWaiting(world.work), noteListing: (listing) => listed.push(listing) },
    { state, take: ({ kind }) => void inputs.push(kind) },
  );
  return { ...world, found, told, listed, inputs };
}

const waits = ({ work }: FakeWork): string[] => [...work.ledger.pending].map(([name]) => name);

it('what a listing shows to differ waits, once, and the listing goes back to the watcher', async () => {
  const world = findings();
  world.disk.write('a');
  const known = world.disk.write('known');
  for (const name of [ROOT, known]) world.work.ledger.delivered(name, world.disk.get(name) ?? begun('file'));
  for (let round = 0; round < 2; round++)
    for await (const listing of walkAll(world.disk, world.work.filter)) await world.found.compare(listing);
  expect([waits(world), world.inputs]).toEqual([['a'], ['noted']]);
  expect(world.listed.map(({ dir }) => dir)).toEqual([ROOT, ROOT]);
});

it('without a link it is told of each name, and after a loss no more than MOST_WAITING wait', () => {
  const world = findings({ is: 'offline', turn: undefined }, { afterLoss: 'ahead' });
  for (const name of ['a', 'a']) world.found.note(n(name));
  expect(world.inputs).toEqual(['noted', 'noted']);
  for (let i = 0; i <= MOST_WAITING; i++) world.found.note(n(`f${i}`));
  expect(world.work.ledger.pending.size).toBe(MOST_WAITING);
});

it('what is too long is told once, and named at the end', async () => {
  const world = findings();
  world.disk.tooLong.add(world.disk.write('long'));
  for (let round = 0; round < 2; round++)
    for await (const listing of walkAll(world.disk, world.work.filter)) world.found.noteListing(listing);
  expect(world.told).toMatchObject([{ kind: 'pathFailed', name: 'long' }]);
  expect(world.found.tooLong).toMatchObject([['long', { kind: 'path' }]]);
  expect(waits(world)).toEqual([]);
});
