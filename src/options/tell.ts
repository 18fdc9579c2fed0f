import { HOOK_KINDS, type HookKind } from '../core/hook-kinds.js';
import { isTextByText } from './kinds.js';
import { many, type Values } from './parsed.js';
import { isInside } from './places.js';
import type { Tell, View } from './row.js';

// What settings make happen, in plain words: for the rows of options/table.ts.

/** A line for each of the values of a list. */
export const each =
  (tell: (text: string, view: View) => string): Tell =>
  (value, view) =>
    many(value as Values).map((text) => tell(text, view));

export const ifOn =
  (text: string): Tell =>
  (value) =>
    value === true ? [text] : [];

const WHEN = { eachPath: 'after each path', inSync: 'each time all is there' } as const;

export const hookTold = (kind: HookKind): Tell => {
  const { where, when } = HOOK_KINDS[kind];
  return (value) =>
    Object.entries(isTextByText(value) ? value : { '': String(value) })
      .filter(([, command]) => command.trim() !== '')
      .map(
        ([pattern, command]) =>
          `run ${where}, ${WHEN[when]}${pattern === '' ? '' : ` that ${pattern} matches`}: ${command}`,
      );
};

/** Only of paths that are not in the folder of the settings. */
export const leaving =
  (tell: (path: string) => string): Tell =>
  (value, { folder, real }) =>
    many(value as Values)
      .map(real)
      .filter((path) => path !== folder && !isInside(path, folder))
      .map(tell);

export const targetTold = each((text, view) => {
  const named = view.targets.get(text);
  return named === undefined ? `send to ${placeIn(text, view)}` : `send to ${text}, which is ${placeIn(named, view)}`;
});

export const namesTold: Tell = (_value, view) =>
  [...view.targets].map(([name, place]) => `send to ${placeIn(place, view)}, which it calls ${name}`);

export const dirTold: Tell = (_value, view) =>
  leaving((path) => `send ${path}, which is not in the folder of the settings`)(view.dir, view);

export const sshConfigTold: Tell = (value, { sshConfig, real }) => [
  `let ssh do what ${real(String(value))} says${sshConfig === undefined ? '' : ':'}`,
  ...(sshConfig ?? []).map((text) => `  ${text}`),
];

/** The place of a target; where it is on this machine, where it really is. Those in a file are absolute by then. */
const placeIn = (text: string, { real }: View): string => (text.startsWith('/') ? real(text) : text);
