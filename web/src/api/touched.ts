/** Which queries a live event makes old. */
import type { LiveEvent } from '@countersign/protocol/live-events';
import type { OperationName } from '@countersign/protocol/operator-api/index';

/** An operation, and for a query about one thing the id of that thing. */
export interface Touched {
  readonly operation: OperationName;
  readonly action?: string;
}

const all = (...names: OperationName[]): Touched[] => names.map((operation) => ({ operation }));

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
      return all('listServers', 'getServerStatus', 'getOverview', 'getEnrolment', 'listPlaybooks', 'getLock');
    case 'alert':
      return all('listAlerts', 'getOverview', 'listServers', 'getServerStatus', 'getTimeline');
    case 'audit':
      // What people change besides actions has no event of its own, but always an entry.
      return all(
        'getAuditLog',
        'getTimeline',
        'getOverview',
        'getPause',
        'getLock',
        'getPolicy',
        'listAmendments',
        'listPeople',
        'listPasskeys',
      );
    case 'enrolment':
      return all('getEnrolment', 'listServers', 'getServerStatus', 'getOverview');
    case 'telegram_link':
      return all('getTelegram', 'getMe', 'listPeople', 'getOverview');
    case 'mcp_call':
      return all('getConnect', 'listTokens', 'getOverview');
    case 'playbooks':
      return all('listPlaybooks', 'getPlaybook');
  }
}
