import type { Event } from '../../src/core/event.js';
import { type Failure, failed, type Result, success } from '../../src/core/failure.js';
import { Link, type LinkEvent, type LinkOptions } from '../../src/link/link.js';
import type { Connection, Transport } from '../../src/link/transport.js';

/** A connection of which the test says when it is lost, and that keeps count of what was asked of it. */
export interface FakeConnection extends Connection {
  lose(failure: Failure): void;
  reachable: boolean;
  readonly closed: () => boolean;
  readonly proved: () => number;
}

function fakeConnection(): FakeConnection {
  let lose: (failure: Failure) => void = () => {};
  const lost = new Promise<Failure>((resolve) => {
    lose = resolve;
  });
  let closed = false;
  let proved = 0;
  const notHere = () => Promise.reject(new Error('not used here'));
  const connection: FakeConnection = {
    host: 'me@there:22',
    remoteShell: 'fake',
    patienceMs: 1_000,
    lost,
    lose: (failure) => lose(failure),
    reachable: true,
    isReachable: () => connection.reachable,
    run: notHere,
    session: () => {
      throw new Error('not used here');
    },
    look: notHere,
    probe: notHere,
    reach: ({ path }) => ({ kind: 'local', path }),
    prove: async () => {
      proved++;
    },
    close: async () => {
      closed = true;
    },
    closed: () => closed,
    proved: () => proved,
  };
  return connection;
}

/** One login: the test says how it ends, unless it was aborted before. */
export interface Login {
  readonly atMs: number;
  readonly signal: AbortSignal;
  through(): FakeConnection;
  fail(failure: Failure): void;
}

const ABORTED: Failure = { kind: 'connection', message: 'stopped while connecting' };

/** A link by a transport whose logins the test ends, and all that came of it. Call it on fake time. */
export function fakeLink(options: Partial<LinkOptions<string>> = {}): {
  readonly link: Link<string>;
  readonly logins: Login[];
  readonly told: Event[];
  readonly heard: LinkEvent[];
  /** The one that goes on. */
  readonly login: () => Login;
} {
  const logins: Login[] = [];
  const told: Event[] = [];
  const heard: LinkEvent[] = [];
  const transport: Transport = {
    target: { kind: 'remote', host: 'there', user: undefined, path: 'p', label: 'there:p', place: 'there:p' },
    aim: { login: 'there', host: 'there', port: undefined, byHand: 'ssh there' },
    open: (signal) =>
      new Promise<Result<Connection>>((resolve) => {
        signal.addEventListener('abort', () => resolve(failed(ABORTED)));
        logins.push({
          atMs: performance.now(),
          signal,
          through: () => {
            const connection = fakeConnection();
            resolve(success(connection));
            return connection;
          },
          fail: (failure) => resolve(failed(failure)),
        });
      }),
  };
  const link = new Link<string>(transport, {
    report: (event) => void told.push(event),
    look: async () => success('the place'),
    lookAgain: async () => undefined,
    mostFirst: 1,
    mostLater: Number.POSITIVE_INFINITY,
    ...options,
  });
  const login = (): Login => {
    const last = logins.at(-1);
    if (last === undefined) throw new Error('nobody has logged in yet');
    return last;
  };
  return { link, logins, told, heard, login };
}
