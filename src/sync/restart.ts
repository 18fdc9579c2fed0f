import { type Failure, failed, type Result } from '../core/failure.js';
import type { Invocation, Settings } from '../settings.js';

/** The settings as they are by now. */
export interface Anew {
  /** It begins with these: from now on it is told as they have it. */
  begins(settings: Settings): void;
  /** Reads all of them once more. `mayAsk`: whether the user may be asked on the terminal if they may be obeyed. */
  read(mayAsk: boolean): Promise<Result<Invocation>>;
  /** Whether the file that they are from says something else by now; told once of each. */
  changed(): Changed | undefined;
}

/** `source`: the file's path; `failure`: why it can't be taken as it is. */
export interface Changed {
  readonly source: string;
  readonly failure: Failure | undefined;
}

/** A new start that was asked for. */
export interface NewStart {
  readonly invocation: Invocation;
  /** It begins with a full pass, whatever the settings say. */
  readonly wantsPass: boolean;
}

/** Whether to begin anew with the settings as they are by now: asked for by `syncwatch restart` or a key. */
export class Restart {
  readonly #now: Invocation;
  readonly #anew: Anew;
  readonly #asked = new AbortController();
  #next: NewStart | undefined;
  #reading: Promise<unknown> = Promise.resolve();

  constructor(now: Invocation, anew: Anew) {
    this.#now = now;
    this.#anew = anew;
  }

  /** Aborted when it is to begin anew. */
  get asked(): AbortSignal {
    return this.#asked.signal;
  }

  get next(): NewStart | undefined {
    return this.#next;
  }

  /** Takes the settings as they are now, one after the other where it is asked for twice. Gives why not. */
  ask(options: { readonly mayAsk: boolean; readonly wantsPass: boolean }): Promise<Failure | undefined> {
    const reading = this.#reading.then(() => this.#ask(options));
    this.#reading = reading;
    return reading;
  }

  async #ask({ mayAsk, wantsPass }: { readonly mayAsk: boolean; readonly wantsPass: boolean }) {
    if (this.#next !== undefined) return undefined;
    const read = this.#now.settings.mode === 'watch' ? await this.#anew.read(mayAsk) : failed(ONLY_WATCHING);
    if (!read.ok) return read.failure;
    const { dir, root } = read.value.settings;
    if (root !== this.#now.settings.root)
      return {
        kind: 'usage',
        message: `the settings are about ${dir} by now, and DIR stays what it is while it runs`,
        hint: 'End it, and start it again.',
      } satisfies Failure;
    this.#next = { invocation: read.value, wantsPass };
    this.#asked.abort();
    return undefined;
  }
}

const ONLY_WATCHING: Failure = { kind: 'usage', message: 'it is about to end by itself', hint: 'Start it again then.' };
