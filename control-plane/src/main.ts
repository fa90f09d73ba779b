/** The control plane alone. `start.ts` adds an agent for this machine. */
import { keepCompiled } from './compile-cache.ts';

keepCompiled();
const { serve } = await import('./cli/serve.ts');
await serve();
