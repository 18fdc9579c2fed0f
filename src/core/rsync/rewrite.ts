import { scriptCommand } from '../ssh/remote-command.js';
import type { RsyncSettings } from './args.js';
import { atLeast, type Version } from './version.js';

/**
 * From this round-trip time on, in milliseconds, a rewrite is faster than the ordinary way: known files that were changed here go there as
 * a stream that asks for nothing back, in half a round trip instead of one and a half, but an rsync has to start for it first. It is rsync's
 * batch mode: one rsync here writes what it would send, another one there reads it (docs/design.md#rewrites).
 */
const FAR_MS = 8;

export const isFar = (rttMs: number | undefined): boolean => rttMs !== undefined && rttMs >= FAR_MS;

/**
 * The rsync there does not notice that its stream was cut: it waits for so long, in seconds, until nothing comes (a slow stream is none),
 * and then cleans up.
 */
const READER_TIMEOUT_S = 4;

/** What was tried, both ways: 3.2.3, 3.2.7, 3.5.0. */
const OLDEST: Version = [3, 2, 0];

/** Each target's waiting halves are four processes, here and there: of more targets than this they cost more than they save. */
const MOST_TARGETS = 2;

/** Whether each of so many targets may have it at all: only where there is nothing to be done but what is done for everybody. */
export const canRewrite = (
  { target, flags, extras, trash }: Pick<RsyncSettings, 'target' | 'flags' | 'extras' | 'trash'>,
  here: Version,
  there: Version | undefined,
  targets: number,
): boolean =>
  targets <= MOST_TARGETS &&
  target.kind === 'remote' &&
  target.path.startsWith('/') &&
  flags.length + extras.length === 0 &&
  trash === undefined &&
  [here, there].every((version) => version !== undefined && atLeast(version, ...OLDEST));

const COMMON = ['--links', '--perms', '--times', '--ignore-times', '--outbuf=L'];

/**
 * The half here: names on stdin, as in any other run; the batch goes to the FIFO. `nowhere`: a directory that is not there, so that each
 * file is written as a whole. Both sides know protocol 31 (3.1).
 */
export const writerArgs = (fifo: string, nowhere: string): string[] => [
  ...COMMON,
  '--whole-file',
  '--protocol=31',
  '--from0',
  ...['--files-from', '-'],
  `--only-write-batch=${fifo}`,
  './',
  `${nowhere}/`,
];

/**
 * The half there, as a command for the login shell: it says an empty line, answers each one with another, and becomes rsync at
 * {@link GO}. What is not there any more (`--existing`) is left out, so that no item tells of it.
 * rsync is a client there: what would change its ways has to go first, as with the one here (rsyncEnvironment).
 */
export const readerCommand = ({ target, takes }: Pick<RsyncSettings, 'target' | 'takes'>): string =>
  scriptCommand(WAIT, [
    'rsync',
    ...COMMON,
    '--relative', // or directories get no times
    ...(takes.window === 0 ? [] : [`--modify-window=${takes.window}`]),
    '--existing',
    `--timeout=${READER_TIMEOUT_S}`,
    '--out-format=%i %l %n',
    '--read-batch=-',
    target.path.endsWith('/') ? target.path : `${target.path}/`,
  ]);

export const GO = 'go';

const OWN_VARIABLES =
  'HOME RSYNC_CHECKSUM_LIST RSYNC_COMPRESS_LIST RSYNC_ICONV RSYNC_MAX_ALLOC RSYNC_OLD_ARGS RSYNC_PARTIAL_DIR RSYNC_PROTECT_ARGS RSYNC_SHELL';
const WAIT = `unset ${OWN_VARIABLES}; LC_ALL=C; export LC_ALL; echo; while read -r x; do case $x in ${GO}) exec "$@" ;; esac; echo; done`;
