import type { Failure } from '../core/failure.js';
import type { Invocation } from '../settings.js';
import { invocationFrom, type WhyAsked, whyFrom } from './check.js';
import type { SettingsWatch } from './edited.js';
import { type Around, gather } from './gather.js';
import { type Layer, sourceOf } from './layer.js';
import type { Parsed } from './parsed.js';
import type { Words } from './words.js';

/** What the command line of syncwatch itself, and of doctor, asks for. */
export type Asked =
  | ({ readonly kind: 'run'; readonly edits: SettingsWatch } & Invocation)
  | { readonly kind: 'why'; readonly asked: WhyAsked }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** Takes settings and environment in, and checks everything that needs no connection. Nothing is changed anywhere. */
export async function readOptions(words: Words, around: Around): Promise<Asked> {
  const { flags } = words;
  const given = await gather(words, around);
  if (!given.ok) return { kind: 'failed', failure: given.failure };
  if (flags['why'] !== undefined) {
    const asked = whyFrom(given.value);
    return asked.ok ? { kind: 'why', asked: asked.value } : { kind: 'failed', failure: asked.failure };
  }
  const invocation = invocationFrom(given.value);
  if (invocation.ok) return { kind: 'run', edits: given.value.edits, ...invocation.value };
  return { kind: 'failed', failure: blame(invocation.failure, flags, given.value.layers) };
}

/** A failure that speaks of an option which is from the settings names them instead. */
function blame(failure: Failure, flags: Parsed, layers: readonly Layer[]): Failure {
  const option = /^--([\w-]+)/.exec(failure.message)?.[1];
  const source = option === undefined ? undefined : sourceOf(flags, layers, option);
  if (option === undefined || source === undefined) return failure;
  return { ...failure, message: `${source}: "${option}"${failure.message.slice(`--${option}`.length)}` };
}
