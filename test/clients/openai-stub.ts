import { type Exchange, type ModelStub, sendEvents, startModelStub } from './model-stub.ts';
import { type OpenaiConversation, readConversation, responsesRequest } from './openai-conversation.ts';
import { offeredTool, type Script, type Turn } from './script.ts';

type Item = { type: string; id: string; [key: string]: unknown };

/** Lists the server's tools in code mode, where Codex does not show them to its model by itself. */
const DISCOVER = `text(JSON.stringify(ALL_TOOLS.filter(({ name }) => name.startsWith('mcp__countersign__'))));`;

/** A call over 30 seconds would otherwise come back as unfinished, and 10,000 tokens would cut a long result. */
const PRAGMA = '// @exec: {"yield_time_ms": 120000, "max_output_tokens": 40000}\n';

/**
 * Starts a stub of OpenAI's Responses API (server-sent events, which is all that Codex speaks to a custom provider) that
 * answers as the script says. Calls go out in the way that Codex offers the tools: as functions in the namespace of the
 * MCP server, or, for models in code mode, as JavaScript for its `exec` tool.
 */
export function startOpenaiStub(script: Script): Promise<ModelStub> {
  return startModelStub(answer, script);
}

function answer(exchange: Exchange): boolean {
  const { request, response, nextId } = exchange;
  if (request.method !== 'POST' || request.path !== '/v1/responses') return false;
  const body = responsesRequest.parse(request.body);
  const conversation = readConversation(body);
  const items = conversation.undiscovered
    ? [execItem(conversation, nextId, `discover_${nextId('call')}`, DISCOVER)]
    : writeItems(exchange.play(conversation), conversation, nextId);
  sendEvents(response, streamResponse(nextId('resp'), body.model, items));
  return true;
}

function writeItems(turn: Turn, conversation: OpenaiConversation, nextId: (prefix: string) => string): Item[] {
  const items: Item[] = [];
  if (turn.text !== undefined) {
    const content = [{ type: 'output_text', text: turn.text, annotations: [] }];
    items.push({ type: 'message', id: nextId('msg'), role: 'assistant', status: 'completed', content });
  }
  for (const call of turn.calls ?? []) {
    const { offeredAs } = offeredTool(conversation.tools, call.tool);
    const call_id = `turn${conversation.turn}_${nextId('call')}`;
    const args = JSON.stringify(call.arguments);
    if (conversation.exec) {
      const source = `${PRAGMA}text(JSON.stringify(await tools.${offeredAs}(${args})));`;
      items.push(execItem(conversation, nextId, call_id, source));
    } else {
      const namespace = conversation.namespace;
      items.push({ type: 'function_call', id: nextId('fc'), call_id, namespace, name: offeredAs, arguments: args });
    }
  }
  return items;
}

function execItem(
  { exec }: OpenaiConversation,
  nextId: (prefix: string) => string,
  call_id: string,
  input: string,
): Item {
  return { type: 'custom_tool_call', id: nextId('ctc'), call_id, ...exec, input };
}

/** The events of a streamed response that Codex reads; it ignores the finer ones. */
function streamResponse(id: string, model: string, items: Item[]): { type: string }[] {
  const head = { id, object: 'response', model };
  const usage = {
    input_tokens: 1000,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 10,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 1010,
  };
  return [
    { type: 'response.created', response: { ...head, status: 'in_progress', output: [] } },
    ...items.flatMap((item, output_index) => [
      { type: 'response.output_item.added', output_index, item },
      { type: 'response.output_item.done', output_index, item },
    ]),
    { type: 'response.completed', response: { ...head, status: 'completed', output: items, usage } },
  ] as { type: string }[];
}
