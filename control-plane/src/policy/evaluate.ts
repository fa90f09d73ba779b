/** What policy says of a request. Pure: the same facts always get the same answer. */
import { capability, durationMs, type Risk, riskAtMost } from '@countersign/protocol';
import type { Ask, Policy, PolicyFacts, PolicyVerdict, Rule, When } from './policy.ts';

/** What is asked for when no rule says it: above medium risk more than a tap. */
export function askByDefault(risk: Risk): Ask {
  return {
    approvals: 1,
    from: ['approver', 'owner'],
    channels: ['telegram', 'web', 'cli'],
    strength: riskAtMost(risk, 'medium') ? 'tap' : 'session',
    expiresMs: 15 * 60_000,
  };
}

/** The verdict of the first rule that matches; when none does, a human is asked. */
export function evaluate(policy: Policy, facts: PolicyFacts): PolicyVerdict {
  for (const rule of policy.rules) {
    const reasons = reasonsToMatch(rule, asSeenBy(rule, facts));
    if (reasons) return verdictOf(rule, reasons);
  }
  return {
    verdict: 'ask',
    rule: 'no-rule',
    why: 'No rule matches, and every change that no rule allows is asked for.',
    ask: askByDefault(facts.risk),
  };
}

/**
 * A rule that allows without speaking of reading commands sees a command like any other, so that none runs at once before its owner
 * wrote that. A rule that asks or denies for commands holds for those that only read, too.
 */
function asSeenBy({ when, allow }: Rule, facts: PolicyFacts): PolicyFacts {
  if (!facts.readingCommand || when.reading_command === true) return facts;
  if (allow) return { ...facts, capabilities: ['command.run'], risk: capability('command.run').risk };
  return { ...facts, capabilities: [...facts.capabilities, 'command.run'] };
}

function verdictOf(rule: Rule, reasons: readonly string[]): PolicyVerdict {
  const because = reasons.length > 0 ? reasons.join(', ') : 'it matches every change';
  if (rule.deny)
    return {
      verdict: 'deny',
      rule: rule.name,
      why: `Rule ${rule.name} denies it (${because}): ${rule.deny.reason}`,
      reason: rule.deny.reason,
    };
  if (!rule.ask)
    return { verdict: 'allow', rule: rule.name, why: `Rule ${rule.name} allows it without asking (${because}).` };
  const { expires, ...ask } = rule.ask;
  return {
    verdict: 'ask',
    rule: rule.name,
    why: `Rule ${rule.name} asks for ${ask.approvals === 1 ? 'one approval' : `${ask.approvals} approvals`} (${because}).`,
    ask: { ...ask, expiresMs: durationMs(expires) },
  };
}

/** Why a rule matches, one part per condition; `null` when it does not. */
function reasonsToMatch({ when, allow }: Rule, facts: PolicyFacts): string[] | null {
  const reasons: string[] = [];
  const must = (condition: unknown, holds: boolean, reason: string) => {
    if (condition === undefined) return true;
    if (holds) reasons.push(reason);
    return holds;
  };
  const { server, playbook, capabilities, risk, person, token, client } = facts;
  const some = (patterns: readonly string[] | undefined, value: string | null) =>
    value !== null && (patterns ?? []).some((pattern) => fits(pattern, value));
  const named = (id: string) => (when.capabilities as readonly string[] | undefined)?.includes(id) ?? false;
  const listed = (id: string) => named(id) || (id.startsWith('local.') && named('local.run'));
  const started = facts.programs.filter((name) => some(when.programs, name));
  const hit = capabilities.filter(listed);
  const capabilitiesHold = allow ? capabilities.length > 0 && hit.length === capabilities.length : hit.length > 0;
  const labels = Object.entries(when.labels ?? {});
  const matches =
    must(when.servers, some(when.servers, server.name), `server ${server.name}`) &&
    must(
      when.labels,
      labels.every(([label, value]) => Object.hasOwn(server.labels, label) && server.labels[label] === value),
      `label ${labels.map(([label, value]) => `${label}=${value}`).join(' ')}`,
    ) &&
    must(when.playbooks, some(when.playbooks, playbook), `playbook ${playbook}`) &&
    must(when.capabilities, capabilitiesHold, `capability ${hit.join(' ')}`) &&
    must(
      when.programs,
      started.length > 0,
      `it would start ${started.map((name) => (name === '?' ? 'what cannot be inspected' : name)).join(', ')}`,
    ) &&
    must(when.reading_command, facts.readingCommand, 'a command that only reads') &&
    must(when.risk, when.risk?.includes(risk) ?? false, `risk ${risk}`) &&
    must(
      when.people,
      when.people?.some((email) => email.toLowerCase() === person.email.toLowerCase()) ?? false,
      `asked by ${person.email}`,
    ) &&
    must(when.tokens, some(when.tokens, token?.name ?? null), `token ${token?.name}`) &&
    must(when.clients, some(when.clients, client), `client ${client}`) &&
    must(
      when.time,
      insideWindow(when.time, facts.at),
      `between ${when.time?.from} and ${when.time?.to} ${when.time?.zone}`,
    );
  return matches ? reasons : null;
}

function fits(pattern: string, value: string): boolean {
  return pattern.endsWith('*') ? value.startsWith(pattern.slice(0, -1)) : value === pattern;
}

/** A window over midnight belongs to the day on which it began. */
function insideWindow(window: When['time'], at: number): boolean {
  if (!window) return false;
  const { day, time } = localTime(at, window.zone);
  const allowed = (name: string) => !window.days || (window.days as readonly string[]).includes(name);
  if (window.from <= window.to) return allowed(day) && window.from <= time && time < window.to;
  if (time >= window.from) return allowed(day);
  return time < window.to && allowed(localTime(at - 86_400_000, window.zone).day);
}

function localTime(at: number, zone: string): { day: string; time: string } {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(at);
  const { weekday, hour, minute } = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
  return { day: String(weekday).toLowerCase(), time: `${hour}:${minute}` };
}
