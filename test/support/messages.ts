import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from '@swc/core';

/** What a failure in the source says, with `…` for what is put in. */
export interface Message {
  /** Of which kind the failure is, where that is said beside it. */
  readonly kind: string | undefined;
  readonly text: string;
  readonly file: string;
}

interface Node {
  readonly type: string;
  readonly [member: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';

const nodesIn = (value: unknown): Node[] =>
  (Array.isArray(value) ? value : [value]).flatMap((each): Node[] => {
    if (isNode(each)) return [each];
    return typeof each === 'object' && each !== null ? Object.values(each).flatMap(nodesIn) : [];
  });

function* allNodes(node: Node): Generator<Node> {
  yield node;
  for (const child of Object.values(node).flatMap(nodesIn)) yield* allNodes(child);
}

/** The texts that an expression may come to; none where it holds no text of its own. */
function textsOf(node: unknown): string[] {
  if (!isNode(node)) return [];
  switch (node.type) {
    case 'StringLiteral':
      return [String(node['value'])];
    case 'TemplateLiteral':
      return [
        nodesIn(node['quasis'])
          .map((quasi) => String(quasi['cooked']))
          .join('…'),
      ];
    case 'ConditionalExpression':
      return [...textsOf(node['consequent']), ...textsOf(node['alternate'])];
    case 'ParenthesisExpression':
      return textsOf(node['expression']);
    case 'ArrowFunctionExpression':
      return isNode(node['body']) && node['body'].type === 'BlockStatement' ? [] : textsOf(node['body']);
    default:
      return [];
  }
}

/** A member of an object in the source. */
function member(node: Node, name: string): unknown {
  for (const each of nodesIn(node['properties'])) {
    if (each.type !== 'KeyValueProperty' || !isNode(each['key']) || each['key']['value'] !== name) continue;
    return each['value'];
  }
  return undefined;
}

/** Whether an object in the source has a member by the name of a variable. */
const hasShort = (node: Node, name: string): boolean =>
  nodesIn(node['properties']).some(({ type, value }) => type === 'Identifier' && value === name);

/** What variables of this name come to, wherever they are. */
const variables = (module: Node, name: string): string[] =>
  [...allNodes(module)]
    .filter(({ type, id }) => type === 'VariableDeclarator' && isNode(id) && id['value'] === name)
    .flatMap(({ init }) => textsOf(init));

const SRC = join(import.meta.dirname, '../../src');

/** Each file of src/ with its text. */
export const sources = (): { readonly file: string; readonly text: string }[] =>
  readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => ({ file: `src/${file}`, text: readFileSync(join(SRC, file), 'utf8') }));

/** All messages of failures that stand in src/ as such: objects with a `kind` or a `hint` beside their `message`. */
export function messagesInSource(): Message[] {
  return sources().flatMap(({ file, text: source }) => {
    const module: unknown = parseSync(source, { syntax: 'typescript' });
    if (!isNode(module)) throw new Error(`${file} can't be read`);
    return [...allNodes(module)]
      .filter(({ type }) => type === 'ObjectExpression')
      .flatMap((object) => {
        const kind = textsOf(member(object, 'kind'))[0];
        if (kind === undefined && member(object, 'hint') === undefined) return [];
        const texts = hasShort(object, 'message') ? variables(module, 'message') : textsOf(member(object, 'message'));
        return texts.map((text) => ({ kind, text, file }));
      });
  });
}
