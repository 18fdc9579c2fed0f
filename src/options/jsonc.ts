import { getNodeValue, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';

/** What is in a text, or why it can't be read: `why` goes after the name of the file. */
export type ReadJsonc =
  | {
      readonly ok: true;
      readonly value: unknown;
      /** Where a key of the outermost object stands, or one of the object that it has: `line 3, column 5`. */
      readonly placeOf: (...keys: readonly string[]) => string | undefined;
      /** The first key that an object has twice. */
      readonly twice: { readonly key: string; readonly place: string } | undefined;
    }
  | { readonly ok: false; readonly why: string };

/**
 * JSON as tsconfig.json and the settings of editors are: with comments and with commas after the last one; `isStrict`: as package.json is,
 * without. A byte order mark before it is no part of it.
 */
export function readJsonc(text: string, isStrict = false): ReadJsonc {
  const plain = text.replace(/^\ufeff/, '');
  const errors: ParseError[] = [];
  let tree: Node | undefined;
  try {
    tree = parseTree(plain, errors, { allowTrailingComma: !isStrict, disallowComments: isStrict });
  } catch {
    return { ok: false, why: 'is nested too deeply' }; // the stack is full
  }
  const [first] = errors;
  if (first !== undefined || tree === undefined)
    return { ok: false, why: `is no valid JSON: ${wordsOf(first)}, ${placeIn(plain, first?.offset ?? 0)}` };
  const root = tree;
  return {
    ok: true,
    value: getNodeValue(root) as unknown,
    placeOf: (...keys) => {
      const key = keyAt(root, keys);
      return key && placeIn(plain, key.offset);
    },
    twice: twiceIn(root, plain),
  };
}

function placeIn(text: string, offset: number): string {
  const before = text.slice(0, offset).split(/\r\n|\r|\n/);
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

/** The node of the last of these keys, each in the object of the one before. */
function keyAt(root: Node, keys: readonly string[]): Node | undefined {
  let object: Node | undefined = root;
  let found: Node | undefined;
  for (const name of keys) {
    const property: Node | undefined = object?.children?.find((each) => each.children?.[0]?.value === name);
    [found, object] = property?.children ?? [];
  }
  return found;
}

function twiceIn(node: Node, text: string): { readonly key: string; readonly place: string } | undefined {
  const seen = new Set<unknown>();
  for (const child of node.children ?? []) {
    const [key] = child.type === 'property' ? (child.children ?? []) : [];
    if (key !== undefined && seen.has(key.value)) return { key: String(key.value), place: placeIn(text, key.offset) };
    if (key !== undefined) seen.add(key.value);
    const deeper = twiceIn(child, text);
    if (deeper !== undefined) return deeper;
  }
  return undefined;
}

const WORDS: Readonly<Record<string, string>> = {
  InvalidSymbol: 'there is a word that is none of JSON',
  InvalidNumberFormat: 'a number is written wrongly',
  PropertyNameExpected: 'a key in double quotes is missing',
  ValueExpected: 'a value is missing',
  ColonExpected: 'a colon is missing',
  CommaExpected: 'a comma is missing',
  CloseBraceExpected: 'a } is missing',
  CloseBracketExpected: 'a ] is missing',
  EndOfFileExpected: 'there is more after its end',
  InvalidCommentToken: 'there is a comment',
  UnexpectedEndOfComment: 'a comment has no end',
  UnexpectedEndOfString: 'a text has no end',
  UnexpectedEndOfNumber: 'a number has no end',
  InvalidUnicode: 'a \\u is not followed by four digits',
  InvalidEscapeCharacter: 'a \\ is followed by what it may not be',
  InvalidCharacter: 'a text holds a line break or a control character',
};

const wordsOf = (error: ParseError | undefined): string =>
  error === undefined ? 'there is nothing in it' : (WORDS[printParseErrorCode(error.error)] ?? 'it is written wrongly');
