/** What may follow `npm run bench --`. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type GoalId, goalIds } from './judge.ts';

export interface Options {
  readonly goals: readonly GoalId[];
  readonly quick: boolean;
  readonly writeDocs: boolean;
  /** Where the figures go as JSON. */
  readonly json: string | null;
  /** Files of earlier runs, to write the pages from without measuring; the later file wins where two have a goal. */
  readonly from: readonly string[];
}

export const usage = `npm run bench -- [G1 … G12] [--quick] [--json FILE] [--write-docs] [--from FILE …]`;

/** Throws with a sentence for what it does not know. Paths are taken from `folder`, where npm was called. */
export function readOptions(argv: readonly string[], folder: string): Options {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      'write-docs': { type: 'boolean', default: false },
      json: { type: 'string' },
      from: { type: 'string', multiple: true, default: [] },
    },
  });
  const asked = positionals.map((it) => it.toUpperCase());
  const unknown = asked.filter((it) => !goalIds.some((id) => id === it));
  if (unknown.length > 0) throw new TypeError(`there is no goal ${unknown.join(', ')}; ${usage}`);
  return {
    goals: asked.length === 0 ? goalIds : goalIds.filter((id) => asked.includes(id)),
    quick: values.quick,
    writeDocs: values['write-docs'],
    json: values.json === undefined ? null : resolve(folder, values.json),
    from: values.from.map((file) => resolve(folder, file)),
  };
}
