/**
 * Loads the schemas when something of them is needed for the first time, and at once: nothing has to wait for it in its turn. That
 * takes tens of milliseconds and some 10 MB, which a link that only meets what fits its forms does not spend.
 */
import { createRequire } from 'node:module';

// The bundle has the file under another name, see agent/install/bundle.ts.
const SCHEMAS = './schemas.ts';

const load = createRequire(import.meta.url);

export const schemas = () => load(SCHEMAS) as typeof import('./schemas.ts');
