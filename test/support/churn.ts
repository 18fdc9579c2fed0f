import {
  appendFileSync,
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';

/** A small generator of random numbers in [0, 1), the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Names that a shell, rsync's lists or a terminal might trip over; the last one is no UTF-8. */
const ODD: readonly Buffer[] = [
  ...[
    'with space',
    'new\nline',
    '#comment',
    ';comment',
    '-rf',
    '*',
    'q\'uo"te',
    '\u{1F980} ü',
    '\u001b[31mred',
    'a'.repeat(200),
  ].map((name) => Buffer.from(name)),
  Buffer.from([0x62, 0xff, 0xfe, 0x64]),
];

/**
 * Changes a tree at random for some time: create, write, append, atomic save, rename, move, mkdir -p, rmdir, rm -rf, links,
 * chmod, times, changes of type, odd names. The steps are the same for the same seed.
 */
export async function churn(root: string, seed: number, ms: number): Promise<void> {
  const random = randomFrom(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const pick = <T>(list: readonly T[]): T | undefined => list[below(list.length)];
  const directories = (): string[] => [
    root,
    ...readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name)),
  ];
  let dirs = directories();
  const dir = (): string => pick(dirs) ?? root;
  const something = (): string => {
    const at = dir();
    const base = pick(readdirSync(at));
    return base === undefined ? join(at, 'none') : join(at, base);
  };
  const isDir = (path: string): boolean => lstatSync(path).isDirectory();

  const steps: ReadonlyArray<() => void> = [
    () => writeFileSync(join(dir(), `f${below(50)}`), 'x'.repeat(below(9))),
    () => writeFileSync(join(dir(), `f${below(50)}`), String(random())),
    () => {
      const at = dir();
      writeFileSync(join(at, '.tmp'), String(random()));
      renameSync(join(at, '.tmp'), join(at, `f${below(50)}`));
    },
    () => {
      const at = join(dir(), `d${below(6)}`, `d${below(6)}`);
      mkdirSync(at, { recursive: true });
      writeFileSync(join(at, 'in'), String(random()));
      dirs.push(at);
    },
    () => renameSync(something(), join(dir(), `${random() < 0.5 ? 'd' : 'f'}${below(50)}`)),
    () => {
      const path = something();
      if (!isDir(path) || random() < 0.2) rmSync(path, { recursive: true });
    },
    () => symlinkSync(pick(['f1', 'nowhere', '..']) ?? '', join(dir(), `l${below(20)}`)),
    () => {
      const path = something();
      if (!lstatSync(path).isSymbolicLink())
        chmodSync(path, isDir(path) ? 0o755 - below(2) * 0o55 : 0o644 - below(2) * 0o44);
    },
    () => {
      const path = something();
      const was = isDir(path);
      rmSync(path, { recursive: true });
      if (was) writeFileSync(path, 'was a directory');
      else mkdirSync(path);
    },
    () => appendFileSync(something(), 'more'),
    () => truncateSync(something(), below(3)),
    () => writeFileSync(Buffer.concat([Buffer.from(`${dir()}/`), pick(ODD) ?? Buffer.from('odd')]), String(random())),
    () => {
      // saved and removed at once
      const path = something();
      if (isDir(path)) return;
      writeFileSync(`${path}~new`, String(random()));
      renameSync(`${path}~new`, path);
      rmSync(path);
    },
    () => rmdirSync(something()),
    () => cpSync(something(), join(dir(), `c${below(20)}`), { preserveTimestamps: true, recursive: true }),
    () => utimesSync(something(), 1_500_000_000 + below(1_000), 1_500_000_000 + below(3)),
    () => {
      // swapped, and sometimes back again
      const [a, b, aside] = [something(), something(), join(root, '.aside')];
      for (let n = below(2); n >= 0; n--) {
        renameSync(a, aside);
        renameSync(b, a);
        renameSync(aside, b);
      }
    },
    () => {
      // in place, of the same size, twice within a moment
      const path = join(dir(), `s${below(5)}`);
      writeFileSync(path, String(below(10)));
      writeFileSync(path, String(below(10)));
    },
  ];

  const end = Date.now() + ms;
  for (let n = 0; Date.now() < end; n++) {
    if (n % 50 === 0) {
      dirs = directories();
      await setImmediate();
    }
    try {
      pick(steps)?.();
    } catch {
      // it is not there any more, or is something else: the next one
    }
  }
}
