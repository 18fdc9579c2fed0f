import { isAbsolute, relative, resolve } from 'node:path';
import type { Report } from '../core/event.js';
import { EXIT, exitCodeOf } from '../core/failure.js';
import { describeSource, ruleText } from '../core/filter/rule.js';
import { type Name, nameFromText, parentOf, ROOT, textOf } from '../core/name.js';
import type { UsersGit } from '../git/git.js';
import type { WhyAsked } from '../options/check.js';
import { RuleFiles } from '../rules/rule-files.js';
import { Disk } from '../scan/disk.js';

/**
 * `--why`: says of each path whether it is synced, and which rule of which source decides. A path that is not here counts as
 * a directory if it ends in a slash. Gives the exit code: 0 if all are synced, 1 if not.
 */
export async function why(asked: WhyAsked, git: UsersGit, report: Report): Promise<number> {
  const { root, dir, from, filter, paths } = asked;
  const rules = await RuleFiles.open(asked, git, report);
  await rules.atRest();
  const disk = new Disk(root);
  let all = true;
  /** Whatever the rules say, for what it is here. */
  const never = (name: Name, rule: string): void => {
    all = false;
    report({ kind: 'why', name, synced: false, of: textOf(name), source: 'syncwatch', rule });
  };
  try {
    for (const path of paths) {
      const below = relative(root, resolve(from, path));
      if (below.startsWith('..') || isAbsolute(below)) {
        const failure = {
          kind: 'usage',
          message: `${path} is not below ${dir}`,
          hint: 'Name it as seen from DIR.',
        } as const;
        report({ kind: 'halted', failure });
        return exitCodeOf(failure);
      }
      const name = nameFromText(below);
      const seen = disk.see(name);
      const isDir = typeof seen === 'string' ? /[/]$/.test(path) : seen.type === 'dir';
      if (seen === 'blocked' && !isInDirectory(disk, name)) {
        never(name, 'what it is in is no directory here'); // and git would refuse to say anything of it
        continue;
      }
      await filter.learnDeep(name, isDir);
      const [of, decision] = filter.whatDecides(name, isDir);
      if (seen === 'blocked' && decision.synced) {
        never(name, 'it is neither a file, a directory nor a link');
        continue;
      }
      const { synced, rule } = decision;
      const broad = decision.synced ? undefined : decision.tooBroad;
      all &&= synced;
      const isTracked = rule === undefined && name !== ROOT && filter.isTracked(name);
      report({
        kind: 'why',
        name,
        synced,
        ...(seen === 'missing' ? { missing: true } : {}),
        of: textOf(of),
        source: isTracked ? 'git' : rule && describeSource(rule.source),
        rule: isTracked ? 'tracked' : rule && ruleText(rule),
        ...(broad === undefined ? {} : { tooBroad: `${describeSource(broad.source)}: ${ruleText(broad)}` }),
      });
    }
  } finally {
    rules.close();
  }
  return all ? EXIT.inSync : EXIT.somePathsFailed;
}

function isInDirectory(disk: Disk, name: Name): boolean {
  const above = disk.see(parentOf(name));
  return typeof above === 'object' && above.type === 'dir';
}
