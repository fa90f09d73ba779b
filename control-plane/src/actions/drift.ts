/** Actions that a server refused since its state was not what was approved any more. Pure. */
import type { ActionTable } from '../storage/tables.ts';

type Row = Pick<ActionTable, 'state' | 'fault_json'>;

/** How the stored fault of such an action begins: for queries. */
export const driftedFault = '{"code":"state_drifted"';

export function isDrifted({ state, fault_json }: Row): boolean {
  return state === 'refused' && (fault_json?.startsWith(driftedFault) ?? false);
}

/** What the runner said is different, sentence by sentence. */
export function toldDifferences({ fault_json }: Pick<Row, 'fault_json'>): string[] {
  const { slots } = JSON.parse(fault_json ?? '{"slots":{}}') as { slots: Record<string, string | number> };
  const words = slots.differences === undefined ? String(slots.reason ?? '').split('; ') : lines(slots.differences);
  return words.filter((text) => text !== '');
}

const lines = (text: string | number) => String(text).split('\n');
