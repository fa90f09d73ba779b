/** The form in which an error leaves the control plane: HTTP bodies, MCP results, `--json`. Apart from the catalogue, which needs no zod. */
import { z } from 'zod';

export const errorBodySchema = z.object({
  code: z.string(),
  message: z.string(),
  next_step: z.string(),
  retryable: z.boolean(),
});
export type ErrorBody = z.infer<typeof errorBodySchema>;
