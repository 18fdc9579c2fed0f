import type { Name } from '../core/name.js';
import { isUp } from '../core/sync/state.js';
import type { Link, LinkEvent, LinkUser } from '../link/link.js';
import type { Scanner } from '../scan/scanner.js';
import type { DirectoryEvent, DirectoryUser } from '../watch/directory-event.js';
import type { Findings } from './findings.js';
import type { Inbox } from './inbox.js';
import type { Runner } from './runner.js';
import type { PassWork } from './work.js';

export interface SourcesOptions extends Pick<PassWork, 'ledger' | 'rootIsThere'> {
  readonly link: Pick<Link<unknown>, 'nudge'>;
}

/** Where to what they tell goes. */
interface Hearers {
  readonly inbox: Pick<Inbox, 'state' | 'take'>;
  readonly scanner: Pick<Scanner, 'hint' | 'walk' | 'setBlind' | 'setPolled'>;
  readonly findings: Pick<Findings, 'note'>;
  readonly runner: Pick<Runner, 'underWay'>;
}

/** What happens to one target by itself: what the watcher tells of DIR, and what becomes of the link. */
export class Sources implements LinkUser, DirectoryUser {
  readonly #options: SourcesOptions;
  readonly #inbox: Hearers['inbox'];
  readonly #scanner: Hearers['scanner'];
  readonly #findings: Hearers['findings'];
  readonly #runner: Hearers['runner'];

  constructor(options: SourcesOptions, { inbox, scanner, findings, runner }: Hearers) {
    this.#options = options;
    this.#inbox = inbox;
    this.#scanner = scanner;
    this.#findings = findings;
    this.#runner = runner;
  }

  handleDirectory(event: DirectoryEvent): void {
    switch (event.kind) {
      case 'watcherHints':
        this.#watcherHints(event);
        break;
      case 'hint':
        this.#scanner.hint(event.names);
        break;
      case 'doubt':
        void this.#scanner.walk();
        break;
      case 'blind':
        this.#scanner.setBlind(event.isBlind);
        break;
      case 'polled':
        this.#scanner.setPolled(event.parts, event.everyMs);
        break;
      case 'rulesChanged':
        this.#inbox.take({ kind: 'rulesChanged' });
        void this.#scanner.walk();
        break;
      case 'rootBack':
        this.#rootBack(event.isReplaced);
        break;
      case 'woke':
        this.#inbox.take({ kind: 'woke' });
        break;
    }
  }

  #watcherHints({ names, synced }: Extract<DirectoryEvent, { kind: 'watcherHints' }>): void {
    if (isUp(this.#inbox.state.phase)) {
      if (names.length > 0) this.#scanner.hint(names);
      return;
    }
    for (const name of synced) this.#findings.note(name);
    if (synced.length > 0) this.#options.link.nudge();
  }

  #rootBack(isReplaced: boolean): void {
    const { ledger, rootIsThere } = this.#options;
    if (isReplaced) {
      ledger.forget();
      if (rootIsThere()) void ledger.save(); // what was remembered belongs to the other directory
    }
    this.#inbox.take({ kind: 'rootBack' });
  }

  forgetBelow(dir: Name): Promise<void> {
    return this.#options.ledger.forgetBelow(dir);
  }

  get waiting(): number {
    return this.#options.ledger.pending.size;
  }

  handleLink(event: LinkEvent): void {
    this.#inbox.take(event.kind === 'gaveUp' ? { kind: 'halt', failure: event.failure } : { kind: LINK[event.kind] });
  }

  runsUnderWay(): Promise<unknown> {
    return this.#runner.underWay();
  }
}

/** What becomes of the link, as an input. */
const LINK = { up: 'up', lost: 'down', replaced: 'replaced' } as const;
