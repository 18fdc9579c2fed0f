import { describe, expect, it } from 'vitest';
import { loginOf, parseTarget, remoteParentOf } from '../../src/core/target.js';

describe('a target', () => {
  it.each([
    ['host:/a/b', { kind: 'remote', host: 'host', user: undefined, path: '/a/b' }],
    ['me@host:dir', { kind: 'remote', host: 'host', user: 'me', path: 'dir' }],
    ['host:', { kind: 'remote', host: 'host', user: undefined, path: '' }],
    ['host:~/x', { kind: 'remote', host: 'host', user: undefined, path: '~/x' }],
    ['host:a:b', { kind: 'remote', host: 'host', user: undefined, path: 'a:b' }],
    ['host:-dash', { kind: 'remote', host: 'host', user: undefined, path: '-dash' }],
    ['[::1]:/a', { kind: 'remote', host: '::1', user: undefined, path: '/a' }],
    ['me@[fe80::1%eth0]:a', { kind: 'remote', host: 'fe80::1%eth0', user: 'me', path: 'a' }],
    // One letter is a host too: a path of Windows is none here.
    ['C:\\dir', { kind: 'remote', host: 'C', user: undefined, path: '\\dir' }],
    ['C:/dir', { kind: 'remote', host: 'C', user: undefined, path: '/dir' }],
    ['me@corp@host:a', undefined],
    ['/abs/path', { kind: 'local', path: '/abs/path' }],
    ['rel/path', { kind: 'local', path: 'rel/path' }],
    ['./with:colon', { kind: 'local', path: './with:colon' }],
    ['plain', { kind: 'local', path: 'plain' }],
  ])('%s', (text, expected) => {
    const parsed = parseTarget(text);
    if (expected === undefined) expect(parsed.ok).toBe(false);
    else expect(parsed).toEqual({ ok: true, value: { ...expected, label: text, place: text } });
  });

  it.each([
    ['', /empty/],
    ['-x:y', /dash/],
    ['-o ProxyCommand=x', /dash/],
    ['u@-oProxyCommand=x:y', /dash/],
    ['-u@host:y', /dash/],
    ['host:/', /whole file system/],
    ['host://', /whole file system/],
    ['host:/.', /whole file system/],
    ['host:/..', /whole file system/],
    ['host:/./', /whole file system/],
    ['host:a\nb', /line breaks/],
    ['host:a\0b', /line breaks/],
    ['host::module', /daemons/],
    ['rsync://host/x', /daemons/],
    ['ssh://host/x', /URL/],
    [':path', /host name is missing/],
    ['user@host', /path is missing/],
    ['::1:/a', /missing|malformed|daemons/],
    ['[nope]:/a', /IPv6/],
    ['ho st:/a', /spaces/],
  ])('%j is refused', (text, why) => {
    const parsed = parseTarget(text);
    expect(parsed.ok).toBe(false);
    if (parsed.ok) return;
    expect(parsed.failure.message).toMatch(why);
    expect(parsed.failure.kind).toBe('usage');
    expect(parsed.failure.hint).toBeTruthy();
  });

  it('is logged in to', () => {
    const parsed = parseTarget('me@[::1]:x');
    if (!parsed.ok || parsed.value.kind !== 'remote') throw new Error('refused');
    expect(loginOf(parsed.value)).toBe('me@::1');
  });

  it.each([
    ['/a/b', '/a'],
    ['/a', '/'],
    ['a', undefined],
    ['', undefined],
    ['~', undefined],
    ['~/a', undefined],
    ['~/a/b', '~/a'],
    ['./a', undefined],
    ['a/b/', 'a'],
  ])('the parent of %j is %j', (path, parent) => {
    expect(remoteParentOf(path)).toBe(parent);
  });
});
