/** The commands that talk to a syncwatch that is running. */
export const CONTROL_COMMANDS = ['flush', 'exec', 'status', 'pause', 'resume', 'stop'] as const;
export type ControlCommand = (typeof CONTROL_COMMANDS)[number];

/** What each is for, and the options it takes beside --to. */
export const CONTROLS: Readonly<
  Record<ControlCommand, { readonly help: string; readonly options: readonly string[] }>
> = {
  exec: {
    help: 'flush, then run CMD in the remote directory over the same connection: syncwatch exec [DIR] -- CMD ARGS…\n  --no-flush    do not wait for changes\n  --timeout S   give up the flush after S seconds: exit code 4',
    options: ['timeout', 'no-flush'],
  },
  flush: {
    help: 'returns when every change made before this moment is on every target\n  --timeout S   give up after S seconds: exit code 4',
    options: ['timeout'],
  },
  status: {
    help: 'says what a running syncwatch is doing\n  --json    one JSON object a line, for each target\n  --watch   again and again',
    options: ['json', 'watch'],
  },
  pause: { help: 'sends nothing more until `syncwatch resume`; changes collect', options: [] },
  resume: { help: 'goes on after `syncwatch pause`', options: [] },
  stop: { help: 'sends what waits and ends the running syncwatch', options: [] },
};
