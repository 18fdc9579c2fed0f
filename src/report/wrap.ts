import wrapAnsi from 'wrap-ansi';

/** In less nobody could read anything. */
export const LEAST_COLUMNS = 20;

/** A line in as many as it takes, without breaking a word that fits, each as far in as the first. */
export function brokenAtWords(text: string, columns: number): string[] {
  const inner = text.trimStart();
  const before = text.length - inner.length;
  return wrapAnsi(inner, Math.max(LEAST_COLUMNS, columns) - before, { hard: true })
    .split('\n')
    .map((part) => ' '.repeat(before) + part);
}

/** The same of a line without colours; what does not fit goes on `indent` columns in. */
export function brokenFurtherIn(text: string, columns: number, indent: number): string[] {
  const [first = '', ...more] = brokenAtWords(text, columns);
  if (more.length === 0) return [first];
  const rest = text.slice(first.length).trimStart();
  return [first, ...brokenAtWords(' '.repeat(indent) + rest, columns)];
}
