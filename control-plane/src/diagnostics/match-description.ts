/** From a plain description of trouble to the diagnostics that may explain it. Pure: a table of words and arithmetic. */
import { capability, type DiagnosticId, diagnosticIds, shorten } from '@countersign/protocol';
import type { Hint } from './hint.ts';
import { type Details, readDetails } from './read-details.ts';
import { hints, mendable } from './vocabulary.ts';

/** A diagnostic to run. `parameters` are as the capability's schema takes them, before defaults. */
export interface Match {
  readonly diagnostic: DiagnosticId;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly score: number;
  /** The words that led here, for people. */
  readonly why: string;
}

/**
 * Ranks the diagnostics by how well they fit a description; those without any hint are left out. `overview` is always there,
 * since it costs little and places the rest. `now`: milliseconds since 1970, for "since 2:10".
 */
export function matchDescription(description: string, now: number): Match[] {
  const details = readDetails(description, now);
  const text = mend(description.toLowerCase().replaceAll(/['’]/g, '').replaceAll(/\s+/g, ' '));
  return diagnosticIds
    .map((diagnostic) => score(diagnostic, text, details))
    .filter((match) => match !== undefined)
    .toSorted((a, b) => b.score - a.score);
}

const WORDS_QUOTED_MAX = 60;

function score(diagnostic: DiagnosticId, text: string, details: Details): Match | undefined {
  const found = hints
    .filter((hint) => hint.diagnostic === diagnostic)
    .map((hint) => ({ hint, words: hint.pattern.exec(text)?.[0]?.trim() }))
    .filter((it): it is { hint: Hint; words: string } => it.words !== undefined);
  const bonus = bonusOf(diagnostic, details);
  const total = found.reduce((sum, { hint }) => sum + hint.points, 0) + bonus.points;
  // Without a name there is no unit to look at; without words, a unit alone is worth a look.
  if (diagnostic === 'service' && details.unit === undefined) return undefined;
  if (total === 0 && diagnostic !== 'overview') return undefined;
  const words = [...found.map((it) => `“${shorten(it.words, WORDS_QUOTED_MAX)}”`), ...bonus.said].slice(0, 3);
  return {
    diagnostic,
    parameters: parametersFor(diagnostic, details),
    score: total + (diagnostic === 'overview' ? 1 : 0),
    why: words.length > 0 ? words.join(', ') : 'places the rest',
  };
}

/** What was read out counts too: a port calls for the ports, a log file for its lines. */
function bonusOf(diagnostic: DiagnosticId, details: Details): { points: number; said: string[] } {
  if (diagnostic === 'network_ports' && details.port !== undefined)
    return { points: 2, said: [`port ${details.port}`] };
  if (diagnostic === 'logs' && details.file !== undefined) return { points: 4, said: [details.file] };
  if (diagnostic === 'disk' && details.folder !== undefined) return { points: 1, said: [details.folder] };
  if (diagnostic === 'service' && details.unit !== undefined) return { points: 2, said: [details.unit] };
  if (diagnostic === 'logs' && details.unit !== undefined) return { points: 1, said: [] };
  if (diagnostic === 'docker' && details.container !== undefined) return { points: 1, said: [details.container] };
  if (diagnostic === 'compose' && details.project !== undefined) return { points: 1, said: [details.project] };
  return { points: 0, said: [] };
}

function parametersFor(diagnostic: DiagnosticId, details: Details): Record<string, unknown> {
  const { parameters } = capability(diagnostic);
  const wanted: Record<string, unknown> = {
    container: details.container,
    project: details.project,
    dbname: details.database,
    app: details.app,
    namespace: details.namespace,
    hosts: details.hosts,
    names: details.hosts,
    path: details.folder,
    mount: details.folder,
    unit: details.file === undefined ? details.unit : undefined,
    file: details.file,
    since: details.since,
    grep: details.quoted,
    port: portFor(diagnostic, details.port),
  };
  // Only what the capability itself accepts: a misread word must not stop a diagnosis.
  return Object.fromEntries(
    Object.entries(parameters.shape).flatMap(([name, schema]) => {
      const value = wanted[name];
      return value !== undefined && schema.safeParse(value).success ? [[name, value]] : [];
    }),
  );
}

/** Where clusters and instances of a database usually listen. Another port in the text is somebody else's. */
const USUAL_PORTS: Readonly<Record<string, readonly [from: number, to: number]>> = {
  postgres: [5432, 5499],
  redis: [6379, 6399],
};

function portFor(diagnostic: DiagnosticId, port: number | undefined): number | undefined {
  const usual = USUAL_PORTS[diagnostic];
  if (port === undefined || usual === undefined) return port;
  return port >= usual[0] && port <= usual[1] ? port : undefined;
}

const MENDED_LENGTH_MIN = 5;

/** Mends one slip of the finger per word: `ngnix`, `memmory`. */
function mend(text: string): string {
  return text.replaceAll(/[a-z]{5,}/g, (word) =>
    word.length < MENDED_LENGTH_MIN || mendable.includes(word)
      ? word
      : (mendable.find((right) => isOneSlipAway(word, right)) ?? word),
  );
}

/** Whether two words differ by one letter added, dropped, changed, or by two that changed places. */
function isOneSlipAway(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const [restA, restB] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  if (restA.length <= 1 && restB.length <= 1) return true;
  return restA.length === 2 && restB.length === 2 && restA[0] === restB[1] && restA[1] === restB[0];
}
