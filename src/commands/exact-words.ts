import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import type { Word } from '../core/ssh/remote-command.js';

/** What node puts in the place of bytes that are no UTF-8. */
const REPLACEMENT = '\ufffd';

/**
 * The last words of our own command line exactly as they were given: node makes text of them, which not all of them are.
 * Undefined where what they were can't be found out (proc(5) is Linux's).
 */
export function exactWords(words: readonly string[]): readonly Word[] | undefined {
  if (!words.some((word) => word.includes(REPLACEMENT))) return words;
  const given = commandLine().slice(-words.length);
  const isSame = given.length === words.length && given.every((bytes, i) => bytes.toString('utf8') === words[i]);
  return isSame
    ? given.map((bytes, i) => (bytes.equals(Buffer.from(words[i] ?? '')) ? (words[i] ?? '') : bytes))
    : undefined;
}

function commandLine(): Buffer[] {
  try {
    const parts = readFileSync('/proc/self/cmdline', 'latin1').split('\0').slice(0, -1);
    return parts.map((part) => Buffer.from(part, 'latin1'));
  } catch {
    return [];
  }
}
