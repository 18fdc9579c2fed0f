// Part of `npm run build`, after tsc: the JSON Schema of the settings, for editors, made from the options themselves.
import { writeFileSync } from 'node:fs';

const dist = new URL('../dist/', import.meta.url);
const { settingsSchema } = await import(new URL('options/schema.js', dist).href);
writeFileSync(new URL('syncwatch.schema.json', dist), `${JSON.stringify(settingsSchema(), undefined, 2)}\n`);
