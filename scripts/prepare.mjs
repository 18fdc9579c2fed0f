// Run by npm in a clone: after `npm ci` there, before it is packed, and when syncwatch is installed from a git URL. Builds; where
// what it is built with is not installed (`npm ci --omit=dev`) there is nothing to do.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';

process.umask(0o022); // so that two builds are the same
const { npm_config_cache: cache, npm_config_global_prefix: prefix, npm_config_global: isGlobal } = process.env;
const here = realpathSync(process.cwd());
const { name } = JSON.parse(readFileSync('package.json', 'utf8'));
// What the npm that runs this was told is not for others.
const { npm_config_global, npm_config_include, npm_config_omit, npm_config_force, ...env } = process.env;
/** @type {(folder: string, ...args: string[]) => void} */
const npm = (folder, ...args) =>
  void execFileSync('npm', [...args, '--silent', '--no-audit', '--no-fund'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });

const place = prefix === undefined ? undefined : join(prefix, 'lib', 'node_modules', name);
const isNpmsClone = cache !== undefined && existsSync(cache) && here.startsWith(realpathSync(cache) + sep);
if (isGlobal === 'true' && isNpmsClone && place !== undefined) mend(place);
else if (existsSync('src') && existsSync('node_modules/rolldown')) npm(here, 'run', 'build');

/**
 * `npm i -g` of a git URL takes that -g for the clone that it builds in, too (npm 7 to 11, its issue 6984): what it is built with is
 * not installed there, and the place that syncwatch is to have becomes a link to the clone, which npm then removes; its packages are gone
 * from there by then. So it is built beside the clone, and the place gets a folder again, with the packages in it: npm
 * puts the rest there.
 * @param {string} place
 */
function mend(place) {
  if (!existsSync(place) || realpathSync(place) !== here) return; // not yet, or a newer npm
  const folder = mkdtempSync(join(dirname(here), 'build-'));
  try {
    const isOurs = (/** @type {string} */ path) => !['.git', 'node_modules'].some((each) => path === join(here, each));
    cpSync(here, folder, { recursive: true, filter: isOurs });
    npm(folder, 'ci', '--ignore-scripts', '--include=dev');
    npm(folder, 'run', 'build');
    for (const each of ['dist', 'schema', 'man']) cpSync(join(folder, each), join(here, each), { recursive: true });
    npm(folder, 'ci', '--ignore-scripts', '--omit=dev');
    rmSync(place);
    mkdirSync(place);
    cpSync(join(folder, 'node_modules'), join(place, 'node_modules'), { recursive: true, verbatimSymlinks: true });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
