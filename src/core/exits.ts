/** What a command ends with that is not one of {@link EXIT}, as shells have it. */
interface Exit {
  /** As it is written: one, or several with the same reason. */
  readonly code: string;
  readonly when: string;
}

/** Every exit code, with what it means: `--help`, the manual and the man page have it from here. */
export const EXITS: readonly Exit[] = [
  { code: '0', when: 'all is there; or ended by syncwatch stop' },
  { code: '1', when: 'some paths failed; --why: not synced; doctor: not well' },
  { code: '2', when: 'the command line or a setting is wrong: nothing was done' },
  { code: '3', when: "can't start, or a guard stopped it; flush: none runs" },
  { code: '4', when: 'flush, exec: not everything was there after --timeout' },
  { code: '70', when: 'an error in syncwatch itself: please report it' },
  { code: '129, 130, 143', when: 'ended by SIGHUP, SIGINT, SIGTERM, after what waited' },
  { code: '126, 127, 255', when: "exec: CMD can't be run, is not there, is cut off; else its own" },
];
