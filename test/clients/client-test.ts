import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type TestContext, test } from 'node:test';

export type ClientName = 'claude' | 'codex';

/** Where each assistant comes from, and the variable that names its binary where it is not on PATH. */
const CLIENTS = {
  claude: { npm: '@anthropic-ai/claude-code', variable: 'COUNTERSIGN_TEST_CLAUDE' },
  codex: { npm: '@openai/codex', variable: 'COUNTERSIGN_TEST_CODEX' },
};

/** The path of the assistant's binary, or undefined where it is not installed. */
export function findClient(name: ClientName): string | undefined {
  const named = process.env[CLIENTS[name].variable];
  const places = named ? [named] : (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name));
  return places.find(isExecutable);
}

/** The path of the assistant's binary; throws with the command that installs it. */
export function clientBinary(name: ClientName): string {
  const binary = findClient(name);
  if (!binary) throw new Error(missing(name));
  return binary;
}

/**
 * A test that needs a real assistant. Where it is not installed the test is skipped by name, or fails where every part is
 * required (`COUNTERSIGN_REQUIRE_ALL=1`).
 */
export function clientTest(name: ClientName, title: string, fn: (t: TestContext) => Promise<void>): void {
  const wanted = findClient(name) !== undefined || process.env.COUNTERSIGN_REQUIRE_ALL === '1';
  test(title, wanted ? {} : { skip: missing(name) }, async (t) => {
    clientBinary(name);
    await fn(t);
  });
}

function missing(name: ClientName): string {
  const { npm, variable } = CLIENTS[name];
  return `${name} is not installed here: npm install -g ${npm}, or name its binary in ${variable}`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
