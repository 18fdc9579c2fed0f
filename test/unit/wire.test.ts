import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/event.js';
import { forEachHook, HOOK_KINDS, HOOK_VARIABLES, hookKinds } from '../../src/core/hook-kinds.js';
import { jsonPrinter } from '../../src/report/json.js';
import { manualSection } from '../support/manual.js';
import { SAMPLES } from '../support/samples.js';

function printed(event: Event): string {
  let out = '';
  jsonPrinter(
    (text) => void (out += text),
    () => new Date(0),
  )(event);
  return out;
}

/** The same with one more member in each of its objects. */
const withMore = <T>(value: T): T => {
  if (Array.isArray(value)) return value.map(withMore) as T;
  if (typeof value !== 'object' || value === null) return value;
  const all = Object.entries(value).map(([key, each]) => [key, withMore(each)]);
  return { ...Object.fromEntries(all), ofOurOwn: 1 } as T;
};

describe('the events as programs get them', () => {
  it('are as in test/golden/events.jsonl: additions only (npx vitest -u writes it anew)', async () => {
    await expect(Object.values(SAMPLES).map(printed).join('')).toMatchFileSnapshot('../golden/events.jsonl');
  });

  it.each(Object.values(SAMPLES))('$kind shows nothing but what is meant for them', (event) => {
    expect(printed(withMore(event))).toBe(printed(event));
  });

  it.each(Object.values(SAMPLES))('$kind is in the manual with every field', (event) => {
    const docs = manualSection('JSON events');
    const [, fields, ...others] =
      docs
        .split('\n')
        .find((row) => row.startsWith(`| \`${event.kind}\` `))
        ?.split('|')
        .slice(1) ?? [];
    expect(fields, `no row for ${event.kind} in docs/manual.md, "JSON events"`).toBeDefined();
    expect(others[0]?.trim(), 'when it comes').not.toBe('');
    const { v: _v, time: _time, event: _event, ...rest } = JSON.parse(printed(event)) as Record<string, unknown>;
    const common = ['target', 'pathBase64'];
    const missing = Object.keys(rest).filter((field) => !common.includes(field) && !fields?.includes(`\`${field}\``));
    expect(missing, `fields of ${event.kind} that docs/manual.md does not have`).toEqual([]);
    const inner = new Set(Object.values(rest).flatMap(keysIn));
    expect([...inner].filter((field) => !docs.includes(`\`${field}\``))).toEqual([]);
  });
});

it('what a run turns to at once is written at once, and in its place', async () => {
  const out: string[] = [];
  const report = jsonPrinter(
    (text) => void out.push(text),
    () => new Date(0),
  );
  for (let i = 0; i < 100; i++) report(SAMPLES.started);
  report(SAMPLES.delivered);
  for (let i = 0; i < 3; i++) report(SAMPLES.started);
  await Promise.resolve();
  const kinds = out.map((text) => [...text.matchAll(/"event":"(\w+)"/g)].map(([, kind]) => kind));
  expect(kinds).toEqual([['started'], Array(99).fill('started'), ['delivered'], ['started'], ['started', 'started']]);
});

/** The keys of all objects in a value. */
function keysIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const keys = Array.isArray(value) ? [] : Object.keys(value);
  return [...keys, ...Object.values(value).flatMap(keysIn)];
}

describe('hooks', () => {
  it.each(hookKinds())('%s is in the manual, with what it finds in its environment', (kind) => {
    const docs = manualSection('Hooks');
    const { option, variables } = HOOK_KINDS[kind];
    const missing = [`--${option} CMD`, ...HOOK_VARIABLES, ...variables].filter((word) => !docs.includes(word));
    expect(missing).toEqual([]);
  });

  it('each kind has an option of its own', () => {
    const options = Object.values(forEachHook((kind) => HOOK_KINDS[kind].option));
    expect(new Set(options).size).toBe(options.length);
  });
});
