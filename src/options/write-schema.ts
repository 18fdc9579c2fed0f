// Part of `npm run build`: the JSON Schema of the settings, for editors, made from the options themselves.
import { writeFileSync } from 'node:fs';
import { settingsSchema } from './schema.js';

writeFileSync(
  new URL('../syncwatch.schema.json', import.meta.url),
  `${JSON.stringify(settingsSchema(), undefined, 2)}\n`,
);
