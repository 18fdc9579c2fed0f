import { describe, expect, it } from 'vitest';
import {
  ancestorsOf,
  baseOf,
  bytesOf,
  childOf,
  isBelow,
  looseTextOf,
  type Name,
  nameFromBytes,
  nameFromText,
  parentOf,
  ROOT,
  textOf,
} from '../../src/core/name.js';

const name = nameFromText;

describe('names', () => {
  it('keep every byte', () => {
    const bytes = Buffer.from(Array.from({ length: 255 }, (_, i) => i + 1));
    expect(bytesOf(nameFromBytes(bytes))).toEqual(bytes);
    expect(bytesOf(name('é'))).toEqual(Buffer.from('é'));
    expect(nameFromBytes(Buffer.alloc(0))).toBe(ROOT);
  });

  it('have parents, bases, children and ancestors', () => {
    expect(parentOf(name('a/b/c'))).toBe('a/b');
    expect(parentOf(name('a'))).toBe(ROOT);
    expect(parentOf(ROOT)).toBe(ROOT);
    expect(baseOf(name('a/b/c'))).toBe('c');
    expect(childOf(ROOT, 'x')).toBe('x');
    expect(childOf(name('a'), 'x')).toBe('a/x');
    expect(ancestorsOf(name('a/b/c'))).toEqual(['a', 'a/b']);
    expect(ancestorsOf(name('a'))).toEqual([]);
  });

  it('lie below each other or not', () => {
    expect(isBelow(name('a/b'), name('a'))).toBe(true);
    expect(isBelow(name('ab'), name('a'))).toBe(false);
    expect(isBelow(name('a'), name('a'))).toBe(false);
    expect(isBelow(name('a'), ROOT)).toBe(true);
    expect(isBelow(ROOT, ROOT)).toBe(false);
  });

  it.each([
    ['plain.txt', 'plain.txt'],
    ['日本/é', '日本/é'],
    ['new\nline', 'new\\nline'],
    ['bell\x07 esc\x1b[31m', 'bell\\x07 esc\\e[31m'],
    ['right-to-left \u202e', 'right-to-left \\u202e'],
  ])('are shown on one line: %j', (text, shown) => {
    expect(textOf(name(text))).toBe(shown);
  });

  it('are shown with bytes that are no UTF-8', () => {
    expect(textOf(nameFromBytes(Buffer.from([0x61, 0xff, 0x62])))).toBe('a\\xffb');
    expect(looseTextOf(nameFromBytes(Buffer.from([0x61, 0xff])) as Name)).toBe('a\ufffd');
  });
});
