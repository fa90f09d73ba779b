/** Builds the dashboard when its files are missing or older than their sources, so that a fresh clone has one after `npm start`. */
import { readdir, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** What the dashboard is made from, besides `web/src`. */
const SOURCES = ['index.html', 'package.json', 'vite.config.ts', 'public', 'src', '../protocol/src'];

/** Whether `<web>/dist` is missing or older than the newest source. */
export async function dashboardIsStale(web: string): Promise<boolean> {
  const built = await changedAt(join(web, 'dist', 'index.html'));
  if (built === 0) return true;
  const sources = await Promise.all(SOURCES.map((name) => newestIn(join(web, name))));
  return Math.max(...sources) > built;
}

/** Builds it. Rejects with what the build printed. */
export async function buildDashboard(web: string): Promise<void> {
  // A start that finds it built does not load this.
  const { execa } = await import('execa');
  const vite = join(dirname(createRequire(join(web, 'package.json')).resolve('vite/package.json')), 'bin/vite.js');
  const options = { cwd: web, stdin: 'ignore', all: true, reject: false } as const;
  const { failed, all, message } = await execa(process.execPath, [vite, 'build', '--logLevel', 'warn'], options);
  if (failed) throw new Error(`the dashboard could not be built:\n${all || message}`);
}

async function newestIn(path: string): Promise<number> {
  const found = await stat(path).catch(notThere);
  if (!found?.isDirectory()) return found?.mtimeMs ?? 0;
  const names = (await readdir(path)).filter((name) => name !== 'node_modules' && name !== 'dist');
  return Math.max(found.mtimeMs, ...(await Promise.all(names.map((name) => newestIn(join(path, name))))));
}

async function changedAt(path: string): Promise<number> {
  return (await stat(path).catch(notThere))?.mtimeMs ?? 0;
}

function notThere(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
