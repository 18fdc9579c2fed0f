/**
 * In which runs an option of the user's takes part: `all`; those that `send` (not those that only delete or list, which
 * read an empty directory, whose owner must not reach the target); only full `passes`; or `none`, where it says what is
 * so anyway.
 */
export type InRuns = 'all' | 'sending' | 'passes' | 'none';

/** What an option of rsync is to us. */
export type Use =
  | { readonly kind: 'allowed'; readonly runs: InRuns }
  /** `why`: what would break, and what to use instead. */
  | { readonly kind: 'refused'; readonly why: string };

/** One option of rsync. */
export interface KnownOption {
  /** The way we write it: `--xattrs`, `-D`. */
  readonly name: string;
  /** All ways to write it. */
  readonly names: readonly string[];
  readonly takesValue: boolean;
  readonly use: Use;
}

/** Options written as in `rsync --help`, one string each: all ways to write it, a `=` after the first where it takes a value. */
type Spelled = readonly string[];

const SETS = 'syncwatch sets it itself';
const SAYS = 'syncwatch reads what rsync says: use -v, --debug or --json before the --';
const PATTERNS = 'what is left out must be known here too: use --exclude, --include or --exclude-from before the --';
const DELETES =
  'syncwatch says itself what is deleted, and deletes only what is its own: use --delete=mirror before the --';
const HALF = 'a cut transfer would leave half a file under its final name, or pieces that nobody removes';
const LEFT_OUT = 'it would leave files out, which then count as being there: use --exclude before the --';
const FOLLOWED =
  'nothing tells of changes behind a link, and what it brings would be deleted again: give what the link leads to a syncwatch of its own, or mount it there (mount --bind)';
const SPECIAL = 'devices, sockets and FIFOs are left out';
const DAEMON = 'it is for rsync daemons, and syncwatch goes through ssh';
const BATCH = 'syncwatch has to see each run end there';

/** What may follow the `--`. Each is tested to work in full: sent, deleted, flushed, compared in a rescan. */
const ALLOWED: ReadonlyArray<readonly [runs: InRuns, options: Spelled]> = [
  [
    // What goes along beside content, links, permissions and times. See carriesMore.
    'sending',
    [
      '--owner -o',
      '--no-owner --no-o',
      '--group -g',
      '--no-group --no-g',
      '--acls -A',
      '--no-acls --no-A',
      '--xattrs -X',
      '--no-xattrs --no-X',
      '--numeric-ids',
      '--no-numeric-ids',
      '--usermap=',
      '--groupmap=',
      '--chown=',
      '--super',
      '--no-super',
    ],
  ],
  [
    // What does not go along, or otherwise. That it differs here wakes a run that finds nothing to do.
    'sending',
    [
      '--chmod=',
      '--perms -p',
      '--no-perms --no-p',
      '--executability -E',
      '--omit-dir-times -O',
      '--no-omit-dir-times --no-O',
      '--omit-link-times -J',
      '--no-omit-link-times --no-J',
    ],
  ],
  [
    // How it is sent and compared.
    'sending',
    [
      '--compress -z',
      '--no-compress --no-z',
      '--old-compress',
      '--new-compress',
      '--compress-choice= --zc',
      '--compress-level= --zl',
      '--compress-threads= --zt',
      '--skip-compress=',
      '--checksum -c',
      '--no-checksum --no-c',
      '--checksum-choice= --cc',
      '--checksum-seed=',
      '--whole-file -W',
      '--no-whole-file --no-W',
      '--block-size= -B',
      '--inc-recursive --i-r',
      '--no-inc-recursive --no-i-r',
      '--open-noatime',
      '--no-open-noatime',
    ],
  ],
  // In the other runs it finds a file that is about to be deleted, and rsync dies of that; they have --link-dest.
  ['passes', ['--fuzzy -y', '--no-fuzzy --no-y']],
  // How it is written there.
  ['sending', ['--sparse -S', '--no-sparse --no-S', '--preallocate', '--fsync']],
  // The processes themselves.
  ['all', ['--bwlimit=', '--no-bwlimit', '--max-alloc=', '--rsync-path=', '--remote-option= -M']],
  [
    'none',
    [
      '--links -l',
      '--times -t',
      '--no-hard-links --no-H',
      '--no-atimes --no-U',
      '--no-crtimes --no-N',
      '--no-D',
      '--no-devices',
      '--no-specials',
      '--no-write-devices',
      '--no-drop-D',
      '--no-munge-links',
      '--no-insecure-links',
      '--no-one-file-system --no-x',
      '--no-inplace',
      '--no-append',
      '--no-partial',
      '--no-delay-updates',
      '--no-force',
      '--no-ignore-errors',
      '--no-prune-empty-dirs --no-m',
      '--no-timeout',
      '--no-contimeout',
      '--no-iconv',
    ],
  ],
];

/** What may not, each with the reason and what to use instead. */
const REFUSED: ReadonlyArray<readonly [why: string, options: Spelled]> = [
  ['it sends nothing: run rsync by itself', ['--help', '--version -V']],
  [
    'it also takes devices along, and syncwatch says itself what is entered: use -og for owner and group',
    ['--archive -a'],
  ],
  [
    'hard links are files of their own there: which names belong together can change without any of them being sent',
    ['--hard-links -H'],
  ],
  [
    PATTERNS,
    ['--filter= -f', '-F', '--cvs-exclude -C', '--exclude=', '--include=', '--exclude-from=', '--include-from='],
  ],
  [
    DELETES,
    [
      '--del',
      '--delete',
      '--delete-before',
      '--delete-during',
      '--delete-delay',
      '--delete-after',
      '--force',
      '--ignore-errors',
    ],
  ],
  ['use --delete=mirror --delete-excluded before the --', ['--delete-excluded']],
  ['use --max-delete before the --', ['--max-delete=']],
  ['it would delete your own files', ['--remove-source-files', '--remove-sent-files']],
  ['use --trash before the --', ['--backup -b', '--no-backup', '--backup-dir=', '--suffix=']],
  ['use --dry-run before the --', ['--dry-run -n', '--list-only']],
  ['use -p, -i, -F or -o before the --, or your ssh config', ['--rsh= -e']],
  [
    LEFT_OUT,
    [
      '--max-size=',
      '--min-size=',
      '--existing',
      '--ignore-non-existing',
      '--ignore-existing',
      '--one-file-system -x',
      '--no-links --no-l',
      '--safe-links',
      '--prune-empty-dirs -m',
    ],
  ],
  [
    'what is newer there would be left as it is, and count as being the same: use --exclude before the --',
    ['--update -u'],
  ],
  ['a change that keeps the size would be left out: use -c to compare contents', ['--size-only']],
  [
    'each full sync would send everything again: syncwatch knows itself what size and time do not show, and -c compares contents',
    ['--ignore-times -I', '--no-times --no-t'],
  ],
  [
    'files that are in that directory there would be taken for sent: syncwatch itself links there what was renamed here',
    ['--compare-dest=', '--copy-dest=', '--link-dest='],
  ],
  [FOLLOWED, ['--copy-links -L', '--copy-unsafe-links', '--copy-dirlinks -k']],
  [
    'it would write and delete outside of the target: make the place that the link leads to a target',
    ['--keep-dirlinks -K'],
  ],
  ['a link here would be another one there: use --exclude before the --', ['--munge-links']],
  ['it lets the links of others lead elsewhere: name the place itself', ['--insecure-links', '--confine-root=']],
  [SPECIAL, ['-D', '--devices', '--specials', '--copy-devices', '--write-devices', '--drop-D']],
  ['reading a file changes it, and nothing tells of that', ['--atimes -U']],
  ['few systems can set the time when a file was made', ['--crtimes -N']],
  ['file names go over byte for byte: under other names there nothing could be found or deleted', ['--iconv=']],
  [
    'syncwatch says itself what is entered and sent',
    [
      '--recursive -r',
      '--no-recursive --no-r',
      '--dirs -d',
      '--no-dirs --no-d',
      '--old-dirs --old-d',
      '--relative -R',
      '--no-relative --no-R',
      '--implied-dirs --i-d',
      '--no-implied-dirs --no-i-d',
      '--files-from=',
      '--from0 -0',
      '--no-from0',
    ],
  ],
  [
    HALF,
    [
      '--inplace',
      '--append',
      '--append-verify',
      '--partial',
      '-P',
      '--partial-dir=',
      '--delay-updates',
      '--temp-dir= -T',
    ],
  ],
  [
    SAYS,
    [
      '--verbose -v',
      '--no-verbose --no-v',
      '--quiet -q',
      '--info=',
      '--debug=',
      '--stderr=',
      '--msgs2stderr',
      '--no-msgs2stderr',
      '--stats',
      '--human-readable -h',
      '--no-human-readable --no-h',
      '--progress',
      '--no-progress',
      '--itemize-changes -i',
      '--no-itemize-changes --no-i',
      '--out-format=',
      '--log-format=',
      '--log-file=',
      '--log-file-format=',
      '--8-bit-output -8',
      '--no-8-bit-output --no-8',
      '--outbuf=',
    ],
  ],
  [
    SETS,
    [
      '--delete-missing-args',
      '--ignore-missing-args',
      '--modify-window= -@',
      '--old-args',
      '--no-old-args',
      '--secluded-args -s',
      '--no-secluded-args --no-s',
      '--protect-args',
      '--no-protect-args',
      '--qsort',
      '--server',
      '--sender',
      '--protocol=',
      '--trust-sender',
    ],
  ],
  ['syncwatch makes the last directory of the target: make those above it there yourself', ['--mkpath', '--no-mkpath']],
  ['a run that waits for its names would end: use -o ServerAliveInterval=SECONDS before the --', ['--timeout=']],
  [
    'a run would be cut in the middle: use syncwatch pause, or timeout(1)',
    ['--stop-after=', '--time-limit=', '--stop-at='],
  ],
  ['what is sent would not be what is here: for the other side use -M--fake-super', ['--fake-super']],
  ['log in as that user: --to USER@HOST:PATH; for the owner there, --chown', ['--copy-as=']],
  ['ssh makes the connection: use -o AddressFamily=inet or inet6 before the --', ['--ipv4 -4', '--ipv6 -6']],
  ['ssh makes the connection: use -p PORT before the --', ['--port=']],
  ['ssh makes the connection: use -o BindAddress=ADDRESS before the --', ['--address=']],
  ['it is for rsh, and syncwatch goes through ssh', ['--blocking-io', '--no-blocking-io']],
  [BATCH, ['--write-batch=', '--only-write-batch=', '--read-batch=']],
  [
    DAEMON,
    [
      '--sockopts=',
      '--contimeout=',
      '--password-file=',
      '--early-input=',
      '--motd',
      '--no-motd',
      '--daemon',
      '--config=',
      '--dparam=',
      '--detach',
      '--no-detach',
    ],
  ],
];

/**
 * Every option that rsync knows: all of 3.5.0 (options.c, long_options), and with them those of the versions before it. What is
 * not in here is refused.
 */
export const RSYNC_OPTIONS: readonly KnownOption[] = [
  ...ALLOWED.flatMap(([runs, options]) => options.map((spelled) => known(spelled, { kind: 'allowed', runs }))),
  ...REFUSED.flatMap(([why, options]) => options.map((spelled) => known(spelled, { kind: 'refused', why }))),
];

/** What may be asked of the other side alone, by `--remote-option`. */
export const REMOTE_OPTIONS: readonly string[] = ['--fake-super', '--super', '--no-super'];

function known(spelled: string, use: Use): KnownOption {
  const takesValue = spelled.includes('=');
  const names = spelled.replace('=', '').split(' ');
  return { name: names[0] ?? '', names, takesValue, use };
}
