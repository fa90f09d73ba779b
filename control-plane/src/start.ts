/** What `npm start` runs: dashboard and bundle built, the control plane, and an agent for this machine. */
import { resolve } from 'node:path';
import { buildDashboard, dashboardIsStale } from './build-dashboard.ts';
import { bundled, makeBundle } from './bundled.ts';
import { keepCompiled } from './compile-cache.ts';
import { refuseArguments } from './refuse-arguments.ts';

refuseArguments(process.argv.slice(2));
const web = resolve(import.meta.dirname, '../../web');

/** Everything else works without what is built here: the dashboard's page says what to do, and the sources are slower to load. */
async function tryTo(build: () => Promise<void>): Promise<void> {
  try {
    await build();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  }
}

if (await dashboardIsStale(web)) {
  process.stdout.write('Building the dashboard …\n');
  await tryTo(() => buildDashboard(web));
}
await tryTo(makeBundle);

keepCompiled();
const { serve } = bundled('serve') ?? (await import('./cli/serve.ts'));
const { startLocalAgent } = bundled('local-agent') ?? (await import('./local-agent.ts'));
await serve({
  beside: async (controlPlane, env) => {
    if (controlPlane.config.localAgent === 'off') return null;
    const named = env.COUNTERSIGN_LOCAL_AGENT === undefined ? null : controlPlane.config.localAgent;
    try {
      return await startLocalAgent(controlPlane, named);
    } catch (error) {
      controlPlane.core.log.error('local_agent.not_started', { error });
      return null;
    }
  },
});
