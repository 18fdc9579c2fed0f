import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer } from 'vitest/node';

/** Only where `npm run soak` asks for it. */
const SOAK =
  process.env['SYNCWATCH_SOAK_MINUTES'] === undefined
    ? []
    : [{ test: { name: 'soak', include: ['test/soak/**/*.test.ts'], testTimeout: 0, hookTimeout: 0 } }];

/**
 * What `npm run test:docker` leaves out: what these are about lies on this side, and whose server is on the other changes nothing.
 * All other end-to-end tests, new ones too, run against both servers.
 */
const NOT_ABOUT_THE_SERVER = [
  'test/integration/!(stall)', // without a server, but for one
  'test/e2e/{filter,rules,patterns,git}', // which files are synced
  'test/e2e/{memory,watching,limits}', // what is remembered, the watcher, this machine's limits
  'test/e2e/{allow,environment,prepare}', // whom it obeys here, what it starts here, the scripts of this repository
  'test/e2e/{other-user,runtime,own-files}', // its own folders here
  'test/e2e/{mounts,current,silent,busy}', // what DIR is like
  'test/e2e/{case,coarse-times,closed-directories}', // local targets, on file systems and as users of their own
  'test/e2e/{other-rsyncs,pages}', // have servers of their own
].map((files) => `${files}.test.ts`);
/** What tries one thing in many forms, of which others try one or two: `npm run test:long` has these, and the Docker server those about it. */
const MANY_FORMS = [
  'test/e2e/{moves,same-file}', // what is moved or takes another's place, in all orders: test/unit/{move,moves}, storms
  'test/e2e/{patterns,accounting}', // any patterns and any trouble: test/unit/{pattern,regexes,complaints,settle}
  'test/e2e/{login-shells,other-rsyncs}', // the other shells and the older rsyncs
  'test/integration/place-lock', // the lock there in each shell: test/e2e/take-over
  'test/e2e/{places,ssh-words}', // a place spelled in all ways, all that ssh's config may say: test/unit/{target,place,link}, test/e2e/{targets,connection}
  'test/e2e/{filter,rules}', // each kind of rule, and of who may give it: test/unit/{filter,lost-rules,consent}, test/property/filter, test/e2e/git
  'test/e2e/pages', // each command of the pages: test/unit/pages
  'test/integration/manuals', // the manuals' own cases: test/unit/pattern, test/property/filter
].map((files) => `${files}.test.ts`);
const onDocker = process.env['SYNCWATCH_TEST_SERVER'] === 'docker';

/** Where cases are drawn at random. How long they take depends on how many there are. */
const RANDOM = {
  globalSetup: ['test/support/random-setup.ts'],
  setupFiles: ['test/support/random.ts'],
  testTimeout: 1_800_000,
  hookTimeout: 120_000,
};

/** A machine may have much else to do. What a test waits for in vain says so much earlier: test/support/cli.ts. */
const PATIENT = { testTimeout: 300_000, hookTimeout: 120_000 };

/** What takes longest begins first, or all the others are over and wait for it. */
const LONGEST = /\/test\/storm\/(storm|faults)\.test\.ts$/;

class LongestFirst extends BaseSequencer {
  override async sort(files: Parameters<BaseSequencer['sort']>[0]): ReturnType<BaseSequencer['sort']> {
    const sorted = await super.sort(files);
    const isLongest = ({ moduleId }: (typeof sorted)[number]): boolean => LONGEST.test(moduleId);
    return [...sorted.filter(isLongest), ...sorted.filter((file) => !isLongest(file))];
  }
}

export default defineConfig({
  test: {
    projects: [
      {
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 60_000 },
      },
      {
        // Held against rsync and git themselves: a few random cases, always the same.
        test: { name: 'property', include: ['test/property/**/*.test.ts'], ...RANDOM, provide: { isLong: false } },
      },
      {
        test: {
          name: 'server',
          include: ['test/integration/**/*.test.ts', 'test/e2e/**/*.test.ts'],
          exclude: onDocker ? NOT_ABOUT_THE_SERVER : MANY_FORMS,
          globalSetup: ['test/support/server-setup.ts'],
          ...PATIENT,
        },
      },
      {
        // With servers of their own, which they may kill.
        test: { name: 'fault', include: ['test/fault/**/*.test.ts'], ...PATIENT },
      },
      {
        // Much that changes at once: a little of it. What takes its time, and is in fault/ once, is in `long` only.
        test: {
          name: 'storm',
          include: ['test/storm/**/*.test.ts'],
          exclude: ['test/storm/{connection,offline}.test.ts'],
          ...RANDOM,
          provide: { isLong: false },
        },
      },
      {
        // What sets something of the whole machine: nothing else runs meanwhile.
        test: {
          name: 'alone',
          include: ['test/alone/**/*.test.ts'],
          ...PATIENT,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // npm run test:long: the same with many cases, new ones each time, and with very much that changes at once.
        test: {
          name: 'long',
          include: ['test/property/**/*.test.ts', 'test/storm/**/*.test.ts'],
          ...RANDOM,
          provide: { isLong: true },
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'long-server',
          include: MANY_FORMS,
          globalSetup: ['test/support/server-setup.ts'],
          ...PATIENT,
          sequence: { groupOrder: 3 },
        },
      },
      ...SOAK,
    ],
    // Most tests wait most of the time: for a login, for a clock, for a server that says nothing.
    maxWorkers: 3 * availableParallelism(),
    // In CI a test that does not run is a defect.
    allowOnly: process.env['CI'] === undefined,
    sequence: { sequencer: LongestFirst },
    retry: 0,
  },
});
