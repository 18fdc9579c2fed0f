// The relay in a thread of its own: what a benchmark does in one go, as `rm -rf` or a checkout, must not hold up what goes over the wire.
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { startRelay } from '../support/relay.mjs';

/** @typedef {{ toServer: number, toClient: number }} Bytes that went through since the start */

/**
 * @typedef {object} ThreadRelay
 * @property {number} port on 127.0.0.1
 * @property {() => Promise<Bytes>} bytes
 * @property {() => Promise<unknown>} close
 */

/** @param {number} port of the server, on 127.0.0.1 @param {number} rttMs @returns {Promise<ThreadRelay>} */
export async function startRelayThread(port, rttMs) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { port, rttMs } });
  const [own] = await once(worker, 'message');
  return {
    port: own,
    bytes: async () => {
      const answer = once(worker, 'message');
      worker.postMessage('bytes');
      return (await answer)[0];
    },
    close: () => worker.terminate(),
  };
}

if (!isMainThread) {
  const relay = await startRelay(workerData.port, workerData.rttMs);
  parentPort?.on('message', () => parentPort?.postMessage(relay.bytes()));
  parentPort?.postMessage(relay.port);
}
