/** The MCP tools of Countersign. They know the operator API and nothing of the control plane. */

export { type AnswerOptions, answerPlain, type Line, type ToolCall } from './answer.ts';
export { type AskedActions, makeAskedActions } from './asked-actions.ts';
export { buildServer, MODERN, type ServerOptions } from './build-server.ts';
export { type DescribedTool, describeTools } from './describe-tools.ts';
export { clientIn, type PlainRequest, plainRequestIn } from './plain-request.ts';
export { canAsk, type FormAnswers, type Verdict } from './prompt.ts';
export { runStdio, type StdioOptions } from './stdio.ts';
export { type Surface, toolNamed, toolsFor } from './surface.ts';
export { catalogue } from './tools/index.ts';
