/**
 * Every event of the audit log (`noun.past`) with its details and how private each is. `public`: everybody who may read the
 * log. `sensitive`: people, not tokens. `secret`: never stored. What is not named here counts as secret.
 */
export type Privacy = 'public' | 'sensitive' | 'secret';

const details = <const P extends string = never, const S extends string = never>(
  open: readonly P[] = [],
  sensitive: readonly S[] = [],
) =>
  Object.fromEntries([
    ...open.map((name) => [name, 'public'] as const),
    ...sensitive.map((name) => [name, 'sensitive'] as const),
  ]) as Readonly<Record<P | S, Privacy>>;

const transition = details(['from', 'to', 'note', 'digest', 'error']);

export const auditEvents = {
  // Actions
  'action.requested': details(
    [
      'title',
      'digest',
      'risk',
      'source',
      'rule',
      'why',
      'policy_sha256',
      'state',
      'approvals_needed',
      'decide_by',
      'follows',
    ],
    ['parameters', 'argv', 'reason', 'differences'],
  ),
  'action.approved': details([
    ...['from', 'to', 'note', 'digest'],
    ...['approvals', 'channel', 'strength', 'signed_with', 'start_by'],
  ]),
  'action.rejected': details(['from', 'to', 'note', 'digest', 'channel', 'strength'], ['reason']),
  'action.withdrawn': transition,
  'action.expired': transition,
  'action.revoked': details(['from', 'to', 'note', 'digest', 'error', 'rule', 'policy_sha256']),
  'action.dispatched': details(['from', 'to', 'note', 'digest', 'expires_at']),
  'action.started': details(['from', 'to', 'note', 'digest', 'started_at']),
  'action.refused': transition,
  'action.lost': transition,
  'action.succeeded': details(['from', 'to', 'note', 'digest', 'summary', 'check', 'undo', 'journal_head']),
  'action.failed': details(['from', 'to', 'note', 'digest', 'summary', 'check', 'undo', 'journal_head']),
  'action.stopped': details(['from', 'to', 'note', 'digest', 'summary', 'check', 'undo', 'journal_head']),
  'action.closed': details(['from', 'to', 'note', 'digest']),
  'action.stop_requested': details(['state']),
  'action.asked_again': details(['asked_as'], ['differences']),
  'action.not_asked_again': details(['why']),
  'action.confirmed': details(['channel', 'signed_with', 'digest', 'given', 'needed']),
  'confirmation.refused': details(['error', 'message']),
  'dispatch.paused': details(['channel', 'reason', 'stop_running']),
  'dispatch.resumed': details(['paused_by', 'paused_at', 'strength']),
  'request.refused': details(['tool', 'error', 'message']),
  'approval.given': details(['channel', 'strength', 'signed_with', 'digest', 'given', 'needed']),
  'approval.refused': details(['channel', 'strength', 'verdict', 'error', 'message'], ['telegram_id']),
  'report.refused': details(['report', 'why']),
  'report.ignored': details(['report', 'why', 'outcome']),
  'playbook.previewed': details(['playbook', 'sha256', 'verdict'], ['parameters']),
  'playbook.observed': details(['playbook', 'findings', 'worst'], ['parameters']),
  'file.read': details(['path', 'from_line', 'lines', 'redactions']),
  'file.compared': details(['path', 'against', 'same', 'redactions']),
  'discovery.ran': details(['found', 'appeared', 'gone', 'changed', 'ms']),
  'deploy.verified': details(['verdict', 'app', 'release', 'ms']),
  'file.searched': details(['path', 'matches', 'redactions'], ['text']),
  'policy.loaded': details(['sha256', 'source', 'rules']),
  'policy.rejected': details(['sha256', 'problems']),

  // People, sessions, tokens
  'setup.link_made': details(['recovery']),
  'setup.finished': details(['role'], ['email']),
  'person.invited': details(['role', 'name'], ['email']),
  'person.joined': details(['role'], ['email']),
  'person.removed': details(['name'], ['email']),
  'person.role_changed': details(['person', 'name', 'from', 'to']),
  'amendment.proposed': details(
    ['amendment', 'kind', 'rule', 'others_needed', 'sha256', 'before', 'expires_at'],
    ['title'],
  ),
  'amendment.agreed': details(['amendment', 'kind', 'given', 'needed'], ['title']),
  'amendment.declined': details(['amendment', 'kind'], ['title']),
  'amendment.withdrawn': details(['amendment', 'kind'], ['title']),
  'amendment.made': details(['amendment', 'kind', 'rule', 'by', 'agreed'], ['title']),
  'amendment.expired': details(['amendment', 'kind', 'why'], ['title']),
  'person.password_changed': details([]),
  'person.totp_enabled': details([]),
  'person.totp_disabled': details([]),
  'person.ide_answers_changed': details(['ide_answers']),
  'person.signed_in': details(['kind', 'strength'], ['email', 'user_agent']),
  'person.signed_out': details([]),
  'sign_in.refused': details(['why'], ['email', 'user_agent']),
  'setup.refused': details(['why']),
  'passkey.added': details(['name', 'key']),
  'passkey.removed': details(['name', 'key']),
  'passkey.refused': details(['why', 'purpose', 'name', 'person']),
  'token.created': details(['name', 'scope', 'expires_at']),
  'token.revoked': details(['name']),
  'credential.refused': details(['what', 'error']),
  'telegram.link_started': details([]),
  'telegram.linked': details([], ['telegram_id', 'telegram_name']),
  'telegram.unlinked': details([], ['telegram_id', 'telegram_name']),
  'telegram.refused': details(['why', 'command'], ['telegram_id', 'telegram_name']),

  // Servers
  'server.added': details(['name', 'labels']),
  'server.enrolment_renewed': details([]),
  'server.enrolled': details(['public_key', 'agent_version', 'hostname']),
  'server.refused': details(['error', 'message', 'public_key']),
  'server.connected': details(['agent_version', 'boot_id', 'journal_head', 'clock_offset_ms', 'level']),
  'server.disconnected': details(['why']),
  'server.duplicated': details(['public_key']),
  'server.released': details(['reason']),
  'server.policy_changed': details(['mode', 'max_risk', 'commands', 'locked', 'lock_number', 'lock_digest']),
  'server.witness_key_changed': details(['pinned', 'told']),
  'server.thresholds_changed': details(['thresholds']),
  'server.removed': details(['name']),

  // The lock
  'lock.initialised': details(['chain', 'number', 'digest', 'holders', 'again']),
  'lock.changed': details(['chain', 'number', 'digest', 'before', 'change', 'key', 'holder', 'signed_by']),

  // Diagnostics and alerts
  'diagnostic.ran': details(
    ['diagnostics', 'chosen_because', 'findings', 'worst', 'redactions', 'ms'],
    ['description', 'parameters'],
  ),
  'hook.created': details(['name', 'kind']),
  'hook.removed': details(['name']),
  'alert.fired': details(['severity', 'source', 'kind', 'title']),
  'alert.resolved': details(['source', 'kind', 'title']),

  // The control plane itself
  'control_plane.started': details(['version', 'key']),
  'control_plane.stopped': details([]),
  'tools.changed': details(['sha256', 'sha256_before', 'added', 'changed', 'removed']),
  'playbooks.changed': details(['sha256', 'sha256_before', 'added', 'changed', 'removed']),
  'audit.exported': details(['entries', 'head']),
  'audit.verified': details(['entries', 'ok', 'problems', 'servers']),
  'ledger.contradicted': details(['kind', 'size', 'head', 'kept_at', 'entries', 'accepted']),
  'ledger.rollback_accepted': details(['reason', 'heads', 'entries']),
} as const satisfies Readonly<Record<string, Readonly<Record<string, Privacy>>>>;

export type AuditEvent = keyof typeof auditEvents;
/** The details that an event may carry. */
export type DetailName<E extends AuditEvent> = keyof (typeof auditEvents)[E] & string;

/** How private one detail of an event is. */
export function privacyOf(event: string, detail: string): Privacy {
  const known = Object.hasOwn(auditEvents, event) ? auditEvents[event as AuditEvent] : {};
  return Object.hasOwn(known, detail) ? ((known as Readonly<Record<string, Privacy>>)[detail] ?? 'secret') : 'secret';
}
