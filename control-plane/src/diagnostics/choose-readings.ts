/** Which diagnostics to run with which parameters: those that were named, or those that a description calls for. Pure. */
import { capability, type DiagnosticId, fault, problemsOf } from '@countersign/protocol';
import { behind } from './behind.ts';
import { type Match, matchDescription } from './match-description.ts';

/** One diagnostic with its parameters as the capability's schema takes them, before defaults. */
export interface Reading {
  readonly diagnostic: DiagnosticId;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface Chosen {
  readonly readings: readonly Reading[];
  /** Why these, when nobody named them. */
  readonly because: string | null;
}

type Parameters = Readonly<Record<string, unknown>>;

/**
 * Named diagnostics, each with the parameters that it knows. Throws `invalid_input` naming the parameter that none of them
 * knows, that is missing, or that does not fit.
 */
export function chooseNamed(ids: readonly DiagnosticId[], parameters: Parameters = {}): Chosen {
  const wanted = [...new Set(ids)];
  refuseUnknown(wanted, parameters);
  return { readings: wanted.map((diagnostic) => checked({ diagnostic, parameters })), because: null };
}

/** Points below which a match is too faint to be worth the server's time. */
const FAINT = 2;
/** All run at the same time within 20 s. One incident seldom touches more families, and a small server should not be kept busy. */
const BROAD_MOST = 8;
/** Of this many best matches it is also looked at what often lies behind. */
const CAUSES_OF = 3;

/**
 * What a description calls for, among what the server can do, and what often lies behind that. `parameters` overrule what was read
 * out of the description. `now`: milliseconds since 1970, for "since 2:10".
 */
export function chooseByDescription(
  description: string,
  options: {
    readonly parameters?: Parameters | undefined;
    readonly capabilities: readonly string[];
    readonly now: number;
  },
): Chosen {
  const { parameters = {}, capabilities, now } = options;
  const matches = matchDescription(description, now).filter(({ diagnostic }) => capabilities.includes(diagnostic));
  const chosen = [...clearOnes(matches), ...lyingBehind(matches, capabilities)].slice(0, BROAD_MOST);
  const wanted = chosen.map(({ diagnostic }) => diagnostic);
  refuseUnknown(wanted, parameters);
  return {
    readings: chosen.map((match) =>
      checked({ diagnostic: match.diagnostic, parameters: { ...match.parameters, ...parameters } }),
    ),
    because: chosen.map(({ diagnostic, why }) => `${diagnostic}: ${why}`).join('; '),
  };
}

type Wanted = Pick<Match, 'diagnostic' | 'parameters' | 'why'>;

/** The clear matches, and the overview with them. */
function clearOnes(matches: readonly Match[]): Wanted[] {
  const clear = matches.filter(({ score }, rank) => rank === 0 || score >= FAINT).slice(0, BROAD_MOST);
  const overview = matches.find(({ diagnostic }) => diagnostic === 'overview');
  return overview && !clear.includes(overview) ? [...clear.slice(0, BROAD_MOST - 1), overview] : clear;
}

/** What often lies behind the best matches and was not matched clearly itself; the first of each, then the second of each, … */
function lyingBehind(matches: readonly Match[], capabilities: readonly string[]): Wanted[] {
  const taken = new Set(clearOnes(matches).map(({ diagnostic }) => diagnostic));
  const rows = matches.slice(0, CAUSES_OF).map(({ diagnostic }) => ({ of: diagnostic, ids: behind[diagnostic] ?? [] }));
  const found: Wanted[] = [];
  for (let column = 0; column < Math.max(0, ...rows.map(({ ids }) => ids.length)); column++)
    for (const { of, ids } of rows) {
      const diagnostic = ids[column];
      if (diagnostic === undefined || taken.has(diagnostic) || !capabilities.includes(diagnostic)) continue;
      taken.add(diagnostic);
      const { parameters = {} } = matches.find((match) => match.diagnostic === diagnostic) ?? {};
      found.push({ diagnostic, parameters, why: `often behind ${of}` });
    }
  return found;
}

function refuseUnknown(wanted: readonly DiagnosticId[], parameters: Parameters): void {
  const unknown = Object.keys(parameters).filter((name) => !wanted.some((id) => knows(id, name)));
  if (unknown.length === 0) return;
  const problems = unknown.map((name) => `parameters.${name}: none of ${wanted.join(', ')} takes it`).join('; ');
  throw fault('invalid_input', { problems });
}

function knows(id: DiagnosticId, parameter: string): boolean {
  return Object.hasOwn(capability(id).parameters.shape, parameter);
}

function checked({ diagnostic, parameters }: Reading): Reading {
  const own = Object.fromEntries(Object.entries(parameters).filter(([name]) => knows(diagnostic, name)));
  const parsed = capability(diagnostic).parameters.safeParse(own);
  if (parsed.success) return { diagnostic, parameters: own };
  const problems = problemsOf(parsed.error)
    .split('; ')
    .map((problem) => `parameters.${problem}`)
    .join('; ');
  throw fault('invalid_input', { problems: `${problems} (for ${diagnostic})` });
}
