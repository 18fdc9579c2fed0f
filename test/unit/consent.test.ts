import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Result } from '../../src/core/failure.js';
import { line, lines } from '../../src/core/printable.js';
import { type Consent, consentFor } from '../../src/options/consent.js';
import { many, type Values } from '../../src/options/parsed.js';
import { readSettings, settingsIn } from '../../src/options/settings-file.js';
import { isSetting, namesOf, rowOf, settingKind } from '../../src/options/table.js';
import { Allowed } from '../../src/state/allowed.js';
import { fill, temporaryDir } from '../support/tree.js';

const uid = process.getuid?.() ?? 0;

/** What settings in a folder need a yes for. */
function asked(settings: object, folder = '/no/where', isNamed = false): Result<Consent | undefined> {
  const file = settingsIn(settings, join(folder, 'syncwatch.json'));
  if (!file.ok) throw new Error(file.failure.message);
  return consentFor(file.value, { uid, home: '/home/me', isNamed });
}

function consent(settings: object, folder?: string): Consent | undefined {
  const got = asked(settings, folder);
  if (!got.ok) throw new Error(got.failure.message);
  return got.value;
}

const words = (settings: object, folder?: string): readonly string[] => consent(settings, folder)?.words ?? [];
const sum = (settings: object, folder?: string): string | undefined => consent(settings, folder)?.sum;

describe('what needs the user’s yes', () => {
  /** Every setting with a value that matters, and whether it needs a yes. */
  const settings: Readonly<Record<string, readonly [unknown, boolean]>> = {
    targets: [{ a: 'h:p' }, true],
    dir: ['../up', true],
    'rsync-args': [['--fuzzy'], true],
    to: ['h:p', true],
    initial: [false, false],
    exclude: [['*.o'], false],
    include: [['.env'], false],
    'exclude-from': ['../list', true],
    'exclude-regex': ['^x', false],
    gitignore: [false, false],
    'default-excludes': [false, false],
    delete: ['mirror', true],
    'delete-excluded': [true, true],
    'max-delete': [5, true],
    'allow-empty': [true, true],
    trash: ['../../.ssh', true],
    debounce: [5, false],
    rescan: [0, false],
    poll: [0, false],
    'one-by-one': [true, false],
    'own-master': [true, false],
    'on-upload': ['x', true],
    'on-sync': ['x', true],
    'on-sync-remote': ['x', true],
    port: [2222, true],
    identity: ['key', true],
    'ssh-config': ['ssh_config', true],
    'ssh-option': ['ProxyCommand=x', true],
    bwlimit: ['1m', false],
    chmod: ['a+w', true],
    compress: [true, false],
    quiet: [true, false],
    verbose: [true, false],
    notify: [true, false],
    color: ['never', false],
  };

  it.each(namesOf(isSetting))('"%s"', (key) => {
    const [value, needsYes] = settings[key] ?? [];
    expect(value, `no case for "${key}"`).toBeDefined();
    expect(consent({ [key]: value }) !== undefined).toBe(needsYes);
  });

  it.each<[string, object]>([
    ['nothing at all', {}],
    ['a schema', { $schema: 'x' }],
    ['deletions as by default, or fewer', { delete: 'seen' }],
    ['none', { delete: 'never' }],
    ['what is switched off', { 'delete-excluded': false, 'allow-empty': false }],
    ['hooks without a command', { 'on-sync': ' ', 'on-upload': { '*.py': '' } }],
    ['empty lists', { to: [], 'rsync-args': [], identity: [], targets: {} }],
    ['a directory and patterns below the file', { dir: 'src', 'exclude-from': 'lists/out' }],
    ['the folder itself', { dir: '.' }],
  ])('not for %s', (_what, harmless) => {
    expect(words(harmless)).toEqual([]);
  });

  it('a directory or a file of patterns that leads out of the folder by a link', () => {
    const folder = temporaryDir();
    fill(folder, { 'real/x': '' });
    symlinkSync('real', join(folder, 'inside'));
    symlinkSync('/etc', join(folder, 'outside'));
    expect(words({ dir: 'inside', 'exclude-from': 'inside/x' }, folder)).toEqual([]);
    expect(words({ dir: 'outside' }, folder)).toEqual(['send /etc, which is not in the folder of the settings']);
    expect(words({ 'exclude-from': 'outside/passwd' }, folder)).toEqual([
      'read patterns from /etc/passwd, which is not in the folder of the settings',
    ]);
  });

  it('says in plain words where to, what runs and what is deleted', () => {
    const all = {
      to: ['staging', 'me@b:x', './copy'],
      targets: { staging: 'me@a:/srv', local: '../there' },
      dir: '../..',
      'on-upload': 'echo a',
      'on-sync': { '*.py': 'make lint', '*.c': '' },
      'on-sync-remote': 'make test',
      'ssh-option': ['ProxyCommand=nc %h %p'],
      identity: ['keys/id'],
      port: 22,
      'rsync-args': ['--rsync-path=x'],
      trash: '.trash',
      chmod: 'F600',
    };
    expect(words(all, '/p/q/r')).toEqual([
      'send to staging, which is me@a:/srv',
      'send to me@b:x',
      'send to /p/q/r/copy',
      'send to me@a:/srv, which it calls staging',
      'send to /p/q/there, which it calls local',
      'send /p, which is not in the folder of the settings',
      'move what is overwritten or deleted there to the directory .trash there',
      'run here, after each path: echo a',
      'run here, each time all is there that *.py matches: make lint',
      'run there, each time all is there: make test',
      'log in at port 22',
      'log in with the key /p/q/r/keys/id',
      'give ssh the option ProxyCommand=nc %h %p',
      'set the permissions there to F600',
      'give rsync the option --rsync-path=x',
      'delete there what is deleted here',
    ]);
    expect(consent(all)?.summary).toBe('it says what goes where and makes programs run');
    expect(consent({ ...all, delete: 'mirror' })?.summary).toBe(
      'it says what goes where, makes programs run and says what is deleted there',
    );
    expect(words({ to: 'h:p', delete: 'mirror', 'delete-excluded': true, 'allow-empty': true })).toEqual([
      'send to h:p',
      'delete there whatever is not here ("delete": "mirror")',
      'delete there what is left out here ("delete-excluded")',
      'delete everything there when DIR becomes empty ("allow-empty")',
    ]);
    expect(words({ to: 'h:p', delete: 'never' })).toEqual(['send to h:p']);
  });

  it('shows characters that nobody sees', () => {
    const said = { 'on-sync': 'true \u200b\u00ad\ufeff\u{e0041}\u3164\u2800 é 日本' };
    expect(words(said)).toContain(
      'run here, each time all is there: true \\u{200b}\\u{ad}\\u{feff}\\u{e0041}\\u{3164}\\u{2800} é 日本',
    );
  });

  it('hides nothing behind blanks', () => {
    expect(words({ 'on-sync': `true${' '.repeat(500)};\u3000\u3000\u3000\u3000evil` })).toEqual([
      'run here, each time all is there: true [500 blanks] ; [4 blanks] evil',
    ]);
  });
});

describe('the ssh config that settings name', () => {
  function withConfig(text: string, mode = 0o644): string {
    const folder = temporaryDir();
    fill(folder, { ssh_config: text });
    chmodSync(join(folder, 'ssh_config'), mode);
    return folder;
  }
  const settings = { 'ssh-config': 'ssh_config' };
  const refusal = (folder: string): string | undefined => {
    const got = asked(settings, folder);
    return got.ok ? undefined : got.failure.message;
  };

  it('is shown, and part of what is said yes to', () => {
    const folder = withConfig('# comment\n\nHost *\n\tProxyCommand evil\n');
    expect(words(settings, folder)).toEqual([
      `let ssh do what ${folder}/ssh_config says:`,
      '  Host *',
      '  ProxyCommand evil',
    ]);
    const before = sum(settings, folder);
    writeFileSync(join(folder, 'ssh_config'), 'Host *\n  ProxyCommand worse\n');
    expect(sum(settings, folder)).not.toBe(before);
  });

  it('is the user’s own in ~/.ssh: its path alone counts', () => {
    const home = temporaryDir();
    fill(home, { '.ssh/work': 'Include /anything\n' });
    const file = settingsIn({ 'ssh-config': `${home}/.ssh/work` }, '/p/syncwatch.json');
    if (!file.ok) throw new Error('refused');
    const got = consentFor(file.value, { uid, home, isNamed: false });
    expect(got).toMatchObject({
      ok: true,
      value: { words: [`let ssh do what ${home}/.ssh/work says`], sshConfig: undefined },
    });
  });

  it('is none where it is /dev/null', () => {
    expect(words({ 'ssh-config': '/dev/null' })).toEqual(['let ssh do what /dev/null says']);
  });

  it.each([
    'Include ~/.ssh/config.d/*',
    'Include config.d/work',
    'include=/etc/ssh/ssh_config',
    'Host x\n  INCLUDE work.conf',
  ])('may include what is in ~/.ssh or /etc/ssh: %s', (text) => {
    expect(refusal(withConfig(`${text}\n`))).toBeUndefined();
  });

  it.each([
    'Include /tmp/evil',
    'Include ~/clone/evil',
    'Include ../clone/evil',
    'Include ~/.ssh/../clone/evil',
    'Include config.d/../../clone/evil',
    'Include ~/.ssh/.*/clone/evil',
    'Include .?/clone/evil',
    'Include ~/.sshevil',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: ssh's own notation
    'Include ${HOME}/clone/evil',
    'Include %d/clone/evil',
    'Include config ../clone/evil',
    'Include "../clone/evil"',
    '"Include" ../clone/evil',
    'Host x\n\tinclude\t/tmp/evil',
    'Host x\n   Include="/tmp/evil"',
  ])('may include nothing else: %s', (text) => {
    expect(refusal(withConfig(`${text}\n`))).toMatch(
      /includes files that are not in ~\/\.ssh or \/etc\/ssh: "?include/i,
    );
  });

  it('is refused where others may write to it, or it is no file', () => {
    expect(refusal(withConfig('Host *\n', 0o666))).toMatch(/may be written by other users \(mode 0666\)/);
    const folder = withConfig('');
    const path = join(folder, 'ssh_config');
    rmSync(path);
    execFileSync('mkfifo', [path]);
    expect(refusal(folder)).toMatch(/is a FIFO, not a file/);
    rmSync(path);
    symlinkSync('/dev/zero', path);
    expect(refusal(folder)).toMatch(/is a device, not a file/);
  });

  it.skipIf(uid !== 0 && process.env['CI'] === undefined)('is refused where it belongs to another user', () => {
    const folder = withConfig('Host *\n');
    chownSync(join(folder, 'ssh_config'), 65_534, 65_534);
    expect(refusal(folder)).toMatch(/belongs to another user \(uid 65534\)/);
    expect(asked(settings, folder, true)).toMatchObject({ ok: true });
  });
});

describe('what was said yes to', () => {
  const base = { to: 'h:p', exclude: ['*.o'], 'on-sync': 'make' };

  it('is the same however it is written', () => {
    const text = '{ "$schema": "y",\n\n "to":"h:p", "exclude" : ["*.o"], "on-sync": "m\\u0061ke" }';
    expect(sum({ $schema: 'x', ...base })).toBe(sum(JSON.parse(text) as object));
  });

  it.each<[string, object]>([
    ['another target', { ...base, to: 'h:q' }],
    ['another hook', { ...base, 'on-sync': 'make ' }],
    ['one more', { ...base, 'on-upload': 'x' }],
    ['another pattern', { ...base, exclude: ['*.a'] }],
    ['one less', { to: 'h:p', 'on-sync': 'make' }],
  ])('is not the same with %s', (_what, other) => {
    expect(sum(other)).not.toBe(sum(base));
  });

  it('is not the same where a link in it leads elsewhere by now', () => {
    const folder = temporaryDir();
    mkdirSync(join(folder, 'a'));
    symlinkSync('a', join(folder, 'link'));
    for (const settings of [{ to: './link/x' }, { targets: { t: './link/x' } }, { identity: 'link/id' }]) {
      const before = sum(settings, folder);
      expect(before).toBe(sum(settings, folder));
      rmSync(join(folder, 'link'));
      symlinkSync('/etc', join(folder, 'link'));
      expect(sum(settings, folder)).not.toBe(before);
      rmSync(join(folder, 'link'));
      symlinkSync('a', join(folder, 'link'));
    }
  });

  it('is kept by path and content, and damaged it is no yes', () => {
    const state = temporaryDir();
    const one = 'a'.repeat(64);
    const allowed = new Allowed(state, uid);
    expect(allowed.sumOf('/p/f')).toBeUndefined();
    expect(allowed.revoke('/p/f')).toBe(false);
    const record = (): string => execFileSync('sh', ['-c', `echo ${state}/*.allowed`], { encoding: 'utf8' }).trim();
    for (const spoil of [
      (path: string) => writeFileSync(path, ''),
      (path: string) => writeFileSync(path, '{"version":1'),
      (path: string) => writeFileSync(path, JSON.stringify({ version: 1, path: '/p/other', sum: one })),
      (path: string) => writeFileSync(path, JSON.stringify({ version: 2, path: '/p/f', sum: one })),
      (path: string) => writeFileSync(path, JSON.stringify({ version: 1, path: '/p/f', sum: 'x' })),
      (path: string) => writeFileSync(path, JSON.stringify({ version: 1, path: '/p/f', sum: one, more: 1 })),
      (path: string) => chmodSync(path, 0o666),
      (path: string) => {
        rmSync(path);
        symlinkSync('/dev/zero', path);
      },
      (path: string) => {
        rmSync(path);
        execFileSync('mkfifo', [path]);
      },
    ]) {
      expect(allowed.allow('/p/f', one)).toBeUndefined();
      expect(allowed.sumOf('/p/f')).toBe(one);
      expect(allowed.sumOf('/p/g')).toBeUndefined();
      expect(statSync(record()).mode & 0o777).toBe(0o600);
      spoil(record());
      expect(allowed.sumOf('/p/f')).toBeUndefined();
    }
    allowed.allow('/p/f', one);
    expect(allowed.revoke('/p/f')).toBe(true);
    expect(allowed.sumOf('/p/f')).toBeUndefined();
    expect(new Allowed(join(state, 'none'), uid).allow('/p/f', one)?.message).toMatch(/can't write/);
  });
});

describe('any settings', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom('\x1b[2J\x1b[H', 'a\nb', '\u202e', '../x', '~/x', 'h:p', '-oProxyCommand=x', '\x9b31m'),
  );
  const value = fc.oneof(
    text,
    fc.array(text, { maxLength: 4 }),
    fc.dictionary(text, text, { maxKeys: 4 }),
    fc.boolean(),
    fc.double(),
    fc.jsonValue(),
  );

  /** Of the kind that a setting takes. */
  const fitting = (key: string): fc.Arbitrary<unknown> => {
    const kind = settingKind(key);
    switch (kind?.kind) {
      case 'flag':
        return fc.boolean();
      case 'number':
        return fc.double();
      case 'choice':
        return fc.constantFrom(...kind.of);
      case 'texts':
        return fc.oneof(text, fc.array(text, { maxLength: 4 }));
      case 'hook':
        return fc.oneof(text, fc.dictionary(text, text, { maxKeys: 4 }));
      case 'targets':
        return fc.dictionary(fc.constantFrom('a', 'b-c', 'd.e'), fc.constantFrom('h:p', './x', '../y\u202ez'));
      default:
        return text;
    }
  };
  const fit = fc.record(Object.fromEntries(namesOf(isSetting).map((key) => [key, fitting(key)])), {
    requiredKeys: [],
  });
  const keys = fc.oneof(fc.constantFrom(...namesOf(isSetting), '$schema', '__proto__', 'constructor'), text);
  const any = fc.dictionary(keys, value, { maxKeys: 6 });

  it('may be any bytes: never thrown at', () => {
    const path = join(temporaryDir(), 'syncwatch.json');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc.json().map((each) => Buffer.from(each)),
        ),
        (bytes) => {
          writeFileSync(path, bytes);
          const read = readSettings(path, uid);
          if (!read.ok) expect(line(read.failure.message).slice(0, -1)).not.toMatch(/\p{Cc}/u);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('are taken or refused, never thrown at, and nothing raw is shown', () => {
    let taken = 0;
    fc.assert(
      fc.property(fc.oneof(fit, any), (settings) => {
        const file = settingsIn(settings, '/no/where/syncwatch.json');
        if (!file.ok) return;
        const got = consentFor(file.value, { uid, home: '/home/me', isNamed: false });
        if (!got.ok) return;
        taken++;
        const shown = lines(got.value?.words ?? []);
        expect(shown.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u);
        expect(shown.split('\n').length - 1).toBe(got.value?.words.length ?? 0);
        const powers = Object.keys(file.value.said).filter((key) => rowOf(key)?.power !== 'none');
        if (powers.length === 0) expect(got.value).toBeUndefined();
        if (file.value.said['rsync-args'] !== undefined && many(file.value.said['rsync-args'] as Values).length > 0)
          expect(got.value).toBeDefined();
      }),
      { numRuns: 1_000 },
    );
    expect(taken).toBeGreaterThan(200);
  });
});
