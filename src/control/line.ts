import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';

/**
 * What came on a socket. `late`: nothing in time; `senseless`: no line that anybody of ours would send, too long or too slow;
 * `ended`: the other side hung up.
 */
export type Line =
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'late' }
  | { readonly kind: 'senseless' }
  | { readonly kind: 'ended' };

/** Times are in milliseconds. */
export interface LineLimits {
  readonly maxBytes: number;
  /** Until it has come; undefined: as long as it takes. */
  readonly withinMs: number | undefined;
  /** Until it has come, once it has begun to come. */
  readonly onceBegunMs: number;
}

const NEWLINE = 10;

/** The first line on a socket, without its end. What follows it is dropped. */
export function firstLine(socket: Socket, { maxBytes, withinMs, onceBegunMs }: LineLimits): Promise<Line> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let begun: NodeJS.Timeout | undefined;
    const whole = withinMs === undefined ? undefined : setTimeout(() => end({ kind: 'late' }), withinMs);
    const take = (chunk: Buffer): void => {
      begun ??= setTimeout(() => end({ kind: 'senseless' }), onceBegunMs);
      const at = chunk.indexOf(NEWLINE);
      const part = at < 0 ? chunk : chunk.subarray(0, at);
      chunks.push(part);
      bytes += part.length;
      if (bytes > maxBytes) end({ kind: 'senseless' });
      else if (at >= 0) end({ kind: 'line', text: Buffer.concat(chunks).toString('utf8') });
    };
    const hungUp = (): void => end({ kind: 'ended' });
    const end = (line: Line): void => {
      clearTimeout(whole);
      clearTimeout(begun);
      socket.off('data', take).off('end', hungUp).off('close', hungUp);
      socket.resume(); // its end is still to be noticed
      resolve(line);
    };
    socket.on('data', take).on('end', hungUp).on('close', hungUp);
  });
}
