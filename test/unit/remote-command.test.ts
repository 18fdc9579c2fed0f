import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { quoted, remoteCommand } from '../../src/core/remote-command.js';

let home = '';
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'sw-')));
});
afterEach(() => rmSync(home, { recursive: true }));

/** What a login shell makes of it, as sshd starts it. */
const there = (command: string): string =>
  execFileSync('sh', ['-c', command], { cwd: home, encoding: 'utf8', env: { ...process.env, HOME: home } });

const word = fc.string({ unit: fc.constantFrom(...`ab '"\\$!*?[]{}()<>|&;#~\`\n\t-=é`), maxLength: 8 });

describe('a command for the login shell there', () => {
  it('gives every word exactly as it is', () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 5 }), (words) => {
        const said = there(remoteCommand('', ['printf', '%s\\0', ...words, 'end']));
        expect(said).toBe(`${[...words, 'end'].map((each) => `${each}\0`).join('')}`);
      }),
      { numRuns: 60 },
    );
  });

  it.each(['project', 'a b/c', "it's", '-dash', '~/in home', '~', 'x\\y', 'new\nline'])('in %j', (path) => {
    const below = path.replace(/^~\/?/, '');
    mkdirSync(join(home, below), { recursive: true });
    expect(there(remoteCommand(path, ['pwd']))).toBe(`${join(home, below)}\n`);
  });

  it('absolute paths are as they are, and a directory that is not there runs nothing', () => {
    mkdirSync(join(home, 'abs olute'));
    expect(there(remoteCommand(join(home, 'abs olute'), ['pwd']))).toBe(`${home}/abs olute\n`);
    expect(() => there(remoteCommand('nowhere', ['touch', join(home, 'ran')]))).toThrow();
    expect(there('ls')).toBe('abs olute\n');
  });

  it('plain words stay readable', () => {
    expect(quoted('make')).toBe('make');
    expect(quoted('a b')).toBe("'a b'");
    expect(quoted("it's")).toBe("'it'\\''s'");
  });
});
