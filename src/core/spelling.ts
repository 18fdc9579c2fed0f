/**
 * Whether names that differ in case only are two names there (`exact`) or one (`folded`: macOS, Windows, FAT, SMB). Some places
 * make no difference between composed and decomposed letters either, which nothing tells but a try.
 */
export type Spelling = 'exact' | 'folded' | 'unknown';
