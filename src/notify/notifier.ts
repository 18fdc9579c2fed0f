import { setTimeout as sleep } from 'node:timers/promises';
import { steadyNow } from '../clock.js';
import { Alerts, type Notification } from '../core/alerts.js';
import { msBetween } from '../core/clock.js';
import type { Event, Report } from '../core/event.js';
import type { Programs } from '../programs.js';
import { type Ended, say } from '../spawn.js';
import { type Desktop, findDesktop } from './desktop.js';

/** How long showing one may take, in milliseconds, before it is ended. */
const SHOW_MS = 10_000;

/** How long the last one may take to get out, in milliseconds. */
const LAST_MS = 2_000;

/** `--notify`: tells on the desktop that something is wrong, and that all is well again. */
export class Notifier {
  readonly #report: Report;
  readonly #desktop: Desktop;
  readonly #alerts = new Alerts();
  #timer: NodeJS.Timeout | undefined;
  /** One after the other. */
  #showing: Promise<void> = Promise.resolve();
  #isTold = false;

  private constructor(report: Report, desktop: Desktop) {
    this.#report = report;
    this.#desktop = desktop;
  }

  /** Undefined where this system has nothing to tell by, which is said. */
  static open(programs: Programs, report: Report): Notifier | undefined {
    const desktop = findDesktop(programs);
    if (!('missing' in desktop)) return new Notifier(report, desktop);
    const text = `--notify: there is no ${desktop.missing} here: nothing can be told on the desktop`;
    report({ kind: 'note', level: 'normal', text });
    return undefined;
  }

  handle(event: Event): void {
    this.#alerts.take(event, steadyNow());
    this.#look();
  }

  /** The last one gets out, or has had its time. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.race([this.#showing, sleep(LAST_MS, undefined, { ref: false })]);
  }

  #look(): void {
    clearTimeout(this.#timer);
    const notification = this.#alerts.due(steadyNow());
    if (notification !== undefined) this.#showing = this.#showing.then(() => this.#show(notification));
    const { nextMs } = this.#alerts;
    if (nextMs !== undefined)
      this.#timer = setTimeout(() => this.#look(), Math.max(1, msBetween(steadyNow(), nextMs))).unref();
  }

  async #show(notification: Notification): Promise<void> {
    const { program, args, name } = this.#desktop;
    const { ended, isLate, stderr } = await say(program, args(notification), {
      ownSession: true,
      patienceMs: SHOW_MS,
    });
    if ((ended.kind === 'exited' && ended.code === 0) || this.#isTold) return;
    this.#isTold = true;
    const [said = ''] = Buffer.from(stderr, 'latin1').toString('utf8').split('\n');
    const why = isLate ? 'it did not end' : said === '' ? inWords(ended) : said;
    const text = `--notify: ${name} could not tell it on the desktop: ${why}`;
    this.#report({ kind: 'note', level: 'normal', text });
  }
}

function inWords(ended: Ended): string {
  switch (ended.kind) {
    case 'exited':
      return `exit code ${ended.code}`;
    case 'signalled':
      return ended.signal;
    case 'notFound':
      return 'it is not there any more';
    case 'notStarted':
      return ended.why;
  }
}
