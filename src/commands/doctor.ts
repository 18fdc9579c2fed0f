import { join } from 'node:path';
import { EXIT } from '../core/failure.js';
import { jsonLine, line, lines, type Printable, showControls } from '../core/printable.js';
import { modeThereBy } from '../core/rsync/modes.js';
import { inFull } from '../core/target.js';
import type { Finding } from '../doctor/finding.js';
import { lookHere } from '../doctor/here.js';
import { lookThere } from '../doctor/there.js';
import type { Io } from '../io.js';
import { brokenFurtherIn } from '../report/wrap.js';
import type { Invocation } from '../settings.js';
import type { Surroundings } from '../state/folders.js';
import { keyOf } from '../state/key.js';

export interface DoctorIo {
  readonly programs: Io['programs'];
  readonly out: (text: Printable) => void;
  /** How wide a line may be. */
  readonly columns: number;
  readonly around: Surroundings;
  readonly pid: number;
}

const MARKS: Readonly<Record<Finding['state'], string>> = { ok: 'ok     ', warning: 'WARNING', error: 'ERROR  ' };

/** Checks everything that a sync needs, here and at each target, and says what to do. Exit code 0, or 1 for an error. */
export async function doctor({ settings, filter }: Invocation, io: DoctorIo): Promise<number> {
  let errors = 0;
  let warnings = 0;
  const tell = (findings: readonly Finding[], target?: string): void => {
    for (const finding of findings) {
      if (finding.state === 'error') errors++;
      if (finding.state === 'warning') warnings++;
      io.out(settings.output.json ? jsonLine({ v: 1, ...finding, target }) : inWords(finding, io.columns));
    }
  };
  const title = (text: string): void => {
    if (!settings.output.json) io.out(line(text));
  };
  title('here');
  const programs = io.programs(settings.root);
  const { rsync, tree, runtime } = await lookHere({ ...settings, filter }, { programs, around: io.around }, tell);
  if (rsync !== undefined && runtime !== undefined && programs.ssh.file !== undefined)
    for (const target of settings.targets) {
      title(inFull(target));
      const controlPath = join(runtime, `${keyOf(settings.root, `doctor ${io.pid}`)}.ssh`);
      tell(
        await lookThere(target, {
          ...settings,
          programs,
          uid: io.around.uid,
          here: rsync,
          extras: settings.rsync.extras,
          trash: settings.deletions.trash,
          isMirror: settings.deletions.mode === 'mirror',
          modeThere: modeThereBy(settings.rsync),
          controlPath,
          tree,
        }),
        target.label,
      );
    }
  title(errors + warnings === 0 ? 'All is well.' : `${errors} to mend, ${warnings} to think about.`);
  return errors === 0 ? EXIT.inSync : EXIT.somePathsFailed;
}

function inWords({ check, state, message, hint }: Finding, columns: number): Printable {
  const before = `  ${MARKS[state]}  `;
  const texts = [`${before}${check}: ${message}`, ...(hint === undefined ? [] : [' '.repeat(before.length) + hint])];
  return lines(
    // Its control characters are shown before it is measured.
    columns === Number.POSITIVE_INFINITY
      ? texts
      : texts.flatMap((text) => brokenFurtherIn(showControls(text), columns, before.length)),
  );
}
