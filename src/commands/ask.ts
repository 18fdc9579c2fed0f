import { askFound, type Found } from '../control/client.js';
import type { Answer, Question } from '../control/protocol.js';
import { jsonLine, type Printable } from '../core/printable.js';

/** How long an answer that takes no work may take, in milliseconds. */
export const ANSWER_MS = 5_000;

/** What is said of one that does not answer. */
export const busy = ({ pid }: Found): string => `the syncwatch there (pid ${pid}) is busy, or stopped (Ctrl-Z?)`;

/** What came of a question: the answer, that there was none in time, or that nobody is there to give one, or what is wrong. */
export type Said = Answer | { readonly answer: 'late' } | { readonly answer: 'gone'; readonly message: string };

/** Why it was not answered as it should. */
export const whyNot = (said: Said): string => ('message' in said ? said.message : 'no answer');

/** How things stand, for programs; of one that does not say so, which one it is. */
export const statusJson = ({ pid, root, target, place }: Found, said: Said | undefined): Printable =>
  jsonLine(said?.answer === 'status' ? { v: 1, ...said.status } : { v: 1, pid, root, target, place, silent: true });

/** The answer, or what is in its place. `waitMs`: for it; undefined: as long as it takes, while that one is alive. */
export async function ask(one: Found, question: Question, waitMs: number | undefined): Promise<Said> {
  const asked = await askFound(one, question, waitMs);
  switch (asked.kind) {
    case 'answered':
      return asked.answer;
    case 'late':
      return { answer: 'late' };
    case 'nobody':
    case 'silent':
      return { answer: 'gone', message: `the syncwatch to ${one.target} has just ended` };
    case 'frozen':
      return {
        answer: 'error',
        message: `the syncwatch to ${one.target} (pid ${one.pid}) does not answer any more: end it and start it again`,
      };
    case 'senseless':
      return { answer: 'error', message: 'an answer that makes no sense: another version? End it and start it again' };
  }
}
