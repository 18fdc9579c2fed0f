import type { Name } from '../name.js';
import type { RawRule, Rule } from './rule.js';
import { RuleList } from './rule-list.js';

/**
 * Which of the lines of an ignore file that bring back (`!`) also bring back what is left out by default: those that name it,
 * with no wildcard in the last part of the pattern (`!.idea/`), or as the default itself is written (`!*.pyc`). A broad one
 * (`!*.py`, or `!*` for directories) brings back only what the same file leaves out.
 */
export class Naming {
  readonly #naming: RuleList<Rule>;
  /** Whether there are broad ones. */
  readonly hasBroad: boolean;

  constructor(rules: Iterable<Rule>, defaults: Iterable<Rule>) {
    const written = new Set([...defaults].map(({ raw }) => bare(raw)));
    const included = [...rules].filter(({ raw }) => raw.action === 'include');
    const naming = included.filter(({ raw }) => isLiteral(raw) || written.has(bare(raw)));
    this.#naming = new RuleList(naming);
    this.hasBroad = naming.length < included.length;
  }

  get hasNaming(): boolean {
    return this.#naming.size > 0;
  }

  /** Whether one of them names this. */
  names(name: Name, isDir: boolean): boolean {
    return this.#naming.firstMatch(name, isDir) !== undefined;
  }
}

/** A pattern without the slashes around it. */
const bare = ({ pattern }: RawRule): string => pattern.replace(/^\/|\/$/g, '');

const isLiteral = (raw: RawRule): boolean => !/[*?[]/.test(bare(raw).split('/').at(-1) ?? '');
