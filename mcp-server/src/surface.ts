/** Who sees what: the catalogue as one caller gets it. */
import type { Tool } from './tool.ts';
import { catalogue } from './tools/index.ts';

/** The scope of the caller's token: `read` looks, `request` may also ask for changes. No scope decides. */
export type Surface = 'read' | 'request';

/** The tools that a caller sees, in the order of the catalogue. */
export function toolsFor(surface: Surface): readonly Tool[] {
  return surface === 'request' ? catalogue : catalogue.filter(({ scope }) => scope === 'read');
}

/** The tool of this name that a caller sees. */
export function toolNamed(surface: Surface, name: string): Tool | undefined {
  const tool = byName.get(name);
  return tool?.scope === 'request' && surface !== 'request' ? undefined : tool;
}

const byName = new Map(catalogue.map((tool) => [tool.name, tool]));
