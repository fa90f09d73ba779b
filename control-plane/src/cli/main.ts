/** `countersign`: the command line. */
import { bundled } from '../bundled.ts';
import { keepCompiled } from '../compile-cache.ts';

keepCompiled();
const { startCli } = bundled('start-cli') ?? (await import('./start-cli.ts'));
await startCli();
