import { expect, it } from 'vitest';
import type { Event } from '../../src/core/event.js';
import { forEachHook } from '../../src/core/hook-kinds.js';
import { nameFromText } from '../../src/core/name.js';
import { Hooks } from '../../src/hooks/hooks.js';
import { PROGRAMS } from '../support/programs.js';
import { temporaryDir } from '../support/tree.js';

/** What is told of the output of a command that runs after an upload. */
async function outputOf(command: string): Promise<string | undefined> {
  const told: Event[] = [];
  const hooks = new Hooks({
    programs: PROGRAMS,
    commands: { ...forEachHook(() => []), onUpload: [{ command, only: undefined }] },
    root: temporaryDir(),
    target: 't',
    reach: () => ({ kind: 'none' }),
    report: (event) => told.push(event),
  });
  const item = { action: 'send', name: nameFromText('a'), bytes: 1, isNew: true } as const;
  hooks.handle({ kind: 'delivered', target: 't', items: [item], ms: 1 });
  await hooks.idle();
  const [event] = told;
  return event?.kind === 'hook' ? event.output : undefined;
}

it.each([
  ['that comes in two pieces', "printf 'caf\\303'; sleep 0.2; printf '\\251\\n'", 'café\n'],
  [
    'with something from stderr in between',
    "printf 'caf\\303'; sleep 0.2; printf 'x' >&2; sleep 0.2; printf '\\251\\n'",
    'cafxé\n',
  ],
  [
    'of which there is more than is kept',
    `i=0; while [ $i -lt 2500 ]; do printf 'é'; i=$((i+1)); done; printf 'x'`,
    `${'é'.repeat(2_500)}x`,
  ],
  [
    'of which there is much more than is kept',
    `i=0; while [ $i -lt 300 ]; do printf '😀😀😀😀😀😀😀😀😀😀'; i=$((i+1)); done; printf 'x'`,
    `${'😀'.repeat(1_999)}x`,
  ],
])("a hook's output %s is whole characters", async (_what, command, output) => {
  expect(await outputOf(command)).toBe(output);
});
