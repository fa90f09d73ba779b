/** Which queries a live event makes old. */
import type { AuditNoun, LiveEvent } from '@countersign/protocol/live-events';
import type { OperationName } from '@countersign/protocol/operator-api/index';

/** An operation, and for a query about one thing the id of that thing. */
export interface Touched {
  readonly operation: OperationName;
  readonly action?: string;
}

const all = (...names: OperationName[]): Touched[] => names.map((operation) => ({ operation }));

/**
 * What an entry about this touches besides the log itself. What people change besides actions mostly has no event of its own, but
 * always an entry. Where nothing stands here, only the log tells of it.
 */
const aboutNoun: Readonly<Record<AuditNoun, readonly OperationName[]>> = {
  action: ['getTimeline', 'getOverview'],
  approval: ['getTimeline', 'getOverview'],
  confirmation: [],
  dispatch: ['getPause', 'getOverview', 'getTimeline'],
  request: [],
  report: [],
  playbook: [],
  file: [],
  discovery: ['discoverServices', 'listPlaybooks', 'getPlaybook'],
  deploy: [],
  policy: ['getPolicy', 'listAmendments', 'getOverview'],
  setup: ['listPeople', 'getMe', 'getOverview'],
  person: ['listPeople', 'getMe', 'listTokens', 'listAmendments', 'getTelegram', 'listPasskeys', 'getOverview'],
  amendment: ['listAmendments', 'getPolicy', 'listPeople', 'listTokens', 'getOverview'],
  sign_in: [],
  passkey: ['listPasskeys', 'listPeople', 'getMe', 'getOverview'],
  token: ['listTokens', 'getConnect', 'getOverview'],
  credential: [],
  telegram: ['getTelegram', 'listPeople', 'getMe', 'getOverview'],
  server: ['listServers', 'getServerStatus', 'getEnrolment', 'getLock', 'listAlerts', 'getTimeline', 'getOverview'],
  lock: ['getLock', 'listServers', 'getServerStatus', 'getTimeline', 'getOverview'],
  diagnostic: ['getTimeline'],
  hook: ['listHooks'],
  alert: ['getTimeline', 'getOverview'],
  control_plane: [],
  tools: [],
  playbooks: ['listPlaybooks', 'getPlaybook', 'listPlaybookVersions', 'listPlaybookProblems'],
  audit: [],
  ledger: ['listServers', 'getServerStatus', 'getTimeline', 'getOverview'],
};

/** What each kind of event touches. */
export function touchedBy(event: LiveEvent): Touched[] {
  switch (event.type) {
    case 'action':
      return [
        { operation: 'getAction', action: event.id },
        ...all('listActions', 'getOverview', 'getTimeline', 'getServerStatus'),
      ];
    case 'output':
      return [{ operation: 'getAction', action: event.action }];
    case 'server':
      return all(
        'listServers',
        'getServerStatus',
        'getOverview',
        'getEnrolment',
        'listPlaybooks',
        'getPlaybook',
        'getLock',
      );
    case 'alert':
      return all('listAlerts', 'getOverview', 'listServers', 'getServerStatus', 'getTimeline', 'listHooks');
    case 'audit':
      return all('getAuditLog', ...new Set(event.nouns.flatMap((noun) => aboutNoun[noun as AuditNoun] ?? [])));
    case 'enrolment':
      return all('getEnrolment', 'listServers', 'getServerStatus', 'getOverview');
    case 'telegram_link':
      return all('getTelegram', 'getMe', 'listPeople', 'getOverview');
    case 'mcp_call':
      return all('getConnect', 'listTokens', 'getOverview');
  }
}
