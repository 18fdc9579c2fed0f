import { crc32 } from 'node:zlib';
import { isObject } from '../core/json.js';
import { childOf, isName, type Name, ROOT } from '../core/name.js';
import type { Steps } from '../core/steps.js';
import { begun, type Entry, unsure } from '../core/sync/entry.js';
import type { NameIndex } from '../core/sync/name-index.js';
import type { Edition } from './index-file.js';

/** Raised whenever the layout changes. */
const VERSION = 2;

/** What a line says of a name: what kind of thing may be there now, or that it is gone. */
const MARKS = { file: 'f', link: 'f', dir: 'd', gone: 'x' } as const;

/** What may be there of a name from now on, or that nothing of ours is. */
export type Deed = Entry['type'] | 'gone';

/**
 * A line: its number, the mark, the name as JSON, the mark again, and the CRC-32 of all that. The number tells of lines that
 * are lost or in another order; the mark is there twice, so that not even a flipped character makes something else of it.
 */
const LINE = /^(\d+) ([fdx])("(?:[^"\\]|\\.)*")\2([0-9a-f]{8})$/;

/** A line that was cut short, as the last one is after a kill in the middle of writing it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON has none; a file system that lost a block fills it with NUL
const CUT = /^\d+(?: (?:[fdx](?:"(?:[^"\\\0-\x1f]|\\.)*(?:\\|"(?:[fdx][0-9a-f]{0,7})?)?)?)?)?$/;

/** A line, whatever else became of it, that surely did not say that something is gone. */
const SURELY_BEGAN = /^\d+ [fd]".*[fd].{8}$/s;

/** Line number `number` (from 1 on), with its line break. */
export const lineOf = (number: number, deed: Deed, name: Name): string =>
  checked(`${number} ${MARKS[deed]}${JSON.stringify(name)}${MARKS[deed]}`);

/** The first line: which index it continues. */
export const headOf = (edition: Edition): string => checked(`${JSON.stringify({ version: VERSION, ...edition })} `);

const checked = (body: string): string => `${body}${sumOf(body)}\n`;

const sumOf = (body: string): string => crc32(body).toString(16).padStart(8, '0');

/**
 * What a journal is good for. `isWhole`: nothing is missing in it. If not, `mayHaveLostDeletions` says whether it may be about
 * names that are gone there by now, and perhaps somebody else's since.
 */
export type Believed =
  | { readonly isWhole: true }
  | { readonly isWhole: false; readonly why: string; readonly mayHaveLostDeletions: boolean };

const WHOLE: Believed = { isWhole: true };

/**
 * Adds to the index what a journal says was begun after it was saved. The first bad line ends what is believed: what
 * comes after it only takes away, and everything is unsure, for the bad line may have been about any name.
 */
export function* replay(text: string, index: NameIndex, edition: Edition): Steps<Believed> {
  const [first = '', ...lines] = text.split('\n');
  const last = lines.pop(); // empty, or cut short
  const base = readHead(first);
  if (last === undefined || base === undefined) return yield* doubt(index, 'its log is damaged from the beginning');
  // Of an older index: that has it all.
  if (base.number < edition.number) return WHOLE;
  if (base.checksum !== edition.checksum) return yield* doubt(index, 'its log belongs to another index');
  if (last !== '' && !CUT.test(last)) lines.push(last); // whole but for its line break, or nothing that we wrote
  let why: string | undefined;
  let mayHaveLostDeletions = false;
  for (const [at, text] of lines.entries()) {
    yield;
    const line = readLine(text);
    if (line === undefined || line.number !== at + 1) {
      why ??= `its log is damaged in line ${at + 2} of ${lines.length + 1}`;
      if (line !== undefined || !SURELY_BEGAN.test(text)) mayHaveLostDeletions = true;
    }
    if (line === undefined) continue;
    const { deed, name } = line;
    const was = index.get(name);
    if (deed === 'gone') index.delete(name);
    else if (was !== undefined && (was.type === 'dir') === (deed === 'dir')) index.set(name, unsure(was));
    else if (why === undefined) index.set(name, begun(deed));
  }
  if (why === undefined) return WHOLE;
  return { ...(yield* doubt(index, why)), mayHaveLostDeletions };
}

/** What was to come after the damage may have been about any name. */
export function* doubt(index: NameIndex, why: string): Steps<Extract<Believed, { isWhole: false }>> {
  const root = index.get(ROOT);
  if (root !== undefined) index.set(ROOT, unsure(root));
  for (const dir of index.directories()) {
    for (const [base, entry] of index.children(dir)) {
      yield;
      index.set(childOf(dir, base), unsure(entry));
    }
  }
  return { isWhole: false, why, mayHaveLostDeletions: true };
}

function readHead(line: string): Edition | undefined {
  const body = line.slice(0, -8);
  if (sumOf(body) !== line.slice(-8)) return undefined;
  const head = parsed(body);
  if (!isObject(head) || head['version'] !== VERSION) return undefined;
  const { number, checksum } = head;
  return typeof number === 'number' && typeof checksum === 'string' ? { number, checksum } : undefined;
}

function readLine(
  line: string,
): { readonly number: number; readonly deed: 'file' | 'dir' | 'gone'; readonly name: Name } | undefined {
  const [, number, mark, quoted = '', sum] = LINE.exec(line) ?? [];
  if (number === undefined || sumOf(line.slice(0, -8)) !== sum) return undefined;
  const name = parsed(quoted);
  if (!isName(name)) return undefined;
  return { number: Number(number), deed: mark === MARKS.gone ? 'gone' : mark === MARKS.dir ? 'dir' : 'file', name };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
