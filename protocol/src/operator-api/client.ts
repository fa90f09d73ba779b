/** A client of the operator API over HTTP, made from the table. Works in Node and in the browser: `fetch` is handed in. */
import { errorBodySchema } from '../error-body.ts';
import { type ErrorCode, errorCatalogue, Fault, fault } from '../errors.ts';
import { type Call, type Operation, type OperationName, operationNamed } from './index.ts';

export interface ClientOptions {
  /** Where the control plane is, without a slash at the end: `https://cp.example.org:7070`. Empty for the page's own origin. */
  readonly base: string;
  readonly fetch: typeof fetch;
  /** Bearer credential: a token or a CLI session. Browsers send their cookie instead. */
  readonly bearer?: string;
}

/** A fault that came over HTTP: its words were made by the control plane. */
export class RemoteFault extends Fault {
  readonly remote: { readonly message: string; readonly next_step: string; readonly retryable: boolean };

  constructor(code: ErrorCode, remote: { message: string; next_step: string; retryable: boolean }) {
    super(code);
    this.message = remote.message;
    this.remote = remote;
  }

  override get body() {
    return { code: this.code, ...this.remote };
  }
}

/** Makes a {@link Call}. Rejects with {@link RemoteFault} for catalogue errors, `TypeError` when nothing answers. */
export function operatorClient({ base, fetch, bearer }: ClientOptions): Call {
  return async (name, input, options) => {
    const { url, init } = request(name, input as Record<string, unknown>);
    const headers: Record<string, string> = { accept: 'application/json', 'x-countersign': '1' };
    if (bearer !== undefined) headers.authorization = `Bearer ${bearer}`;
    if (init.body !== undefined) headers['content-type'] = 'application/json';
    const response = await fetch(base + url, {
      ...init,
      headers,
      ...(options?.signal ? { signal: options.signal } : {}),
    });
    const body: unknown = await response.json().catch((error: unknown) => {
      throw fault('internal', { reference: `HTTP ${response.status} without JSON` }, error);
    });
    if (!response.ok) throw remoteFault(body, response.status);
    return operationNamed(name).output.parse(body) as never;
  };
}

/** The request of an operation: members that the path names go there, the rest into the query or the body ({@link travelsInBody}). */
export function request(
  name: OperationName,
  input: Readonly<Record<string, unknown>>,
): { url: string; init: { method: string; body?: string } } {
  const { method, path } = operationNamed(name);
  const rest = { ...input };
  const filled = path.replace(/\{(\w+)\}/g, (_, member: string) => {
    const value = rest[member];
    delete rest[member];
    return encodeURIComponent(String(value));
  });
  const given = Object.entries(rest).filter(([, value]) => value !== undefined);
  const inBody = given.filter(([, value]) => travelsInBody(method, typeof value === 'object'));
  const query = new URLSearchParams(
    given.flatMap(([member, value]) =>
      travelsInBody(method, typeof value === 'object') ? [] : [[member, String(value)]],
    ),
  );
  const always = method === 'POST' || method === 'PUT';
  return {
    url: `/api/v1${filled}${query.size > 0 ? `?${query}` : ''}`,
    init: { method, ...(always || inBody.length > 0 ? { body: JSON.stringify(Object.fromEntries(inBody)) } : {}) },
  };
}

/** Whether a member of an input goes into the JSON body: with POST and PUT all, with DELETE what is an object (a proof), with GET none. */
export function travelsInBody(method: Operation['method'], isObject: boolean): boolean {
  return method === 'POST' || method === 'PUT' || (method === 'DELETE' && isObject);
}

function remoteFault(body: unknown, status: number): Fault {
  const parsed = errorBodySchema.safeParse(
    body !== null && typeof body === 'object' && 'error' in body ? body.error : body,
  );
  if (!parsed.success || !Object.hasOwn(errorCatalogue, parsed.data.code))
    return fault('internal', { reference: `HTTP ${status}` });
  const { code, ...words } = parsed.data;
  return new RemoteFault(code as ErrorCode, words);
}
