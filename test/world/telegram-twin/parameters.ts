/** The parameters of one Bot API request, wherever they came in: query string, form, JSON or multipart body. */
import { isObject } from './json-fields.ts';
import { readMultipart, type UploadedFile } from './read-multipart.ts';
import { badRequest } from './telegram-error.ts';

export class Parameters {
  readonly #values: Map<string, string>;
  readonly files: readonly UploadedFile[];

  constructor(values: Map<string, string>, files: readonly UploadedFile[]) {
    this.#values = values;
    this.files = files;
  }

  /** The parameter as text; empty when it is missing, which Telegram does not tell apart. */
  text(name: string): string {
    return this.#values.get(name) ?? '';
  }

  /** A whole number, held within the range. What is not a number counts as 0, as in Telegram. */
  integer(name: string, fallback: number, min: number, max: number): number {
    const text = this.text(name);
    const value = text === '' ? fallback : Number.parseInt(text, 10) || 0;
    return Math.min(max, Math.max(min, value));
  }

  /** True for `true`, `yes` and `1`. */
  flag(name: string): boolean {
    return /^(?:true|yes|1)$/i.test(this.text(name));
  }

  /** A JSON value, or undefined when the parameter is missing. Throws a 400 with that text when it is not JSON. */
  json(name: string, refusal: string): unknown {
    const text = this.text(name);
    if (text === '') return undefined;
    try {
      return JSON.parse(text);
    } catch {
      throw badRequest(refusal);
    }
  }

  /** The file sent in this field, directly or as `attach://<part>`. */
  file(name: string): UploadedFile | undefined {
    const attached = /^attach:\/\/(.+)$/.exec(this.text(name))?.[1] ?? name;
    return this.files.find((file) => file.field === attached);
  }

  /** All parameters for the log of calls: JSON is shown parsed, files by name and size. */
  toLog(): Record<string, unknown> {
    const entries = [...this.#values].map(([name, text]) => [name, readable(text)]);
    const files = this.files.map((file) => ({ field: file.field, name: file.name, size: file.bytes.length }));
    return { ...Object.fromEntries(entries), ...(files.length > 0 ? { files } : {}) };
  }
}

/** Reads the parameters of a request. Throws a 400 when the body is not what its content type says. */
export function readParameters(query: URLSearchParams, body: Buffer, contentType: string): Parameters {
  const values = new Map<string, string>(query);
  let files: UploadedFile[] = [];
  if (body.length > 0 && /^application\/json/i.test(contentType)) {
    for (const [name, value] of Object.entries(parseJsonBody(body))) if (value !== null) values.set(name, plain(value));
  } else if (body.length > 0 && /^application\/x-www-form-urlencoded/i.test(contentType)) {
    for (const [name, value] of new URLSearchParams(body.toString('utf8'))) values.set(name, value);
  } else if (body.length > 0 && /^multipart\/form-data/i.test(contentType)) {
    const multipart = readMultipart(body, contentType);
    files = multipart.files;
    for (const [name, value] of multipart.values) values.set(name, value);
  }
  return new Parameters(values, files);
}

function parseJsonBody(body: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (isObject(value)) return value;
  } catch {
    throw badRequest("can't parse JSON object");
  }
  throw badRequest('JSON object expected');
}

function plain(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function readable(text: string): unknown {
  if (!/^(?:[[{]|-?\d{1,15}$|true$|false$)/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
