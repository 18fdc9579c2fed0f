import { expect, it } from 'vitest';
import { isColored } from '../../src/report/color.js';

type Case = readonly [
  when: 'auto' | 'always' | 'never',
  isTerminal: boolean,
  env: Record<string, string>,
  colored: boolean,
];

it.each<Case>([
  ['auto', true, {}, true],
  ['auto', false, {}, false],
  ['auto', true, { TERM: 'dumb' }, false],
  ['auto', true, { NO_COLOR: '1' }, false],
  ['auto', true, { NO_COLOR: '' }, true],
  ['auto', false, { FORCE_COLOR: '1' }, true],
  ['auto', false, { FORCE_COLOR: 'true', TERM: 'dumb' }, true],
  ['auto', true, { FORCE_COLOR: '0' }, false],
  ['auto', true, { FORCE_COLOR: 'false' }, false],
  ['auto', true, { FORCE_COLOR: '' }, true],
  ['auto', false, { FORCE_COLOR: '' }, false],
  ['auto', false, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
  ['always', false, { NO_COLOR: '1', TERM: 'dumb' }, true],
  ['never', true, { FORCE_COLOR: '1' }, false],
])('--color=%s, terminal: %s, %j: %s', (when, isTerminal, env, colored) => {
  expect(isColored(when, isTerminal, env)).toBe(colored);
});
