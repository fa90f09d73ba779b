/** Which services run files of a package. Sources: dpkg-query(1) `--listfiles`, proc_pid_maps(5). */
import { mappedFilesOf, readProcesses, unitOfProcess } from '../../host/processes.ts';
import type { ObserveContext } from '../capability.ts';

const PACKAGES_MAX = 100;

/** Units of which a process has a file of one of these packages in memory, sorted. None where dpkg gives no answer. */
export async function readUsers(context: ObserveContext, packages: readonly string[]): Promise<string[]> {
  const argv = ['dpkg-query', '--listfiles', ...packages.slice(0, PACKAGES_MAX)];
  const done = await context.exec({ argv, timeoutMs: 5000, maxBytes: 4 * 1024 * 1024, signal: context.signal });
  const files = new Set(
    done.stdout
      .split('\n')
      .filter((path) => path.startsWith('/'))
      .map(merged),
  );
  const using = readProcesses().filter(({ pid }) => mappedFilesOf(pid).some((path) => files.has(merged(path))));
  const units = using.flatMap(({ pid }) => unitOfProcess(pid) ?? []);
  return [...new Set(units.filter((unit) => unit.endsWith('.service')))].sort();
}

/** /lib and /bin are links to those below /usr; packages name files either way. Source: file-hierarchy(7). */
const merged = (path: string): string => path.replace(/^\/(bin|sbin|lib|lib64)\//, '/usr/$1/');
