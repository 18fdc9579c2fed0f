import { steadyNow } from '../clock.js';
import type { Answer, Question } from '../control/protocol.js';
import type { Answerer } from '../control/server.js';
import { ALONE_MS, KEYS, type Key, Presses } from '../core/keys.js';
import type { KeyBoard } from '../io.js';
import { failedInWords, waitingInWords } from '../report/answers.js';
import { failureInWords } from '../report/words.js';
import type { Restart } from '../sync/restart.js';

export interface KeysOptions {
  readonly board: KeyBoard;
  readonly restart: Pick<Restart, 'ask'>;
  /** Whether the settings have changed since the start. */
  readonly isChanged: () => boolean;
}

/** After so long it is told that a pause has to wait, in milliseconds. */
const PAUSE_TAKES_LONG_MS = 300;

/** What the keys do: each asks all targets what the commands of the same name ask by their sockets. */
export class Keys {
  readonly #options: KeysOptions;
  readonly #close: () => void;
  readonly #gone = new AbortController();
  /** Of each target by its name, what answers the socket's questions. */
  readonly #answerers = new Map<string, Answerer>();
  readonly #presses = new Presses();
  #timer: NodeJS.Timeout | undefined;
  #isQuitting = false;
  /** How often it was asked to pause or to go on. */
  #turns = 0;

  constructor(options: KeysOptions) {
    this.#options = options;
    this.#close = options.board.listen((text) => {
      this.#presses.typed(text, steadyNow());
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#look(), ALONE_MS).unref();
    });
  }

  /** Whoever answers for this target is asked, too. */
  offer(target: string, answerer: Answerer): void {
    this.#answerers.set(target, answerer);
  }

  close(): void {
    this.#close();
    clearTimeout(this.#timer);
    this.#gone.abort();
  }

  #look(): void {
    const key = this.#presses.due(steadyNow());
    if (key !== undefined) void this.press(key);
    // The two clocks need not agree to the millisecond.
    else if (this.#presses.mayBeDue) this.#timer = setTimeout(() => this.#look(), 1).unref();
  }

  /** Does what this key means. */
  async press(key: Key): Promise<void> {
    const { board } = this.#options;
    switch (key) {
      case 'p':
        return this.#pauseOrResume();
      case 'r':
        return this.#pass();
      case 'f':
        return this.#show({ ask: 'failed' }, (target, answer) =>
          answer.answer === 'failed' ? failedInWords(target, answer.failed) : undefined,
        );
      case 'w':
        return this.#show({ ask: 'waiting' }, (target, answer) =>
          answer.answer === 'waiting' ? waitingInWords(target, answer.waiting) : undefined,
        );
      case 'c':
        return board.clear();
      case 'q':
        // Once more stops at once, as with Ctrl-C.
        if (this.#isQuitting) return board.interrupt();
        this.#isQuitting = true;
        await this.#askAll({ ask: 'stop' });
        return;
      case 'h':
        return board.say(Object.entries(KEYS).map(([name, does]) => `  ${name}  ${does}`));
    }
  }

  async #pauseOrResume(): Promise<void> {
    const turn = ++this.#turns;
    const statuses = await this.#askAll({ ask: 'status' });
    const goesOn = statuses.some(
      ([, answer]) => answer.answer === 'status' && !['paused', 'pausing', 'halted'].includes(answer.status.state.kind),
    );
    // A full sync that is under way may take long, and nothing else tells that the key was heard.
    const tell = (): void => this.#options.board.say(['about to pause: what is under way ends first; p goes on']);
    const timer = goesOn ? setTimeout(tell, PAUSE_TAKES_LONG_MS).unref() : undefined;
    const answers = await this.#askAll({ ask: goesOn ? 'pause' : 'resume' });
    clearTimeout(timer);
    // Pressed once more meanwhile it goes on because of that.
    if (turn === this.#turns) this.#complain(answers);
  }

  /** A full pass; where the settings have changed it is the first one by the new ones. */
  async #pass(): Promise<void> {
    if (!this.#options.isChanged()) return this.#complain(await this.#askAll({ ask: 'pass' }));
    const refused = await this.#options.restart.ask({ mayAsk: true, wantsPass: true });
    if (refused !== undefined)
      this.#options.board.say([...failureInWords(refused), '  It goes on with the settings that it has.']);
  }

  async #show(
    question: Asked,
    words: (target: string, answer: Answer) => readonly string[] | undefined,
  ): Promise<void> {
    const answers = await this.#askAll(question);
    this.#options.board.say(answers.flatMap(([target, answer]) => words(target, answer) ?? errorOf(target, answer)));
  }

  #complain(answers: ReadonlyArray<readonly [string, Answer]>): void {
    const errors = answers.flatMap(([target, answer]) => errorOf(target, answer));
    if (errors.length > 0) this.#options.board.say(errors);
  }

  #askAll(question: Asked): Promise<ReadonlyArray<readonly [string, Answer]>> {
    const { signal } = this.#gone;
    return Promise.all(
      [...this.#answerers].map(async ([target, ask]) => [target, await ask(question, signal)] as const),
    );
  }
}

type Asked = Exclude<Question, { ask: 'who' }>;

const errorOf = (target: string, answer: Answer): string[] =>
  answer.answer === 'error' ? [`${target}: ${answer.message}`] : [];
