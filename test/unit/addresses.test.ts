import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

/** What there is; all that begins so. Whoever names another address looks whether it is there, and adds it. */
const KNOWN = [
  'https://nodejs.org',
  'http://www.apple.com/DTDs/PropertyList-1.0.dtd',
  'https://registry.npmjs.org/',
  'https://lsyncd.github.io/lsyncd/',
  'https://keepachangelog.com',
  'https://semver.org',
  'https://mutagen.io/documentation/',
  'https://github.com/bcpierce00/unison',
  'https://man.openbsd.org/',
  'https://docs.syncthing.net',
  'https://download.samba.org/pub/rsync/',
  'https://github.com/libfuse/sshfs',
  'https://code.visualstudio.com/docs/',
  'http://json-schema.org/draft-07/schema#',
  'http://www.w3.org/2000/svg', // a name of what a picture is
];

/** No address of others: of this machine, or one that a test makes up (RFC 2606). */
const NOWHERE = /^https?:\/\/(127\.0\.0\.1|localhost|\[::1\]|[\w.-]+\.(example|invalid|test))([:/]|$)/;

it('every address in the repository leads somewhere', () => {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
    .trim()
    .split('\n')
    .filter((file) => file !== 'package-lock.json');
  const odd = files.flatMap((file) => {
    const addresses = readFileSync(join(ROOT, file), 'latin1').match(/https?:\/\/[^\s'"`<>)\]}|\\]+/g) ?? [];
    return addresses
      .filter((address) => !NOWHERE.test(address) && !KNOWN.some((known) => address.startsWith(known)))
      .map((address) => `${file}: ${address}`);
  });
  expect(odd).toEqual([]);
});
