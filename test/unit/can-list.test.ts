import { mkdirSync, opendirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { nameFromText } from '../../src/core/name.js';
import { Disk } from '../../src/scan/disk.js';
import { temporaryDir } from '../support/tree.js';

vi.mock('node:fs', { spy: true });
afterEach(() => void vi.mocked(opendirSync).mockRestore());

it.each([
  ['is forbidden, whatever its mode', 'EPERM', false],
  ['fails, for its disk does', 'EIO', false],
  ['is not possible just now', 'EMFILE', true],
] as const)('a directory that has the right mode, and opening it %s', (_, code, can) => {
  const dir = temporaryDir();
  const name = nameFromText('d');
  mkdirSync(join(dir, 'd'));
  expect(new Disk(dir).canList(name)).toBe(true);
  vi.mocked(opendirSync).mockImplementation(() => {
    throw Object.assign(new Error(code), { code });
  });
  expect(new Disk(dir).canList(name)).toBe(can);
  rmSync(join(dir, 'd'), { recursive: true });
  expect(new Disk(dir).canList(name)).toBe(true);
});
