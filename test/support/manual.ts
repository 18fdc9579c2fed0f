import { readFileSync } from 'node:fs';

/** All of docs/manual.md. */
const MANUAL = readFileSync(new URL('../../docs/manual.md', import.meta.url), 'utf8');

/** A section of the manual, without its heading, with the sections below it. Empty where there is none of that name. */
export function manualSection(title: string): string {
  const lines = MANUAL.split('\n');
  const at = lines.findIndex((line) => /^##+ /.test(line) && line.replace(/^#+ /, '') === title);
  if (at === -1) return '';
  const level = lines[at]?.indexOf(' ') ?? 0;
  const end = lines.findIndex((line, i) => i > at && /^#+ /.test(line) && line.indexOf(' ') <= level);
  return lines.slice(at + 1, end === -1 ? undefined : end).join('\n');
}
