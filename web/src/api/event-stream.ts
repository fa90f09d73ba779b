/** Server-sent events over fetch. Unlike EventSource it can be given up and begun anew at will, and tells why it was refused. */

/** One message of the stream. `event` is `message` when the stream gives it no name. */
export interface StreamMessage {
  readonly id: string | null;
  readonly event: string;
  readonly data: string;
}

/** Reads messages until the stream ends. Source: WHATWG HTML, section 9.2 (Server-sent events). */
export async function* readEventStream(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamMessage> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + value).replace(/\r\n?/g, '\n').split('\n\n');
      rest = blocks.pop() ?? '';
      yield* blocks.map(parseMessage);
    }
  } finally {
    reader.releaseLock();
  }
}

function parseMessage(block: string): StreamMessage {
  let id: string | null = null;
  let event = 'message';
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const [, field, value = ''] = /^(\w+):? ?(.*)$/.exec(line) ?? [];
    if (field === 'id') id = value;
    if (field === 'event') event = value;
    if (field === 'data') data.push(value);
  }
  return { id, event, data: data.join('\n') };
}
