import { type Room, readMounts, roomAsked, roomOrNull } from '../../host/mounts.ts';
import type { ObserveContext, Observer } from '../capability.ts';
import { Report, sayRatio } from '../report.ts';
import { runDu } from './du.ts';
import { patternOf, sessionRoots } from './session-roots.ts';

const HIGH = 0.85;
const CRITICAL = 0.95;
const DU_MS = 14_000;
const TOP = 20;
const MANY = 50_000;
/** Longer than any path with its figure. */
const PIECE_MAX = 8192;

/** Inodes of all mounts, and the folders below `mount` that hold most entries themselves. */
export const inodes: Observer<'inodes'> = async ({ mount }, context) => {
  const report = new Report(context);
  const asked = lookAtMounts(report, mount);
  report.figure('inodes_used_ratio', asked.inodesUsedRatio);
  report.figure('inodes_free', asked.inodesFree);
  await lookAtFolders(report, context, mount, asked.inodesUsedRatio >= HIGH);
  if (report.isCalm) report.add({ kind: 'inodes.calm', severity: 'ok', title: 'No file system runs out of inodes.' });
  return report.finish();
};

function lookAtMounts(report: Report, path: string): Room {
  const asked = roomAsked(path);
  const points = new Set([path, ...readMounts().mounts.map(({ mount }) => mount)]);
  for (const point of points) {
    const room = roomOrNull(point);
    if (room === null || room.inodesUsedRatio < HIGH) continue;
    report.add({
      kind: 'disk.inodes_full',
      severity: room.inodesUsedRatio >= CRITICAL ? 'critical' : 'warning',
      title: `${point} has used ${sayRatio(room.inodesUsedRatio)} of its inodes; ${room.inodesFree} are left.`,
      causes: ['Sessions, caches or mail queues with very many small files.'],
      suggestions: ['/tmp', '/var/tmp'].includes(point)
        ? [
            {
              playbook: 'disk.clean_tmp',
              parameters: { root: point, older_than: '24h' },
              why: 'Old temporary files hold inodes.',
            },
          ]
        : [],
    });
  }
  return asked;
}

async function lookAtFolders(report: Report, context: ObserveContext, path: string, scarce: boolean): Promise<void> {
  const top = new TopFolders();
  const options = ['--inodes', '--separate-dirs', '--null'];
  const onOutput = (text: string) => top.add(text);
  const done = await runDu(context, { path, options, timeoutMs: DU_MS, maxBytes: 65_536, onOutput });
  if (done.notStarted !== null) {
    report.blind('Folders with most entries', 'du is not installed');
    return;
  }
  if (done.timedOut) {
    report.cut();
    report.blind('Some folders', `du did not finish within ${DU_MS / 1000} s`);
  }
  const [most] = top.folders;
  if (most === undefined) return;
  report.figure('most_entries', most.entries);
  report.add({
    kind: 'inodes.biggest_folders',
    severity: most.entries >= MANY ? 'warning' : 'info',
    title: `${most.path} has most entries below ${path}: ${most.entries}.`,
    evidence: [
      [
        `du --inodes below ${path}`,
        top.folders.map((folder) => `${String(folder.entries).padStart(9)}  ${folder.path}`).join('\n'),
      ],
    ],
    suggestions: scarce || most.entries >= MANY ? suggestSessions(most, context) : [],
  });
}

/** Only a folder that may be cleaned on this server is offered. */
function suggestSessions(most: { readonly path: string; readonly entries: number }, context: ObserveContext) {
  const root = sessionRoots(context.localPolicy).find((each) => most.path === each || most.path.startsWith(`${each}/`));
  if (root === undefined) return [];
  const why = `${most.path} holds ${most.entries} entries; old ones are packed away and can be brought back.`;
  return [{ playbook: 'inodes.clean_sessions', parameters: { root, pattern: patternOf(most.path) }, why }];
}

/** The folders with most entries of a list that may be endless. */
export class TopFolders {
  #folders: { readonly path: string; readonly entries: number }[] = [];
  #rest = '';

  get folders(): readonly { readonly path: string; readonly entries: number }[] {
    return this.#folders;
  }

  /** Takes the next piece of `ENTRIES\tPATH\\0…`, in which complaints may stand too: those end with a line, and names may hold lines. */
  add(text: string): void {
    const pieces = (this.#rest + text).split('\0');
    this.#rest = (pieces.pop() ?? '').slice(-PIECE_MAX);
    for (const piece of pieces) {
      const parsed = /^(?:du: .*\n)*(\d+)\t(.*)$/s.exec(piece);
      if (parsed === null) continue;
      const entries = Number(parsed[1]);
      if (this.#folders.length === TOP && entries <= (this.#folders.at(-1)?.entries ?? 0)) continue;
      this.#folders.push({ path: parsed[2] ?? '', entries });
      this.#folders.sort((a, b) => b.entries - a.entries);
      this.#folders.length = Math.min(this.#folders.length, TOP);
    }
  }
}
