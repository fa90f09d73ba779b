/**
 * What a scripted model sees and says, in words that fit both model APIs, so that one script drives every assistant.
 * The stubs translate between this and their wire.
 */

/** A tool of the MCP server under test, as the assistant offered it to its model. */
export interface OfferedTool {
  /** The name that the MCP server gave it, such as `list_servers`. */
  name: string;
  /** The name that the assistant shows to its model, such as `mcp__countersign__list_servers`. */
  offeredAs: string;
  description: string;
  /** JSON Schema of the arguments, as the assistant passed it on. */
  inputSchema: unknown;
}

export interface ToolCall {
  id: string;
  tool: string;
  arguments: Record<string, unknown>;
}

/** What came back from a call, exactly as the model gets to read it. */
export interface ToolResult {
  callId: string;
  tool: string;
  /** Undefined where the assistant does not tell its model (Codex, where it offers tools as functions). */
  isError: boolean | undefined;
  text: string;
  /** The text parsed, where it is JSON; otherwise undefined. */
  json: unknown;
}

export interface Conversation {
  /** The user's prompt. */
  prompt: string;
  /** How many times the model has already answered: 0 for the first answer. */
  turn: number;
  tools: OfferedTool[];
  calls: ToolCall[];
  results: ToolResult[];
  /** The results of the calls made in the turn before this one. */
  lastResults: ToolResult[];
}

/** The model's next answer. A turn without calls ends the conversation. */
export interface Turn {
  text?: string;
  calls?: { tool: string; arguments: Record<string, unknown> }[];
}

/** Must be a pure function of the conversation: an assistant may repeat a request. */
export type Script = (conversation: Conversation) => Turn;

/**
 * A script with one step per turn; after the last it says `done`.
 *
 * @example inOrder([() => ({ calls: [{ tool: 'list_servers', arguments: {} }] }), ({ lastResults }) => …])
 */
export function inOrder(steps: Script[]): Script {
  return (conversation) => steps[conversation.turn]?.(conversation) ?? { text: 'done' };
}

/** The text as JSON, or undefined where it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Finds the offered name of a tool; throws with the list of what was offered. */
export function offeredTool(tools: OfferedTool[], name: string): OfferedTool {
  const found = tools.find((tool) => tool.name === name);
  if (!found) {
    throw new Error(
      `the script calls ${name}, but the assistant offered: ${tools.map((tool) => tool.name).join(', ')}`,
    );
  }
  return found;
}
