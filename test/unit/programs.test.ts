import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { findPrograms, passedOverInWords } from '../../src/programs.js';
import { temporaryDir } from '../support/tree.js';

let base: string;
let dir: string;

beforeEach(() => {
  base = temporaryDir();
  dir = join(base, 'dir');
  mkdirSync(join(dir, 'bin'), { recursive: true });
});

function program(path: string, mode = 0o755): string {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, '#!/bin/sh\n');
  chmodSync(path, mode);
  return path;
}

function link(to: string, path: string): string {
  symlinkSync(to, path);
  return path;
}

const rsyncBy = (path: string | undefined) =>
  findPrograms({ env: { PATH: path }, home: '/', nodePath: '/node' }, dir).rsync;

describe('a program is looked for', () => {
  it('in the order of PATH, and has to be a file that can be executed', () => {
    program(join(base, 'a/rsync'), 0o644);
    mkdirSync(join(base, 'b/rsync'), { recursive: true });
    symlinkSync('nowhere', join(base, 'rsync'));
    const wanted = program(join(base, 'c/rsync'));
    program(join(base, 'd/rsync'));
    const path = ['a', 'b', '', 'c', 'd'].map((each) => join(base, each)).join(':');
    expect(rsyncBy(path).file).toBe(wanted);
  });

  it.each([
    ['its bin', () => join(dir, 'bin')],
    ['itself', () => dir],
    ['a way through it and out again', () => `${dir}/../other`],
    ['a link to it', () => link('dir/bin', join(base, 'link'))],
    ['a link in it to elsewhere', () => link('../other', join(dir, 'link'))],
    ['a link to a link in it to elsewhere', () => link(link('../other', join(dir, 'link')), join(base, 'link'))],
    ['the way through /proc', () => `/proc/self/root${dir}/bin`],
  ])('not in DIR: %s', (_what, place) => {
    program(join(base, 'other/rsync'));
    program(join(dir, 'bin/rsync'));
    program(join(dir, 'rsync'));
    const wanted = program(join(base, 'good/rsync'));
    expect(rsyncBy(`${place()}:${join(base, 'good')}`).file).toBe(wanted);
  });

  it('not where it is a link into DIR', () => {
    symlinkSync(program(join(dir, 'bin/rsync')), join(base, 'rsync'));
    const wanted = program(join(base, 'good/rsync'));
    expect(rsyncBy(`${base}:${join(base, 'good')}`).file).toBe(wanted);
  });

  it('a directory beside DIR that is named like it will do', () => {
    const wanted = program(join(base, 'dir2/rsync'));
    expect(rsyncBy(join(base, 'dir2')).file).toBe(wanted);
  });

  it('only in DIR: it is not there, and that is said', () => {
    const own = program(join(dir, 'bin/rsync'));
    const found = rsyncBy(`${join(dir, 'bin')}:${base}`);
    expect(found).toEqual({ file: undefined, passedOver: [own] });
    if (found.file === undefined) expect(passedOverInWords(found)).toContain(`${own} is not started`);
  });

  it('nowhere: nothing is said of where', () => {
    const found = rsyncBy(base);
    expect(found).toEqual({ file: undefined, passedOver: [] });
    if (found.file === undefined) expect(passedOverInWords(found)).toBe('');
  });

  it.each([undefined, '', '.', '::bin'])('where systems have them if PATH is %j', (path) => {
    const { git } = findPrograms({ env: { PATH: path }, home: '/', nodePath: '/node' }, dir);
    expect(git.file).toMatch(/^\/(usr\/)?bin\/git$/);
  });
});
