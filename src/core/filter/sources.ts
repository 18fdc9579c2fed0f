/** One place that rules come from. */
interface SourceRow {
  /** `patterns`: rsync's or gitignore's, which we match ourselves and may tell rsync. The others have to be asked. */
  readonly kind: 'patterns' | 'git' | 'regexes';
  /** The file in DIR that it is, in gitignore notation: read again whenever it changes. */
  readonly file?: string;
  /** What its rules are, in words that may follow their number. */
  readonly words: string;
}

/**
 * All places that rules come from, first match first: who reads them, keeps them up to date, decides by them and counts them
 * goes by this list. A file in DIR needs its row only; what else there is, its reader in options/filter.ts too.
 */
export const SOURCES = {
  user: { kind: 'patterns', words: 'of the command line and the settings' },
  syncignore: { kind: 'patterns', file: '.syncignore', words: 'of .syncignore' },
  git: { kind: 'git', words: 'of git' },
  regexes: { kind: 'regexes', words: 'regular expressions' },
  defaults: { kind: 'patterns', words: 'by default' },
} as const satisfies Readonly<Record<string, SourceRow>>;

type Source = keyof typeof SOURCES;

/** The sources that are patterns. */
export type PatternSource = { [Key in Source]: (typeof SOURCES)[Key]['kind'] extends 'patterns' ? Key : never }[Source];

/** Those of them that are files in DIR. */
export type FileSource = { [Key in Source]: (typeof SOURCES)[Key] extends { file: string } ? Key : never }[Source];

/** All in their order. */
export const sourcesInOrder = (): readonly Source[] => Object.keys(SOURCES) as Source[];

const isPatterns = (source: Source): source is PatternSource => SOURCES[source].kind === 'patterns';
const isFile = (source: Source): source is FileSource => 'file' in SOURCES[source];

export const patternSources: readonly PatternSource[] = sourcesInOrder().filter(isPatterns);
export const fileSources: readonly FileSource[] = sourcesInOrder().filter(isFile);

/** The patterns that go before what has to be asked, and so can bring back what git ignores; and those that go after it. */
export const [earlySources, lateSources] = split();

function split(): readonly [readonly PatternSource[], readonly PatternSource[]] {
  const asked = sourcesInOrder().findIndex((source) => !isPatterns(source));
  const isEarly = (source: Source): boolean => sourcesInOrder().indexOf(source) < asked;
  return [patternSources.filter(isEarly), patternSources.filter((source) => !isEarly(source))];
}

/** Of each what `make` says. */
export const forEachPatternSource = <T>(make: (source: PatternSource) => T): Readonly<Record<PatternSource, T>> =>
  Object.fromEntries(patternSources.map((source) => [source, make(source)])) as Record<PatternSource, T>;

/** The same of the files. */
export const forEachFileSource = <T>(make: (source: FileSource) => T): Readonly<Record<FileSource, T>> =>
  Object.fromEntries(fileSources.map((source) => [source, make(source)])) as Record<FileSource, T>;
