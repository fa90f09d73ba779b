/** How much harm a change can do when it goes wrong. */
import { z } from 'zod';

export const risks = ['low', 'medium', 'high', 'critical'] as const;
export const riskSchema = z.enum(risks);
export type Risk = z.infer<typeof riskSchema>;

/** Whether `risk` is at most `limit`. */
export function riskAtMost(risk: Risk, limit: Risk): boolean {
  return risks.indexOf(risk) <= risks.indexOf(limit);
}

/** The highest of some risks; `low` when there are none. */
export function highestRisk(all: readonly Risk[]): Risk {
  return all.reduce<Risk>((highest, risk) => (riskAtMost(risk, highest) ? highest : risk), 'low');
}
