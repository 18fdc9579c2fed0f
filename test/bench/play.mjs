// What all measurements share: where they play, who takes part, and where the figures go.
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { BEFORE, HAND, median, US } from './figures.mjs';
import { differences } from './looks.mjs';
import { CLI, NO_GIT, RIVALS, syncwatch } from './rivals.mjs';
import { openStage } from './stage.mjs';

const run = promisify(execFile);

/** @typedef {import('./figures.mjs').Row} Row */
/** @typedef {import('./rivals.mjs').Rival} Rival */
/** @typedef {import('./stage.mjs').Stage} Stage */

/**
 * @typedef {object} Amounts
 * @property {number} saves
 * @property {number} asks how often each command that asks is run
 * @property {number} rounds
 * @property {number} files of the large tree
 * @property {string} workload only those with this in their name
 * @property {boolean} few only syncwatch and rsync by hand
 */

/** How long the slow ones are waited for until both trees are the same, and how often that is looked at, in milliseconds. */
const LATE_MS = 30_000;
const LOOK_MS = 1_500;

export class Play {
  /** @type {Row[]} */
  rows = [];
  /** @type {string[]} */
  notes = [];
  /** How often syncwatch ended with something wrong. */
  wrong = 0;
  #stages = 0;

  /** @param {string} base @param {Amounts} amounts @param {string | undefined} before another dist/cli.js */
  constructor(base, amounts, before) {
    this.base = base;
    this.amounts = amounts;
    /** The builds of syncwatch that are measured, by name. */
    this.builds = new Map([[US, CLI]]);
    if (before !== undefined) this.builds.set(BEFORE, before);
    for (const [name, cli] of this.builds) RIVALS[name] = (seat) => syncwatch(name, cli, seat);
    const ours = [HAND, ...this.builds.keys()];
    /** Who takes part: where it takes long only some. */
    this.who = amounts.few
      ? { all: ours, few: ours, ours }
      : { all: Object.keys(RIVALS), few: [...ours, 'lsyncd delay 0', 'unison -repeat 1'], ours };
  }

  /** @param {string} text */
  say(text) {
    console.log(text);
  }

  /** @param {readonly import('./workloads.mjs').Workload[]} workloads */
  meant(workloads) {
    return workloads.filter(({ name }) => name.includes(this.amounts.workload));
  }

  /** @param {string} text */
  note(text) {
    if (!this.notes.includes(text)) this.notes.push(text);
  }

  /** @param {Row} row */
  add(row) {
    this.rows.push(row);
    const bytes = row.bytes === undefined ? '' : `, ${Math.round(median(row.bytes) / 1000)} kB`;
    const [p50, p95] = [median(row.values), median(row.values, 0.95)];
    const { what, rival, unit, values } = row;
    this.say(`${what} | ${rival}: p50 ${p50.toFixed(1)}, p95 ${p95.toFixed(1)} ${unit} (${values.length})${bytes}`);
  }

  /**
   * @param {number} rttMs @param {'login' | 'bare'} shell
   * @param {(stage: Stage) => Promise<void>} play
   */
  async onStage(rttMs, shell, play) {
    const dir = join(this.base, `stage${this.#stages++}`);
    mkdirSync(dir);
    const stage = await openStage(dir, { rttMs, shell });
    const login = stage.loginMs.toFixed(0);
    this.say(`\n## RTT ${rttMs} ms, ${shell} shell: 'ssh there true' through an open master takes ${login} ms`);
    try {
      await play(stage);
    } finally {
      await stage.close();
      rmSync(dir, { recursive: true, force: true });
    }
  }

  /** All begin in sync. @param {Stage} stage @param {readonly string[]} names @param {(local: string) => void} prepare */
  async rivalsOn(stage, names, prepare) {
    const rivals = [];
    for (const name of names) {
      const seat = await stage.seat(name);
      prepare(seat.local);
      await run('rsync', ['-a', NO_GIT, `${seat.local}/`, `${seat.remote}/`]);
      const rival = await RIVALS[name]?.(seat);
      if (rival === undefined) this.note(`${name}: not installed, left out`);
      else rivals.push(rival);
    }
    return rivals;
  }

  /** @param {readonly Rival[]} rivals @param {string} where */
  async compareAll(rivals, where) {
    const apart = (/** @type {Rival} */ { seat, tickNs }) => differences(seat.local, seat.remote, tickNs).length > 0;
    const untilMs = performance.now() + LATE_MS;
    do await sleep(LOOK_MS);
    while (performance.now() < untilMs && rivals.some(apart));
    for (const { name, seat, tickNs } of rivals) this.compare(name, seat.local, seat.remote, where, tickNs);
  }

  /** A fast wrong answer is a failure. @param {string} name @param {string} local @param {string} remote @param {string} where @param {bigint} [tickNs] */
  compare(name, local, remote, where, tickNs) {
    const differ = differences(local, remote, tickNs);
    if (differ.length === 0) return;
    if (name === US) this.wrong++;
    this.note(`${name} ended with ${differ.length} names wrong after ${where}: ${differ.slice(0, 3).join(', ')}`);
  }
}
