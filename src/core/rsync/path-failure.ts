import type { Failure } from '../failure.js';
import { looseTextOf, type Name } from '../name.js';
import type { Complaint } from './complaints.js';

/** The failure of one path, in words. Errors of the system by number: errno(3). */
export function pathFailure({ side, errno, reason, text, about }: Complaint): Failure {
  const where = side === 'here' ? 'here' : 'there';
  // Missing, no directory, a directory, too many links: it became something else between rsync's looks at it. No data
  // (macOS: 96): it became shorter while it was read.
  const changed = side === 'here' && errno !== undefined && [2, 20, 21, 40, 61, 96].includes(errno);
  const isPassing = changed || about === 'inTheWay';
  const [what, hint] = ((): readonly [string, string | undefined] => {
    if (changed) return ['it changed while it was read', undefined];
    switch (errno) {
      case 1:
      case 13:
        return side === 'here'
          ? ['permission denied here', 'Make it readable, or leave it out with --exclude.']
          : ['permission denied there', 'Check the rights and the owner of the directory there.'];
      case 28:
      case 122:
      case 69: // macOS: quota
        return side === 'here'
          ? [`${reason} (here)`, undefined]
          : ['no room left there', 'Make room there; it is tried again by itself.'];
      case 30:
        return ['the file system there is read-only', undefined];
      case 36:
      case 63: // macOS
        return ['the name is too long for the file system there', 'Shorten it, or leave it out with --exclude.'];
      case 95: // Linux: EOPNOTSUPP
      case 45: // macOS: ENOTSUP
        return /^(set_acl|rsync_xal_set): /.test(reason)
          ? ['the file system there takes no such ACL or extended attribute', 'Leave out -A or -X after the --.']
          : [`${reason} (${where})`, undefined];
      case 5:
        return [`input/output error ${where}`, 'The disk may be failing.'];
      case undefined:
        return [reason, undefined];
      default:
        return [`${reason} (${where})`, undefined];
    }
  })();
  return {
    kind: 'path',
    message: what,
    detail: text,
    ...(hint === undefined ? {} : { hint }),
    ...(isPassing ? { isPassing } : {}),
  };
}

/** Of a name that failed in a run of its own, or may have: in rsync's words. */
export function doubtful(text: string): Failure {
  const found = /^(?:(?:rsync|\S*\/rsync): (?:\[(\w+)\] )?)?(.*?)(?:: [^":()]+ \((\d+)\))?$/s.exec(text);
  const [, role = '', reason = text, errno] = found ?? [];
  return pathFailure({
    text,
    paths: [],
    errno: errno === undefined ? undefined : Number(errno),
    side: role === 'sender' ? 'here' : 'there',
    about: 'content',
    reason: inText(reason),
  });
}

/** Output, one character per byte, for people. */
export const inText = (bytes: string): string => looseTextOf(bytes as Name);
