import { readdirSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { readChecked } from '../read-checked.js';

/** A known_hosts of this size has some hundred thousand lines. In bytes. */
const MOST = 16 * 1_048_576;

/** As deep may one config include another: readconf.c, READCONF_MAX_DEPTH. */
const DEEPEST = 16;

/** So many files in all, should they include each other again and again. */
const MOST_FILES = 200;

/** What the user's ssh says about hosts, as far as its files do. Nobody is asked, and no program started. */
export interface SshFiles {
  /** Those that can be named, without doubles, in the order of the files. */
  readonly hosts: readonly string[];
  /** What stands for `ControlPath`, as it is written. */
  readonly controlPaths: readonly string[];
}

/**
 * Reads ssh's config (the user's and the system's, or `config` in the place of both) with all that it includes, and known_hosts. Hosts
 * with wildcards are no hosts; what is hashed can't be read; what is not there, or no plain file, is passed over.
 */
export function readSshFiles(home: string, config: string | undefined): SshFiles {
  const found: Found = { hosts: [], controlPaths: [], files: 0 };
  const own = join(home, '.ssh');
  if (config === undefined) {
    readConfig(join(own, 'config'), own, home, found, 0);
    readConfig('/etc/ssh/ssh_config', '/etc/ssh', home, found, 0);
  } else readConfig(config, own, home, found, 0);
  for (const file of [join(own, 'known_hosts'), join(own, 'known_hosts2'), '/etc/ssh/ssh_known_hosts'])
    for (const line of linesOf(file)) found.hosts.push(...hostsOf(line));
  return { hosts: [...new Set(found.hosts)], controlPaths: [...new Set(found.controlPaths)] };
}

interface Found {
  readonly hosts: string[];
  readonly controlPaths: string[];
  files: number;
}

function linesOf(file: string): readonly string[] {
  const read = readChecked(file, { limit: MOST });
  return read.kind === 'read' ? read.bytes.toString('utf8').split('\n') : [];
}

/** ssh_config(5): a keyword, blanks or one `=`, and words, which may be quoted. `folder`: what is relative is in it. */
function readConfig(file: string, folder: string, home: string, found: Found, depth: number): void {
  if (depth > DEEPEST || found.files++ > MOST_FILES) return;
  for (const line of linesOf(file)) {
    const [, key = '', rest = ''] = /^\s*"?([A-Za-z]+)"?(?:\s*=\s*|\s+)(.*?)\s*$/.exec(line) ?? [];
    const words = [...rest.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
    switch (key.toLowerCase()) {
      case 'host':
        found.hosts.push(...words.filter(isHost));
        break;
      case 'controlpath':
        found.controlPaths.push(words[0] ?? '');
        break;
      case 'include':
        for (const word of words)
          for (const path of filesAt(inFull(word, folder, home))) readConfig(path, folder, home, found, depth + 1);
        break;
    }
  }
}

const inFull = (path: string, folder: string, home: string): string =>
  path.startsWith('~/') ? join(home, path.slice(2)) : isAbsolute(path) ? path : join(folder, path);

/** glob(7), as far as `*` and `?` go; files whose name begins with a dot have to be named so. */
function filesAt(path: string): readonly string[] {
  let all = ['/'];
  for (const part of path.split('/').filter((each) => each !== '')) {
    if (!/[*?]/.test(part)) {
      all = all.map((folder) => join(folder, part));
      continue;
    }
    const pattern = part
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
    const shape = new RegExp(`^${part.startsWith('.') ? '' : '(?![.])'}${pattern}$`);
    all = all.flatMap((folder) =>
      namesIn(folder)
        .filter((name) => shape.test(name))
        .map((name) => join(folder, name)),
    );
  }
  return all;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** sshd(8), SSH_KNOWN_HOSTS FILE FORMAT: names between commas, `[name]:port` for another port. What is marked is no host's key. */
function hostsOf(line: string): readonly string[] {
  const [names = ''] = line.trim().split(/\s/);
  if (names === '' || /^[#@|]/.test(names)) return [];
  return names
    .split(',')
    .map((name) => /^\[(.*)\]:\d+$/.exec(name)?.[1] ?? name)
    .filter(isHost);
}

/** Something that may stand before the colon of a target: no wildcard, not the opposite of a host, no option. */
const isHost = (name: string): boolean => /^[\w][\w.:%-]*$/.test(name);
