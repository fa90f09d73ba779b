/** Playbooks: their format, parser, rendering to a plan, and words. */
export { describe, explain } from './describe.ts';
export type { Value, Values } from './fill-in.ts';
export { fits, type ServerAbilities } from './fits.ts';
export { type PlaybookFile, playbookFileSchema, playbookJsonSchema } from './format.ts';
export { CASES_ENDING, idTaken, libraryFolder, loadLibrary, playbookFiles } from './library.ts';
export { lint, type Problem } from './lint.ts';
export { isRequired, type Parameter, sampleValue } from './parameter-types.ts';
export { formatProblem, type ParsedPlaybook, type PlacedProblem, parsePlaybook } from './parse.ts';
export type { Playbook } from './playbook.ts';
export { playbookView } from './playbook-view.ts';
export { parseParameters, renderDiagnostics, renderPlan } from './render-plan.ts';
