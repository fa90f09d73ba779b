/**
 * Joins findings that belong together into one, with what they are as its parts. Pure: rules are data, time is given. No finding is
 * lost: what was joined stands in the parts, what was not stays as it is.
 */
import type { Severity } from '@countersign/protocol';
import { changeBehind } from './change-behind.ts';
import type { Part, Rule } from './correlation-rule.ts';
import { rules as allRules } from './correlation-rules.ts';
import type { Change, Joined, Member } from './joined.ts';
import { follows, meet, type Span, spanOf } from './span-of.ts';
import { type Found, sharedThing, thingsOf } from './things-of.ts';
import { writeJoined } from './write-joined.ts';

const MINUTE = 60_000;

/** `changes`: actions on the server that began lately. `now`: milliseconds since 1970. The order of what is not joined stays. */
export function correlate(
  findings: readonly Found[],
  {
    changes,
    now,
    rules = allRules,
  }: { readonly changes: readonly Change[]; readonly now: number; readonly rules?: readonly Rule[] },
): Found[] {
  const members = withoutEchoes(findings).map((finding) => ({
    finding,
    things: thingsOf(finding),
    span: spanOf(finding, now),
    says: sayer(finding),
  }));
  let groups: Joined[] = members.map((member) => ({ members: [member], lead: member, rules: [], change: null }));
  for (const rule of rules) groups = applyRule(groups, rule);
  const joined = groups.map((group) => ({ ...group, change: changeBehind(group, changes, now) }));
  // What explains more comes before what stands alone and is as bad.
  return [...joined.filter(isMore), ...joined.filter((group) => !isMore(group))].map((group) =>
    isMore(group) ? writeJoined(group, now) : group.lead.finding,
  );
}

const isMore = ({ rules, change }: Joined) => rules.length > 0 || change !== null;

/** Two diagnostics may tell of the very same: the one that says more stays. */
function withoutEchoes(findings: readonly Found[]): Found[] {
  const named = findings.map((finding) => thingsOf({ ...finding, suggestions: [] }));
  const echoes = (at: number, otherAt: number) => {
    const [one, other] = [findings[at], findings[otherAt]];
    const [things, others] = [named[at], named[otherAt]];
    if (one?.kind !== other?.kind || one?.diagnostic === other?.diagnostic || !things?.size) return false;
    return things.size === others?.size && [...things].every((thing) => others.has(thing));
  };
  return findings.filter(
    (finding, at) =>
      isHarmless(finding.severity) ||
      !findings.some((other, otherAt) => echoes(at, otherAt) && saysMore(other, finding, otherAt < at)),
  );
}

function saysMore(one: Found, other: Found, isEarlier: boolean): boolean {
  const more = one.suggestions.length - other.suggestions.length || one.evidence.length - other.evidence.length;
  return more > 0 || (more === 0 && isEarlier);
}

const isHarmless = (severity: Severity) => severity === 'ok';

/** Joins whatever the rule finds, each leading finding in its turn. */
function applyRule(groups: readonly Joined[], rule: Rule): Joined[] {
  let now = [...groups];
  for (const { members } of groups)
    for (const lead of members.filter((member) => canLead(member, rule))) {
      const home = now.find((group) => group.members.includes(lead));
      const found = home && findParts(now, lead, rule);
      if (home === undefined || found === undefined) continue;
      // One rule joins a group once; its other leads are in it already.
      if (home.rules.includes(rule) && found.every((member) => home.members.includes(member))) continue;
      const together = now.filter((group) => group === home || found.some((member) => group.members.includes(member)));
      const first = together.find((group) => group.rules.length > 0);
      const merged: Joined = {
        members: [...new Set(together.flatMap((group) => group.members))],
        lead: first?.lead ?? lead,
        rules: [...new Set([...together.flatMap((group) => group.rules), rule])],
        change: null,
      };
      now = [merged, ...now.filter((group) => !together.includes(group))];
    }
  return now;
}

function canLead({ finding, says }: Member, { lead, leadSays }: Rule): boolean {
  return lead.includes(finding.kind) && !isHarmless(finding.severity) && (leadSays === undefined || says(leadSays));
}

/** The findings that fit the rule's parts, or `undefined` when a needed part has none. */
function findParts(groups: readonly Joined[], lead: Member, rule: Rule): Member[] | undefined {
  const others = groups.flatMap(({ members }) => members).filter((member) => member !== lead);
  const found: Member[] = [];
  for (const part of rule.parts) {
    const fitting = onlyOf(
      others.filter((member) => fits(member, part, lead, rule.minutes * MINUTE)),
      part,
    );
    if (fitting.length === 0 && part.optional === undefined) return undefined;
    found.push(...fitting);
  }
  return [...new Set(found)];
}

/** Several findings may tell of one unit: `service` and `failed_units` do. */
function onlyOf(fitting: Member[], { single }: Part): Member[] {
  const [first] = fitting;
  if (single === undefined || first === undefined) return fitting;
  return fitting.every(({ things }) => sharedThing(things, first.things) !== undefined) ? fitting : [];
}

function fits(member: Member, part: Part, lead: Member, withinMs: number): boolean {
  const { finding, span, things, says } = member;
  if (isHarmless(finding.severity)) return false;
  if (!part.kinds.some((kind) => (kind.endsWith('.') ? finding.kind.startsWith(kind) : finding.kind === kind)))
    return false;
  if (part.link === 'thing' && sharedThing(things, lead.things) === undefined) return false;
  if (!isInTime(span, part, lead.span, withinMs)) return false;
  return part.says === undefined || says(part.says);
}

function isInTime(span: Span, { begins }: Part, lead: Span, withinMs: number): boolean {
  if (begins === 'after') return follows(span, lead, withinMs);
  if (begins === 'during' && (span.from === null || (lead.from !== null && span.from < lead.from - withinMs)))
    return false;
  return meet(span, lead, withinMs);
}

function sayer({ title, evidence }: Found): Member['says'] {
  const known = new Map<RegExp, boolean>();
  return (pattern) => {
    const told = known.get(pattern);
    if (told !== undefined) return told;
    const said = pattern.test(title) || evidence.some(({ untrusted_output }) => pattern.test(untrusted_output));
    known.set(pattern, said);
    return said;
  };
}
