import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { remoteCommand } from '../../src/core/ssh/remote-command.js';

let home = '';
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'sw-')));
});
afterEach(() => rmSync(home, { recursive: true }));

/** What a login shell makes of it, as sshd starts it. */
const there = (command: string, env: Readonly<Record<string, string>> = {}): string =>
  execFileSync('sh', ['-c', command], { cwd: home, encoding: 'utf8', env: { ...process.env, HOME: home, ...env } });

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

  it('plain words stay readable; of all others no shell sees anything that it could read in its own way', () => {
    const run = `'cd -- "$1" || exit 126; trap : INT QUIT; shift; "$@"'`;
    expect(remoteCommand('app', ['make', 'a b', '=x', ''])).toBe(`exec sh -c ${run} sh ./app make 'a b' '=x' ''`);
    expect(remoteCommand('/srv/a b', ['ls'])).toBe(`exec sh -c ${run} sh '/srv/a b' ls`);
    expect(remoteCommand('~me/a b', ['ls'])).toBe(`exec sh -c ${run} sh ~me/'a b' ls`);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.array(fc.string({ unit: 'binary' })), (path, words) => {
        // One word between single quotes, with a backslash only before an octal number, but for the home directory's name.
        const command = remoteCommand(path, words);
        expect(command).toMatch(/^[ -&(-~]*('[ "-&(-~]*'[ -&(-~]*)*$/);
        expect(command.replaceAll(/\\0\d{3}/g, '')).not.toMatch(/[\\!]|[^ -~]/);
      }),
    );
  });

  it('CDPATH there, a directory named - and a link on the way lead nowhere else', () => {
    for (const dir of ['elsewhere/app', 'app', '-', 'elsewhere/deep', 'link-of/x'])
      mkdirSync(join(home, dir), { recursive: true });
    symlinkSync('../elsewhere/deep', join(home, 'link-of/link'));
    const env = { CDPATH: join(home, 'elsewhere'), OLDPWD: '/' };
    expect(there(remoteCommand('app', ['pwd']), env)).toBe(`${home}/app\n`);
    expect(there(remoteCommand('-', ['pwd']), env)).toBe(`${home}/-\n`);
    // As the system and rsync go, not as a shell's cd does.
    expect(there(remoteCommand('link-of/link/../app', ['pwd']), env)).toBe(`${home}/elsewhere/app\n`);
  });
});
