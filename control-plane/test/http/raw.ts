/** Requests with exactly the headers that a test says: `fetch` would not let it choose Host and Origin. */
import { type IncomingHttpHeaders, request } from 'node:http';
import type { Door } from './door.ts';

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  readonly body: any;
}

export function raw(
  door: Pick<Door, 'port'>,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: door.port, method, path, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece) => {
        text += piece;
      });
      response.on('end', () => {
        const json = response.headers['content-type']?.startsWith('application/json');
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          body: json && text !== '' ? JSON.parse(text) : null,
        });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** The session cookie that an answer sets, as a Cookie header, with the text of Set-Cookie. */
export function cookieOf(answer: RawAnswer): { cookie: string; flags: string } {
  const flags = answer.headers['set-cookie']?.[0] ?? '';
  return { cookie: flags.split(';')[0] ?? '', flags };
}
