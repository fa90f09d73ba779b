/** Mends systemd-resolved, for as long as this boot lasts. Source: resolvectl(1). */
import { capability, fault, type Json, type ParametersOf, type WitnessFact } from '@countersign/protocol';
import { z } from 'zod';
import type { ChangePreview, Changer, ObserveContext } from '../capability.ts';
import { recoverCalls, recoveredResult, resultOfCalls, runCalls } from '../run-calls.ts';
import { RESOLVED_UNIT, type Resolver, readDomains, readLinks, readResolver } from './resolver.ts';
import { readRoutes } from './routes.ts';

type Parameters = ParametersOf<'resolver.fix'>;

const memorySchema = z.object({
  link: z.string().nullable(),
  servers: z.array(z.string()),
  domains: z.array(z.string()),
});
const OPTIONS = { timeoutMs: capability('resolver.fix').timeoutMs };

export const resolverFix: Changer<'resolver.fix'> = {
  predictable: true,
  undoAgain: true,
  async preview(parameters, context) {
    const resolver = await requireUsable(context, parameters);
    return {
      preview: { argv: [argvOf(parameters)], diff: null, ...words(parameters, resolver) },
      witness: witness(resolver),
    };
  },
  async remember(parameters, context) {
    const { links } = await requireUsable(context, parameters);
    const link = parameters.action === 'set_servers' ? (parameters.link ?? null) : null;
    const domains = link === null ? [] : await readDomains(context, link);
    return { link, servers: [...serversOf(links, link)], domains } satisfies Json;
  },
  async perform(parameters, _, context) {
    return resultOfCalls(await runCalls(context, [argvOf(parameters)], OPTIONS), true, sayDone(parameters));
  },
  async undo(_, memory, context) {
    const { link, servers, domains } = memorySchema.parse(memory);
    if (link === null) return { changed: false, exit_code: 0, summary: 'No setting was changed, so none is put back.' };
    const reverted = await runCalls(context, [['resolvectl', 'revert', '--', link]], OPTIONS);
    if (reverted.last?.exitCode !== 0) return resultOfCalls(reverted, false, `${link} asks the servers it was given.`);
    // Where a program had set them by hand, or an action before this one, they are not in any configuration.
    const put = await runCalls(context, await missingCalls(context, { link, servers, domains }), OPTIONS);
    return resultOfCalls(
      put.last === null ? reverted : put,
      true,
      `${link} asks ${servers.join(' and ') || 'no server of its own'} again.`,
    );
  },
  async recover(parameters, _, context) {
    const ended = await recoverCalls(context, 1);
    return ended === null ? null : recoveredResult(ended, sayDone(parameters));
  },
};

/** What sets a link back to what it was told before, as far as a revert has not. */
async function missingCalls(
  context: ObserveContext,
  was: { readonly link: string; readonly servers: readonly string[]; readonly domains: readonly string[] },
): Promise<string[][]> {
  const pairs = [
    ['dns', was.servers, serversOf(await readLinks(context), was.link)],
    ['domain', was.domains, await readDomains(context, was.link)],
  ] as const;
  return pairs.flatMap(([setting, before, now]) =>
    before.length > 0 && before.join() !== now.join() ? [['resolvectl', setting, '--', was.link, ...before]] : [],
  );
}

function argvOf({ action, link = '', server = '', second_server: second }: Parameters): string[] {
  if (action === 'flush') return ['resolvectl', 'flush-caches'];
  if (action === 'restart') return ['systemctl', 'restart', '--', RESOLVED_UNIT];
  return ['resolvectl', 'dns', '--', link, server, ...(second === undefined ? [] : [second])];
}

async function requireUsable(context: ObserveContext, parameters: Parameters): Promise<Resolver> {
  const { action, link, server, second_server: second } = parameters;
  const refuse = (reason: string) => fault('precondition_failed', { reason });
  if (action === 'set_servers' ? link === undefined || server === undefined : (link ?? server ?? second))
    throw refuse('link and server go with set_servers, which needs both, and with nothing else');
  const resolver = await readResolver(context);
  if (!resolver.resolved.installed) throw refuse('systemd-resolved is not installed on the server');
  if (action !== 'restart' && !resolver.resolved.active) throw refuse(`${RESOLVED_UNIT} does not run`);
  if (link !== undefined && (await readRoutes(context))?.every(({ dev }) => dev !== link))
    throw refuse(`no route of the server goes over ${link}`);
  return resolver;
}

function words(parameters: Parameters, { links }: Resolver): Pick<ChangePreview['preview'], 'effects' | 'undo'> {
  const { action, link = '', server, second_server: second } = parameters;
  const nothing = 'Nothing has to be put back: what it forgets it asks for again.';
  if (action === 'flush') return { effects: ['systemd-resolved forgets the answers that it keeps.'], undo: nothing };
  if (action === 'restart')
    return {
      effects: [`${RESOLVED_UNIT} is stopped and started again; look-ups fail for a moment.`],
      undo: nothing,
    };
  const now = serversOf(links, link);
  return {
    effects: [
      `Names are asked of ${[server, second].filter(Boolean).join(' and ')} on ${link} in place of ${now.join(' and ') || 'nobody'}, until the next boot.`,
      'Whoever runs these servers learns which names this server looks up, and can answer what they like.',
    ],
    undo: `${link} gets back the servers that it has now.`,
  };
}

/** Facts of what resolved asks: whether it runs, and whom. */
function witness({ resolved, links }: Resolver): WitnessFact[] {
  const subject = 'resolver systemd-resolved';
  return [
    { subject, property: 'active', value: resolved.active },
    ...links
      .filter(({ servers }) => servers.length > 0)
      .map(({ link, servers }) => ({
        subject,
        property: `servers of ${link ?? 'all links'}`,
        value: servers.join(' '),
      })),
  ];
}

const serversOf = (links: Resolver['links'], link: string | null): readonly string[] =>
  links.find((each) => each.link === link)?.servers ?? [];

function sayDone({ action, link, server, second_server: second }: Parameters): string {
  if (action === 'flush') return 'systemd-resolved asks for everything anew.';
  if (action === 'restart') return `${RESOLVED_UNIT} was restarted.`;
  return `${link} asks ${[server, second].filter(Boolean).join(' and ')}.`;
}
