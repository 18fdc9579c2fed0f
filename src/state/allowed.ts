import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { type Failure, failed, type Result, success } from '../core/failure.js';
import { showControls } from '../core/printable.js';
import { readChecked, SETTINGS_LIMIT, whyNotOurs } from '../read-checked.js';
import { keyOf } from './key.js';

/** What is kept of a yes: to which settings file, and the SHA-256 of what it said then. */
const Record = v.strictObject({
  version: v.literal(1),
  path: v.string(),
  sum: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
});

/** Which settings files the user has said yes to, a small file each in the state folder. */
export class Allowed {
  readonly #folder: string;
  readonly #uid: number;

  /** `folder`: the state folder. `uid`: who we are. */
  constructor(folder: string, uid: number) {
    this.#folder = folder;
    this.#uid = uid;
  }

  /** The sum that the file at `path` was allowed with. What is kept and makes no sense, or is not ours alone, is no yes. */
  sumOf(path: string): string | undefined {
    const read = readChecked(this.#at(path, 'allowed'), { limit: SETTINGS_LIMIT, follow: false });
    if (read.kind !== 'read' || whyNotOurs(read.stats, this.#uid) !== undefined) return undefined;
    const kept = v.safeParse(Record, parsed(read.bytes.toString('utf8')));
    return kept.success && kept.output.path === path ? kept.output.sum : undefined;
  }

  /** The user has said yes to the file at `path`, which says what `sum` is of. */
  allow(path: string, sum: string): Failure | undefined {
    const record: v.InferOutput<typeof Record> = { version: 1, path, sum };
    return this.#write(this.#at(path, 'allowed'), Buffer.from(`${JSON.stringify(record)}\n`));
  }

  /** Takes it back. Gives whether there was anything to take back. */
  revoke(path: string): boolean {
    const was = this.sumOf(path) !== undefined;
    rmSync(this.#at(path, 'allowed'), { force: true, recursive: true });
    return was;
  }

  /**
   * Keeps the ssh config that the settings file at `path` names, as it was when the user said yes to it, for ssh to read: ssh
   * reads it again with each login, and it may be another one by then. Gives where it is. `original`: where it comes from,
   * for whoever looks into it because ssh complains.
   */
  keepSshConfig(path: string, bytes: Buffer, original: string): Result<string> {
    const kept = this.#at(path, 'ssh_config');
    const note = `\n# A copy of ${showControls(original)}, as it was allowed. Edit that one.\n`;
    const problem = this.#write(kept, Buffer.concat([bytes, Buffer.from(note)]));
    return problem === undefined ? success(kept) : failed(problem);
  }

  #at(path: string, ending: string): string {
    return join(this.#folder, `${keyOf(path, 'settings')}.${ending}`);
  }

  /** Whole or not at all. */
  #write(path: string, bytes: Buffer): Failure | undefined {
    const temporary = `${path}.${randomBytes(6).toString('hex')}`;
    try {
      const fd = openSync(temporary, 'wx', 0o600);
      try {
        writeFileSync(fd, bytes);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(temporary, path);
      return undefined;
    } catch (error) {
      rmSync(temporary, { force: true });
      return {
        kind: 'start',
        message: `can't write ${path}: ${error instanceof Error ? error.message : String(error)}`,
        hint: 'Make room there, or set XDG_STATE_HOME to another folder.',
      };
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
