import { chmodSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** Something that listens where a syncwatch would, and what it was asked. */
export interface FakePeer {
  readonly asked: readonly string[];
  /** How many have connected. */
  readonly connections: () => number;
}

/** `answer`: what it does when it is asked a question, a line of text. */
export async function fakePeer(path: string, answer: (socket: Socket, question: string) => void): Promise<FakePeer> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', (chunk: Buffer) => {
      const line = chunk.toString('utf8');
      asked.push(line);
      answer(socket, line);
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  chmodSync(path, 0o600);
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { asked, connections: () => connections };
}
