/**
 * The tables, as Kysely sees them. Times are milliseconds since 1970; `_json` columns hold JSON text; flags are 0 or 1.
 * Names are the words of design.md, section 2. The SQL is in `migrations/`.
 */
import type { ActionEvent, ActionState, Channel, Risk, Strength } from '@countersign/protocol';
import type { Role } from '@countersign/protocol/operator-api/index';
import type { Generated } from 'kysely';
import type { AuditCheckpointTable, AuditEntryTable, AuditIndexTable } from './audit-tables.ts';
import type { DiscoveryTable, PlaybookVersionTable } from './catalog-tables.ts';
import type {
  AmendmentTable,
  AmendmentVoteTable,
  LockStateTable,
  PasskeyTable,
  WebauthnChallengeTable,
} from './trust-tables.ts';

export interface PersonTable {
  id: string;
  email: string;
  name: string;
  role: Role;
  /** scrypt, with its salt and cost; null while an invitation is open. */
  password_hash: string | null;
  /** Sealed with the key outside the database. */
  totp_sealed: string | null;
  totp_confirmed: number;
  /** The last time step that was used, so that a code works once (RFC 6238, section 5.2). */
  totp_last_step: number;
  ide_answers: number;
  created_at: number;
  removed_at: number | null;
}
export interface SessionTable {
  id: string;
  person_id: string;
  /** SHA-256 of the cookie or CLI credential. */
  secret_hash: string;
  kind: 'dashboard' | 'cli';
  strength: Strength;
  ip: string | null;
  user_agent: string | null;
  created_at: number;
  last_used_at: number;
  expires_at: number;
}
export interface TokenTable {
  id: string;
  person_id: string;
  name: string;
  scope: 'read' | 'request';
  secret_hash: string;
  created_at: number;
  last_used_at: number | null;
  last_client: string | null;
  expires_at: number | null;
  revoked_at: number | null;
}
/** Secrets that work once: setup, invitation, enrolment, Telegram pairing. */
export interface OneUseSecretTable {
  secret_hash: string;
  purpose: 'setup' | 'invitation' | 'enrolment' | 'telegram_link';
  /** Whom or what it is for: a person or a server. */
  subject_id: string | null;
  created_at: number;
  expires_at: number;
  used_at: number | null;
}
export interface SettingTable {
  name: string;
  value: string;
}
export interface ServerTable {
  id: string;
  name: string;
  labels_json: string;
  /** Online and offline are not stored: they follow from the connection. */
  state: 'awaiting_agent' | 'enrolled' | 'revoked';
  public_key: string | null;
  created_at: number;
  enrolled_at: number | null;
  last_seen_at: number | null;
  facts_json: string | null;
  policy_json: string | null;
  capabilities_json: string;
  agent_version: string | null;
  clock_offset_ms: number | null;
  thresholds_json: string;
  journal_head: string | null;
  /** The runner's own key, and the newest checkpoint that it keeps. */
  witness_key: string | null;
  witness_json: string | null;
  /** What the server keeps of the audit log that this database contradicts: no change goes there. */
  contradiction_json: string | null;
}
export interface ServerSampleTable {
  server_id: string;
  at: number;
  sample_json: string;
}
export interface EnrolmentStepTable {
  server_id: string;
  step: 'contacted' | 'key_verified' | 'checked' | 'ready';
  at: number;
  note: string;
}
export interface ActionTable {
  id: string;
  state: ActionState;
  server_id: string;
  title: string;
  source_json: string;
  risk: Risk;
  reversible: number;
  digest: string;
  plan_json: string;
  /** What must not be worked on by two actions at once: `unit nginx.service`. */
  resource: string;
  requested_by_person: string;
  requested_by_token: string | null;
  requested_by_session: string | null;
  requested_by_client: string | null;
  /** Hash of caller, tool and canonical arguments: a retried request finds its action by it. */
  request_key: string;
  reason: string | null;
  rule: string;
  /** What policy asks for: approvals, from, channels, strength, why. */
  policy_json: string;
  approvals_needed: number;
  /** Names of parameters whose value is not the default: people should look at them. */
  changed_parameters_json: string;
  created_at: number;
  decide_by: number;
  start_by: number | null;
  dispatched_at: number | null;
  started_at: number | null;
  finished_at: number | null;
  current_step_json: string | null;
  result_json: string | null;
  fault_json: string | null;
  stop_requested_at: number | null;
  stop_requested_by: string | null;
  /** The action that was refused because the state had drifted, and the differences: this one asks again. */
  follows_action: string | null;
  follows_json: string | null;
  /** Why it was not asked for again although the state had drifted. */
  not_followed: string | null;
  /** When the server takes everything back unless somebody confirms; and the confirmation, once it was given. */
  confirm_by: number | null;
  confirm_json: string | null;
}
export interface ActionTransitionTable {
  from_state: ActionState;
  event: ActionEvent;
  to_state: ActionState;
}
export interface ActionHistoryTable {
  action_id: string;
  n: number;
  /** Null for the first entry. */
  from_state: ActionState | null;
  event: ActionEvent | 'propose';
  to_state: ActionState;
  by: string;
  at: number;
  note: string | null;
}
export interface ApprovalTable {
  id: string;
  action_id: string;
  person_id: string;
  verdict: 'approve' | 'reject';
  channel: Channel;
  strength: Strength;
  digest: string;
  at: number;
  reason: string | null;
  /** The approver's signature over the digest. */
  signature_json: string | null;
}
export interface ActionOutputTable {
  action_id: string;
  chunk: number;
  step: string;
  text: string;
  dropped: number;
}
export interface AlertTable {
  id: string;
  /** Source, server, kind and key: one alert per value while it fires. */
  dedupe_key: string;
  state: 'firing' | 'resolved';
  severity: 'critical' | 'warning' | 'info';
  source: 'agent' | 'control_plane' | 'alertmanager' | 'grafana';
  kind: string;
  title: string;
  server_id: string | null;
  labels_json: string;
  first_at: number;
  last_at: number;
  resolved_at: number | null;
  times: number;
}
export interface TimelineEntryTable {
  id: Generated<number>;
  at: number;
  kind: 'alert' | 'diagnostic' | 'action' | 'approval' | 'server' | 'note';
  title: string;
  server_id: string | null;
  action_id: string | null;
  alert_id: string | null;
  by: string | null;
}
export interface HookTable {
  id: string;
  name: string;
  kind: 'alertmanager' | 'grafana';
  secret_hash: string;
  created_at: number;
  last_used_at: number | null;
  removed_at: number | null;
}
export interface TelegramLinkTable {
  person_id: string;
  telegram_id: string;
  telegram_name: string;
  state: 'confirm' | 'linked';
  at: number;
}
export interface TelegramUpdateTable {
  update_id: number;
  at: number;
}
/** Where copies of a card are, and what each shows now. */
export interface TelegramCardTable {
  action_id: string;
  chat_id: string;
  message_id: number;
  shown_hash: string;
  /** How far it was told in replies: 0 not at all, 1 that somebody has to confirm, 2 that the outcome is not known, 3 all of it. */
  result_posted: number;
}
/** An entry of the audit log that is still to be told in a chat. */
export interface TelegramNoticeTable {
  audit_seq: number;
  chat_id: string;
}
export interface Tables {
  person: PersonTable;
  session: SessionTable;
  token: TokenTable;
  one_use_secret: OneUseSecretTable;
  setting: SettingTable;
  server: ServerTable;
  server_sample: ServerSampleTable;
  enrolment_step: EnrolmentStepTable;
  action: ActionTable;
  action_transition: ActionTransitionTable;
  action_history: ActionHistoryTable;
  approval: ApprovalTable;
  action_output: ActionOutputTable;
  audit_entry: AuditEntryTable;
  audit_index: AuditIndexTable;
  audit_checkpoint: AuditCheckpointTable;
  alert: AlertTable;
  timeline_entry: TimelineEntryTable;
  hook: HookTable;
  telegram_link: TelegramLinkTable;
  telegram_update: TelegramUpdateTable;
  telegram_card: TelegramCardTable;
  telegram_notice: TelegramNoticeTable;
  passkey: PasskeyTable;
  webauthn_challenge: WebauthnChallengeTable;
  lock_state: LockStateTable;
  amendment: AmendmentTable;
  amendment_vote: AmendmentVoteTable;
  playbook_version: PlaybookVersionTable;
  discovery: DiscoveryTable;
}
