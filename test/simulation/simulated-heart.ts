/** The control plane's use cases on a simulated store, clock and fleet. What people are shown is kept for the checker. */

import { actionById } from '@countersign/control-plane/actions/action.store';
import { type ActionDeps, type ActionLimits, actionLimits } from '@countersign/control-plane/actions/action-deps';
import { makeFollowers } from '@countersign/control-plane/actions/followers';
import { parsePolicy } from '@countersign/control-plane/policy/parse';
import type { PolicyInForce } from '@countersign/control-plane/policy/policy-book';
import type { ApprovalChannel, Core, Log } from '@countersign/control-plane/ports';
import type { Db } from '@countersign/control-plane/storage/database';
import { type Playbook, parsePlaybook } from '@countersign/playbooks';
import type { Clock, Ids, Risk } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { publicKeyOf, type SigningKey } from '@countersign/protocol/signing';

const seed = (letter: string) => `${letter.repeat(42)}A`;
/** A key pair that is the same in every simulation. */
export const keyOf = (letter: string): SigningKey => ({ publicKey: publicKeyOf(seed(letter)), seed: seed(letter) });
export const controlPlaneKey = keyOf('c');

/** Risks are how a story picks its rule: low is allowed, medium takes one person, high two, critical is denied. */
export const usualPolicy = `format: countersign-policy/1
rules:
  - { name: low, when: { risk: [low] }, allow: true }
  - { name: medium, when: { risk: [medium] }, ask: { approvals: 1, from: [approver, owner], channels: [telegram, web], strength: tap, expires: 1m } }
  - { name: high, when: { risk: [high] }, ask: { approvals: 2, from: [approver, owner], channels: [telegram, web], strength: tap, expires: 2m } }
  - { name: critical, when: { risk: [critical] }, deny: { reason: Never. } }
`;
/** In force while policy has been tightened: what was approved before must not start any more. */
export const strictPolicy = `format: countersign-policy/1
rules:
  - { name: frozen, when: {}, deny: { reason: Nothing changes now. } }
`;

export function policyInForce(yaml: string): PolicyInForce {
  const parsed = parsePolicy(yaml);
  if (!('policy' in parsed)) throw new Error(JSON.stringify(parsed.problems));
  return { policy: parsed.policy, yaml, sha256: sha256(yaml), source: 'simulation', problems: [] };
}

/** One step each; at high risk one that can be taken back. */
function playbookAt(risk: Risk): Playbook {
  const capability = risk === 'low' ? 'unit.reload' : risk === 'high' ? 'unit.start' : 'unit.restart';
  const text = `id: test.${risk}
version: 1
title: Restart {{unit}}
summary: For simulations.
risk: ${risk}
parameters: { unit: { type: unit, summary: Which. } }
steps: [{ id: go, capability: ${capability}, parameters: { unit: "{{unit}}" } }]
check: { settle: 1s, stable: 0s, probes: [{ capability: unit.state, parameters: { unit: "{{unit}}" }, expect: { active_state: { is: active } } }] }
`;
  const parsed = parsePlaybook(text, { file: `${risk}.yaml` });
  if (parsed.problems) throw new Error(JSON.stringify(parsed.problems));
  return parsed.playbook;
}

const risks = ['low', 'medium', 'high', 'critical'] as const;
export const playbooks = new Map(risks.map((risk) => [`test.${risk}`, playbookAt(risk)]));

/** A place where cards are shown: what each shows now, by action. Outlives the control plane, as a chat does. */
export type Cards = Map<string, string>;

function channelOn(db: Db, cards: Cards): ApprovalChannel {
  const show = async (actionId: string) => void cards.set(actionId, (await actionById(db, actionId))?.state ?? 'gone');
  return { name: 'telegram', keepsCopies: true, canReach: async () => true, announce: show, update: show };
}

export interface HeartOptions {
  readonly db: Db;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly fleet: ActionDeps['fleet'];
  readonly cards: Cards;
  readonly policy: () => PolicyInForce;
  readonly limits?: Partial<ActionLimits>;
}

export function heartOn(options: HeartOptions): ActionDeps {
  const { db, clock, ids, log, fleet, cards, policy, limits } = options;
  const core: Core = { db, clock, ids, log, live: { publish: () => undefined } };
  return {
    ...core,
    fleet,
    playbooks,
    policy: { current: async () => policy() },
    channels: [channelOn(db, cards)],
    followers: makeFollowers(log),
    key: controlPlaneKey,
    // People here reject at random: a token that cools down would leave nothing to look at.
    limits: { ...actionLimits, rejectionsMost: Number.MAX_SAFE_INTEGER, ...limits },
    party: () => null,
  };
}
