/**
 * Proves one playbook on a real server, the way an incident goes: something breaks, the diagnostic sees it and offers the
 * playbook with its parameters filled in, a human approves what was asked, the server acts and checks; then it is broken in the
 * way that makes the check fail, and the server takes it back.
 */
import assert from 'node:assert/strict';
import { appendFile } from 'node:fs/promises';
import { isFinal } from '@countersign/protocol';
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import type { Host } from '../hosts/host.ts';
import { hostTest } from '../hosts/requirements.ts';
import { eventually } from '../world/eventually.ts';
import { serverOnline } from '../world/install-agent.ts';
import type { Ground } from './ground.ts';

type Parameters = Record<string, string | number | boolean>;
type ActionDetail = OutputOf<'getAction'>;
/** How an action that failed its check ends: taken back, or `impossible` where the catalog says that nothing can take it back. */
type Undo = NonNullable<ActionDetail['result']>['undo']['state'];

export interface Row {
  readonly playbook: string;
  /** How it is broken, in words: the condition of the test's title. `a unit has failed`. */
  readonly when: string;
  /** Breaks the server in the way the row says. */
  breakIt(host: Host): Promise<unknown>;
  /** The diagnostic that has to see it, and the kind of finding that offers this playbook. */
  readonly sees: { readonly diagnostic: string; readonly parameters?: Parameters; readonly kind: string };
  /** Added to the parameters that the finding filled in: a short watch, a probe. */
  readonly parameters?: Parameters;
  /** Looks at the server, past the product, whether it is well again. Throws when it is not. */
  mended(host: Host): Promise<unknown>;
  /** The way in which the check fails, and what must be so again afterwards. */
  readonly spoil: {
    /** In words: `the unit dies two seconds after it is started`. */
    readonly how: string;
    breakIt(host: Host): Promise<unknown>;
    /** The whole parameters; those of the mending run unless told. `seen`: what the diagnostic offers anew, as the first time. */
    readonly parameters?: Parameters | 'seen';
    /**
     * How long it is watched instead. What shows at the first reading, whenever that is, ends the action there: a long watch costs
     * nothing then, and gives a slow server time to fail. What must change between two readings says in `parameters` when.
     */
    readonly watch?: string;
    /** Where this has to show: in the check unless told. A row that never gets as far as its check proves nothing of it. */
    readonly failsIn?: 'check' | 'step';
    readonly undo: Undo;
    undone(host: Host): Promise<unknown>;
  };
  /** Leaves the server as the next row expects it. */
  clear?(host: Host): Promise<unknown>;
  /** How long an action may take, milliseconds; 120 000 unless told. */
  readonly boundMs?: number;
}

/** Registers the test of a row. `ground` is asked when the test runs. */
export function prove(ground: () => Ground, row: Row): void {
  const title = `${row.playbook}: when ${row.when}, it is seen, mended after approval and verified; when ${row.spoil.how}, it is undone (${row.spoil.undo})`;
  hostTest(title, async () => {
    const here = ground();
    const started = performance.now();
    try {
      await row.breakIt(here.host);
      const offered = await seen(here, row);
      const parameters = { ...offered, ...row.parameters };
      const mended = await carryOut(here, row, parameters);
      assert.equal(mended.state, 'succeeded', explain(mended));
      assert.equal(mended.result?.check?.passed, true, explain(mended));
      await row.mended(here.host);

      await row.spoil.breakIt(here.host);
      const again = row.spoil.parameters ?? parameters;
      const { watch } = row.spoil;
      const failed = await carryOut(here, row, {
        ...(again === 'seen' ? { ...(await seen(here, row)), ...row.parameters } : again),
        ...(watch === undefined ? {} : { watch }),
      });
      assert.equal(failed.state, 'failed', explain(failed));
      const failedIn = failed.result?.check?.passed === false ? 'check' : 'step';
      assert.equal(failedIn, row.spoil.failsIn ?? 'check', explain(failed));
      assert.equal(failed.result?.undo.state, row.spoil.undo, explain(failed));
      await row.spoil.undone(here.host);
      await note(row, performance.now() - started);
    } finally {
      await row.clear?.(here.host);
    }
  });
}

/** The parameters with which the diagnostic offers the playbook. On a busy machine even what burns a core may have to be looked at twice. */
function seen(here: Ground, row: Row): Promise<Parameters> {
  const look = () => seenNow(here, row);
  return eventually(`${row.sees.kind} to be seen`, look, { timeoutMs: 60_000, everyMs: 3000 });
}

async function seenNow({ assistant, name }: Ground, { playbook, sees }: Row): Promise<Parameters> {
  const { findings } = await assistant('runDiagnostic', {
    server: name,
    diagnostics: [sees.diagnostic as never],
    ...(sees.parameters === undefined ? {} : { parameters: sees.parameters }),
  });
  const said = JSON.stringify(findings, null, 1).slice(0, 6000);
  // Soon after an action the finding is joined with it; what it was joined from is among its parts.
  const isIt = ({ kind, together }: (typeof findings)[number]) =>
    kind === sees.kind || together?.parts.some((part) => part.kind === sees.kind) === true;
  const offers = findings.filter(isIt).flatMap(({ suggestions }) => suggestions);
  const offer = offers.find((it) => it.playbook === playbook);
  assert.ok(offer, `no finding ${sees.kind} that offers ${playbook}: ${said}`);
  return offer.parameters as Parameters;
}

/** From the request to the end, with a human's approval and, where one is due, a human's confirmation. */
export async function carryOut(
  { assistant, world, name, server }: Ground,
  { playbook, boundMs = 120_000 }: Pick<Row, 'playbook' | 'boundMs'>,
  parameters: Parameters,
): Promise<ActionDetail> {
  const { action } = await assistant('runPlaybook', { server: name, playbook, parameters, reason: 'It is broken.' });
  assert.ok(action, `${playbook} made no action`);
  assert.equal(action.state, 'awaiting_approval', explain(action));
  await world.owner('approveAction', { action: action.id, digest: action.digest, typed_server: name });
  let confirmed = false;
  return eventually(
    `${playbook} (${action.id}) to end`,
    async () => {
      const now = await world.owner('getAction', { action: action.id });
      if (now.confirm_by !== null && !confirmed && !isFinal(now.state)) {
        await serverOnline(world, server);
        await world.owner('confirmAction', { action: action.id });
        confirmed = true;
      }
      return isFinal(now.state) ? now : undefined;
    },
    { timeoutMs: boundMs },
  );
}

function explain(action: Pick<ActionDetail, 'state' | 'status'> & Partial<ActionDetail>): string {
  return `${action.state}: ${action.status}\n${JSON.stringify({ error: action.error, result: action.result }, null, 1)}`;
}

/** What `npm run catalog:prove` makes its table of. */
export interface Proof {
  readonly playbook: string;
  readonly when: string;
  /** Kind of the finding that offered it. */
  readonly saw: string;
  readonly how: string;
  readonly undo: Undo;
  readonly ms: number;
}

async function note({ playbook, when, sees, spoil }: Row, ms: number): Promise<void> {
  const file = process.env.COUNTERSIGN_CATALOG_TABLE;
  if (file === undefined) return;
  const { how, undo } = spoil;
  const proof: Proof = { playbook, when, saw: sees.kind, how, undo, ms: Math.round(ms) };
  await appendFile(file, `${JSON.stringify(proof)}\n`);
}
