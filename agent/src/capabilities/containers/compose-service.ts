/** What a Compose file says of a service, by Compose's own reading of it. Source: docker-compose-config(1). */
import { fault } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { z } from 'zod';
import { howItEnded } from '../../host/execution.ts';
import { parseSettings, SettingsProblem } from '../../host/yaml.ts';
import type { ObserveContext } from '../capability.ts';
import { type Project, runCompose } from './compose-project.ts';

const configSchema = z.object({ services: z.record(z.string(), z.object({ image: z.string().optional() })) });

/**
 * The image that a service is to run and the SHA-256 of the whole configuration, in which secrets of the environment may stand.
 * Rejects with `precondition_failed` when the file is not valid or has no such service.
 */
export async function requireService(
  context: ObserveContext,
  program: readonly string[],
  project: Project,
  service: string,
): Promise<{ readonly image: string; readonly config: string }> {
  const done = await runCompose(context, program, project, ['config']);
  const where = project.files.join(', ');
  if (done.exitCode !== 0)
    throw fault('precondition_failed', { reason: `Compose cannot read ${where}: it ${howItEnded(done)}` });
  const services = parseConfig(done.stdout, where);
  const found = Object.hasOwn(services, service) ? services[service] : undefined;
  if (found === undefined) throw fault('precondition_failed', { reason: `${where} has no service ${service}` });
  return { image: found.image ?? builtName(program, project.name, service), config: sha256(done.stdout) };
}

function parseConfig(text: string, where: string): z.output<typeof configSchema>['services'] {
  try {
    return parseSettings(text, configSchema, where).services;
  } catch (error) {
    if (!(error instanceof SettingsProblem)) throw error;
    throw fault('precondition_failed', { reason: `what Compose makes of ${where} is not understood here` }, error);
  }
}

/** How Compose names an image that it builds itself: v1 with an underscore. */
function builtName(program: readonly string[], project: string, service: string): string {
  return `${project}${program.length === 1 ? '_' : '-'}${service}`;
}
