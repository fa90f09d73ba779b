/** What a rule is by which findings belong together, and the kinds of findings that many rules look for. */

/** Findings that a rule looks for beside the one that leads it. */
export interface Part {
  /** Kinds, whole (`memory.oom_kill`) or a family (`docker.`). */
  readonly kinds: readonly string[];
  /** What title or evidence must say. */
  readonly says?: RegExp;
  /** `thing`: about the same unit, container, port, path or app as the one that leads. `server`: anywhere on the server. */
  readonly link: 'thing' | 'server';
  /**
   * `after`: it began after the one that leads, by no more than the rule's time. `during`: not longer before it than that; what
   * has no beginning does not count.
   */
  readonly begins?: 'after' | 'during';
  /** It must be the only unit or container of which such a finding tells: among several nobody knows which it was. */
  readonly single?: true;
  /** Taken in when it is there; the rule holds without it. */
  readonly optional?: true;
}

export interface Rule {
  /** The finding's kind is `together.<id>`. */
  readonly id: string;
  readonly lead: readonly string[];
  /** What the title or evidence of the one that leads must say. */
  readonly leadSays?: RegExp;
  readonly parts: readonly Part[];
  /** How far apart in time they may be, minutes. */
  readonly minutes: number;
  /** Begins the title, before the sentence of the one that leads. */
  readonly headline: string;
  /** Added to the headline of what an earlier rule has joined already. */
  readonly also: string;
  /** Why they belong together. */
  readonly why: string;
  /** The likely cause. */
  readonly cause: string;
  /** Playbooks that help first. Those that only help for a while come last. */
  readonly first: readonly string[];
}

export const STOPPED = ['service.crash_loop', 'service.failed', 'service.gave_up', 'service.not_running'];

export const FAILING = [...STOPPED, 'service.restarted', 'service.errors'];

export const CONTAINERS = [
  'docker.restart_loop',
  'docker.oom_killed',
  'docker.exited',
  'docker.unhealthy',
  'docker.dead',
];

/** Whatever may quote the words of a program that is in trouble. */
export const SPEAKING = [
  ...FAILING,
  ...CONTAINERS,
  'logs.errors',
  'logs.lines',
  'schedule.job_failed',
  'compose.',
  'nginx.',
  'postgres.down',
  'redis.',
];
