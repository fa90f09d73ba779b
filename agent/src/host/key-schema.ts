/** A key of our own, as its file holds it. */
import { publicKeySchema } from '@countersign/protocol';
import { z } from 'zod';

export const keySchema = z.strictObject({ publicKey: publicKeySchema, seed: z.string().regex(/^[A-Za-z0-9_-]{43}$/) });
