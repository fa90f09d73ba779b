/** The control plane alone. `start.ts` adds an agent for this machine. */
import { bundled } from './bundled.ts';
import { keepCompiled } from './compile-cache.ts';
import { refuseArguments } from './refuse-arguments.ts';

refuseArguments(process.argv.slice(2));
keepCompiled();
const { serve } = bundled('serve') ?? (await import('./cli/serve.ts'));
await serve();
