// npm run bench [-- --quick] [--only starts,saves,trees,deletions,checkout,moves,bursts,big,wide,asks,several] [--rtt 0,20,100]
//   [--saves 40] [--rounds 3] [--files 100000] [--workload PART-OF-ITS-NAME] [--before OTHER/dist/cli.js] [--alone]
//   [--json FILE] [--markdown FILE] [--from FILE]
//
// --quick: two minutes, syncwatch and rsync by hand only, at RTT 0 and 100 ms. --before: another build of syncwatch, side by side with this one. --alone: no rivals but rsync by hand.
// --markdown: the table of docs/performance.md. --from: nothing is measured, the tables are those of another run's --json.
// How fast is it, side by side with what people use today? Starts its own servers, measures all rivals in turn on the same
// machine in the same run, and compares both trees at the end of each: a fast wrong answer is a failure.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { measureAsks, measureStarts } from './asks.mjs';
import { pageTable, targetsOf, targetTable, wholeTable } from './figures.mjs';
import { measureBig, measureWide } from './large.mjs';
import { Play } from './play.mjs';
import { measureSaves } from './saves.mjs';
import { measureSeveral } from './several.mjs';
import { endAll } from './stage.mjs';
import { measureTrees } from './trees.mjs';
import { BURSTS, CHECKOUT, DELETIONS, MOVES, TREES } from './workloads.mjs';

const { values: given } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    rtt: { type: 'string' },
    saves: { type: 'string' },
    rounds: { type: 'string' },
    workload: { type: 'string', default: '' },
    files: { type: 'string', default: '100000' },
    json: { type: 'string', default: 'bench.json' },
    markdown: { type: 'string' },
    from: { type: 'string' },
    before: { type: 'string' },
    alone: { type: 'boolean', default: false },
    dir: { type: 'string', default: tmpdir() },
  },
});

const only = (
  given.only ??
  (given.quick
    ? 'asks,saves,trees,deletions'
    : 'starts,asks,saves,trees,deletions,checkout,bursts,moves,several,big,wide')
).split(',');
const rtts = (given.rtt ?? (given.quick ? '0,100' : '0,20,100')).split(',').map(Number);

const { machine, rows, notes, wrong } = given.from === undefined ? await measure() : readRun(given.from);
for (const line of ['', ...wholeTable(rows), ...notes.map((note) => `- ${note}`), '', ...targetTable(targetsOf(rows))])
  console.log(line);
if (given.markdown !== undefined) writeFileSync(given.markdown, `${pageTable(rows).join('\n')}\n`);
if (given.from === undefined) {
  writeFileSync(given.json, `${JSON.stringify({ machine, rows, notes, wrong }, undefined, 1)}\n`);
  const verdict = wrong === 0 ? 'both trees were the same every time' : `${wrong} WRONG ANSWERS`;
  console.log(`\n${verdict}; all figures in ${given.json}`);
}
process.exit(wrong === 0 ? 0 : 1);

/** @param {string} file @returns {{ machine: string, rows: import('./figures.mjs').Row[], notes: string[], wrong: number }} */
function readRun(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

async function measure() {
  const base = realpathSync(mkdtempSync(join(resolve(given.dir), 'syncwatch-bench-')));
  for (const [signal, code] of /** @type {const} */ ([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])) {
    process.on(signal, () => process.exit(code));
  }
  process.on('exit', () => {
    endAll();
    rmSync(base, { recursive: true, force: true });
  });
  const saves = Number(given.saves ?? (given.quick ? 4 : 40));
  const amounts = {
    saves,
    asks: Math.max(given.quick ? 3 : 5, Math.round(saves / 2)),
    rounds: Number(given.rounds ?? (given.quick ? 1 : 3)),
    files: Number(given.files),
    workload: given.workload,
    few: given.quick || given.alone,
  };
  const play = new Play(base, amounts, given.before && resolve(given.before));
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? '?'}, Linux ${release()}, Node ${process.version}`;
  play.say(`# ${new Date().toISOString().slice(0, 10)}, ${machine}`);
  play.say(`# ${execFileSync('rsync', ['--version'], { encoding: 'utf8' }).split('\n')[0]}`);
  execFileSync('ssh', ['-V'], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (only.includes('starts')) await measureStarts(play);
  for (const rtt of rtts) await measureAt(play, rtt);
  if (only.includes('big')) await measureBig(play);
  if (only.includes('wide')) await measureWide(play, 200_000);
  return { machine, rows: play.rows, notes: play.notes, wrong: play.wrong };
}

/** @param {Play} play @param {number} rtt */
async function measureAt(play, rtt) {
  const { all, few, ours } = play.who;
  /** What takes minutes is left out of the quick form. @type {<T>(it: readonly T[], short: (it: T) => boolean) => readonly T[]} */
  const brief = (it, short) => (given.quick ? it.filter(short) : it);
  const manyTrees = rtt === 0 ? all : ours;
  const someTrees = rtt === 0 ? few : ours;
  if (only.includes('asks')) await measureAsks(play, rtt, 'login');
  if (only.includes('asks') && rtt === 0 && !given.quick) await measureAsks(play, 0, 'bare');
  if (only.includes('saves') && !(given.quick && rtt === 0)) await measureSaves(play, rtt, 'login');
  if (only.includes('saves') && rtt === 0) await measureSaves(play, 0, 'bare');
  if (only.includes('trees'))
    await measureTrees(
      play,
      rtt,
      brief(TREES, ({ name }) => !name.includes('10,000') && !name.includes('deleted') && rtt === 0),
      manyTrees,
    );
  if (only.includes('deletions') && rtt !== 20)
    await measureTrees(
      play,
      rtt,
      brief(DELETIONS, ({ name }) => !name.includes('30,000') && rtt === 0),
      someTrees,
    );
  if (only.includes('checkout') && rtt !== 20) await measureTrees(play, rtt, [CHECKOUT], someTrees);
  if (only.includes('bursts')) for (const burst of BURSTS) await measureTrees(play, rtt, [burst], someTrees);
  if (only.includes('moves')) await measureTrees(play, rtt, MOVES, someTrees);
  if (only.includes('several') && rtt === 20) await measureSeveral(play, rtt);
}
