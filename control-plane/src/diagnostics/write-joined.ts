/** Words for findings that belong together: one finding, worst of its parts, with what led to it. Pure. */
import { isoTime, rankFindings, type Suggestion, severities, shorten } from '@countersign/protocol';
import type { Rule } from './correlation-rule.ts';
import type { ChangeBehind, Joined, Member } from './joined.ts';
import { type Found, sayThing } from './things-of.ts';

const PARTS_MOST = 12;
const EVIDENCE_MOST = 10;
const EVIDENCE_EACH = 2;
const EVIDENCE_CHARACTERS = 2500;
const CAUSES_MOST = 5;
const SUGGESTIONS_MOST = 5;
const LINE = 300;

export function writeJoined({ members, lead, rules, change }: Joined, now: number): Found {
  const parts = [
    lead,
    ...rankFindings(members.filter((it) => it !== lead).map((it) => ({ ...it, severity: it.finding.severity }))),
  ];
  const findings = parts.map(({ finding }) => finding);
  const since = sinceOf(members, rules);
  return {
    kind: `together.${rules[0]?.id ?? 'since_action'}`,
    severity: severities.find((severity) => findings.some((finding) => finding.severity === severity)) ?? 'info',
    title: shorten(`${headlineOf(rules, change)}: ${lead.finding.title}`, LINE),
    ...(since === null ? {} : { since: isoTime(since) }),
    evidence: evidenceOf(findings, change),
    causes: causesOf(rules, findings, change),
    suggestions: suggestionsOf(rules, findings),
    diagnostic: lead.finding.diagnostic,
    together: {
      why: [...rules.map(({ why }) => why), ...(change === null ? [] : [sayChange(change, since ?? now)])],
      parts: partsOf(findings, change),
    },
  };
}

/** A deploy or a boot is what led to the trouble; the trouble began with the others. */
function sinceOf(members: readonly Member[], rules: readonly Rule[]): number | null {
  const earlier = new Set(
    rules.flatMap(({ parts, lead }) => (parts.some(({ begins }) => begins === 'after') ? lead : [])),
  );
  const told = (list: readonly Member[]) =>
    list
      .flatMap(({ finding }) => (finding.since === undefined ? [] : [Date.parse(finding.since)]))
      .filter((at) => !Number.isNaN(at));
  const trouble = told(members.filter(({ finding }) => !earlier.has(finding.kind) && finding.severity !== 'info'));
  const any = trouble.length > 0 ? trouble : told(members);
  return any.length === 0 ? null : Math.min(...any);
}

function headlineOf(rules: readonly Rule[], change: ChangeBehind | null): string {
  const [first, ...others] = rules;
  const action = change === null ? '' : first === undefined ? 'Since an action here' : ', since an action here';
  return `${[first?.headline, ...others.map(({ also }) => also)].filter(Boolean).join(', ')}${action}`;
}

function sayChange({ change, thing }: ChangeBehind, since: number): string {
  const minutes = Math.round((since - change.at) / 60_000);
  const when = minutes < 1 ? 'less than a minute' : `${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`;
  return shorten(
    `The action ${change.action} worked on ${sayThing(thing)} ${when} before it began: “${change.title}”.`,
    LINE,
  );
}

function causesOf(rules: readonly Rule[], findings: readonly Found[], change: ChangeBehind | null): string[] {
  const action = change === null ? [] : [`What the action ${change.change.action} changed, minutes before.`];
  const causes = [
    ...action,
    ...rules.toReversed().map(({ cause }) => cause),
    ...findings.flatMap((finding) => finding.causes),
  ];
  return [...new Set(causes)].slice(0, CAUSES_MOST);
}

/** What the rules name first, then in the order of the parts; each once. */
function suggestionsOf(rules: readonly Rule[], findings: readonly Found[]): Suggestion[] {
  const order = rules.toReversed().flatMap(({ first }) => first);
  const rank = ({ playbook }: Suggestion) => (order.includes(playbook) ? order.indexOf(playbook) : order.length);
  const byWhat = new Map<string, Found['suggestions'][number]>();
  for (const suggestion of findings.flatMap((finding) => finding.suggestions)) {
    const what = JSON.stringify([suggestion.playbook, suggestion.parameters]);
    if (!byWhat.has(what)) byWhat.set(what, suggestion);
  }
  return [...byWhat.values()]
    .toSorted((a, b) => Number(a.unfit !== undefined) - Number(b.unfit !== undefined) || rank(a) - rank(b))
    .slice(0, SUGGESTIONS_MOST);
}

function evidenceOf(findings: readonly Found[], change: ChangeBehind | null): Found['evidence'] {
  const action =
    change === null
      ? []
      : [
          {
            source: 'timeline of the control plane',
            untrusted_output: `${isoTime(change.change.at)} ${change.change.action} ${change.change.state}: ${change.change.title}`,
          },
        ];
  const others = findings.flatMap(({ diagnostic, evidence }) =>
    evidence.slice(0, EVIDENCE_EACH).map(({ source, untrusted_output }) => ({
      source: shorten(`${diagnostic}: ${source}`, LINE),
      // What came last tells most.
      untrusted_output: untrusted_output.slice(-EVIDENCE_CHARACTERS).toWellFormed(),
    })),
  );
  // One diagnostic shows the same list beside each of its findings.
  const each = new Map([...action, ...others].map((it) => [`${it.source}\n${it.untrusted_output}`, it]));
  return [...each.values()].slice(0, EVIDENCE_MOST);
}

function partsOf(findings: readonly Found[], change: ChangeBehind | null): NonNullable<Found['together']>['parts'] {
  const told = findings
    .slice(0, change === null ? PARTS_MOST : PARTS_MOST - 1)
    .map(({ diagnostic, kind, severity, title, since }) => ({
      ...{ diagnostic, kind, severity, title },
      ...(since === undefined ? {} : { since }),
    }));
  if (change === null) return told;
  const { action, title, at } = change.change;
  return [...told, { action, kind: 'action', severity: 'info' as const, title, since: isoTime(at) }];
}
