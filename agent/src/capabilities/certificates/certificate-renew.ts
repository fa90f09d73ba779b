/** Renewal by certbot, rehearsed before, and the way back to the version before. Source: certbot(1). */
import {
  type CapabilityId,
  capability,
  fault,
  type Json,
  type StepResult,
  type WitnessFact,
} from '@countersign/protocol';
import { z } from 'zod';
import { type Executed, howItEnded } from '../../host/execution.ts';
import { replaceLink, setAside } from '../../host/links.ts';
import type { ChangeContext, Changer, ObserveContext } from '../capability.ts';
import { exitCodeOf } from '../exit-code.ts';
import { count } from '../report.ts';
import { certificateIn, LINKS, LIVE, type Links, readLinks, versionOf } from './lineage.ts';
import { daysLeft } from './x509.ts';

/** certbot renews what ends within this time. Source: certbot(1), `renew_before_expiry`. */
const DUE_DAYS = 30;
/** certbot only takes names that end in `.pem` for versions. */
const ASIDE = '.undone-by-countersign';

const linksSchema = z.object({
  'cert.pem': z.string(),
  'chain.pem': z.string(),
  'fullchain.pem': z.string(),
  'privkey.pem': z.string(),
});
const memorySchema = z.object({ name: z.string(), links: linksSchema });

/** Without a terminal certbot would wait for up to eight minutes before it begins. */
function argvOf(name: string, more: readonly string[]): string[] {
  return ['certbot', 'renew', '--cert-name', name, '--non-interactive', '--no-random-sleep-on-renew', ...more];
}

export const certificateRehearse: Changer<'certificate.rehearse'> = {
  predictable: true,
  async preview({ name }, context) {
    const { witness } = lookAt(name, context);
    const effects = [
      'certbot goes through the whole renewal with the test service of its authority and keeps no certificate. When that fails, nothing else is done.',
      'Hooks that the owner of the server gave to certbot for before and after a renewal run as well.',
    ];
    return { preview: { argv: [argvOf(name, ['--dry-run'])], diff: null, effects, undo: null }, witness };
  },
  async perform({ name }, _, context) {
    const done = await certbot(context, 'certificate.rehearse', argvOf(name, ['--dry-run']));
    return said(done, { changed: false, summary: 'The rehearsal went well.' });
  },
  async recover(_, __, context) {
    const done = await context.processes.ended(1, context.onOutput);
    return (
      done && said(done, { changed: false, summary: 'Found after a restart of the runner: the rehearsal went well.' })
    );
  },
};

export const certificateRenew: Changer<'certificate.renew'> = {
  predictable: true,
  undoAgain: true,
  async preview({ name }, context) {
    const { days, witness } = lookAt(name, context);
    const effects = [
      days >= DUE_DAYS
        ? `The certificate ends in ${count(days, 'day')}: certbot leaves it as it is until ${DUE_DAYS} days before the end.`
        : `The certificate ${days < 0 ? 'has ended' : `ends in ${count(days, 'day')}`}: certbot has a new one made, with a key of its own, and keeps this one in its archive.`,
      'Hooks that the owner of the server gave to certbot run as well.',
    ];
    return {
      preview: {
        argv: [argvOf(name, [])],
        diff: null,
        effects,
        undo: 'The links lead to the present certificate again; the new one is set aside in the archive.',
      },
      witness,
    };
  },
  async remember({ name }, context) {
    return { name, links: lookAt(name, context).links } satisfies Json;
  },
  async perform({ name }, memory, context) {
    return renewed(name, memory, await certbot(context, 'certificate.renew', argvOf(name, [])));
  },
  async undo(_, memory) {
    return putBack(memorySchema.parse(memory));
  },
  async recover({ name }, memory, context) {
    const done = await context.processes.ended(1, context.onOutput);
    if (done === null) return null;
    const result = renewed(name, memory, done);
    return { ...result, summary: `Found after a restart of the runner: ${result.summary}` };
  },
};

export const certificateRestore: Changer<'certificate.restore'> = {
  predictable: true,
  async preview() {
    throw fault('precondition_failed', {
      reason: 'certificate.restore only takes back what an earlier step of the same action did',
    });
  },
  async perform({ name }, _, context) {
    const step = context.earlier.find((it) => it.capability === 'certificate.renew' && it.parameters.name === name);
    const memory = memorySchema.safeParse(step?.memory);
    if (memory.success) return putBack(memory.data);
    return { changed: false, exit_code: 0, summary: `No step of this action had renewed ${name}.` };
  },
};

function lookAt(
  name: string,
  context: ObserveContext,
): { readonly links: Links; readonly days: number; readonly witness: WitnessFact[] } {
  const [links, leaf] = [readLinks(name), certificateIn(name)];
  if (links === null || leaf === null)
    throw fault('precondition_failed', { reason: `certbot has no certificate named ${name} on this server` });
  const witness = [{ subject: `certificate ${name}`, property: 'version', value: versionOf(links) }];
  return { links, days: daysLeft(leaf, context.clock.now()), witness };
}

function certbot(context: ChangeContext, id: CapabilityId, argv: readonly string[]): Promise<Executed> {
  return context.processes.start({
    argv,
    timeoutMs: capability(id).timeoutMs,
    signal: context.signal,
    onOutput: context.onOutput,
  });
}

function said(done: Executed, well: Pick<StepResult, 'changed' | 'summary'>): StepResult {
  if (done.exitCode === 0) return { ...well, exit_code: 0 };
  return { changed: false, exit_code: exitCodeOf(done), summary: `certbot ${howItEnded(done)}.` };
}

function renewed(name: string, memory: Json, done: Executed): StepResult {
  const before = versionOf(memorySchema.parse(memory).links);
  const links = readLinks(name);
  const after = links === null ? before : versionOf(links);
  const result = said(done, {
    changed: after !== before,
    summary: after === before ? 'certbot found nothing due; nothing changed.' : `Version ${after} is in force on disk.`,
  });
  return { ...result, changed: after !== before };
}

function putBack({ name, links }: z.infer<typeof memorySchema>): StepResult {
  const now = readLinks(name);
  if (now === null)
    return { changed: false, exit_code: 1, summary: `certbot has no certificate named ${name} any more.` };
  const moved = LINKS.filter((link) => now[link] !== links[link]);
  if (moved.length === 0)
    return { changed: false, exit_code: 0, summary: `Version ${versionOf(links)} is in its place.` };
  for (const link of moved) replaceLink(`${LIVE}/${name}/${link}`, links[link]);
  // certbot would take what is newer in its archive for a version that waits, and put it into force at its next run.
  for (const link of moved) setAside(`${LIVE}/${name}/${link}`, now[link], ASIDE);
  return { changed: true, exit_code: 0, summary: `Version ${versionOf(links)} is in its place again.` };
}
