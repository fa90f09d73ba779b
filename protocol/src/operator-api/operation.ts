/** What one operation of the operator API is. */
import { z } from 'zod';

/**
 * Who may call it. `public`: anybody. `read` and `request`: tokens with that scope, and people. `person`: a signed-in human
 * (dashboard or CLI session), never a token. `approver` and `owner`: a human with at least that role.
 */
export type Access = 'public' | 'read' | 'request' | 'person' | 'approver' | 'owner';

export interface Operation<I extends z.ZodObject = z.ZodObject, O extends z.ZodType = z.ZodType> {
  readonly summary: string;
  readonly access: Access;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/api/v1`; `{name}` takes that member of the input. The rest travels as query (GET, DELETE) or JSON body. */
  readonly path: `/${string}`;
  readonly input: I;
  readonly output: O;
}

/** How a server is named in every call. */
export const serverRefSchema = z.string().min(1).max(100).describe('id or name of a server, from list_servers');

/** How many rows a page has. */
export const limit = (most: number, usual: number) => z.coerce.number().int().min(1).max(most).default(usual);

export function operation<I extends z.ZodObject, O extends z.ZodType>(
  access: Access,
  method: Operation['method'],
  path: Operation['path'],
  summary: string,
  input: I,
  output: O,
) {
  return { access, method, path, summary, input, output } satisfies Operation<I, O>;
}
