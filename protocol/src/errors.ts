/**
 * The one catalogue of errors. Code deep inside throws `fault(code, slots)`; only the edges (HTTP, MCP, CLI, Telegram) turn
 * it into words. A sentence says what is wrong, `next` what to do about it. Slots are written `{name}`.
 */
import type { z } from 'zod';
import type { ErrorBody } from './error-body.ts';
import { shorten, stripControl } from './text.ts';

/** Whose move it is: who called, who runs Countersign, the server's side, or a defect of ours. */
export type Blame = 'caller' | 'operator' | 'server' | 'us';

interface CatalogueEntry {
  readonly blame: Blame;
  readonly status: number;
  readonly retryable: boolean;
  readonly sentence: string;
  readonly next: string;
}

const entry = (blame: Blame, status: number, retryable: boolean, sentence: string, next: string): CatalogueEntry => ({
  blame,
  status,
  retryable,
  sentence,
  next,
});

export const errorCatalogue = {
  // What was asked
  invalid_input: entry(
    'caller',
    400,
    false,
    'The input does not fit: {problems}.',
    'Correct the named fields and call again.',
  ),
  not_found: entry(
    'caller',
    404,
    false,
    'There is no {what} {id}.',
    'Check the identifier; the list call shows what exists.',
  ),
  server_not_found: entry(
    'caller',
    404,
    false,
    'There is no server {server}.',
    'Call list_servers for the names and ids that exist.',
  ),
  server_name_taken: entry(
    'caller',
    409,
    false,
    'A server named {name} exists already.',
    'Choose another name, or make a new install command for the existing server.',
  ),
  playbook_not_found: entry(
    'caller',
    404,
    false,
    'There is no playbook {playbook}.',
    'Call list_playbooks for the ids that exist on this server.',
  ),
  playbook_does_not_fit: entry(
    'caller',
    409,
    false,
    'Playbook {playbook} does not fit server {server}: {reason}.',
    'Call list_playbooks with this server to see what fits.',
  ),
  playbook_invalid: entry(
    'operator',
    422,
    false,
    'The playbook cannot be used: {problems}.',
    'Mend the named lines; `countersign playbook lint` checks a file.',
  ),
  diagnostic_not_found: entry(
    'caller',
    404,
    false,
    'There is no diagnostic {diagnostic}.',
    'Call get_capabilities for the ids, or describe the problem in words.',
  ),
  diagnostic_cooldown: entry(
    'caller',
    429,
    true,
    'A broad diagnosis of {server} ran less than 30 seconds ago.',
    'Wait {seconds} s, or name single diagnostics by id: those have no cooldown.',
  ),
  alert_not_found: entry(
    'caller',
    404,
    false,
    'There is no alert {alert}.',
    'Call list_alerts for the ids that exist.',
  ),
  action_not_found: entry(
    'caller',
    404,
    false,
    'There is no action {action}.',
    'Call list_actions for the ids that exist.',
  ),
  secret_parameter: entry(
    'caller',
    422,
    false,
    'Parameter {parameter} looks like a secret.',
    'Put the value on the server and name it there; secrets do not travel in parameters.',
  ),

  // The server's side
  server_offline: entry(
    'server',
    409,
    true,
    'Server {server} is offline since {since}.',
    'Look at the agent on the server (`systemctl status countersign-link`), then call again.',
  ),
  server_revoked: entry(
    'operator',
    409,
    false,
    'Server {server} was removed.',
    'Add it again in the dashboard to enrol it anew.',
  ),
  server_observe_only: entry(
    'operator',
    403,
    false,
    'Server {server} allows reading only.',
    'Its owner can set `mode: act` in /etc/countersign/policy.yaml on the server.',
  ),
  server_policy_denies: entry(
    'operator',
    403,
    false,
    'The own policy of server {server} refuses this: {reason}.',
    'Its owner decides in /etc/countersign/policy.yaml on the server; choose another way.',
  ),
  commands_disabled: entry(
    'operator',
    403,
    false,
    'Commands outside playbooks are off on server {server}.',
    'Use a playbook, or have the owner set `commands: true` in /etc/countersign/policy.yaml on the server.',
  ),
  capability_missing: entry(
    'server',
    409,
    false,
    'Server {server} has no capability {capability}.',
    'Update the agent on the server, or choose another diagnostic or playbook.',
  ),
  agent_timeout: entry(
    'server',
    504,
    true,
    'Server {server} did not answer within {seconds} s.',
    'Call again; if it stays so, look at load and disk of the server.',
  ),
  agent_busy: entry(
    'server',
    503,
    true,
    'Server {server} has too many requests under way.',
    'Wait a few seconds and call again.',
  ),
  capability_failed: entry(
    'server',
    502,
    false,
    'On server {server}, {capability} failed: {reason}.',
    'Read the reason; another diagnostic may tell more.',
  ),
  path_denied: entry(
    'operator',
    403,
    false,
    'Path {path} may not be read or written: {reason}.',
    'Use a path below the roots that get_capabilities lists, or have the owner allow it on the server.',
  ),
  file_not_found: entry('caller', 404, false, 'There is no file {path} on the server.', 'Search with search_files.'),
  file_changed: entry(
    'caller',
    409,
    false,
    'File {path} is not as expected: its SHA-256 is {found}.',
    'Read the file again and base the change on what it holds now.',
  ),
  file_too_large: entry(
    'caller',
    413,
    false,
    'File {path} has {bytes} bytes, over the limit of {limit}.',
    'Ask for a range of lines, or search in it.',
  ),
  validator_failed: entry(
    'caller',
    422,
    false,
    'The new content of {path} is refused by {validator}: {reason}.',
    'Mend the content; nothing was changed.',
  ),
  precondition_failed: entry(
    'caller',
    409,
    false,
    'A precondition does not hold: {reason}.',
    'Run a diagnostic to see the state, then choose a playbook that fits it.',
  ),
  clock_skew: entry(
    'server',
    409,
    true,
    'The clock of server {server} is {seconds} s off; changes are refused above 60 s.',
    'Mend the time on the server (time synchronisation), reading still works.',
  ),

  // Actions and decisions
  action_not_open: entry(
    'caller',
    409,
    false,
    'Action {action} is {state} since {since}.',
    'Nothing more can be done to it; ask anew if it is still needed.',
  ),
  already_decided: entry(
    'caller',
    409,
    false,
    'Action {action} was already {state} by {person}, by {channel}, at {at}.',
    'Nothing more is needed.',
  ),
  already_voted: entry(
    'caller',
    409,
    false,
    'You approved action {action} already; it waits for {missing} more.',
    'Another person has to approve it.',
  ),
  action_expired: entry(
    'caller',
    410,
    false,
    'Action {action} expired at {at}.',
    'Ask for it again if it is still needed.',
  ),
  digest_mismatch: entry(
    'caller',
    409,
    false,
    'The plan that was shown is not the plan of action {action}.',
    'Open the action again and read its present plan.',
  ),
  own_request: entry(
    'caller',
    403,
    false,
    'Who asks cannot approve: this credential asked for action {action}.',
    'Decide in Telegram, in the dashboard, or in another signed-in session.',
  ),
  not_an_approver: entry(
    'caller',
    403,
    false,
    'You may not decide on this action: {reason}.',
    'An owner can change roles and policy.',
  ),
  channel_too_weak: entry(
    'operator',
    403,
    false,
    'An answer by {channel} does not count for this action: {reason}.',
    'Open the action in the dashboard and decide there.',
  ),
  cannot_announce: entry(
    'operator',
    503,
    true,
    'Nobody can be asked: no approval channel works for this request.',
    'Pair Telegram or sign in to the dashboard once as a person who may approve.',
  ),
  policy_denies: entry(
    'operator',
    403,
    false,
    'Policy denies this: {reason}.',
    'Choose another way, or talk to who runs Countersign.',
  ),
  target_busy: entry(
    'caller',
    409,
    true,
    'Action {action} works on the same thing on server {server}.',
    'Wait for it with get_action, then ask again.',
  ),
  too_many_pending: entry(
    'caller',
    429,
    true,
    '{count} requests of this token wait for a decision already.',
    'Wait for decisions or withdraw some with cancel_action.',
  ),
  nothing_to_stop: entry(
    'caller',
    409,
    false,
    'Action {action} is {state}: there is nothing to stop.',
    'Use get_action to see its result.',
  ),

  // The lock, signatures, pauses
  signature_needed: entry(
    'operator',
    403,
    false,
    'Server {server} is locked: it counts only approvals that are signed with a key that it knows.',
    'Approve on the action page with your passkey, or with `countersign approve ID --key FILE`.',
  ),
  signature_invalid: entry(
    'caller',
    403,
    false,
    'The signature does not count: {reason}.',
    'Sign again, with a key that the server knows.',
  ),
  lock_change_invalid: entry(
    'caller',
    409,
    false,
    'The change of the lock was refused: {reason}.',
    '`countersign lock log` shows the present state; make the change from it and have it signed.',
  ),
  lock_missing: entry('operator', 409, false, 'There is no lock yet.', 'Make one with `countersign lock init`.'),
  lock_exists: entry(
    'operator',
    409,
    false,
    'There is a lock already, {chain}.',
    'Change it with `countersign lock add` and `countersign lock remove`.',
  ),
  dispatch_paused: entry(
    'operator',
    409,
    true,
    'All changes are paused by {person} since {since}.',
    'An owner resumes them on the dashboard or with `countersign resume`.',
  ),
  ledger_rolled_back: entry(
    'operator',
    409,
    false,
    'Server {server} remembers {kept} entries of the audit log that this control plane does not have: its database is an older copy.',
    'Restore the newest backup, or let an owner accept the loss on the audit page.',
  ),
  server_quarantined: entry(
    'operator',
    409,
    false,
    'A second agent used the identity of server {server}, so no change goes there.',
    'Find out who else has its key. Then enrol the server anew, or let an owner release it: `countersign server release`.',
  ),
  too_many_rejections: entry(
    'caller',
    429,
    true,
    '{count} requests of this token were rejected within {minutes} minutes, so it may ask for no change for a while.',
    'Read the reasons that the people gave, and try again in {seconds} s.',
  ),
  checkpoint_contradicts: entry(
    'us',
    409,
    false,
    'The checkpoint of {size} entries contradicts the one of {kept} entries that the server keeps.',
    'Compare the audit log with the servers: `countersign audit verify --against-servers`.',
  ),
  nothing_to_accept: entry(
    'caller',
    409,
    false,
    'No server contradicts this database: there is no loss to accept.',
    'Compare the audit log with the servers: `countersign audit verify --against-servers`.',
  ),
  proof_needed: entry(
    'caller',
    403,
    false,
    'This needs a fresh proof that it is you: {proofs}.',
    'Confirm with one of them and send the request again.',
  ),
  passkey_unknown: entry(
    'caller',
    401,
    false,
    'This passkey is not registered here.',
    'Sign in with your password and add it in Settings.',
  ),
  passkey_impossible: entry(
    'operator',
    409,
    false,
    'Passkeys do not work here: {reason}.',
    'Reach Countersign under a name, with https or on localhost, and set COUNTERSIGN_URL to it.',
  ),
  nobody_else: entry(
    'operator',
    409,
    false,
    'Rule {rule} asks for {needed} other owner(s) to agree, and there are {others}.',
    'Invite another owner, or change the rule in policy.yaml on the machine of the control plane.',
  ),
  agreement_needed: entry(
    'caller',
    409,
    false,
    'Rule {rule} asks for {needed} other owner(s) to agree first; nothing has changed. Amendment {amendment} waits for them.',
    'Another owner agrees within a day, on the policy page or by `countersign amendments agree {amendment}`. A token or an invitation is then collected by who asked, there or by `countersign amendments collect {amendment}`.',
  ),
  outdated: entry(
    'caller',
    409,
    false,
    'This does not fit any more: {what}.',
    'Look at what is in force now and ask again.',
  ),
  amendment_closed: entry(
    'caller',
    409,
    false,
    'The amendment {amendment} is {state} already.',
    'The list of amendments shows what is open.',
  ),
  nothing_to_confirm: entry(
    'caller',
    409,
    false,
    'Action {action} does not wait to be confirmed; it is {state}.',
    'Use get_action to see what became of it.',
  ),
  secret_unknown: entry(
    'caller',
    404,
    false,
    'Server {server} knows no secret named {name}.',
    "Its owner names secrets in the server's own policy, under `secrets`.",
  ),

  lock_bent: entry(
    'us',
    409,
    false,
    'The control plane shows a lock that does not hang together: {reason}.',
    'Sign no change of it. Compare it with what the servers pin: `sudo countersign-agent lock` on one of them.',
  ),
  plan_bent: entry(
    'us',
    409,
    false,
    'Nothing was signed: the control plane shows a plan for action {action} that its digest does not stand for ({reason}).',
    'Somebody may have changed the control plane. Look at it before you approve: `countersign audit verify --against-servers`.',
  ),

  // What the runner says when it refuses
  grant_invalid: entry(
    'us',
    409,
    false,
    'The server refused the grant: {reason}.',
    'Look at the audit log; if it repeats, the control plane key of the server does not fit.',
  ),
  grant_expired: entry(
    'operator',
    409,
    false,
    'The server refused: the approval was too old when it arrived.',
    'Ask for the action again.',
  ),
  grant_replayed: entry(
    'us',
    409,
    false,
    'The server refused: it has seen this action before.',
    'Nothing ran twice. Look at the first result with get_action.',
  ),
  approvals_insufficient: entry(
    'operator',
    409,
    false,
    'The server refused: {reason}.',
    "Approve as the server's own policy asks.",
  ),
  state_drifted: entry(
    'server',
    409,
    false,
    'Nothing was done: {reason} since the plan was approved.',
    'It is asked for again by itself with the present state; its status says under which id.',
  ),
  cannot_arm: entry(
    'server',
    409,
    false,
    'Nothing was done: the server cannot see to it that the change is taken back by itself ({reason}).',
    'Look at systemd on the server; a change that could lock everybody out is not begun without a way back.',
  ),
  journal_unwritable: entry(
    'server',
    503,
    true,
    'The server cannot write its journal, so it starts no change: {reason}.',
    'Free disk space on the server, then ask again.',
  ),
  witness_unwritable: entry(
    'server',
    503,
    true,
    'The server cannot keep a checkpoint of the audit log: {reason}.',
    'Free disk space on the server; it is shown the next checkpoint within a minute.',
  ),

  // Who is calling
  unauthenticated: entry(
    'caller',
    401,
    false,
    'No valid credential came with the request.',
    'Sign in, or send a token as `Authorization: Bearer …`.',
  ),
  forbidden: entry(
    'caller',
    403,
    false,
    '{what} is not allowed with this credential.',
    'Use a person with the right role; tokens can ask, never decide.',
  ),
  sign_in_failed: entry(
    'caller',
    401,
    false,
    'E-mail, password, code or passkey is wrong.',
    'Try again; after several attempts wait a minute.',
  ),
  code_required: entry(
    'caller',
    401,
    false,
    'A code of the authenticator app is needed.',
    'Send the present six digits as `code`.',
  ),
  setup_done: entry(
    'caller',
    409,
    false,
    'Countersign is set up already.',
    'Sign in. If nobody can, `countersign setup --reset-link` on its machine makes a new link.',
  ),
  setup_link_invalid: entry(
    'caller',
    403,
    false,
    'The setup link is wrong, used or older than 15 minutes.',
    'Restart the control plane or run `countersign setup --reset-link`: both print a new one.',
  ),
  invitation_invalid: entry(
    'caller',
    403,
    false,
    'The invitation is wrong, used or older than 3 days.',
    'Ask an owner to invite you again.',
  ),
  enrolment_token_invalid: entry(
    'caller',
    403,
    false,
    'The enrolment token is wrong, used or older than 15 minutes.',
    'Make a new install command in the dashboard or with `countersign server add`.',
  ),
  agent_unproven: entry(
    'caller',
    403,
    false,
    'The agent could not prove who it is: {reason}.',
    'Enrol the server again with a new install command.',
  ),
  agent_duplicate: entry(
    'operator',
    409,
    false,
    'A second agent uses the identity of server {server}.',
    'One of the two machines is a copy: enrol it again, and look at who could read the key.',
  ),
  link_code_invalid: entry(
    'caller',
    403,
    false,
    'The pairing code is wrong, used or older than 5 minutes.',
    'Start the pairing again in the dashboard.',
  ),
  origin_denied: entry(
    'caller',
    403,
    false,
    'Requests from {origin} are not accepted.',
    'Open Countersign under its own address ({expected}).',
  ),
  rate_limited: entry('caller', 429, true, 'Too many requests.', 'Wait {seconds} s and call again.'),
  level_unsupported: entry(
    'operator',
    426,
    false,
    'The agent speaks level {theirs}, this control plane {ours}.',
    'Run the install command again on the server: it upgrades the agent.',
  ),
  frame_invalid: entry(
    'caller',
    400,
    false,
    'A frame could not be read: {problems}.',
    'Update the agent; if it repeats, please report it.',
  ),
  too_large: entry('caller', 413, false, 'The input has {bytes} bytes, over the limit of {limit}.', 'Send less.'),

  // Us
  control_plane_unreachable: entry(
    'operator',
    503,
    true,
    'The control plane at {url} does not answer: {reason}.',
    'Check that it runs and that the address is right, then call again.',
  ),
  telegram_off: entry(
    'operator',
    409,
    false,
    'No Telegram bot is set up.',
    'Set TELEGRAM_BOT_TOKEN and restart the control plane.',
  ),
  telegram_unreachable: entry(
    'operator',
    503,
    true,
    'The Telegram bot cannot be used now: {problem}.',
    'Decide in the dashboard meanwhile; the bot comes back by itself when Telegram answers.',
  ),
  package_missing: entry(
    'operator',
    503,
    false,
    'There is no agent package for {platform} here.',
    'Run the control plane on that platform once, or copy its package into the data folder.',
  ),
  audit_broken: entry(
    'us',
    500,
    false,
    'The audit log does not verify: {reason}.',
    'Keep the database as it is and compare with an exported log.',
  ),
  storage_busy: entry('us', 503, true, 'The store is busy.', 'Call again in a second.'),
  storage_unwritable: entry(
    'us',
    503,
    true,
    'The store of the control plane cannot be written ({reason}); nothing was changed.',
    'Make room on its disk, or mount it for writing, then call again.',
  ),
  internal: entry(
    'us',
    500,
    false,
    'Something went wrong on our side (reference {reference}).',
    'Look for the reference in the log of the control plane.',
  ),
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof errorCatalogue;
export const errorCodes = Object.keys(errorCatalogue) as ErrorCode[];
export type Slots = Readonly<Record<string, string | number>>;

/** A fault from the catalogue. Its message is already safe to show: slots are stripped of control characters and cut. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: ErrorCode;
  readonly slots: Slots;

  constructor(code: ErrorCode, slots: Slots = {}, options?: ErrorOptions) {
    super(fill(errorCatalogue[code].sentence, slots), options);
    this.code = code;
    this.slots = slots;
  }

  get blame(): Blame {
    return errorCatalogue[this.code].blame;
  }

  get status(): number {
    return errorCatalogue[this.code].status;
  }

  get body(): ErrorBody {
    const { next, retryable } = errorCatalogue[this.code];
    return { code: this.code, message: this.message, next_step: fill(next, this.slots), retryable };
  }
}

/** Makes the fault of a catalogue code; throw it. */
export function fault(code: ErrorCode, slots: Slots = {}, cause?: unknown): Fault {
  return new Fault(code, slots, cause === undefined ? undefined : { cause });
}

/** The `invalid_input` fault for what zod found, naming each field by its path. */
export function invalidInput(error: z.ZodError): Fault {
  return fault('invalid_input', { problems: problemsOf(error) });
}

/** What zod found, in one line: `path: message; path: message`. */
export function problemsOf(error: z.ZodError): string {
  return error.issues
    .map((issue) => `${issue.path.length > 0 ? issue.path.join('.') : 'input'}: ${issue.message}`)
    .join('; ');
}

const SLOT_MAX = 400;

function fill(sentence: string, slots: Slots): string {
  return sentence.replace(/\{(\w+)\}/g, (_, name: string) =>
    shorten(stripControl(String(slots[name] ?? `(no ${name})`)).replace(/\s+/g, ' '), SLOT_MAX),
  );
}
