/** `countersign`: the command line. */
import { keepCompiled } from '../compile-cache.ts';

keepCompiled();
await import('./start-cli.ts');
