/** What the shell's job control and the keys need of the process: `process` itself, or a test's own. */
export interface JobControl {
  readonly pid: number;
  on(signal: JobSignal, listener: () => void): unknown;
  off(signal: JobSignal, listener: () => void): unknown;
  /** `pid` 0: all of its process group. */
  kill(pid: number, signal: NodeJS.Signals): unknown;
}

type JobSignal = 'SIGTSTP' | 'SIGCONT' | 'SIGQUIT';

/** A terminal's keys: `process.stdin`, or a test's own. */
export interface Keys {
  setRawMode(isRaw: boolean): unknown;
  setEncoding(encoding: 'utf8'): unknown;
  on(event: 'data', listener: (typed: string | Buffer) => void): unknown;
  on(event: 'error', listener: () => void): unknown;
  pause(): unknown;
  resume(): unknown;
}

export interface KeyboardOptions {
  /** Undefined where it is no terminal: then nothing of it is touched. */
  readonly stdin: Keys | undefined;
  readonly jobs: JobControl;
  readonly isForeground: () => boolean;
}

/** Who draws on the terminal. */
export interface Drawer {
  /** This was typed, as it came, without what is a signal: one key, or several, or what was pasted. */
  key(typed: string): void;
  /** It is about to be stopped (Ctrl-Z): what is drawn has to go, and with it the keyboard. */
  stopped(): void;
  /** It goes on, in the foreground or not. */
  continued(): void;
}

/** How long after a stop that nobody has made true (nobody could continue us) it goes on, in milliseconds. */
const NOT_STOPPED_MS = 100;

/** What the terminal makes signals of, unless it is raw: for the whole group in the foreground. */
const SIGNAL_OF: Readonly<Record<string, NodeJS.Signals>> = { '\x03': 'SIGINT', '\x1a': 'SIGTSTP', '\x1c': 'SIGQUIT' };

/**
 * The keys while something is drawn: they are not echoed, come one by one, and those that mean signals still do. Whoever draws
 * {@link take}s it before, and gives it back after; ssh and our own questions have the terminal as it was in between. Node puts it
 * back as it was when the process ends.
 */
export class Keyboard {
  readonly #options: KeyboardOptions;
  #drawer: Drawer | undefined;
  #isTaken = false;
  #isListening = false;

  constructor(options: KeyboardOptions) {
    this.#options = options;
  }

  /** From now on this one draws. */
  attach(drawer: Drawer): void {
    this.#drawer = drawer;
  }

  /** Something is about to be drawn. False where it must not: somebody else has the terminal. */
  take(): boolean {
    if (this.#isTaken) return true;
    this.#listen();
    if (!this.#options.isForeground()) return false;
    try {
      this.#options.stdin?.setRawMode(true);
      this.#options.stdin?.resume();
    } catch {
      // It has gone: the next write says so, too.
    }
    this.#isTaken = true;
    return true;
  }

  /** Nothing is drawn any more. */
  giveBack(): void {
    if (!this.#isTaken) return;
    this.#isTaken = false;
    try {
      this.#options.stdin?.pause();
      this.#options.stdin?.setRawMode(false);
    } catch {
      // It has gone.
    }
  }

  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    const { stdin, jobs } = this.#options;
    stdin?.setEncoding('utf8');
    stdin?.pause(); // who listens reads at once else, and is stopped for that in the background as soon as somebody types
    stdin?.on('data', (text: string | Buffer) => this.#typed(String(text)));
    stdin?.on('error', () => this.giveBack()); // the terminal has gone
    jobs.on('SIGTSTP', this.#stop);
    jobs.on('SIGCONT', this.#continued);
    jobs.on('SIGQUIT', this.#quit);
  }

  #typed(text: string): void {
    if (!this.#isTaken) return;
    let rest = '';
    for (const key of text) {
      const signal = SIGNAL_OF[key];
      if (signal === undefined) rest += key;
      else this.#options.jobs.kill(0, signal);
    }
    if (rest !== '') this.#drawer?.key(rest);
  }

  /**
   * Stops as whoever knows nothing of it would: the kernel then says whether anybody could continue it (a session's leader is not
   * stopped).
   */
  readonly #stop = (): void => {
    const { jobs } = this.#options;
    this.#drawer?.stopped();
    this.giveBack();
    jobs.off('SIGTSTP', this.#stop);
    jobs.kill(jobs.pid, 'SIGTSTP');
    setTimeout(this.#continued, NOT_STOPPED_MS);
  };

  readonly #continued = (): void => {
    const { jobs } = this.#options;
    jobs.off('SIGTSTP', this.#stop);
    jobs.on('SIGTSTP', this.#stop);
    // In the background by now, or in the foreground again: whatever it was, it is set anew.
    this.giveBack();
    this.#drawer?.continued();
  };

  /** Node puts the terminal back as it was for other signals alone. */
  readonly #quit = (): void => {
    const { jobs } = this.#options;
    this.#drawer?.stopped();
    this.giveBack();
    jobs.off('SIGQUIT', this.#quit);
    jobs.kill(jobs.pid, 'SIGQUIT');
  };
}
