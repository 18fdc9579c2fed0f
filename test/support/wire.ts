import { onTestFinished } from 'vitest';
import type { Place } from './cli.js';
import { type Relay, startRelay } from './relay.mjs';

/** A relay between a place's ssh and its server, and the arguments that lead there. */
export interface Wire {
  readonly relay: Relay;
  readonly args: readonly string[];
}

/** Puts a relay on the way to the server; it goes when the test has finished. */
export async function wireTo({ server }: Place, rttMs = 0): Promise<Wire> {
  const relay = await startRelay(server.port, rttMs);
  onTestFinished(() => relay.close());
  return { relay, args: ['-p', String(relay.port), '-o', `HostKeyAlias=[127.0.0.1]:${server.port}`] };
}
