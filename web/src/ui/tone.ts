/** What a colour means. Never the only carrier of meaning: an icon and a word always stand beside it. */
export type Tone = 'idle' | 'accent' | 'ok' | 'warn' | 'crit' | 'info' | 'odd';

export const softTone = {
  idle: 'bg-sunken text-dim',
  accent: 'bg-accent-soft text-accent',
  ok: 'bg-ok-soft text-ok',
  warn: 'bg-warn-soft text-warn',
  crit: 'bg-crit-soft text-crit',
  info: 'bg-info-soft text-info',
  odd: 'bg-odd-soft text-odd',
} as const satisfies Record<Tone, string>;

export const textTone = {
  idle: 'text-dim',
  accent: 'text-accent',
  ok: 'text-ok',
  warn: 'text-warn',
  crit: 'text-crit',
  info: 'text-info',
  odd: 'text-odd',
} as const satisfies Record<Tone, string>;
