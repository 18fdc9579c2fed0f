import leven from 'leven';

/** What was meant by a word that is misspelled or cut short; undefined where nothing comes close. */
export function closest(word: string, known: readonly string[]): string | undefined {
  const [shortest, ...longer] = known
    .filter((name) => word.length >= 3 && name.startsWith(word))
    .sort((a, b) => a.length - b.length);
  if (shortest !== undefined && longer.every((name) => name.startsWith(shortest))) return shortest;
  const [best] = known.map((name) => ({ name, distance: leven(word, name) })).sort((a, b) => a.distance - b.distance);
  return best !== undefined && best.distance < word.length && best.distance <= Math.max(2, word.length / 3)
    ? best.name
    : undefined;
}
