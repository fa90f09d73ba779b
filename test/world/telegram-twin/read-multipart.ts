/**
 * A multipart/form-data body (RFC 7578), taken apart by hand: the platform's own parser refuses what grammY sends, since
 * grammY leaves file names unquoted.
 */
import { badRequest } from './telegram-error.ts';

export interface UploadedFile {
  readonly field: string;
  readonly name: string;
  readonly bytes: Buffer;
}

export interface Multipart {
  readonly values: Map<string, string>;
  readonly files: UploadedFile[];
}

const HEAD_END = Buffer.from('\r\n\r\n');

/** Fields and files of a body. Throws a 400 when it is cut off or has a part without a name. */
export function readMultipart(body: Buffer, contentType: string): Multipart {
  const boundary = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType);
  const mark = boundary?.[1] ?? boundary?.[2];
  if (mark === undefined) throw badRequest('boundary is not found in the request');
  const values = new Map<string, string>();
  const files: UploadedFile[] = [];
  for (const part of splitParts(body, mark)) {
    const headEnd = part.indexOf(HEAD_END);
    if (headEnd < 0) throw badRequest('header of a part of the request has no end');
    const disposition = dispositionOf(part.subarray(0, headEnd).toString('utf8'));
    const content = part.subarray(headEnd + HEAD_END.length);
    if (disposition.fileName === undefined) values.set(disposition.name, content.toString('utf8'));
    else files.push({ field: disposition.name, name: disposition.fileName, bytes: content });
  }
  return { values, files };
}

function splitParts(body: Buffer, boundary: string): Buffer[] {
  const opening = Buffer.from(`--${boundary}`);
  const between = Buffer.from(`\r\n--${boundary}`);
  if (!body.subarray(0, opening.length).equals(opening)) throw badRequest('boundary is not found in the request');
  const parts: Buffer[] = [];
  let at = opening.length;
  while (body.subarray(at, at + 2).toString('latin1') !== '--') {
    const end = body.indexOf(between, at);
    if (end < 0) throw badRequest('request has no final boundary');
    parts.push(body.subarray(at + 2, end));
    at = end + between.length;
  }
  return parts;
}

function dispositionOf(head: string): { name: string; fileName: string | undefined } {
  const line = head.split('\r\n').find((header) => /^content-disposition\s*:/i.test(header)) ?? '';
  const name = attribute(line, 'name');
  if (name === undefined) throw badRequest('a part of the request has no name');
  return { name, fileName: attribute(line, 'filename') };
}

function attribute(line: string, name: string): string | undefined {
  const match = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^;]*))`, 'i').exec(line);
  return match?.[1]?.replace(/\\(.)/g, '$1') ?? match?.[2]?.trim();
}
