/** Builds the dashboard when its files are missing or older than their sources, so that a fresh clone has one after `npm start`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
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
  const vite = join(dirname(createRequire(join(web, 'package.json')).resolve('vite/package.json')), 'bin/vite.js');
  const child = spawn(process.execPath, [vite, 'build', '--logLevel', 'warn'], {
    cwd: web,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`the dashboard could not be built:\n${said}`);
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
