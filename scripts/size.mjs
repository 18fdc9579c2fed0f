// `npm run size`: what the package has in it, and how large it is, packed and unpacked.
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';

const [tarball = ''] = process.argv.slice(2);
const files = execFileSync('tar', ['tvzf', tarball], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } })
  .trim()
  .split('\n')
  .map((line) => ({ bytes: Number(/ (\d+) (?:\d{4}-|[A-Z][a-z]{2} )/.exec(line)?.[1]), path: line.split(' ').at(-1) }));
for (const { bytes, path } of files) console.log(`${String(bytes).padStart(8)}  ${path}`);
const unpacked = files.reduce((sum, { bytes }) => sum + bytes, 0);
const kB = (/** @type {number} */ bytes) => `${(bytes / 1000).toFixed(1)} kB`;
console.log(`${files.length} files; ${kB(statSync(tarball).size)} packed, ${kB(unpacked)} unpacked`);
