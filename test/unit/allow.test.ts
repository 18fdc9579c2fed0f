import { chmodSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type AllowIo, allow, permit } from '../../src/commands/allow.js';
import type { Printable } from '../../src/core/printable.js';
import { readSettings } from '../../src/options/settings-file.js';
import { fill, temporaryDir } from '../support/tree.js';
import { wordsOf } from '../support/words.js';

const uid = process.getuid?.() ?? 0;

async function allowed(args: readonly string[], io: AllowIo): Promise<number> {
  const words = await wordsOf('allow', args);
  return allow(words, io);
}

/** A folder with a project in it, and a user with a state folder of their own. */
function project(files: Readonly<Record<string, unknown>>) {
  const base = temporaryDir();
  const dir = join(base, 'p');
  const put = (file: string, json: unknown): void => fill(dir, { [file]: JSON.stringify(json) });
  for (const [file, json] of Object.entries(files)) put(file, json);
  let said = '';
  const io = (answer?: boolean) => ({
    out: (text: Printable): void => void (said += text),
    err: (text: Printable): void => void (said += text),
    around: {
      home: base,
      uid,
      runtimeDir: undefined,
      stateHome: join(base, 'state'),
      tmpDir: base,
      configHome: base,
    },
    confirm:
      answer === undefined
        ? undefined
        : async (question: Printable): Promise<boolean> => {
            said += question;
            return answer;
          },
  });
  const told = (): string => {
    const text = said;
    said = '';
    return text.replaceAll(base, '');
  };
  return {
    dir,
    put,
    state: join(base, 'state', 'syncwatch'),
    /** `syncwatch allow`, with its exit code and what it said. */
    allow: async (...args: string[]) => [await allowed(args, io()), told()] as const,
    /** Why the file may not be obeyed; undefined: it may. */
    refused: async (file: string, answer?: boolean): Promise<string | undefined> => {
      const read = readSettings(join(dir, file), undefined);
      if (!read.ok) throw new Error(read.failure.message);
      const got = await permit(read.value, false, io(answer));
      return got.ok ? undefined : `${got.failure.message}\n${got.failure.hint}`.replaceAll(base, '');
    },
    told,
  };
}

const EVIL = { to: 'h:p', 'on-sync': 'x' };

describe('syncwatch allow', () => {
  it('shows and allows the nearest settings, a named file, and the "syncwatch" of a package.json alone', async () => {
    const { dir, allow, refused, put } = project({
      'package.json': { version: 1, syncwatch: EVIL },
      'sub/syncwatch.json': { to: './copy' },
    });
    expect(await refused('package.json')).toBe(
      '/p/package.json is not allowed yet, and it says what goes where and makes programs run\n' +
        'See and allow it: syncwatch allow /p/package.json. To go without it: --no-settings.',
    );
    expect(await allow(dir)).toEqual([
      0,
      'What /p/package.json makes syncwatch do:\n  send to h:p\n  run here, each time all is there: x\n' +
        '  delete there what is deleted here\nallowed, until it says something else\n',
    ]);
    expect(await refused('package.json')).toBeUndefined();
    put('package.json', { version: 2, syncwatch: { 'on-sync': 'x', to: 'h:p' }, more: 1 });
    expect(await refused('package.json')).toBeUndefined();
    expect(await refused('sub/syncwatch.json')).toMatch(/is not allowed yet, and it says what goes where\n/);
    expect((await allow(join(dir, 'sub/syncwatch.json')))[1]).toContain('send to /p/sub/copy\n');
    expect(await refused('sub/syncwatch.json')).toBeUndefined();
  });

  it('takes it back, also from a file that has gone or is no settings file any more', async () => {
    const { dir, allow, refused, put } = project({ 'syncwatch.json': EVIL });
    const file = join(dir, 'syncwatch.json');
    await allow(dir);
    expect(await allow('--revoke', dir)).toEqual([0, '/p/syncwatch.json is not allowed any more\n']);
    expect(await refused('syncwatch.json')).toMatch(/is not allowed yet/);
    for (const spoil of [() => {}, () => writeFileSync(file, '{'), () => symlinkSync('/dev/zero', file)]) {
      put('syncwatch.json', EVIL);
      await allow(file);
      rmSync(file);
      spoil();
      expect(await allow('--revoke', file)).toEqual([0, '/p/syncwatch.json is not allowed any more\n']);
      rmSync(file, { force: true });
    }
    expect(await allow('--revoke', file)).toEqual([0, '/p/syncwatch.json was not allowed\n']);
  });

  it('says where there is nothing to allow, or what is wrong with it', async () => {
    const { dir, allow } = project({ 'syncwatch.json': { exclude: '*.o' }, 'other/package.json': {} });
    expect(await allow(dir)).toEqual([
      0,
      '/p/syncwatch.json needs no yes: nothing in it makes anything run, go anywhere or be deleted\n',
    ]);
    expect(await allow(join(dir, 'none.json'))).toEqual([2, expect.stringContaining('there is no file /p/none.json')]);
    expect(await allow('/')).toEqual([3, expect.stringContaining('there are no settings in / or above')]);
    expect(await allow(join(dir, 'other/package.json'))).toEqual([2, expect.stringContaining('must be an object')]);
    writeFileSync(join(dir, 'syncwatch.json'), JSON.stringify(EVIL));
    chmodSync(join(dir, 'syncwatch.json'), 0o666);
    for (const given of [dir, join(dir, 'syncwatch.json')])
      expect(await allow(given)).toEqual([3, expect.stringContaining('may be written by other users (mode 0666)')]);
  });
});

describe('where it is asked for', () => {
  it('it is shown first, and a yes counts for that file and what it said alone', async () => {
    const { dir, put, refused, told } = project({ 'syncwatch.json': EVIL, "it's/syncwatch.json": EVIL });
    expect(await refused('syncwatch.json', false)).toBe(
      '/p/syncwatch.json was not allowed: nothing was done\n' +
        'To allow it after all: syncwatch allow /p/syncwatch.json. To go without it: --no-settings.',
    );
    expect(told()).toMatch(
      /^\/p\/syncwatch\.json is not allowed yet\.\nWhat .*\n {2}send to h:p\n[\s\S]*\nAllow it\?$/,
    );
    expect(await refused('syncwatch.json', true)).toBeUndefined();
    told();
    expect(await refused('syncwatch.json', false)).toBeUndefined();
    expect(told()).toBe('');
    expect(await refused("it's/syncwatch.json")).toMatch(/syncwatch allow '\/p\/it'\\''s\/syncwatch\.json'/);
    put('syncwatch.json', { ...EVIL, 'on-sync': 'y' });
    expect(await refused('syncwatch.json', false)).toMatch(/was not allowed/);
    expect(told()).toMatch(/^\/p\/syncwatch\.json says something else than when you allowed it\.\n/);
    expect(readFileSync(join(dir, 'syncwatch.json'), 'utf8')).toContain('"y"');
  });

  it('what is kept of it is whole, or no yes', async () => {
    const { state, refused } = project({ 'syncwatch.json': EVIL });
    expect(await refused('syncwatch.json', true)).toBeUndefined();
    const [record = '', ...more] = readdirSync(state);
    expect(more).toEqual([]);
    writeFileSync(join(state, record), readFileSync(join(state, record), 'utf8').replace(/"sum":"./, '"sum":"'));
    expect(await refused('syncwatch.json')).toMatch(/is not allowed yet/);
  });
});
