import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Name, nameFromText } from '../../src/core/name.js';
import type { Input } from '../../src/core/sync/inputs.js';
import { LAST_LOOK_MS, SILENCE_LOOK_MS, SILENCE_MS } from '../../src/core/sync/policy.js';
import { isBusy, isPassing, owesPass } from '../../src/core/sync/state.js';
import { BROKEN, GIVEN_BY, type How, World } from '../support/schedule-world.js';

const names = ['a', 'b', 'c', 'large', 'larger', 'largest'].map((text) => nameFromText(text));
const how = fc.constantFrom<How>('ok', 'ok', 'failed', 'broke', 'rootGone');

type GivenBy<Who> = { [Kind in Input['kind']]: (typeof GIVEN_BY)[Kind] extends Who ? Kind : never }[Input['kind']];

const givenBy = <Who extends 'anybody' | 'theEnd'>(who: Who): fc.Arbitrary<GivenBy<Who>> =>
  fc.constantFrom(
    ...((Object.keys(GIVEN_BY) as Array<keyof typeof GIVEN_BY>).filter((kind) => GIVEN_BY[kind] === who) as Array<
      GivenBy<Who>
    >),
  );

/** With what belongs to it. */
function inputOf(kind: GivenBy<'anybody' | 'theEnd'>): Input {
  switch (kind) {
    case 'passWanted':
      return { kind, pass: 'full', tries: Number.POSITIVE_INFINITY };
    case 'removedThere':
      return { kind, name: nameFromText('a') };
    case 'halt':
      return { kind, failure: BROKEN };
    default:
      return { kind };
  }
}

/** Everything that can happen to it, in any order. */
const happening = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('save' as const), name: fc.constantFrom(...names) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('change' as const), name: fc.constantFrom(...names) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('endTurn' as const), how }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('endBulk' as const), how }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('time' as const), ms: fc.constantFrom(1, 5, 60, 600, 20_000) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.oneof(
        { weight: 2, arbitrary: fc.constantFrom('walk', 'endProbe') },
        { weight: 12, arbitrary: givenBy('anybody') },
      ),
    }),
  },
);
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

function happen(world: World, event: Happening): void {
  switch (event.do) {
    case 'save':
      world.change(event.name);
      world.note(event.name);
      return;
    case 'change':
      return void world.change(event.name); // nobody hears of it
    case 'walk':
      world.walk();
      return;
    case 'endTurn':
      world.endTurn(event.how);
      return;
    case 'endBulk':
      world.endBulk(event.how);
      return;
    case 'time':
      world.advance(event.ms);
      return;
    case 'endProbe':
      world.endProbe();
      return;
    case 'hurry':
      world.pending.hurry();
      world.take({ kind: 'hurry' });
      return;
    default:
      world.take(inputOf(event.do));
      return;
  }
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`it does not hold that ${what}`);
}

/** A world in which what never must be is looked for after each step. */
function watched(policy: { readonly oneByOne: boolean }, dice: () => number): World {
  const world = new World({ ...policy, rescanMs: 300_000 });
  world.random = dice;
  world.take({ kind: 'up' });
  world.isLarge = (name) => name.startsWith('large');
  let rests = 0;
  world.restMs = () => (rests++ % 3 === 0 ? Math.ceil(dice() * 50) : 0);
  let wasTold = 0;
  world.check = () => {
    const { state, pending, turn, bulk, told } = world;
    if (state.phase.is === 'over') {
      must(world.ends.length === 1 && world.wakeMs === undefined, 'it ends once, and no timer is left');
      return;
    }
    // Never two runs of one name at once, and a pass runs alone.
    if (turn?.kind === 'batch' && bulk !== undefined) must(!turn.took.has(bulk.name), 'one run of a name at once');
    must(turn?.kind !== 'pass' || bulk === undefined, 'a pass runs alone');
    must(isPassing(state.phase) === (turn?.kind === 'pass'), 'it knows whether a pass goes on');
    // What waits has a timer, or something whose end is told.
    const { phase } = state;
    if (phase.is === 'waiting' && bulk === undefined && (pending.nextMs !== undefined || state.pass !== undefined))
      must(world.joinMs !== undefined || world.wakeMs !== undefined, 'what waits has a timer');
    if (phase.is === 'waiting') must(turn === undefined, 'what waits does not run');
    if (phase.is === 'draining' && phase.how === 'stop') must(world.wakeMs !== undefined, 'the end has a timer');
    if (phase.is === 'draining' && phase.how === 'finish')
      must(turn !== undefined || bulk !== undefined, 'until it is over something goes on');
    // In sync is told exactly when nothing waits.
    const isIdle = pending.size === 0 && !isBusy(state) && !owesPass(state);
    for (; wasTold < told.length; wasTold++) {
      if (told[wasTold]?.kind === 'inSync') must(isIdle && !state.isInSyncDue, 'in sync is told when nothing waits');
      if (told[wasTold]?.kind === 'paused') must(!isBusy(state), 'paused is told when nothing is under way');
    }
    if (phase.is === 'paused' && !isBusy(state)) must(phase.isTold, 'paused is told at once then');
    if (isIdle && phase.is === 'waiting') must(!state.isInSyncDue, 'in sync is told at once');
  };
  return world;
}

const dice = fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })).map((stream) => () => {
  const next = stream.next();
  return next.done === true ? 0.5 : next.value;
});

describe('the schedule, whatever happens in whatever order', () => {
  it('loses no name, never sends one twice at once, lets a pass run alone, and brings everything at last', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 80 }), fc.boolean(), dice, (happenings, oneByOne, random) => {
        const world = watched({ oneByOne }, random);
        const noted = new Set<Name>();
        for (const event of happenings) {
          const differed = world.differing;
          happen(world, event);
          if (event.do === 'save') noted.add(event.name);
          // That of what was in step nobody has heard.
          if (event.do === 'change' && !differed.includes(event.name)) noted.delete(event.name);
          // Each name that was noted is there, waits, or is with a pass that is to come.
          for (const name of world.differing)
            must(!noted.has(name) || world.pending.has(name) || owesPass(world.state), 'what was noted is not lost');
        }
        world.take({ kind: 'up' });
        world.take({ kind: 'resume' });
        world.walk();
        world.settle(200_000);
        expect(world.differing).toEqual([]);
        expect(world.pending.size).toBe(0);
        expect(world.state).toMatchObject({ phase: { is: 'waiting' }, isInSyncDue: false, busySinceMs: undefined });
      }),
      { numRuns: 1_000 },
    );
  });

  it('ends within its bound, whenever it is asked to and whatever its runs come to', () => {
    fc.assert(
      fc.property(
        fc.array(happening, { maxLength: 50 }),
        givenBy('theEnd'),
        fc.array(happening, { maxLength: 50 }),
        fc.boolean(),
        dice,
        (before, ask, after, oneByOne, random) => {
          const world = watched({ oneByOne }, random);
          for (const event of before) happen(world, event);
          world.take(inputOf(ask));
          if (ask === 'cut') expect(world.ends).toEqual([{ kind: 'cut' }]);
          if (ask === 'halt') expect(world.ends).toEqual([{ kind: 'halted', failure: BROKEN }]);
          for (const event of after) happen(world, event);
          world.settle(LAST_LOOK_MS);
          expect(world.ends).toHaveLength(1);
          if (world.ends[0]?.kind === 'drained' && world.told.every(({ kind }) => kind !== 'trouble')) {
            // What is left has failed, or goes on changing: it still waits, and is told as not sent.
            for (const name of world.differing) if (!world.pending.has(name)) expect(before).not.toContain(name);
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('ends soon after the other side has gone quiet, with what waits still waiting', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 50 }), dice, (before, random) => {
        const world = watched({ oneByOne: false }, random);
        for (const event of before) happen(world, event);
        world.take({ kind: 'stop' });
        const atMs = world.ms;
        world.lastOutputMs = world.ms; // from now on rsync says nothing, and nothing ends
        world.advance(SILENCE_MS + SILENCE_LOOK_MS);
        expect(world.ends).toHaveLength(1);
        expect(world.ms - atMs).toBeLessThanOrEqual(SILENCE_MS + SILENCE_LOOK_MS);
      }),
      { numRuns: 300 },
    );
  });
});
