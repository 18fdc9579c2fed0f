// What the figures say: no measuring here. The rows of a run as tables, and which of the targets were reached.

/**
 * @typedef {object} Row
 * @property {string} what
 * @property {string} rival
 * @property {number} rttMs
 * @property {'login' | 'bare'} shell
 * @property {'ms' | 'MiB' | 'kB'} unit
 * @property {number[]} values one for each round or save
 * @property {number[]} [bytes] on the wire, both ways
 */

/**
 * @typedef {object} Target
 * @property {string} what
 * @property {string} form what the figure is: `× by hand`, `round trips`, …
 * @property {number} most
 * @property {number | undefined} reached undefined: not measured in this run
 */

export const HAND = 'rsync by hand';
export const US = 'syncwatch';
/** Another build of it, with `--before`. */
export const BEFORE = 'syncwatch before';

/** What is measured under a name that several files need. */
export const WHAT = {
  inPlace: 'save of 4 KB, in place',
  atomic: 'save of 4 KB, atomic',
  second: 'second save within 100 ms',
  node: 'starting Node',
  flushSaved: 'a flush right after a save',
  there: 'true in the target',
  thereSaved: 'true in the target, right after a save',
  one: 'a save, with one target',
  ten: 'a save, with ten targets, until it is in all',
  oneMemory: 'memory with one target',
  tenMemory: 'memory with ten targets',
};

/** By what a command runs there without us. */
export const MASTER = 'ssh, through an open master';

/** @param {readonly number[]} values @param {number} [share] @returns {number} */
export function median(values, share = 0.5) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** @param {number} files */
export const bigWhat = (files) => ({
  restart: `${count(files)} files: unchanged, from start to in sync`,
  restartByHand: `${count(files)} files: unchanged, with a login`,
  memory: `${count(files)} files: memory of all processes here`,
  idleCpu: `${count(files)} files: processor time in an idle minute`,
  idleBytes: `${count(files)} files: on the wire in an idle minute`,
  save: `${count(files)} files: one save`,
  flush: `${count(files)} files: a flush, nothing waits`,
});

/** @param {number} files */
export const wideWhat = (files) => ({
  inIt: `a save in a directory of ${count(files)}`,
  elsewhere: `a save beside a directory of ${count(files)}`,
});

/** @param {number} number */
const count = (number) => number.toLocaleString('en-US');

/** What keeps an ssh connection without a session alive, for comparison. */
export const IDLE_SSH = 'ssh -N with ServerAliveInterval=4';

/**
 * Each figure that is to be reached, with what this run has of it.
 * @param {readonly Row[]} rows @returns {Target[]}
 */
export function targetsOf(rows) {
  /** @param {string} what @param {string} rival @param {number} rttMs @param {'login' | 'bare'} shell */
  const find = (what, rival, rttMs, shell) =>
    rows.find((row) => row.what === what && row.rival === rival && row.rttMs === rttMs && row.shell === shell);
  /** @param {string} what @param {string} rival @param {number} rttMs @param {'login' | 'bare'} shell @param {number} [share] */
  const of = (what, rival, rttMs, shell, share) => {
    const row = find(what, rival, rttMs, shell);
    return row === undefined ? undefined : median(row.values, share);
  };
  /** @param {number | undefined} a @param {number | undefined} b @param {(a: number, b: number) => number} how */
  const both = (a, b, how) => (a === undefined || b === undefined ? undefined : how(a, b));
  /** @param {number} a @param {number} b */
  const over = (a, b) => a / b;
  /** @param {string} what @param {number} rttMs @param {'login' | 'bare'} shell @param {number} most @returns {Target} */
  const byHand = (what, rttMs, shell, most) => ({
    what: `${what}, RTT ${rttMs} ms${shell === 'bare' ? ', bare shell' : ''}`,
    form: '× by hand',
    most,
    reached: both(of(what, US, rttMs, shell), of(what, HAND, rttMs, shell), over),
  });
  /** @param {string} what @param {number} share @param {number} most @returns {Target} */
  const trips = (what, share, most) => ({
    what: `${what}, RTT 100 ms, p${share * 100}`,
    form: 'round trips',
    most,
    reached: both(of(what, US, 100, 'login', share), 100, over),
  });
  const saves = [WHAT.inPlace, WHAT.atomic];
  const [big, million, wide] = [bigWhat(100_000), bigWhat(1_000_000), wideWhat(200_000)];
  return [
    ...saves.flatMap((what) => [trips(what, 0.5, 0.75), trips(what, 0.95, 1)]),
    ...saves.map((what) => byHand(what, 20, 'login', 0.25)),
    ...saves.map((what) => byHand(what, 0, 'bare', 0.4)),
    ...saves.map((what) => ({
      what: `${what}, RTT 0 ms, bare shell`,
      form: '× the build before',
      most: 1.1, // no worse, as far as can be told
      reached: both(of(what, US, 0, 'bare'), of(what, BEFORE, 0, 'bare'), over),
    })),
    byHand(WHAT.second, 100, 'login', 0.5),
    ...[0, 100].flatMap((rtt) => [
      ...['2,000 new files in 100 directories', '10,000 new files in 500 directories', '1,000 files rewritten'].map(
        (what) => byHand(what, rtt, 'login', 1.1),
      ),
      ...['500 files deleted', 'tree 12 deep deleted', 'node_modules of 30,000 files deleted'].map((what) =>
        byHand(what, rtt, 'login', 1.3),
      ),
      byHand('checkout of a distant commit', rtt, 'login', 1.2),
    ]),
    byHand('file of 100 MB renamed', 0, 'login', 1),
    byHand('file of 100 MB moved', 0, 'login', 1),
    { what: big.idleCpu, form: 'ms', most: 100, reached: of(big.idleCpu, US, 0, 'login') },
    {
      what: big.idleBytes,
      form: '× an idle ssh',
      most: 1.2,
      reached: both(of(big.idleBytes, US, 0, 'login'), of(big.idleBytes, IDLE_SSH, 0, 'login'), over),
    },
    {
      what: big.restart,
      form: '× by hand',
      most: 1.2,
      reached: both(of(big.restart, US, 0, 'login'), of(big.restartByHand, HAND, 0, 'login'), over),
    },
    { what: big.memory, form: 'MiB', most: 170, reached: of(big.memory, US, 0, 'login') },
    { what: million.memory, form: 'MiB', most: 900, reached: of(million.memory, US, 0, 'login') },
    {
      what: wide.inIt,
      form: '× one elsewhere',
      most: 3,
      reached: both(of(wide.inIt, US, 0, 'login'), of(wide.elsewhere, US, 0, 'login'), over),
    },
    {
      what: `${WHAT.flushSaved}, RTT 100 ms`,
      form: 'round trips beyond the start of Node',
      most: 1.5,
      reached: both(
        of(WHAT.flushSaved, US, 100, 'login'),
        of(WHAT.node, 'node -e 0', 100, 'login'),
        (flush, node) => (flush - node) / 100,
      ),
    },
    {
      what: `exec: ${WHAT.thereSaved}, RTT 0 ms`,
      form: 'ms beyond ssh',
      most: 120,
      reached: both(
        of(WHAT.thereSaved, `${US} exec`, 0, 'login'),
        of(WHAT.there, MASTER, 0, 'login'),
        (exec, ssh) => exec - ssh,
      ),
    },
    {
      what: `${WHAT.ten}, RTT 20 ms`,
      form: '× one target',
      most: 2,
      reached: both(of(WHAT.ten, US, 20, 'login'), of(WHAT.one, US, 20, 'login'), over),
    },
    {
      what: 'memory for each further target',
      form: 'MiB',
      most: 15,
      reached: both(
        of(WHAT.tenMemory, US, 20, 'login'),
        of(WHAT.oneMemory, US, 20, 'login'),
        (ten, one) => (ten - one) / 9,
      ),
    },
  ];
}

/** @param {number} figure */
const short = (figure) => (figure >= 100 ? figure.toFixed(0) : figure >= 10 ? figure.toFixed(1) : figure.toFixed(2));

/** The targets as a table: what this run did not measure is said below it. @param {readonly Target[]} targets */
export function targetTable(targets) {
  const measured = targets.filter(({ reached }) => reached !== undefined);
  const left = targets.filter(({ reached }) => reached === undefined).map(({ what }) => what);
  return [
    '| target | at most | reached | |',
    '|---|---|---|---|',
    ...measured.map(
      ({ what, form, most, reached = Number.NaN }) =>
        `| ${what} | ${most} ${form} | ${short(reached)} | ${reached <= most ? 'ok' : 'NOT'} |`,
    ),
    ...(left.length === 0 ? [] : ['', `Not measured in this run: ${[...new Set(left)].join('; ')}`]),
  ];
}

/** @param {Row} row @param {number} [share] */
function inWords({ unit, values }, share) {
  const value = median(values, share);
  if (!Number.isFinite(value)) return 'never';
  if (unit !== 'ms') return `${short(value)} ${unit}`;
  return value < 10_000 ? `${value < 100 ? value.toFixed(1) : Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;
}

/** All rows. @param {readonly Row[]} rows */
export function wholeTable(rows) {
  const table = [
    '| RTT, shell | what | by | p50 | p95 | ÷ by hand | kB on the wire |',
    '|---|---|---|---|---|---|---|',
  ];
  for (const row of rows) {
    const hand = rows.find(
      (r) => r.what === row.what && r.rival === HAND && r.rttMs === row.rttMs && r.shell === row.shell,
    );
    const ratio = hand === undefined || row.rival === HAND ? '' : (median(row.values) / median(hand.values)).toFixed(2);
    const kB = row.bytes === undefined ? '' : Math.round(median(row.bytes) / 1000).toLocaleString('en-US');
    table.push(
      `| ${row.rttMs} ms, ${row.shell} | ${row.what} | ${row.rival} | ${inWords(row)} | ${inWords(row, 0.95)} | ${ratio} | ${kB} |`,
    );
  }
  return table;
}

/** Who has a column in the documentation, the first one first. */
const COLUMNS = [US, HAND, 'lsyncd delay 0', 'lsyncd delay 1', 'unison -repeat 1', 'inotifywait loop'];

/** One row for each thing that was done, a column for each who did it: as it stands in docs/performance.md. @param {readonly Row[]} rows */
export function pageTable(rows) {
  const whos = COLUMNS.filter((who) => rows.some(({ rival }) => rival === who));
  /** @type {Map<string, Row[]>} */
  const lines = new Map();
  for (const row of rows.filter(({ rival }) => whos.includes(rival))) {
    const key = `| ${row.rttMs} ms${row.shell === 'bare' ? ', bare' : ''} | ${row.what}`;
    lines.set(key, [...(lines.get(key) ?? []), row]);
  }
  const table = [`| RTT | what | ${whos.join(' | ')} |`, `| --- | --- |${' --- |'.repeat(whos.length)}`];
  for (const [key, of] of lines) {
    if (!of.some(({ rival }) => rival === HAND) || !of.some(({ rival }) => rival === US)) continue;
    const cells = whos.map((who) => {
      const row = of.find(({ rival }) => rival === who);
      if (row === undefined) return '-';
      const sent = row.bytes === undefined ? 0 : median(row.bytes);
      return sent === 0 || !/MB/.test(row.what) ? inWords(row) : `${inWords(row)} (${short(sent / 1e6)} MB)`;
    });
    table.push(`${key} | ${cells.join(' | ')} |`);
  }
  return table;
}
