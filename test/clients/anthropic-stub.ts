import { z } from 'zod';
import { type Exchange, type ModelStub, sendEvents, sendJson, startModelStub } from './model-stub.ts';
import {
  type Conversation,
  type OfferedTool,
  offeredTool,
  parseJson,
  type Script,
  type ToolCall,
  type ToolResult,
  type Turn,
} from './script.ts';

/** Claude Code names the tools of the server `countersign` with this prefix. */
const PREFIX = 'mcp__countersign__';

const textBlock = z.object({ type: z.literal('text'), text: z.string() });
const callBlock = z.object({
  type: z.literal('tool_use'),
  id: z.string(),
  name: z.string(),
  input: z.record(z.string(), z.unknown()),
});
const resultBlock = z.object({
  type: z.literal('tool_result'),
  tool_use_id: z.string(),
  is_error: z.boolean().optional(),
  content: z.union([z.string(), z.array(z.looseObject({ type: z.string() }))]).optional(),
});
const otherBlock = z.looseObject({ type: z.string() });
const messagesRequest = z.object({
  model: z.string(),
  stream: z.boolean().optional(),
  tools: z.array(z.looseObject({ name: z.string(), description: z.string().optional() })).optional(),
  messages: z.array(
    z.object({
      role: z.string(),
      content: z.union([z.string(), z.array(z.union([textBlock, callBlock, resultBlock, otherBlock]))]),
    }),
  ),
});
type MessagesRequest = z.infer<typeof messagesRequest>;

type Block = { type: 'text'; text: string } | { type: 'tool_use'; id: string; name: string; input: unknown };

/**
 * Starts a stub of Anthropic's Messages API, streaming and not, that answers as the script says. Requests that offer no
 * tool of the MCP server are the assistant's own side questions (a title, a summary) and get one fixed sentence.
 */
export function startAnthropicStub(script: Script): Promise<ModelStub> {
  return startModelStub(answer, script);
}

function answer(exchange: Exchange): boolean {
  const { request, response } = exchange;
  if (request.method === 'HEAD' && request.path === '/') {
    response.writeHead(200).end();
    return true;
  }
  if (request.path === '/v1/messages/count_tokens') {
    sendJson(response, 200, { input_tokens: 1000 });
    return true;
  }
  if (request.path !== '/v1/messages') return false;
  const body = messagesRequest.parse(request.body);
  const conversation = readConversation(body);
  const turn = conversation.tools.length > 0 ? exchange.play(conversation) : { text: 'Countersign' };
  const blocks = writeBlocks(turn, conversation.tools, exchange.nextId);
  const message = writeMessage(exchange.nextId('msg'), body.model, blocks);
  if (body.stream) sendEvents(response, streamMessage(message));
  else sendJson(response, 200, message);
  return true;
}

function readConversation(body: MessagesRequest): Conversation {
  const calls: ToolCall[] = [];
  const results: ToolResult[] = [];
  let lastResults: ToolResult[] = [];
  let prompt = '';
  for (const { role, content } of body.messages) {
    const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
    if (role === 'assistant') lastResults = [];
    for (const block of blocks) {
      const call = callBlock.safeParse(block);
      if (call.success) {
        calls.push({ id: call.data.id, tool: plainName(call.data.name), arguments: call.data.input });
        continue;
      }
      const result = resultBlock.safeParse(block);
      if (result.success) {
        const read = readResult(result.data, calls);
        results.push(read);
        lastResults.push(read);
        continue;
      }
      const text = textBlock.safeParse(block);
      if (role === 'user' && results.length === 0 && text.success) prompt = text.data.text;
    }
  }
  const turn = body.messages.filter(({ role }) => role === 'assistant').length;
  return { prompt, turn, tools: readTools(body), calls, results, lastResults };
}

function plainName(name: string): string {
  return name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
}

function readTools(body: MessagesRequest): OfferedTool[] {
  return (body.tools ?? [])
    .filter((tool) => tool.name.startsWith(PREFIX))
    .map((tool) => ({
      name: plainName(tool.name),
      offeredAs: tool.name,
      description: tool.description ?? '',
      inputSchema: tool.input_schema,
    }));
}

function readResult(block: z.infer<typeof resultBlock>, calls: ToolCall[]): ToolResult {
  const parts = typeof block.content === 'string' ? [block.content] : (block.content ?? []).map(readPart);
  const text = parts.join('\n');
  return {
    callId: block.tool_use_id,
    tool: calls.find(({ id }) => id === block.tool_use_id)?.tool ?? '',
    isError: block.is_error ?? false,
    text,
    json: parseJson(text),
  };
}

function readPart(part: unknown): string {
  const text = textBlock.safeParse(part);
  return text.success ? text.data.text : JSON.stringify(part);
}

function writeBlocks(turn: Turn, tools: OfferedTool[], nextId: (prefix: string) => string): Block[] {
  const blocks: Block[] = turn.text === undefined ? [] : [{ type: 'text', text: turn.text }];
  for (const call of turn.calls ?? []) {
    const name = offeredTool(tools, call.tool).offeredAs;
    blocks.push({ type: 'tool_use', id: nextId('toolu'), name, input: call.arguments });
  }
  return blocks;
}

function writeMessage(id: string, model: string, content: Block[]) {
  const stop_reason = content.some(({ type }) => type === 'tool_use') ? 'tool_use' : 'end_turn';
  const usage = { input_tokens: 1000, output_tokens: 10 };
  return { id, type: 'message', role: 'assistant', model, content, stop_reason, stop_sequence: null, usage };
}

/** The event order of Anthropic's streaming Messages API. */
function streamMessage(message: ReturnType<typeof writeMessage>): { type: string }[] {
  const { content, stop_reason, usage, ...head } = message;
  const events: { type: string; [key: string]: unknown }[] = [
    { type: 'message_start', message: { ...head, content: [], stop_reason: null, usage } },
  ];
  content.forEach((block, index) => {
    const empty = block.type === 'text' ? { ...block, text: '' } : { ...block, input: {} };
    const delta =
      block.type === 'text'
        ? { type: 'text_delta', text: block.text }
        : { type: 'input_json_delta', partial_json: JSON.stringify(block.input) };
    events.push({ type: 'content_block_start', index, content_block: empty });
    events.push({ type: 'content_block_delta', index, delta });
    events.push({ type: 'content_block_stop', index });
  });
  events.push({ type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage });
  events.push({ type: 'message_stop' });
  return events;
}
