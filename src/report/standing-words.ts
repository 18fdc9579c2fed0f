import stringWidth from 'string-width';
import { msBetween, type SteadyMs } from '../core/clock.js';
import { joined, listed, own, type Printable, showControls } from '../core/printable.js';
import type { Paint, Tone } from './paint.js';
import { isMoving, type Standing } from './standing.js';
import { bytesInWords, count, numberInWords, timeInWords } from './words.js';

/** A part of the last line; the least important one goes first where there is no room. `after`: what stands before the next one. */
interface Part {
  readonly text: Printable;
  readonly importance: number;
  readonly after: Printable;
}

/** How wide the bar is, in characters, with its brackets: where there is room for all, and where there is not. */
const BARS = { wide: 22, narrow: 12 };
type Bar = keyof typeof BARS;

/** How things stand with all targets, in a line of so many columns. Empty where there is nothing to say. */
export function standingsInWords(
  standings: ReadonlyMap<string, Standing>,
  nowMs: SteadyMs,
  columns: number,
  paint: Paint,
): Printable {
  const said = [...standings].filter(([, { state }]) => state !== 'silent' && state !== 'ended');
  if (said.length === 0) return own``;
  const [[, first] = ['', undefined]] = said;
  const isAlike = said.length === standings.size && said.every(([, each]) => isSame(each, first));
  if (first !== undefined && (isAlike || standings.size === 1))
    return fitted((wide) => partsOf(first, nowMs, paint, wide), columns);
  // What matters comes first: there may be no room for the others.
  const byImportance = said.sort(([, a], [, b]) => RANK[a.state] - RANK[b.state]);
  const room = Math.max(12, Math.floor(columns / said.length) - 2);
  const texts = byImportance.map(([target, each]) => {
    const name = own`${target} `;
    return joined(
      name,
      fitted((wide) => partsOf(each, nowMs, paint, wide), room - stringWidth(name)),
    );
  });
  return listed(texts, own`  `);
}

const RANK: Readonly<Record<Standing['state'], number>> = {
  failing: 0,
  offline: 1,
  trouble: 1,
  rootGone: 2,
  syncing: 3,
  finishing: 3,
  starting: 4,
  paused: 5,
  inSync: 6,
  silent: 7,
  ended: 7,
};

const isSame = (a: Standing, b: Standing | undefined): boolean =>
  a.state === b?.state && a.waiting === b.waiting && a.failed === b.failed && !isMoving(a) && !isMoving(b);

function fitted(partsWith: (bar: Bar) => readonly Part[], columns: number): Printable {
  const whole = inLine(partsWith('wide'));
  if (stringWidth(whole) <= columns) return whole;
  let left = partsWith('narrow');
  while (left.length > 1 && stringWidth(inLine(left)) > columns) {
    const least = Math.min(...left.map(({ importance }) => importance));
    left = left.filter(({ importance }) => importance !== least);
  }
  return inLine(left);
}

const inLine = (parts: readonly Part[]): Printable =>
  joined(...parts.flatMap(({ text, after }, i) => (i === parts.length - 1 ? [text] : [text, after])));

const SPACE = own` `;
const COMMA = own`, `;

const HEADS: Readonly<Record<Standing['state'], readonly [Tone, string]>> = {
  silent: ['aside', ''],
  ended: ['aside', ''],
  starting: ['busy', '◐ starting'],
  syncing: ['busy', '◐ syncing'],
  inSync: ['there', '● in sync'],
  failing: ['failed', '✗'],
  offline: ['gone', '○ offline'],
  trouble: ['gone', '○ waiting to try again'],
  paused: ['gone', '○ paused'],
  rootGone: ['gone', '○ waiting for the directory'],
  finishing: ['busy', '◐ finishing'],
};

function partsOf(standing: Standing, nowMs: SteadyMs, paint: Paint, width: Bar): Part[] {
  const { state, waiting, failed, nextTryMs, pass, progress } = standing;
  const [tone, word] = HEADS[state];
  const sync = pass !== undefined && state === 'syncing' ? `◐ ${pass.isFirst ? 'first' : 'full'} sync` : undefined;
  const failures = `✗ ${numberInWords(failed)} failed`;
  const head = state === 'failing' ? failures : (sync ?? word);
  const isOnItsWay = state === 'syncing' && (pass !== undefined || progress !== undefined);
  const after = isOnItsWay ? SPACE : COMMA;
  const parts: Part[] = [{ text: paint(tone, head), importance: 9, after }];
  const add: Add = (importance, text, then = COMMA) => void parts.push({ text, importance, after: then });
  if (isOnItsWay) addProgress(standing, nowMs, width, add);
  if (failed > 0 && state !== 'failing') add(8, paint('failed', failures));
  const others = waiting - failed;
  if (others > 0 && pass === undefined) add(6, own`${count(others, 'path')} waiting`);
  if (nextTryMs !== undefined && state !== 'syncing') add(7, nextTryInWords(nextTryMs, nowMs));
  else if (state === 'offline') add(7, own`logging in`);
  return parts;
}

type Add = (importance: number, text: Printable, then?: Printable) => void;

/** Whole seconds: it is drawn once in a second. */
function nextTryInWords(nextTryMs: SteadyMs, nowMs: SteadyMs): Printable {
  const seconds = Math.ceil(msBetween(nowMs, nextTryMs) / 1000);
  return seconds > 0 ? own`next try in ${secondsInWords(seconds)}` : own`trying again`;
}

const secondsInWords = (seconds: number): string => (seconds < 100 ? `${seconds} s` : timeInWords(seconds * 1_000));

/** What a path costs beside its bytes, in bytes: so that many small ones count, too. */
const PATH_COSTS = 8_192;

/** From which share on, and after how many milliseconds, the time left is told: before that it is a guess. */
const GUESS = 0.02;
const GUESS_MS = 1_000;

function addProgress({ pass, progress }: Standing, nowMs: SteadyMs, width: Bar, add: Add): void {
  const allNames = Math.max(progress?.totalNames ?? 0, pass?.names ?? 0);
  const names = Math.min(allNames, Math.max(progress?.names ?? 0, pass?.begun ?? 0));
  const { bytes = 0, totalBytes = 0 } = progress ?? {};
  const all = totalBytes + PATH_COSTS * allNames;
  const share = all === 0 ? undefined : Math.min(1, (Math.min(bytes, totalBytes) + PATH_COSTS * names) / all);
  if (share !== undefined) add(6, bar(share, BARS[width] - 2), SPACE);
  if (allNames > 1) add(4, own`${numberInWords(names)} of ${count(allNames, 'path')}`);
  if (bytes > 0) add(3, totalBytes < bytes ? own`${bytesInWords(bytes)}` : sizesInWords(bytes, totalBytes));
  if (progress !== undefined && progress.ms > 0) add(2, own`${bytesInWords((bytes * 1000) / progress.ms)}/s`);
  const sinceMs = pass === undefined ? progress?.ms : msBetween(pass.sinceMs, nowMs);
  if (share === undefined || share < GUESS || sinceMs === undefined || sinceMs < GUESS_MS) return;
  add(5, own`${secondsInWords(Math.max(1, Math.round((sinceMs * (1 - share)) / share / 1_000)))} left`);
}

/** `21 of 48 MB`, `980 kB of 48 MB`. */
function sizesInWords(bytes: number, total: number): Printable {
  const [done, all] = [bytesInWords(bytes), bytesInWords(total)];
  const unit = all.slice(all.indexOf(' '));
  return own`${done.endsWith(unit) ? done.slice(0, -unit.length) : done} of ${all}`;
}

function bar(share: number, width: number): Printable {
  const filled = Math.floor(width * share);
  return showControls(`[${'#'.repeat(filled)}${'-'.repeat(width - filled)}]`);
}
