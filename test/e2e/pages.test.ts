import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { type Block, blocksIn, PAGES, ROOT } from '../support/pages.js';
import { Reader } from '../support/reader.js';

/** What is told under one heading, in its order. */
const SECTIONS = PAGES.flatMap((page) => {
  const sections = new Map<string, Block[]>();
  for (const block of blocksIn(page).filter(({ isTest }) => isTest)) {
    const heading = block.headings[1] ?? '';
    sections.set(heading, [...(sections.get(heading) ?? []), block]);
  }
  return [...sections].map(([heading, blocks]) => ({ page, heading, blocks }));
});

const isValid = new Ajv({ strict: false }).compile(
  JSON.parse(readFileSync(join(ROOT, 'schema/settings.json'), 'utf8')) as object,
);

describe.concurrent('what the pages tell people to do works', () => {
  it.each(SECTIONS)('$page: $heading', async ({ blocks }) => {
    const reader = await Reader.begin();
    try {
      for (const block of blocks) {
        if (block.language === 'json') lookAtJson(block);
        await reader.follow(block);
        if (block.values['file'] === '.vscode/tasks.json') await runTasks(block.text, reader);
      }
    } finally {
      await reader.end();
    }
  });
});

/** Settings are such as the schema allows; all else is JSON. */
function lookAtJson({ text, values: { file = '' } }: Block): void {
  const value = JSON.parse(text) as { syncwatch?: unknown };
  const settings = file === 'syncwatch.json' ? value : file === 'package.json' ? value.syncwatch : undefined;
  if (settings !== undefined) expect(isValid(settings) ? [] : isValid.errors).toEqual([]);
}

interface Task {
  readonly command: string;
  readonly isBackground?: boolean;
  readonly problemMatcher?: { readonly background?: { readonly beginsPattern: string; readonly endsPattern: string } };
}

/** As VS Code does: what goes on in the background is ready when it says so. */
async function runTasks(text: string, reader: Reader): Promise<void> {
  const { tasks } = JSON.parse(text) as { tasks: readonly Task[] };
  for (const { command, isBackground, problemMatcher } of tasks) {
    if (isBackground !== true) continue;
    await reader.watch(command);
    const { beginsPattern = '', endsPattern = '' } = problemMatcher?.background ?? {};
    expect(reader.said).toMatch(new RegExp(beginsPattern));
    expect(reader.said).toMatch(new RegExp(endsPattern));
  }
}
