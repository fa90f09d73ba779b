/** The catalogue: every tool, in the order in which an assistant meets them. */
import type { Tool } from '../tool.ts';
import { cancelAction } from './cancel-action.ts';
import { diffFile } from './diff-file.ts';
import { discoverServices } from './discover-services.ts';
import { getAction } from './get-action.ts';
import { getAuditLog } from './get-audit-log.ts';
import { getCapabilities } from './get-capabilities.ts';
import { getPlaybook } from './get-playbook.ts';
import { getServerStatus } from './get-server-status.ts';
import { getTimeline } from './get-timeline.ts';
import { listActions } from './list-actions.ts';
import { listAlerts } from './list-alerts.ts';
import { listPlaybooks } from './list-playbooks.ts';
import { listServers } from './list-servers.ts';
import { readFile } from './read-file.ts';
import { runCommand } from './run-command.ts';
import { runDiagnostic } from './run-diagnostic.ts';
import { runPlaybook } from './run-playbook.ts';
import { searchFiles } from './search-files.ts';
import { verifyDeploy } from './verify-deploy.ts';
import { writeFile } from './write-file.ts';

export const catalogue: readonly Tool[] = [
  getCapabilities,
  listServers,
  getServerStatus,
  listAlerts,
  runDiagnostic,
  discoverServices,
  verifyDeploy,
  listPlaybooks,
  getPlaybook,
  runPlaybook,
  runCommand,
  readFile,
  searchFiles,
  diffFile,
  writeFile,
  listActions,
  getAction,
  cancelAction,
  getTimeline,
  getAuditLog,
];
