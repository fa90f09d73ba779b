/** Must be imported before any schema: our content security policy forbids `new Function`, which zod would otherwise try. */
import { config } from 'zod/v4/core';

config({ jitless: true });
