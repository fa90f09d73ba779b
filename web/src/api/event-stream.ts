/** Server-sent events over fetch. Unlike EventSource it sees comments, so that a connection that died silently is noticed. */

/** One block of the stream. `data` is null for a comment, which only proves that the line is alive. */
export interface StreamBlock {
  readonly id: string | null;
  readonly event: string;
  readonly data: string | null;
}

/** Reads blocks until the stream ends. Source: WHATWG HTML, section 9.2 (Server-sent events). */
export async function* readEventStream(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamBlock> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + value).replace(/\r\n?/g, '\n').split('\n\n');
      rest = blocks.pop() ?? '';
      yield* blocks.map(parseBlock);
    }
  } finally {
    reader.releaseLock();
  }
}

function parseBlock(block: string): StreamBlock {
  let id: string | null = null;
  let event = 'message';
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const [, field, value = ''] = /^(\w+):? ?(.*)$/.exec(line) ?? [];
    if (field === 'id') id = value;
    if (field === 'event') event = value;
    if (field === 'data') data.push(value);
  }
  return { id, event, data: data.length > 0 ? data.join('\n') : null };
}
