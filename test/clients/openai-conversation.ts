import { z } from 'zod';
import { type Conversation, type OfferedTool, parseJson, type ToolCall, type ToolResult } from './script.ts';

/** Codex puts the tools of the server `countersign` into this namespace. */
const NAMESPACE = 'mcp__countersign';

const offered = z.looseObject({ type: z.string(), name: z.string().optional(), description: z.string().optional() });
const namespaced = offered.extend({ tools: z.array(offered).optional() });
const part = z.looseObject({ type: z.string(), text: z.string().optional() });
const output = z.union([z.string(), z.array(part)]);

const item = z.union([
  z.object({ type: z.literal('additional_tools'), tools: z.array(namespaced) }),
  z.object({ type: z.literal('message'), role: z.string(), content: z.array(part) }),
  z.object({ type: z.literal('function_call'), call_id: z.string(), name: z.string(), arguments: z.string() }),
  z.object({ type: z.literal('custom_tool_call'), call_id: z.string(), input: z.string() }),
  z.object({ type: z.enum(['function_call_output', 'custom_tool_call_output']), call_id: z.string(), output }),
  z.object({ type: z.string() }).transform(() => ({ type: 'other' as const })),
]);

/** The part of a Responses API request that the stub reads. */
export const responsesRequest = z.object({
  model: z.string(),
  tools: z.array(namespaced).optional(),
  input: z.array(item),
});
export type ResponsesRequest = z.infer<typeof responsesRequest>;

export interface OpenaiConversation extends Conversation {
  namespace: string;
  /** Where Codex offers its `exec` tool for JavaScript (code mode): how to call it. */
  exec: { name: string; namespace?: string } | undefined;
  /** True in code mode until the tools have been listed. */
  undiscovered: boolean;
}

const mcpResult = z.object({
  content: z.array(part),
  structuredContent: z.unknown().optional(),
  isError: z.boolean().optional(),
});

const discoveredTools = z.array(z.object({ name: z.string(), description: z.string() }));

/**
 * The conversation so far. The stub names its calls `turn<number>_…` and `discover_…`, and Codex repeats these ids, so the
 * number of the turn can be read from the request alone.
 */
export function readConversation(body: ResponsesRequest): OpenaiConversation {
  const exec = findExec(body);
  const calls: ToolCall[] = [];
  const results: ToolResult[] = [];
  let prompt = '';
  let discovered: OfferedTool[] | undefined;
  for (const entry of body.input) {
    if (entry.type === 'message' && entry.role === 'user') prompt = entry.content.at(-1)?.text ?? '';
    if (entry.type === 'function_call') calls.push(readFunctionCall(entry));
    if (entry.type === 'custom_tool_call' && entry.call_id.startsWith('turn')) calls.push(readExecCall(entry));
    if (entry.type !== 'function_call_output' && entry.type !== 'custom_tool_call_output') continue;
    const text = readOutput(entry.output);
    if (entry.call_id.startsWith('discover')) discovered = readDiscovered(text);
    else results.push(readResult(entry.call_id, text, calls, exec !== undefined));
  }
  const turn = Math.max(0, ...calls.map(({ id }) => turnOf(id) + 1));
  const tools = exec ? (discovered ?? []) : readFunctions(body);
  const lastResults = results.filter(({ callId }) => turnOf(callId) === turn - 1);
  const undiscovered = exec !== undefined && discovered === undefined;
  return { prompt, turn, tools, calls, results, lastResults, exec, namespace: NAMESPACE, undiscovered };
}

function turnOf(callId: string): number {
  return Number(/^turn(\d+)_/.exec(callId)?.[1] ?? 0);
}

function allTools(body: ResponsesRequest): z.infer<typeof namespaced>[] {
  const additional = body.input.flatMap((entry) => (entry.type === 'additional_tools' ? entry.tools : []));
  return [...(body.tools ?? []), ...additional];
}

function findExec(body: ResponsesRequest): OpenaiConversation['exec'] {
  const isExec = (tool: z.infer<typeof offered>) => tool.type === 'custom' && tool.name === 'exec';
  for (const tool of allTools(body)) {
    if (isExec(tool)) return { name: 'exec' };
    if (tool.tools?.some(isExec)) return { name: 'exec', namespace: tool.name ?? '' };
  }
  return undefined;
}

function readFunctions(body: ResponsesRequest): OfferedTool[] {
  const functions = allTools(body).find(({ name }) => name === NAMESPACE)?.tools ?? [];
  return functions.map(({ name = '', description = '', parameters }) => ({
    name,
    offeredAs: name,
    description,
    inputSchema: parameters,
  }));
}

/** In code mode a tool's description holds a TypeScript declaration in the place of a JSON Schema. */
function readDiscovered(text: string): OfferedTool[] {
  return discoveredTools.parse(parseJson(text)).map(({ name, description }) => ({
    name: name.slice(`${NAMESPACE}__`.length),
    offeredAs: name,
    description,
    inputSchema: undefined,
  }));
}

function readFunctionCall(entry: { call_id: string; name: string; arguments: string }): ToolCall {
  const args = z.record(z.string(), z.unknown()).parse(parseJson(entry.arguments));
  return { id: entry.call_id, tool: entry.name, arguments: args };
}

/** Reads back the JavaScript that the stub itself wrote. */
function readExecCall(entry: { call_id: string; input: string }): ToolCall {
  const [, tool = '', args = ''] = /await tools\.mcp__countersign__(\w+)\((.*)\)\)\);$/s.exec(entry.input) ?? [];
  return { id: entry.call_id, tool, arguments: z.record(z.string(), z.unknown()).parse(parseJson(args)) };
}

/** The text without the line or two that Codex puts before each result. */
function readOutput(value: z.infer<typeof output>): string {
  const text = typeof value === 'string' ? value : value.map((entry) => entry.text ?? JSON.stringify(entry)).join('\n');
  return text.replace(/^(Script \w+\n)?Wall time:? [\d.]+ seconds\nOutput:\n+/, '');
}

function readResult(callId: string, text: string, calls: ToolCall[], code: boolean): ToolResult {
  const tool = calls.find(({ id }) => id === callId)?.tool ?? '';
  if (!code) return { callId, tool, isError: undefined, text, json: parseJson(text) };
  const result = mcpResult.safeParse(parseJson(text));
  if (!result.success) return { callId, tool, isError: true, text, json: undefined };
  const { structuredContent, content, isError = false } = result.data;
  const shown = structuredContent === undefined ? content.map((entry) => entry.text ?? '').join('\n') : undefined;
  const read = shown ?? JSON.stringify(structuredContent);
  return { callId, tool, isError, text: read, json: parseJson(read) };
}
