/** All operations, joined: one handler per operation of the table, or it does not compile. */
import { type AccessOperationsDeps, accessOperations } from './access-operations.ts';
import { type ActionOperationsDeps, actionOperations } from './action-operations.ts';
import { type AlertOperationsDeps, alertOperations } from './alert-operations.ts';
import { type AmendmentOperationsDeps, amendmentOperations } from './amendment-operations.ts';
import { type AuditOperationsDeps, auditOperations } from './audit-operations.ts';
import { type DiagnosticOperationsDeps, diagnosticOperations } from './diagnostic-operations.ts';
import { type FileOperationsDeps, fileOperations } from './file-operations.ts';
import type { Handlers } from './handler.ts';
import { type LockOperationsDeps, lockOperations } from './lock-operations.ts';
import { type OverviewOperationsDeps, overviewOperations } from './overview-operations.ts';
import { type PasskeyOperationsDeps, passkeyOperations } from './passkey-operations.ts';
import { type PauseOperationsDeps, pauseOperations } from './pause-operations.ts';
import { type PlaybookOperationsDeps, playbookOperations } from './playbook-operations.ts';
import { type ReadingOperationsDeps, readingOperations } from './reading-operations.ts';
import { type ServerOperationsDeps, serverOperations } from './server-operations.ts';
import { type SetupOperationsDeps, setupOperations } from './setup-operations.ts';
import { type TelegramOperationsDeps, telegramOperations } from './telegram-operations.ts';
import { type TimelineOperationsDeps, timelineOperations } from './timeline-operations.ts';
import { type TokenOperationsDeps, tokenOperations } from './token-operations.ts';

export type AllOperationsDeps = SetupOperationsDeps &
  AccessOperationsDeps &
  PasskeyOperationsDeps &
  AmendmentOperationsDeps &
  TokenOperationsDeps &
  ActionOperationsDeps &
  PauseOperationsDeps &
  PlaybookOperationsDeps &
  FileOperationsDeps &
  AuditOperationsDeps &
  LockOperationsDeps &
  TelegramOperationsDeps &
  ServerOperationsDeps &
  DiagnosticOperationsDeps &
  ReadingOperationsDeps &
  AlertOperationsDeps &
  TimelineOperationsDeps &
  OverviewOperationsDeps;

export function allOperations(deps: AllOperationsDeps): Handlers {
  return {
    ...setupOperations(deps),
    ...accessOperations(deps),
    ...passkeyOperations(deps),
    ...amendmentOperations(deps),
    ...tokenOperations(deps),
    ...actionOperations(deps),
    ...pauseOperations(deps),
    ...playbookOperations(deps),
    ...fileOperations(deps),
    ...auditOperations(deps),
    ...lockOperations(deps),
    ...telegramOperations(deps),
    ...serverOperations(deps),
    ...diagnosticOperations(deps),
    ...readingOperations(deps),
    ...alertOperations(deps),
    ...timelineOperations(deps),
    ...overviewOperations(deps),
  };
}
