// A TCP relay between ssh and sshd: delays every byte by half a round trip each way, counts bytes, and can be cut or
// frozen. The kernel here has no netem.
import { connect, createServer } from 'node:net';

/**
 * @typedef {object} Relay
 * @property {number} port on 127.0.0.1
 * @property {() => { toServer: number, toClient: number }} bytes that went through since the start
 * @property {(rttMs: number) => void} setRtt
 * @property {() => void} cut ends every connection at once
 * @property {(on: boolean) => void} freeze nothing goes through, and nobody is told
 * @property {(bytes: number) => void} holdAfter of each new connection so many bytes from the server go through, then none
 * @property {() => Promise<void>} close
 */

/**
 * @param {number} port of the server, on 127.0.0.1
 * @param {number} [rtt] round-trip time in milliseconds
 * @param {number} [listenPort] its own port; a free one where not given
 * @returns {Promise<Relay>}
 */
export async function startRelay(port, rtt = 0, listenPort = 0) {
  let rttMs = rtt;
  let frozen = false;
  let most = Number.POSITIVE_INFINITY;
  const count = { toServer: 0, toClient: 0 };
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  /** @type {Set<() => void>} */
  const thaw = new Set();

  /**
   * @param {import('node:net').Socket} from
   * @param {import('node:net').Socket} to
   * @param {'toServer' | 'toClient'} way
   */
  const pipe = (from, to, way) => {
    /** @type {Array<{ at: number, chunk: Buffer | undefined }>} */
    const queue = [];
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    const flush = () => {
      timer = undefined;
      if (frozen) return;
      const now = performance.now();
      for (let next = queue[0]; next !== undefined && next.at <= now + 0.5; next = queue[0]) {
        queue.shift();
        if (next.chunk === undefined) to.end();
        else to.write(next.chunk);
      }
      const [first] = queue;
      if (first !== undefined) timer = setTimeout(flush, Math.max(0, first.at - performance.now()));
    };
    thaw.add(flush);
    let left = way === 'toClient' ? most : Number.POSITIVE_INFINITY;
    /** @param {Buffer | undefined} given */
    const later = (given) => {
      const chunk = given?.subarray(0, Math.max(0, left));
      left -= given?.length ?? 0;
      if (left <= 0 && (chunk === undefined || chunk.length === 0)) return; // not even that it ends
      count[way] += chunk?.length ?? 0;
      if (rttMs === 0 && !frozen && queue.length === 0) {
        if (chunk === undefined) to.end();
        else if (!to.write(chunk)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
        return;
      }
      queue.push({ at: performance.now() + rttMs / 2, chunk });
      timer ??= setTimeout(flush, rttMs / 2);
    };
    from.on('data', later);
    from.on('end', () => later(undefined));
    from.on('close', () => {
      clearTimeout(timer);
      thaw.delete(flush);
      to.destroySoon();
    });
  };

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    pipe(client, upstream, 'toServer');
    pipe(upstream, client, 'toClient');
  });
  await new Promise((resolve) => server.listen(listenPort, '127.0.0.1', () => resolve(undefined)));
  const address = server.address();
  if (address === null || typeof address !== 'object') throw new Error('no port');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: address.port,
    bytes: () => ({ ...count }),
    setRtt: (ms) => {
      rttMs = ms;
    },
    cut,
    holdAfter: (bytes) => {
      most = bytes;
    },
    freeze: (on) => {
      frozen = on;
      if (!on) for (const flush of thaw) flush();
    },
    close: () => {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
