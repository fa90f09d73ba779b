/** Reads a policy from YAML. Each problem names its line and column. */
import { type Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { type Policy, policySchema } from './policy.ts';

export interface PolicyProblem {
  /** Counted from 1. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

const BYTES_MAX = 256 * 1024;

/** The policy that a text holds, or everything that is wrong with it. Never throws. */
export function parsePolicy(
  text: string,
): { readonly policy: Policy } | { readonly problems: readonly PolicyProblem[] } {
  if (Buffer.byteLength(text) > BYTES_MAX)
    return { problems: [{ line: 1, column: 1, message: `the file is larger than ${BYTES_MAX} bytes` }] };
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  if (document.errors.length > 0)
    return { problems: document.errors.map(({ pos, message }) => ({ ...at(pos[0]), message })) };
  const parsed = policySchema.safeParse(document.toJS({ maxAliasCount: 20 }));
  if (parsed.success) return { policy: parsed.data };
  return {
    problems: parsed.error.issues.flatMap((issue) => {
      const unknown = issue.code === 'unrecognized_keys' ? issue.keys : [];
      if (unknown.length === 0)
        return [
          { ...at(offsetOf(document, issue.path)), message: `${issue.path.join('.') || 'policy'}: ${issue.message}` },
        ];
      return unknown.map((key) => ({
        ...at(offsetOf(document, [...issue.path, key])),
        message: `${[...issue.path, key].join('.')}: there is no such member`,
      }));
    }),
  };
}

/** Where the member at a path begins, or its nearest parent that is there. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1) as unknown[], true);
    const last = path[length - 1];
    if (isMap(parent)) {
      const key = parent.items.find((pair) => isScalar(pair.key) && pair.key.value === last)?.key;
      if (isScalar(key) && key.range) return key.range[0];
    }
    const node = document.getIn(path.slice(0, length) as unknown[], true) as
      | { range?: [number, number, number] }
      | undefined;
    if (node?.range) return node.range[0];
  }
  return document.contents?.range?.[0] ?? 0;
}

/** A problem in words: `line 4, column 7: …`. */
export function describeProblem({ line, column, message }: PolicyProblem): string {
  return `line ${line}, column ${column}: ${message}`;
}
