/** Child process: the MCP SDK alone, as its documentation has it, with one tool that does nothing. No token, no schema of ours, no store. */
import { createServer } from 'node:http';
import { type NodeIncomingMessageLike, toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { serveCounted } from './counted-server.ts';

const handler = createMcpHandler(() => {
  const mcp = new McpServer({ name: 'bare', version: '1.0.0' }, { capabilities: { tools: {} } });
  mcp.registerTool('nothing', { description: 'Does nothing.', inputSchema: z.object({}) }, async () => ({
    content: [{ type: 'text', text: 'done' }],
  }));
  return mcp;
});
const serve = toNodeHandler(handler);
// The cast is for exactOptionalPropertyTypes alone: Node declares `url` as possibly undefined, the SDK as optional.
serveCounted(createServer((request, response) => void serve(request as NodeIncomingMessageLike, response)));
