/** The MCP tools of Countersign. They know the operator API and nothing of the control plane. */
export { type AskedActions, makeAskedActions } from './asked-actions.ts';
export { buildServer, MODERN, type ServerOptions, type ToolCall } from './build-server.ts';
export { type DescribedTool, describeTools } from './describe-tools.ts';
export type { FormAnswers, Verdict } from './prompt.ts';
export { runStdio, type StdioOptions } from './stdio.ts';
export { type Surface, toolsFor } from './surface.ts';
export { catalogue } from './tools/index.ts';
