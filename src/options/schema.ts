import { TARGET_NAME } from './places.js';
import type { ValueKind } from './row.js';
import { isSetting, namesOf, ROWS } from './table.js';

/** What editors complete and check: a JSON Schema (draft 7) of the settings. */
export function settingsSchema(): object {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Settings of syncwatch: syncwatch.json, or "syncwatch" in package.json',
    type: 'object',
    additionalProperties: false,
    properties: {
      $schema: { type: 'string' },
      ...Object.fromEntries(
        namesOf(isSetting).map((key) => [key, { description: ROWS[key].describe, ...schemaOf(ROWS[key].value) }]),
      ),
    },
  };
}

const TEXT = { type: 'string' } as const;

function schemaOf(value: ValueKind): object {
  switch (value.kind) {
    case 'flag':
      return { type: 'boolean' };
    case 'number':
      return { type: 'number' };
    case 'text':
      return TEXT;
    case 'texts':
      return { anyOf: [TEXT, { type: 'array', items: TEXT }] };
    case 'choice':
      return { enum: value.off === undefined ? value.of : [...value.of, true, false] };
    case 'hook':
      return { anyOf: [TEXT, { type: 'object', additionalProperties: TEXT }] };
    case 'targets':
      return { type: 'object', additionalProperties: TEXT, propertyNames: { pattern: TARGET_NAME.source } };
  }
}
