import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lookAtPath, lookAtPopt } from '../../src/doctor/environment.js';
import { CHECKS } from '../../src/doctor/finding.js';
import { manualSection } from '../support/manual.js';
import { fill, temporaryDir } from '../support/tree.js';

describe('aliases for all users of rsync', () => {
  it.each([
    ['popt', 'rsync alias --times --no-times\n'],
    ['popt', '# mine\n  rsync\texec --links /bin/x'],
    ['popt.d/90-x', 'r* alias --links --copy-links\n'],
  ])('%s: %j is told', (file, content) => {
    const etc = temporaryDir();
    fill(etc, { [file]: content });
    expect(lookAtPopt(['/there/is/none', etc])).toMatchObject([
      { state: 'warning', message: expect.stringContaining(join(etc, file)) },
    ]);
  });

  it('what is for others is nothing to tell of', () => {
    const etc = temporaryDir();
    fill(etc, { popt: 'rpm alias --all -a\n# rsync alias --a --b\nrsyncd exec --x y\n', 'popt.d/rpm': '' });
    expect(lookAtPopt([etc])).toEqual([]);
    expect(lookAtPopt(['/there/is/none'])).toEqual([]);
  });
});

describe('what is looked at', () => {
  const docs = manualSection('doctor');
  it.each(Object.keys(CHECKS))('is in the manual: %s', (check) => {
    expect(docs.replace(/\s+/g, ' ').includes(`\`${check}\``), check).toBe(true);
  });
});

it('what is passed over in PATH is told, where there is any', () => {
  expect(lookAtPath([])).toEqual([]);
  expect(lookAtPath(['', '.', '/d/bin'])).toMatchObject([
    { state: 'ok', message: expect.stringContaining('(empty), ., /d/bin') },
  ]);
});
