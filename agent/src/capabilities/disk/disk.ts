import type { Suggestion } from '@countersign/protocol';
import { readJournalFiles } from '../../host/journal-files.ts';
import { mountOf, type Room, readMounts, roomAsked, roomOrNull } from '../../host/mounts.ts';
import { readDeletedFiles, unitOfProcess } from '../../host/processes.ts';
import type { ObserveContext, Observer } from '../capability.ts';
import { orBlind } from '../or-blind.ts';
import { ARCHIVES_BIG_BYTES, readArchives } from '../packages/apt.ts';
import { count, Report, sayBytes, sayRatio } from '../report.ts';
import { lookAtLogs } from './big-logs.ts';
import { runDu } from './du.ts';

const HIGH = 0.85;
const CRITICAL = 0.95;
const DU_MS = 13_000;
const DELETED_MIN_BYTES = 10_000_000;
const JOURNAL_BIG_BYTES = 500_000_000;
const TMP_BIG_BYTES = 200_000_000;

/** Mounts, the biggest folders below `path`, deleted files that are still open, and what a playbook could free. */
export const disk: Observer<'disk'> = async ({ path, top }, context) => {
  const report = new Report(context);
  const room = lookAtMounts(report, path);
  lookAtDeletedFiles(report);
  const journal = await orBlind(report, 'The size of the journal', async () => readJournalFiles().bytes);
  report.figure('journal_bytes', journal);
  lookAtLogs(report, context.localPolicy);
  const folders = await lookAtFolders(report, context, path, top);
  suggestCleaning(report, room, journal ?? 0, folders);
  if (report.isCalm) report.add({ kind: 'disk.calm', severity: 'ok', title: 'No file system is close to full.' });
  return report.finish();
};

function lookAtMounts(report: Report, path: string): Room {
  const asked = roomAsked(path);
  const mount = mountOf(path);
  report.figure('mount', mount);
  report.figure('used_ratio', asked.usedRatio);
  report.figure('bytes_free', asked.bytesFree);
  const others = readMounts().mounts.filter((each) => each.mount !== mount && !each.readOnly);
  const all = [{ mount, room: asked }, ...others.map((each) => ({ mount: each.mount, room: roomOrNull(each.mount) }))];
  for (const { mount: point, room } of all) {
    if (room === null || room.usedRatio < HIGH) continue;
    report.add({
      kind: 'disk.mount_full',
      severity: room.usedRatio >= CRITICAL ? 'critical' : 'warning',
      title: `${point} is ${sayRatio(room.usedRatio)} full; ${sayBytes(room.bytesFree)} of ${sayBytes(room.bytes)} are free.`,
      causes: [
        'Logs or the journal grew.',
        'A deleted file is still open.',
        'Old releases, backups, images or caches.',
      ],
    });
  }
  return asked;
}

function lookAtDeletedFiles(report: Report): void {
  const { files, blind } = readDeletedFiles();
  const big = files.filter(({ bytes }) => bytes >= DELETED_MIN_BYTES);
  report.figure(
    'deleted_open_bytes',
    files.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  for (const { pids, path, bytes } of big.slice(0, 10)) {
    const service = pids.map(unitOfProcess).find((unit) => unit?.endsWith('.service')) ?? null;
    report.add({
      kind: 'disk.deleted_open',
      severity: bytes >= 1_000_000_000 ? 'warning' : 'info',
      title: `${sayBytes(bytes)} belong to the deleted file ${path}, which ${service ?? `process ${pids[0]}`} still has open.`,
      causes: ['A log was deleted or rotated, and its writer was not told.'],
      suggestions:
        service === null
          ? []
          : [
              {
                playbook: 'disk.release_deleted',
                parameters: { unit: service },
                why: `Only when ${service} closes the file its ${sayBytes(bytes)} become free.`,
              },
            ],
    });
  }
  if (blind > 0)
    report.blind(`Deleted files that are still open by ${count(blind, 'process', 'processes')}`, 'that needs root');
}

interface Folder {
  readonly path: string;
  readonly bytes: number;
}

async function lookAtFolders(report: Report, context: ObserveContext, path: string, top: number): Promise<Folder[]> {
  const options = ['--block-size=1', '--max-depth=3', '--null'];
  const done = await runDu(context, { path, options, timeoutMs: DU_MS, maxBytes: 8 * 1024 * 1024 });
  if (done.notStarted !== null) {
    report.blind('The biggest folders', 'du is not installed');
    return [];
  }
  const folders = parseDu(done.stdout).filter((folder) => folder.path !== path);
  const biggest = folders.slice(0, top);
  if (done.timedOut) {
    report.cut();
    report.blind('Some folders', `du did not finish within ${DU_MS / 1000} s, so sizes may be missing`);
  }
  if (/Permission denied/.test(done.stderr))
    report.blind('Some folders', 'the agent may not look into them without root');
  if (biggest.length > 0)
    report.add({
      kind: 'disk.biggest_folders',
      severity: 'info',
      title: `The biggest folder below ${path} is ${biggest[0]?.path} with ${sayBytes(biggest[0]?.bytes ?? 0)}.`,
      evidence: [
        [`du below ${path}`, biggest.map(({ path: at, bytes }) => `${sayBytes(bytes).padStart(9)}  ${at}`).join('\n')],
      ],
    });
  return folders;
}

/** `BYTES\tPATH\0…`, biggest first. */
export function parseDu(text: string): Folder[] {
  return text
    .split('\0')
    .flatMap((entry) => {
      const at = entry.indexOf('\t');
      const bytes = Number(entry.slice(0, at));
      return at > 0 && Number.isFinite(bytes) ? [{ path: entry.slice(at + 1), bytes }] : [];
    })
    .sort((a, b) => b.bytes - a.bytes);
}

function suggestCleaning(report: Report, room: Room, journal: number, folders: readonly Folder[]): void {
  const suggestions: Suggestion[] = [];
  if (journal >= JOURNAL_BIG_BYTES || (room.usedRatio >= HIGH && journal >= 200_000_000))
    suggestions.push({
      playbook: 'disk.journal_vacuum',
      parameters: { keep: '200M' },
      why: `The journal takes ${sayBytes(journal)}.`,
    });
  const archives = readArchives();
  if (archives.bytes >= ARCHIVES_BIG_BYTES || (room.usedRatio >= HIGH && archives.bytes >= ARCHIVES_BIG_BYTES / 4))
    suggestions.push({
      playbook: 'disk.apt_clean',
      parameters: {},
      why: `apt keeps ${count(archives.files, 'downloaded package')} with ${sayBytes(archives.bytes)}.`,
    });
  for (const { path, bytes } of folders)
    if (['/tmp', '/var/tmp'].includes(path) && bytes >= TMP_BIG_BYTES)
      suggestions.push({
        playbook: 'disk.clean_tmp',
        parameters: { root: path, older_than: '24h' },
        why: `${path} takes ${sayBytes(bytes)}.`,
      });
  if (suggestions.length === 0) return;
  report.add({
    kind: 'disk.can_be_freed',
    severity: room.usedRatio >= HIGH ? 'warning' : 'info',
    title: `${suggestions.map(({ why }) => why.replace(/\.$/, '')).join('; ')}.`,
    suggestions,
  });
}
