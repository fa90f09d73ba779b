/** What `npm start` runs: the dashboard built, the control plane, and an agent for this machine. */
import { resolve } from 'node:path';
import { buildDashboard, dashboardIsStale } from './build-dashboard.ts';
import { keepCompiled } from './compile-cache.ts';
import { refuseArguments } from './refuse-arguments.ts';

refuseArguments(process.argv.slice(2));
const web = resolve(import.meta.dirname, '../../web');

if (await dashboardIsStale(web)) {
  process.stdout.write('Building the dashboard …\n');
  try {
    await buildDashboard(web);
  } catch (error) {
    // Everything else works without it, and its page says what to do.
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  }
}

keepCompiled();
const { serve } = await import('./cli/serve.ts');
const { startLocalAgent } = await import('./local-agent.ts');
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
